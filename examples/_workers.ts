/** One server in several processes, which share its port, and with it the cores of the machine. */
import { fail } from "./_cli.ts";

/**
 * Runs the program in `count` processes, until Ctrl-C (SIGINT) or SIGTERM ends them all. When one ends by itself, so do
 * the others: whoever supervises the program starts it again. When this process is killed, their input ends, and so do they.
 *
 * @param program The URL of the program.
 * @param count How many.
 * @param port The port they share; with 0 the first one chooses it.
 * @param args What each is given, to listen on that port.
 */
export async function serveByWorkers(
  program: string,
  count: number,
  port: number,
  args: (port: number) => string[],
): Promise<void> {
  const alive = new Set<Deno.ChildProcess>();
  const codes: Promise<number>[] = [];
  let where = "";
  let stopping = false;
  const stop = () => {
    stopping = true;
    for (const worker of alive) worker.kill("SIGTERM");
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, stop);

  const flags = ["--no-prompt", "--unstable-net", "--allow-net"];
  const { state } = await Deno.permissions.query({ name: "ffi" });
  if (state === "granted") flags.push("--allow-ffi");
  while (alive.size < count && !stopping) {
    const worker = spawn(["run", ...flags, program, ...args(port)]);
    alive.add(worker);
    codes.push(worker.status.then(({ code, signal }) => {
      alive.delete(worker);
      // Ctrl-C is for all processes: SIGTERM may come to one that has obeyed it already, and listens no more.
      if (stopping) return signal === "SIGTERM" || signal === "SIGINT" ? 0 : code;
      if (where !== "") {
        console.error(`Process ${worker.pid} has ended with code ${code}: so do all`);
      }
      stop();
      return 1;
    }));
    where = await firstLine(worker.stdout);
    if (where === "") break; // it has said why
    port = Number(/:(\d+)\/?$/.exec(where)![1]);
  }
  if (where !== "" && !stopping) console.log(`${where} by ${count} processes`);

  Deno.exitCode = Math.max(...await Promise.all(codes));
  for (const signal of signals) Deno.removeSignalListener(signal, stop);
}

function spawn(args: string[]): Deno.ChildProcess {
  try {
    return new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    fail("Cannot start processes: that needs --allow-run");
  }
}

async function firstLine(output: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const piece of output.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0]!;
}
