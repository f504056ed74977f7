/** Servers in processes of their own, which print where they listen. */
import { fileURLToPath } from "node:url";
import type { Held } from "./_abused.ts";

/** A server that runs. */
export interface Server {
  port: number;
  process: Deno.ChildProcess;
  stdout: ReadableStreamDefaultReader<string>;
}

/** A process of which only that is known. */
export interface Running {
  process: { pid: number };
}

/** A path in this folder, absolute. */
export function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

export async function has(command: string): Promise<boolean> {
  try {
    await new Deno.Command(command, { args: ["--version"], stdout: "null", stderr: "null" })
      .output();
    return true;
  } catch {
    return false;
  }
}

/** The path of a C program of `peers/`, built by the compiler of the system; undefined if there is none. */
export async function compiled(source: string): Promise<string | undefined> {
  const output = `${buildFolder()}/${source.replace(/\.c$/, "")}`;
  for (const compiler of ["cc", "gcc", "clang"]) {
    if (!await has(compiler)) continue;
    const args = ["-O2", "-o", output, here(`peers/${source}`)];
    const { success } = await new Deno.Command(compiler, { args, stderr: "inherit" }).output();
    if (success) return output;
  }
  console.error(`Without a C compiler ${source} is left out: apt-get install gcc`);
}

let folder: string | undefined;
function buildFolder(): string {
  if (folder === undefined) {
    const path = folder = Deno.makeTempDirSync();
    addEventListener("unload", () => Deno.removeSync(path, { recursive: true }));
  }
  return folder;
}

/** Starts a server and waits until it has said where it listens; `descriptors` raises the limit of open files. */
export async function start(
  command: string,
  args: string[],
  descriptors?: number,
): Promise<Server> {
  const raised = descriptors === undefined ? { command, args } : {
    command: "sh",
    args: ["-c", `ulimit -n ${descriptors} && exec "$0" "$@"`, command, ...args],
  };
  const process = new Deno.Command(raised.command, {
    args: raised.args,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const stdout = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let output = "";
  for (;;) {
    const { value, done } = await stdout.read();
    if (done) throw new Error(`${command} ${args.join(" ")} ended before it listened`);
    output += value;
    const port = output.match(/:(\d+)\/?\s/)?.[1];
    if (port !== undefined) return { port: Number(port), process, stdout };
  }
}

export async function stop(
  { process, stdout }: Server,
  signal: Deno.Signal = "SIGTERM",
): Promise<void> {
  process.kill(signal);
  await stdout.cancel();
  await process.status;
}

/** What a server of `peers/abused.ts` holds. */
export async function held({ process, stdout }: Server): Promise<Held> {
  process.kill("SIGUSR2");
  let line = "";
  while (!line.endsWith("\n")) line += (await stdout.read()).value;
  return JSON.parse(line);
}

/** Resident memory of a process, in bytes (Linux). */
export function residentMemory({ process }: Running): number {
  const status = Deno.readTextFileSync(`/proc/${process.pid}/status`);
  return 1024 * Number(status.match(/VmRSS:\s+(\d+)/)![1]);
}

/** The most memory a process had since `forgetPeak`, in bytes (Linux). */
export function peakMemory({ process }: Running): number {
  const status = Deno.readTextFileSync(`/proc/${process.pid}/status`);
  return 1024 * Number(status.match(/VmHWM:\s+(\d+)/)![1]);
}

export function forgetPeak({ process }: Running): void {
  Deno.writeTextFileSync(`/proc/${process.pid}/clear_refs`, "5");
}

/** Processor time a process, and those of its children that have ended, have used, in milliseconds (Linux). */
export function processorTime({ process }: Running): number {
  const fields = Deno.readTextFileSync(`/proc/${process.pid}/stat`).split(") ")[1]!.split(" ");
  return 10 * fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0); // of 10 ms
}

/** How long the main thread of a process has waited for a core, in milliseconds (Linux). */
export function waitedForCore({ process }: Running): number {
  const [, waited] = Deno.readTextFileSync(`/proc/${process.pid}/schedstat`).split(" ");
  return Number(waited) / 1e6;
}

/** Calls `measure` for each server in each round, in alternating order, once before to warm up. */
export async function takeTurns<T>(
  servers: Map<string, Server>,
  rounds: number,
  measure: (server: Server) => Promise<T>,
): Promise<Map<string, T[]>> {
  const results = new Map<string, T[]>([...servers.keys()].map((name) => [name, []]));
  const order = [...servers];
  for (let i = -1; i < rounds; i++) {
    for (const [name, server] of order) {
      const result = await measure(server);
      if (i >= 0) results.get(name)!.push(result);
    }
    order.reverse();
  }
  return results;
}
