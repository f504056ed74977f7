/** Drives the coroutine of a connection by hand: feeds it chunks and collects what it yields. */
import { type Coroutine, EndOfStream, isRequest } from "../../compose/mod.ts";

const encoder = new TextEncoder();

export function bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** A character for each byte. */
export function text(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export class Driver {
  readonly #coroutine: Coroutine;
  #result: IteratorResult<unknown, unknown>;
  /** What was yielded, not joined. */
  readonly pieces: (string | Uint8Array)[] = [];
  /** The commands that were yielded; each is resumed at once. */
  readonly commands: unknown[] = [];
  /** What the coroutine threw. */
  error: unknown;

  constructor(coroutine: Coroutine) {
    this.#coroutine = coroutine;
    this.#result = { done: false, value: undefined };
    this.#run(() => coroutine.next());
  }

  get done(): boolean {
    return this.#result.done === true;
  }

  /** Everything that was sent, a character for each byte. */
  get output(): string {
    return this.pieces.map((piece) =>
      text(typeof piece === "string" ? encoder.encode(piece) : piece)
    ).join("");
  }

  /** What was sent since it was asked for last. */
  taken(): string {
    const { output } = this;
    this.pieces.length = 0;
    return output;
  }

  feed(...chunks: (string | Uint8Array)[]): this {
    for (const chunk of chunks) {
      if (this.done) break; // the connection is closed: nobody reads any more
      this.#run(() => this.#coroutine.next(typeof chunk === "string" ? bytes(chunk) : chunk));
    }
    return this;
  }

  end(): this {
    return this.throw(new EndOfStream());
  }

  throw(error: unknown): this {
    if (!this.done) this.#run(() => this.#coroutine.throw(error));
    return this;
  }

  close(): this {
    this.#run(() => this.#coroutine.return(undefined));
    return this;
  }

  #run(step: () => IteratorResult<unknown, unknown>): void {
    try {
      for (;;) {
        const result = this.#result = step();
        if (result.done) return;
        const { value } = result;
        if (value === undefined) return;
        if (typeof value === "string" || value instanceof Uint8Array) this.pieces.push(value);
        else if (isRequest(value) || typeof value === "symbol") this.commands.push(value);
        else throw new Error(`The connection yielded ${Deno.inspect(value)}`);
        step = () => this.#coroutine.next();
      }
    } catch (error) {
      this.error = error;
      this.#result = { done: true, value: undefined };
    }
  }
}
