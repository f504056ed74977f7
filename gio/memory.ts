import { concat } from "../compose/_bytes.ts";
import { closedError } from "../reactor/_closed_error.ts";
import { shown } from "../reactor/_describe.ts";
import { Waiters } from "../reactor/_waiters.ts";
import type { Context } from "./context.ts";

const encoder = new TextEncoder();

/**
 * A connection in memory, whose peer the test plays; made by {@linkcode memory}.
 *
 * To the protocol it is a socket: it gives bytes, would block when there is nothing, ends and
 * breaks. The test writes, ends and resets as the peer, and reads what the protocol has sent in
 * `text`, `bytes` or `chunks`.
 *
 * @example A peer that answers late
 * ```ts
 * import { gio, memory, type MemoryContext } from "@weightless/io/gio";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const connection: MemoryContext = memory();
 * gio(reactor, connection, function* () {
 *   yield "ready?";
 *   yield yield; // what comes goes back
 * }());
 * assertEquals(connection.text, "ready?");
 * connection.write("yes");
 * reactor.step();
 * assertEquals(connection.text, "ready?yes");
 * ```
 *
 * @category Testing
 */
export class MemoryContext implements Context {
  readonly #input: Uint8Array[] = [];
  readonly #output: Uint8Array[] = [];
  readonly #waiters = new Waiters();
  /** What comes when the input has been read: the end of the stream, or an error. */
  #end: "none yet" | "end" | { error: unknown } = "none yet";
  #state: "open" | "half-closed" | "closed" | "aborted" = "open";
  #room = Infinity;

  // The peer, which the test plays:

  /**
   * The peer sends something.
   *
   * @param pieces Bytes, or text that is sent as UTF-8. Each piece is received by a read of its
   * own.
   * @throws {TypeError} If a piece is something else, or if the peer has ended.
   */
  write(...pieces: (Uint8Array | string)[]): void {
    if (this.#end !== "none yet") throw new TypeError("Cannot write: the peer has ended");
    this.#input.push(...pieces.map(asBytes));
    this.#waiters.read?.();
  }

  /** The peer sends nothing more, but goes on reading: it closes its half. */
  end(): void {
    if (this.#end === "none yet") this.#end = "end";
    this.#waiters.read?.();
  }

  /**
   * The connection breaks. What was written before can be read first; sending fails at once.
   *
   * @param error With what. By default the peer resets the connection.
   */
  fail(error: unknown = new Deno.errors.ConnectionReset("Connection reset by peer")): void {
    this.#end = { error };
    this.#waiters.tellBoth();
  }

  /** How many bytes the peer still takes: `Infinity` at first, 0 for a peer that does not read. */
  get room(): number {
    return this.#room;
  }

  set room(bytes: number) {
    if (!(bytes >= 0)) throw new RangeError(`Cannot have room for ${String(bytes)} bytes`);
    this.#room = bytes;
    this.#waiters.write?.();
  }

  /** What was sent to the peer so far, as bytes. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return concat(this.#output);
  }

  /** What was sent to the peer so far, as text (UTF-8). */
  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  /** What was sent to the peer so far, one chunk for each time it was sent. */
  get chunks(): Uint8Array[] {
    return this.#output;
  }

  /**
   * What the protocol has done with it: it ended its half, closed it, or cut it off with a reset.
   */
  get state(): "open" | "half-closed" | "closed" | "aborted" {
    return this.#state;
  }

  // The context, which the protocol is run on:

  /** Whether there is something to receive. */
  get readable(): boolean {
    return this.#input.length > 0 || this.#end !== "none yet";
  }

  /** Whether there is room, or an error to be thrown. */
  get writable(): boolean {
    return this.#room > 0 || typeof this.#end === "object";
  }

  /** Whether the protocol has closed it. */
  get closed(): boolean {
    return this.#state === "closed" || this.#state === "aborted";
  }

  /**
   * Receives what the peer has written.
   *
   * @returns The next piece, `undefined` if there is none yet, or `null` at the end.
   * @throws {Deno.errors.BadResource} If the protocol has closed it.
   * @throws The error that was given to {@linkcode MemoryContext.fail}.
   */
  recv(): Uint8Array | null | undefined {
    if (this.closed) throw closedError("receive");
    const piece = this.#input.shift();
    if (piece !== undefined || this.#end === "none yet") return piece;
    if (this.#end === "end") return null;
    throw this.#end.error;
  }

  /**
   * Sends bytes to the peer.
   *
   * @param bytes The bytes. They are kept, not copied.
   * @returns How many bytes were accepted: as many as there is {@linkcode MemoryContext.room} for.
   * @throws {Deno.errors.BadResource} If the protocol has closed it, or has ended sending.
   * @throws The error that was given to {@linkcode MemoryContext.fail}.
   */
  send(bytes: Uint8Array): number {
    if (this.#state !== "open") throw closedError("send");
    if (typeof this.#end === "object") throw this.#end.error;
    const length = Math.min(bytes.length, this.#room);
    this.#room -= length;
    if (length > 0) this.#output.push(bytes.subarray(0, length));
    return length;
  }

  /** Nothing more will be sent. */
  shutdown(): void {
    if (this.#state === "open") this.#state = "half-closed";
  }

  /** Closes it. */
  close(): void {
    this.#close("closed");
  }

  /** Closes it, as what was cut off. */
  abort(): void {
    this.#close("aborted");
  }

  /**
   * For the reactor: see `Selectable.watch`.
   *
   * @param interest What to watch for.
   * @param notify What to call then.
   */
  watch(interest: "read" | "write", notify: () => void): void {
    this.#waiters.add(this, interest, notify);
  }

  /**
   * For the reactor: see `Selectable.unwatch`.
   *
   * @param interest What not to watch for any more.
   */
  unwatch(interest: "read" | "write"): void {
    this.#waiters[interest] = undefined;
  }

  #close(state: "closed" | "aborted"): void {
    if (this.closed) return;
    this.#state = state;
    this.#input.length = 0;
    this.#waiters.tellBoth();
  }
}

function asBytes(piece: Uint8Array | string): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === "string") return encoder.encode(piece);
  throw new TypeError(`Cannot send ${shown(piece)} to a protocol: give text or a Uint8Array`);
}

/**
 * A connection in memory: the way to test a protocol, without a socket. The protocol gets bytes, as
 * from a socket.
 *
 * `memory("text", …)` is a peer that says this, a piece for each read, and then ends its half.
 * `memory()` is a peer that has said nothing yet. It stays open, and is silent until the test lets
 * it {@linkcode MemoryContext.write | write()}, {@linkcode MemoryContext.end | end()} or
 * {@linkcode MemoryContext.fail | fail()}. A peer with `room = 0` does not read.
 *
 * @param input What the peer says, if it is all that it says.
 * @returns The context; what was sent to the peer is in `text`, `bytes` and `chunks`.
 * @throws {TypeError} If something of the input is neither text nor a Uint8Array.
 *
 * @example All that the peer says
 * ```ts
 * import { call, type Coroutine, readLine } from "@weightless/io/compose";
 * import { asProcess, memory } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * function* greet(): Coroutine {
 *   const name = yield* call(readLine());
 *   yield `Hello, ${name}!\n`;
 * }
 *
 * const connection = memory("Wor", "ld\n"); // as it may arrive
 * await asProcess(greet(), { connection });
 * assertEquals(connection.text, "Hello, World!\n");
 * ```
 *
 * @example A silent peer, on a clock that the test moves
 * ```ts
 * import { call, type Coroutine, readLine } from "@weightless/io/compose";
 * import { gio, memory, timeout, TimeoutError } from "@weightless/io/gio";
 * import { Reactor, TestClock } from "@weightless/io/reactor";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * function* login(): Coroutine<string> {
 *   using _ = timeout(10_000);
 *   yield "Your name? ";
 *   return yield* call(readLine());
 * }
 *
 * const clock = new TestClock();
 * using reactor = new Reactor({ clock });
 * const peer = memory();
 * const task = gio(reactor, peer, login());
 * assertEquals(peer.text, "Your name? ");
 * peer.write("Ada"); // and no end of the line
 * clock.advance(10_000);
 * reactor.step();
 * await assertRejects(() => task.result, TimeoutError);
 * assertEquals(peer.state, "aborted");
 * ```
 *
 * @example A peer that goes on, one that resets, and one that does not read
 * ```ts
 * import { type Coroutine, EndOfStream, gio, memory } from "@weightless/io/gio";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * function* echo(): Coroutine {
 *   for (;;) yield yield;
 * }
 *
 * using reactor = new Reactor();
 * const [talks, resets, stuck] = [memory(), memory(), memory()];
 * const [talking, resetting] = [talks, resets, stuck].map((peer) => gio(reactor, peer, echo()));
 * stuck.room = 0;
 * for (const peer of [talks, resets, stuck]) peer.write("one");
 * reactor.step();
 * assertEquals([talks.text, resets.text, stuck.text], ["one", "one", ""]);
 * talks.write("two");
 * talks.end();
 * resets.fail();
 * stuck.room = 2;
 * for (let i = 0; i < 3; i++) reactor.step();
 * assertEquals([talks.text, talks.state, stuck.text], ["onetwo", "closed", "on"]);
 * await assertRejects(() => talking!.result, EndOfStream);
 * await assertRejects(() => resetting!.result, Deno.errors.ConnectionReset);
 * ```
 *
 * @category Testing
 */
export function memory(...input: (Uint8Array | string)[]): MemoryContext {
  const context = new MemoryContext();
  if (input.length > 0) {
    context.write(...input);
    context.end();
  }
  return context;
}
