import { concat } from "../compose/_bytes.ts";
import type { Context } from "./context.ts";

/** A context in memory; made by {@linkcode memory}. */
export class MemoryContext implements Context {
  /** What a selector asks: there is always something to receive, if only the end of the stream. */
  readonly readable = true;
  /** What a selector asks: all that is sent is accepted. */
  readonly writable = true;
  /** Whether it was closed. */
  closed = false;
  readonly #input: (Uint8Array | string)[];
  readonly #output: Uint8Array[] = [];

  /** Takes what will be received, chunk by chunk; {@linkcode memory} is the usual way. */
  constructor(input: (Uint8Array | string)[]) {
    this.#input = input;
  }

  /** What was sent so far, as bytes. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return concat(this.#output);
  }

  /** What was sent so far, as text (UTF-8). */
  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  /** What was sent so far, one chunk for each time it was sent. */
  get chunks(): Uint8Array[] {
    return this.#output;
  }

  /** The next chunk, or `null` when there is none left. */
  recv(): Uint8Array | string | null {
    return this.#input.shift() ?? null;
  }

  /** Keeps the bytes. */
  send(bytes: Uint8Array): number {
    if (this.closed) throw new TypeError("Cannot send: the context is closed");
    if (bytes.length > 0) this.#output.push(bytes);
    return bytes.length;
  }

  /** Marks it closed. */
  close(): void {
    this.closed = true;
  }

  /** For the selector: it is always ready. */
  watch(_interest: "read" | "write", notify: () => void): void {
    notify();
  }

  /** For the selector. */
  unwatch(): void {}
}

/**
 * A context in memory, to run a protocol without a socket: reading gives the chunks, then the end of the stream.
 *
 * @param input What is received, a chunk for each read.
 * @returns The context; what was sent to it is in `text`, `bytes` and `chunks`.
 *
 * @example Testing a protocol
 * ```ts
 * import { asProcess, memory } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const connection = memory("World");
 * await asProcess(function* () {
 *   yield `Hello, ${yield}!`;
 * }(), { connection });
 * assertEquals(connection.text, "Hello, World!");
 * ```
 */
export function memory(...input: (Uint8Array | string)[]): MemoryContext {
  return new MemoryContext(input);
}
