import type { Input } from "./_body.ts";
import { CR, LF } from "./_characters.ts";
import { bad, tooLargeHead, tooLongLine } from "./_faults.ts";
import type { HttpLimits } from "./http_limits.ts";

/** Gathers the pieces of a head, and finds the empty line at its end. */
export class PartialHead {
  readonly #limits: HttpLimits;
  #buffer = new Uint8Array(1024);
  #length = 0;
  /** How many bytes the current line has so far. */
  #line = 0;
  #lines = 0;
  /** Whether the request line is complete. There may be an empty line before it. */
  #pastRequestLine = false;
  #last = 0;
  /** Whether nothing but an empty line has arrived. */
  empty = true;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Takes the bytes that belong to the head. Returns whether it is complete. */
  add(input: Input): boolean {
    const { bytes } = input;
    const from = input.at;
    let complete = false;
    let at = from;
    while (at < bytes.length && !complete) {
      const byte = bytes[at++]!;
      this.#line++;
      if (byte === LF) {
        // RFC 9112 2.2: a recipient MAY take a LF alone as the end of a line. Only smugglers need
        // that.
        if (this.#last !== CR) throw bad("a line that ends without CR (RFC 9112 2.2)");
        complete = this.#line === 2 && this.#lines++ > 0;
        if (this.#line > 2) {
          this.#lines++;
          this.#pastRequestLine = true;
        }
        this.#line = 0;
      } else if (this.#line > 1 || byte !== CR) this.empty = false;
      this.#last = byte;
    }
    this.#append(bytes, from, at);
    input.at = at;
    if (!this.#pastRequestLine && this.#line > this.#limits.maxRequestLineBytes + 1) {
      throw tooLongLine();
    }
    return complete;
  }

  #append(bytes: Uint8Array, from: number, to: number): void {
    const length = this.#length + to - from;
    if (length > this.#limits.maxHeadBytes) {
      throw this.#pastRequestLine ? tooLargeHead() : tooLongLine();
    }
    if (length > this.#buffer.length) {
      const buffer = new Uint8Array(Math.max(length, 2 * this.#buffer.length));
      buffer.set(this.bytes);
      this.#buffer = buffer;
    }
    this.#buffer.set(
      from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to),
      this.#length,
    );
    this.#length = length;
  }
}
