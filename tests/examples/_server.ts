/** Starts an example as its own process, the way a person would, and ends it. */
import { fileURLToPath } from "node:url";
import { PATIENCE_MS, turns } from "../_leaks.ts";

const examples = new URL("../../examples/", import.meta.url);

/** See tests/offline/deno.ts. */
const map = Deno.env.get("IMPORT_MAP");
/** How an example begins: it needs no permissions but those that its test gives. */
const RUN = ["run", "--no-prompt", ...(map === undefined ? [] : [`--import-map=${map}`])];

export class ExampleServer implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #stdout: ReadableStreamDefaultReader<string>;
  readonly #stderr: Promise<string>;
  /** What it printed, and nobody has asked for yet. */
  #printed: string;
  /** What it printed when it began to listen. */
  readonly listening: string;

  constructor(
    process: Deno.ChildProcess,
    stdout: ReadableStreamDefaultReader<string>,
    stderr: Promise<string>,
    printed: string,
  ) {
    this.#process = process;
    this.#stdout = stdout;
    this.#stderr = stderr;
    const end = printed.indexOf("\n");
    this.listening = printed.slice(0, end);
    this.#printed = printed.slice(end + 1);
  }

  /** `args` are those of the example; `permissions` those of Deno; `wrapper` is a command that runs it. */
  static async start(
    name: string,
    args: string[],
    permissions: string[] = ["--allow-net"],
    wrapper: string[] = [],
  ): Promise<ExampleServer> {
    const path = fileURLToPath(new URL(name, examples));
    const [command, ...rest] = [...wrapper, Deno.execPath()];
    const process = new Deno.Command(command!, {
      args: [...rest, ...RUN, ...permissions, path, ...args],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stdout = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const stderr = new Response(process.stderr).text();
    let printed = "";
    while (!printed.includes("\n")) {
      const { value, done } = await stdout.read();
      if (done) {
        await process.status;
        throw new Error(`${name} ended before it listened: ${printed}${await stderr}`);
      }
      printed += value;
    }
    return new ExampleServer(process, stdout, stderr, printed);
  }

  get url(): string {
    return this.listening.match(/http:\/\/\S+/)![0];
  }

  get port(): number {
    return Number(this.listening.match(/:(\d+)/)![1]);
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    while (!this.#printed.includes("\n")) {
      const { value, done } = await this.#stdout.read();
      if (done) throw new Error(`It ended after ${this.#printed}`);
      this.#printed += value;
    }
    const end = this.#printed.indexOf("\n");
    const line = this.#printed.slice(0, end);
    this.#printed = this.#printed.slice(end + 1);
    return line;
  }

  /** How many descriptors the process has open (Linux). */
  get descriptors(): number {
    return [...Deno.readDirSync(`/proc/${this.#process.pid}/fd`)].length;
  }

  /** The processes it has started (Linux). */
  get children(): number[] {
    const { pid } = this.#process;
    return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").map(Number);
  }

  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<{ code: number; errors: string }> {
    this.#process.kill(signal);
    return await this.ended();
  }

  /** Waits for the end. */
  async ended(): Promise<{ code: number; errors: string }> {
    const { code } = await this.#process.status;
    await this.#stdout.cancel();
    return { code, errors: await this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop();
    } catch { /* it has ended already */ }
  }
}

/** Waits until `done()` of another process, which tells nobody when; gives whether it came to be. */
export async function waitedFor(done: () => boolean): Promise<boolean> {
  for (const deadline = performance.now() + PATIENCE_MS; !done();) {
    if (performance.now() > deadline) return false;
    await turns(100);
  }
  return true;
}

/** Runs an example to its end. */
export async function runExample(
  name: string,
  args: string[],
  permissions: string[] = ["--allow-net"],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...RUN, ...permissions, fileURLToPath(new URL(name, examples)), ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
