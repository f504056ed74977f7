import type { ByteStream } from "./byte_stream.ts";
import type { Ready, Registration, Selector } from "./selector.ts";
import { Slab } from "./_slab.ts";
import { DenoListening } from "./_deno_listening.ts";
import type { Listening, Socket, SocketOwner } from "./socket.ts";
import { StreamSocket } from "./stream_socket.ts";

/**
 * The portable {@linkcode Selector}: the selectables say themselves when they are ready.
 *
 * Nothing is scanned. A selectable that becomes ready puts its registration in a list; a step takes the list as it is
 * and starts a new one. What is still ready after its callback goes in the new list, the rest is watched again.
 */
export class DenoSelector<R extends Registration = Registration> implements Selector<R> {
  /** `"deno"`. */
  readonly name: string = "deno";
  #pending: Ready<R> = { readers: [], writers: [] };
  #taken: Ready<R> = { readers: [], writers: [] };
  #wake: (() => void) | undefined;
  #waiting: Promise<void> | undefined;
  #slab = new Slab();

  /** Whether anything has become ready since the last {@linkcode DenoSelector.select}. */
  get ready(): boolean {
    return this.#pending.readers.length > 0 || this.#pending.writers.length > 0;
  }

  /** Begins to watch; the first time a registration comes here it gets its `notify`. */
  register(registration: R): void {
    registration.active = true;
    registration.bad = false;
    registration.notify = () => this.#enqueue(registration);
    this.#watch(registration);
  }

  /** Ends watching. The entry in the list, if any, is passed over by the step. */
  unregister(registration: R): void {
    registration.active = false;
    if (!registration.bad) registration.selectable.unwatch(registration.interest);
  }

  /** What has become ready since the last call. */
  select(): Ready<R> {
    const { readers, writers } = this.#taken;
    readers.length = 0;
    writers.length = 0;
    const ready = this.#pending;
    this.#pending = this.#taken;
    return this.#taken = ready;
  }

  /** Keeps what is still ready, and watches the rest. */
  again(registration: R): void {
    registration.queued = false;
    if (!registration.active) return;
    const { selectable, interest } = registration;
    if (interest === "read" ? selectable.readable : selectable.writable) {
      this.#enqueue(registration);
    } else this.#watch(registration);
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

  /** A socket over `conn.read` and `conn.write`. */
  socket(stream: Deno.Conn | ByteStream, owner: SocketOwner): Socket {
    if (owner.noDelay && "setNoDelay" in stream) (stream as Deno.TcpConn).setNoDelay(true);
    return new StreamSocket(stream, owner, this.#slab);
  }

  /** A selectable over `listener.accept`. */
  listening(listener: Deno.Listener, owner: SocketOwner): Listening {
    return new DenoListening(listener, (conn) => this.socket(conn, owner));
  }

  /** Wakes up who still waits. */
  close(): void | Promise<void> {
    this.wake();
  }

  #watch(registration: R): void {
    try {
      registration.selectable.watch(registration.interest, registration.notify);
    } catch {
      registration.bad = true;
    }
    if (registration.bad || registration.selectable.closed) this.#enqueue(registration);
  }

  #enqueue(registration: R): void {
    if (registration.queued || !registration.active) return;
    registration.queued = true;
    const { readers, writers } = this.#pending;
    (registration.interest === "read" ? readers : writers).push(registration);
    this.wake();
  }
}
