import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { unexpected } from "../../compose/_chunks.ts";
import { machinery } from "../../compose/_machinery.ts";
import type { HttpHeaders } from "../http_headers.ts";
import type { FormLimits } from "./form_limits.ts";
import type { Gathered } from "./_gathered.ts";
import { tooMuch } from "./_form_limits.ts";

/** What a source knows of a part before it is read. */
export interface PartHead {
  name: string;
  headers: HttpHeaders;
  disposition: ReadonlyMap<string, string>;
}

/**
 * The syntax of a form, without I/O. It reads the chunk that it received last.
 *
 * `part()` skips what is left of the last part and gives the next, or `null` if there are no more.
 * `piece()` gives more of the part, or `null` at its end. Both give `undefined` if another chunk must
 * be received first. After `end()` they do not. They throw a RemoteProtocolError if the form is
 * malformed.
 */
export interface FormSource {
  receive(chunk: Uint8Array): void;
  end(): void;
  part(): PartHead | null | undefined;
  piece(): Uint8Array | null | undefined;
}

const encoder = new TextEncoder();

/** Lets coroutines read from a source, which gets what they read. */
export class FormReader {
  readonly #source: FormSource;
  readonly limits: FormLimits;
  #received = 0;
  #parts = 0;
  /** The error that ended it, which everybody gets who reads on. */
  #failure: { error: unknown } | undefined;

  constructor(source: FormSource, limits: FormLimits) {
    this.#source = source;
    this.limits = limits;
  }

  *part(): Coroutine<PartHead | null> {
    const part: PartHead | null = yield this.read(() => this.#source.part());
    if (part !== null && ++this.#parts > this.limits.maxParts) {
      throw this.#fail(tooMuch(`it has more than ${this.limits.maxParts} parts`));
    }
    return part;
  }

  piece(): Coroutine<Uint8Array | null> {
    return this.read(() => this.#source.piece());
  }

  /** All that is left of the part. */
  *pieces(all: Gathered, max: number): Coroutine<void> {
    for (let piece; (piece = (yield this.piece()) as Uint8Array | null) !== null;) {
      if (all.length + piece.length > max) {
        throw tooMuch(`a part of it has more than ${max} bytes`);
      }
      all.add(piece);
    }
  }

  /** What `next` gives. It keeps nothing itself, so that it can be closed at any `yield`. */
  *read<T>(next: () => T | undefined): Coroutine<T> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const value = this.#tried(next);
      if (value !== undefined) return value;
      let chunk: Uint8Array;
      try {
        chunk = yield;
      } catch (error) {
        if (!(error instanceof EndOfStream)) throw error;
        this.#tried(() => this.#source.end());
        continue;
      }
      if (typeof chunk === "string") chunk = encoder.encode(chunk);
      else if (!(chunk instanceof Uint8Array)) throw unexpected("read a form", "bytes", chunk);
      this.#received += chunk.length;
      const { maxBytes } = this.limits;
      if (this.#received > maxBytes) {
        throw this.#fail(tooMuch(`it has more than ${maxBytes} bytes`));
      }
      this.#source.receive(chunk);
    }
  }

  #tried<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(error: unknown): unknown {
    this.#failure = { error };
    return error;
  }
}

const { part, pieces, read } = FormReader.prototype;
machinery(import.meta.url, part, pieces, read);
