import { EndOfStream } from "../../compose/mod.ts";
import type { Context } from "../../gio/mod.ts";
import type { Interest } from "../../reactor/mod.ts";
import { CANCEL } from "./_codes.ts";
import type { H2Stream } from "./_stream.ts";

/** A stream as a context: what is read from it and written to it is in frames of DATA. */
export class StreamContext implements Context {
  protected readonly stream: H2Stream;
  readonly #of: { readonly fault: unknown };
  /** What came before the peer reset the stream, when all had been said. */
  #kept: Uint8Array[] | undefined = undefined;
  #onReadable: (() => void) | undefined = undefined;
  #onWritable: (() => void) | undefined = undefined;

  constructor(stream: H2Stream, of: { readonly fault: unknown }) {
    this.stream = stream;
    this.#of = of;
  }

  /** What it was lost by. */
  lost(): unknown {
    return this.#of.fault;
  }

  get isAtEnd(): boolean {
    return this.stream.isAtEnd;
  }

  get readable(): boolean {
    return this.#kept !== undefined || this.stream.hasInput || this.stream.isAtEnd || this.closed;
  }

  get writable(): boolean {
    return !this.stream.isFull || this.closed;
  }

  get closed(): boolean {
    return this.#kept === undefined && this.lost() !== undefined;
  }

  /** Keeps what has come, up to the end: that is whole, although the stream is lost. */
  keep(): void {
    const kept: Uint8Array[] = this.#kept = [];
    for (let piece; (piece = this.stream.read()) !== undefined;) kept.push(piece);
  }

  recv(max: number = Infinity): Uint8Array | null | undefined {
    const { stream } = this;
    const kept = this.#kept;
    if (kept === undefined) this.#check();
    const piece = kept === undefined ? stream.read() : kept.shift();
    if (piece === undefined) return kept !== undefined || stream.isAtEnd ? null : undefined;
    if (piece.length <= max) return piece;
    const rest = piece.subarray(max);
    if (kept === undefined) stream.unread(rest);
    else kept.unshift(rest);
    return piece.subarray(0, max);
  }

  send(bytes: Uint8Array): number {
    this.#check();
    if (this.stream.isFull) return 0;
    this.stream.write(bytes);
    this.stream.flush();
    return bytes.length;
  }

  close(): void {}

  abort(): void {
    this.stream.reset(CANCEL, new EndOfStream("The stream was cut"));
  }

  watch(interest: Interest, notify: () => void): void {
    this.#set(interest, notify);
    if (interest === "read" ? this.readable : this.writable) notify();
  }

  unwatch(interest: Interest): void {
    this.#set(interest, undefined);
  }

  #set(interest: Interest, notify: (() => void) | undefined): void {
    if (interest === "read") this.#onReadable = notify;
    else this.#onWritable = notify;
  }

  /** It has become ready, perhaps. */
  notify(interest: Interest): void {
    const notify = interest === "read" ? this.#onReadable : this.#onWritable;
    notify?.();
  }

  describe(): string {
    return `stream ${this.stream.id} of HTTP/2`;
  }

  #check(): void {
    const lost = this.lost();
    if (lost !== undefined) throw lost;
  }
}
