import { type Coroutine, Request, type Waiter } from "../../compose/mod.ts";
import type { ZlibTransform } from "./_codecs.ts";
import { plain } from "./_plain.ts";

/**
 * A stream of node:zlib, for coroutines. What it makes is read only when it is wanted, so that a
 * small input which makes a huge output costs no memory. {@linkcode ZlibStream.close} lets go of
 * it, at any time.
 */
export class ZlibStream {
  readonly #stream: ZlibTransform;
  readonly #change: Change = new Change();
  readonly #made: (length: number) => void;
  /** How much of what was begun is not done. An error may have ended the wait for it. */
  #busy = 0;
  #failure: { error: unknown } | undefined;

  /** @param made Is told how many bytes came out, before they are yielded. It may throw. */
  constructor(stream: ZlibTransform, made: (length: number) => void = () => {}) {
    this.#stream = stream;
    this.#made = made;
    stream.on("readable", () => this.#change.note());
    stream.on("error", (error) => {
      this.#failure ??= { error };
      this.#change.note();
    });
  }

  /** How many bytes of what was written were used. What is left came after the end of the data. */
  get used(): number {
    return this.#stream.bytesWritten;
  }

  /** Writes, and yields what comes of it, and requests to wait. */
  write(bytes: Uint8Array): Coroutine<void> {
    return this.#run((done) => this.#stream.write(bytes, done));
  }

  /** Ends the data, and yields the last of what comes of it. */
  end(): Coroutine<void> {
    return this.#run((done) => {
      this.#stream.once("end", done);
      this.#stream.end();
    });
  }

  /** Lets go of what the system has for it. */
  close(): void {
    this.#stream.destroy();
  }

  *#run(begin: (done: () => void) => void): Coroutine<void> {
    this.#busy++;
    begin(() => {
      this.#busy--;
      this.#change.note();
    });
    for (;;) {
      this.#change.forget();
      const bytes: Uint8Array | null = this.#stream.read();
      if (bytes !== null) {
        this.#made(bytes.length);
        yield plain(bytes);
        continue;
      }
      if (this.#failure !== undefined) throw new ZlibError(this.#failure.error);
      if (this.#busy === 0) return;
      yield* this.#change;
    }
  }
}

/** What was written is faulty, or its end is missing. */
export class ZlibError extends Error {
  constructor(cause: unknown) {
    super("Cannot go on with a stream of node:zlib", { cause });
  }
}

/** Waits until something has changed since it was forgotten. */
class Change extends Request {
  #hasChanged = false;
  #waiter: Waiter<void> | undefined;

  override begin(waiter: Waiter<void>): void | (() => void) {
    if (this.#hasChanged) return waiter.resume();
    this.#waiter = waiter;
    return () => this.#waiter = undefined;
  }

  note(): void {
    this.#hasChanged = true;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resume();
  }

  forget(): void {
    this.#hasChanged = false;
  }
}
