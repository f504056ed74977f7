import type { ByteStream } from "./byte_stream.ts";
import { Slab } from "./_slab.ts";
import { DenoListening } from "./_deno_listening.ts";
import type { Handler } from "./_handler.ts";
import type { Listening, Socket } from "./socket.ts";
import type { SocketOwner } from "./_socket_owner.ts";
import { readSizes, StreamSocket } from "./_stream_socket.ts";

/** What was ready when a step began, in the order in which it became ready. */
export interface Ready {
  readers: Handler[];
  writers: Handler[];
}

/**
 * The part of a {@linkcode Reactor} that finds out what is ready. This one works everywhere; the
 * other extends it.
 *
 * 1. It is level-triggered: {@linkcode DenoSelector.select} returns a registered handler every time
 *    until it is not ready any more or is unregistered.
 * 2. Nothing is scanned. A selectable tells when it becomes ready, and its handler goes into a
 *    list. A step takes this list and starts a new one. A handler that is still ready after its
 *    callback goes into the new list. Others are watched again.
 * 3. It also makes the sockets, because how they wait depends on how they read.
 */
export class DenoSelector {
  readonly name: string = "deno";
  #pending: Ready = { readers: [], writers: [] };
  #taken: Ready = { readers: [], writers: [] };
  #wake: (() => void) | undefined;
  #waiting: Promise<void> | undefined;
  #slab = new Slab();
  #sizes = readSizes();

  /** Whether anything has become ready since the last {@linkcode DenoSelector.select}. */
  get ready(): boolean {
    return this.#pending.readers.length > 0 || this.#pending.writers.length > 0;
  }

  /** Looks whether anything is ready that nobody has told yet. */
  look(): boolean {
    return this.ready;
  }

  /** Whether Deno has input or output to look at; `undefined` if that is not known. */
  get denoIsReady(): boolean | undefined {
    return undefined;
  }

  /** Makes a handler active and begins to wait for it. */
  register(handler: Handler): void {
    handler.active = true;
    // A closure would take twice the memory, with what it encloses.
    handler.notify = this.#enqueue.bind(this, handler);
    this.#watch(handler);
  }

  /** Makes a handler inactive at once. If it is in a list, the step skips it. */
  unregister(handler: Handler): void {
    handler.active = false;
    if (!handler.bad) handler.selectable.unwatch(handler.interest);
  }

  /** Returns what is ready now, without blocking. The result is valid until the next call. */
  select(): Ready {
    const { readers, writers } = this.#taken;
    readers.length = 0;
    writers.length = 0;
    const ready = this.#pending;
    this.#pending = this.#taken;
    return this.#taken = ready;
  }

  /** Takes back a handler that {@linkcode DenoSelector.select} returned. It may still be ready. */
  again(handler: Handler): void {
    handler.queued = false;
    if (!handler.active) return;
    if (handler.isReady) this.#enqueue(handler);
    else this.#watch(handler);
  }

  /**
   * Resolves when something becomes ready or {@linkcode DenoSelector.wake} is called. The reactor
   * keeps the limit.
   */
  wait(_limitMs: number): Promise<void> {
    return this.#waiting ??= new Promise((resolve) => this.#wake = resolve);
  }

  /** Whether somebody waits. */
  get waiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Nobody waits any more. */
  rest(): void {}

  /** Ends a {@linkcode DenoSelector.wait}. */
  wake(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    this.#wake = undefined;
    this.#waiting = undefined;
    wake();
  }

  /**
   * Makes the socket of a connection of Deno or a similar object. Here it uses `read` and `write`.
   */
  socket(stream: Deno.Conn | ByteStream, owner: SocketOwner): Socket {
    if (owner.noDelay && "setNoDelay" in stream) (stream as Deno.TcpConn).setNoDelay(true);
    return new StreamSocket(stream, owner, this.#slab, this.#sizes);
  }

  /**
   * Makes the selectable of a listener of Deno. Here it uses `accept`.
   *
   * @throws {Deno.errors.NotSupported} If it is a descriptor, which Deno cannot use.
   */
  listening(listener: Deno.Listener | number, owner: SocketOwner): Listening {
    if (typeof listener === "number") {
      throw new Deno.errors.NotSupported(
        `Cannot listen on descriptor ${listener} with the selector "deno": ` +
          'use the selector "epoll", on Linux with --allow-ffi; or give a port',
      );
    }
    return new DenoListening(listener, (conn) => this.socket(conn, owner));
  }

  /** Ends a wait and releases everything. If that takes time, it returns a promise. */
  close(): void | Promise<void> {
    this.wake();
  }

  #watch(handler: Handler): void {
    try {
      handler.selectable.watch(handler.interest, handler.notify);
    } catch (error) {
      handler.bad = true;
      handler.failure = error;
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
