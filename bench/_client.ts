/** Clients in processes of their own. */
import { forgetPeak, peakMemory, processorTime } from "./_servers.ts";

/** A client that obeys orders: see peers/_orders.mjs. */
export class Client {
  readonly process: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(command: string, args: string[], cwd?: string) {
    this.process = new Deno.Command(command, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
      ...(cwd !== undefined && { cwd }),
    }).spawn();
    this.#orders = this.process.stdin.getWriter();
    this.#answers = this.process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async #line(): Promise<string> {
    while (!this.#text.includes("\n")) {
      const { value, done } = await this.#answers.read();
      if (done) throw new Error("A client has ended before it answered");
      this.#text += value;
    }
    const [line, ...rest] = this.#text.split("\n");
    this.#text = rest.join("\n");
    return line!;
  }

  async ready(): Promise<this> {
    await this.#line();
    return this;
  }

  async order(...words: (string | number)[]): Promise<Record<string, number>> {
    await this.#orders.write(new TextEncoder().encode(words.join(" ") + "\n"));
    return JSON.parse(await this.#line());
  }

  /** Milliseconds of processor time so far. */
  get cpu(): number {
    return processorTime(this);
  }

  /** The most memory it had since `forgetPeak`, in bytes. */
  get peak(): number {
    return peakMemory(this);
  }

  forgetPeak(): void {
    forgetPeak(this);
  }

  async end(): Promise<void> {
    await this.#orders.close();
    await this.#answers.cancel();
    await this.process.status;
  }
}
