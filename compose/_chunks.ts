import { concat } from "./_bytes.ts";
import { describe } from "./_describe.ts";
import { Unusable } from "./_unusable.ts";
import { EndOfStream } from "./end_of_stream.ts";

/**
 * Readers and stages do not gather more than this, unless they are told to: 64 Ki characters, bytes
 * or values.
 */
export const DEFAULT_MAX = 65_536;

/** What is read: all text, or all bytes. */
export type Chunk = string | Uint8Array;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What is being done, for messages. It is made text only when there is something to tell. */
export type Action = { toString(): string };

/**
 * What a reader has gathered so far. Nothing is copied before the end, so gathering is linear,
 * however small the chunks.
 */
export class Chunks {
  readonly list: Chunk[] = [];
  length = 0;
  readonly #action: Action;
  readonly #option: string;

  /**
   * @param action What is being done, for messages: "read a line".
   * @param option What sets the limit, for messages: "max of readLine()".
   */
  constructor(action: Action, option: string) {
    this.#action = action;
    this.#option = option;
  }

  get #unit(): string {
    return typeof this.list[0] === "string" ? "character" : "byte";
  }

  /** Adds what a bare `yield` gave, which must be text or bytes, and of the same kind as before. */
  add(chunk: unknown): Chunk {
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) {
      throw unexpected(this.#action, "text or bytes", chunk);
    }
    if (this.list.length > 0 && typeof chunk !== typeof this.list[0]) {
      throw new TypeError(`Cannot ${this.#action}: the input changed between text and bytes`);
    }
    if (this.length === 0) this.list[0] = chunk;
    else if (chunk.length > 0) this.list.push(chunk);
    this.length += chunk.length;
    return chunk;
  }

  /** All of it, or its beginning. */
  take(end: number = this.length): Chunk {
    const { list } = this;
    if (list.length === 0) return new Uint8Array();
    if (list.length === 1) return end === this.length ? list[0]! : part(list[0]!, 0, end);
    if (typeof list[0] === "string") return list.join("").slice(0, end);
    return concat(list as Uint8Array[], end);
  }

  /** The chunks from `start` on: what is to be pushed back. */
  from(start: number): Chunk[] {
    const rest: Chunk[] = [];
    let offset = this.length;
    for (let i = this.list.length - 1; offset > start; i--) {
      const chunk = this.list[i]!;
      offset -= chunk.length;
      rest.unshift(offset >= start ? chunk : part(chunk, start - offset));
    }
    return rest;
  }

  /**
   * Gives what to throw for an error that arrived at a bare `yield`. An EndOfStream is replaced by
   * one that has what was gathered.
   */
  ended(error: unknown, length: number = this.length): unknown {
    if (!(error instanceof EndOfStream)) return error;
    return new EndOfStream(
      `Cannot ${this.#action}: the stream ended after ${counted(length, this.#unit)}`,
      { cause: error, partial: this.list },
    );
  }

  tooLong(max: number): RangeError {
    return tooLong(this.#action, counted(max, this.#unit), this.#option);
  }
}

/** What to throw for something that cannot be read. */
export function unexpected(action: Action, expected: string, value: unknown): TypeError {
  return new TypeError(
    value instanceof Unusable
      ? value.misuse
      : `Cannot ${action}: expected ${expected}, got ${describe(value)}`,
  );
}

/** What to throw when more has to be gathered than an option allows. */
export function tooLong(action: Action, size: string, option: string): RangeError {
  return new RangeError(
    `Cannot ${action}: it is longer than ${size}, the ${option}; give a larger one, or Infinity for no limit`,
  );
}

/** `chunk` from `start` to `end`, without copying bytes. */
export function part(chunk: Chunk, start: number, end?: number): Chunk {
  return typeof chunk === "string" ? chunk.slice(start, end) : chunk.subarray(start, end);
}

export function toText(chunk: Chunk): string {
  return typeof chunk === "string" ? chunk : decoder.decode(chunk);
}

export function toBytes(chunk: Chunk): Uint8Array {
  return typeof chunk === "string" ? encoder.encode(chunk) : chunk;
}

export function counted(n: number, unit: string): string {
  return `${n} ${unit}${n === 1 ? "" : "s"}`;
}

/** @throws {RangeError} If `n` is no size. */
export function checkSize(name: string, n: number): void {
  if (n === Infinity && name.startsWith("max")) return;
  if (!Number.isSafeInteger(n) || n < 0) {
    throw new RangeError(`Cannot use ${n} as ${name}: give a whole number, 0 or more`);
  }
}
