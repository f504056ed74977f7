import type { ByteStream } from "./byte_stream.ts";
import { Slab } from "./_slab.ts";
import { DenoListening } from "./_deno_listening.ts";
import type { Handler } from "./_handler.ts";
import type { Listening, Socket } from "./socket.ts";
import type { SocketOwner } from "./_socket_owner.ts";
import { StreamSocket } from "./stream_socket.ts";

/** What was ready when a step began, in the order in which it became so. */
export interface Ready {
  readers: Handler[];
  writers: Handler[];
}

/**
 * The part of a {@linkcode Reactor} that finds out what is ready. This is the portable one, and what the others build on.
 *
 * 1. It is level-triggered: who is registered and ready is in the result of every {@linkcode DenoSelector.select} until it is
 *    not ready any more or is unregistered.
 * 2. Nothing is scanned. A selectable says itself that it is ready, which puts its handler in a list; a step takes the list
 *    as it is and starts a new one. What is still ready after its callback goes in the new list, the rest is watched again.
 * 3. It also makes the sockets, since how one waits and how one reads belong together.
 */
export class DenoSelector {
  /** `"deno"`. */
  readonly name: string = "deno";
  #pending: Ready = { readers: [], writers: [] };
  #taken: Ready = { readers: [], writers: [] };
  #wake: (() => void) | undefined;
  #waiting: Promise<void> | undefined;
  #slab = new Slab();

  /** Whether anything has become ready since the last {@linkcode DenoSelector.select}. */
  get ready(): boolean {
    return this.#pending.readers.length > 0 || this.#pending.writers.length > 0;
  }

  /** Looks whether anything is ready, in case nobody has told yet. */
  look(): boolean {
    return this.ready;
  }

  /** Whether Deno has input or output to look at; `undefined` if that cannot be known. */
  get denoIsReady(): boolean | undefined {
    return undefined;
  }

  /** Begins to wait for a handler, and makes it active. */
  register(handler: Handler): void {
    handler.active = true;
    handler.notify = () => this.#enqueue(handler);
    this.#watch(handler);
  }

  /** Forgets a handler at once, and makes it inactive. The entry in the list, if any, is passed over by the step. */
  unregister(handler: Handler): void {
    handler.active = false;
    if (!handler.bad) handler.selectable.unwatch(handler.interest);
  }

  /** What is ready now, without blocking. The result is valid until the next call. */
  select(): Ready {
    const { readers, writers } = this.#taken;
    readers.length = 0;
    writers.length = 0;
    const ready = this.#pending;
    this.#pending = this.#taken;
    return this.#taken = ready;
  }

  /** Takes back a handler of {@linkcode DenoSelector.select}, called or not: it may be ready still, or again. */
  again(handler: Handler): void {
    handler.queued = false;
    if (!handler.active) return;
    if (handler.isReady) this.#enqueue(handler);
    else this.#watch(handler);
  }

  /** Resolves at the first notification or {@linkcode DenoSelector.wake}; the limit is for the reactor to keep. */
  wait(_limitMs: number): Promise<void> {
    return this.#waiting ??= new Promise((resolve) => this.#wake = resolve);
  }

  /** Whether somebody waits. */
  get waiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Ends a {@linkcode DenoSelector.wait}. */
  wake(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    this.#wake = undefined;
    this.#waiting = undefined;
    wake();
  }

  /** The socket for a connection of Deno, or anything that reads and writes like one: here over `read` and `write`. */
  socket(stream: Deno.Conn | ByteStream, owner: SocketOwner): Socket {
    if (owner.noDelay && "setNoDelay" in stream) (stream as Deno.TcpConn).setNoDelay(true);
    return new StreamSocket(stream, owner, this.#slab);
  }

  /** The selectable for a listener of Deno: here over `accept`. */
  listening(listener: Deno.Listener, owner: SocketOwner): Listening {
    return new DenoListening(listener, (conn) => this.socket(conn, owner));
  }

  /** Wakes up who still waits, and releases what it holds; if that takes time, resolves when it has. */
  close(): void | Promise<void> {
    this.wake();
  }

  #watch(handler: Handler): void {
    try {
      handler.selectable.watch(handler.interest, handler.notify);
    } catch {
      handler.bad = true;
    }
    if (handler.bad || handler.selectable.closed) this.#enqueue(handler);
  }

  #enqueue(handler: Handler): void {
    if (handler.queued || !handler.active) return;
    handler.queued = true;
    const { readers, writers } = this.#pending;
    (handler.interest === "read" ? readers : writers).push(handler);
    this.wake();
  }
}
