import type { ByteStream } from "./byte_stream.ts";
import type { Interest, Selectable } from "./selectable.ts";
import type { Listening, Socket, SocketOwner } from "./socket.ts";

/** One reader or writer of a {@linkcode Reactor}, as its {@linkcode Selector} sees it. */
export interface Registration {
  /** What is waited for. */
  readonly selectable: Selectable;
  /** Whether for reading or for writing. */
  readonly interest: Interest;
  /** `false` once removed or suspended: it must not be called any more. Set by the selector. */
  active: boolean;
  /** Whether the selector has it in a list of ready ones. Set by the selector. */
  queued: boolean;
  /** Set by the selector when waiting failed; it is called once more and removed. */
  bad: boolean;
  /** What the selector passes to `selectable.watch`. */
  notify: () => void;
}

/** What was ready when a step began, in the order in which it became so. */
export interface Ready<R extends Registration = Registration> {
  /** The readers. */
  readers: R[];
  /** The writers. */
  writers: R[];
}

/**
 * The part of a {@linkcode Reactor} that finds out what is ready. A reactor has one; it is made by its `selector` option.
 *
 * A selector is level-triggered: a registration that is ready is in the result of every {@linkcode Selector.select}
 * until it is not ready any more or is unregistered. It also makes the sockets, since how one waits and how one reads
 * belong together.
 */
export interface Selector<R extends Registration = Registration> {
  /** `"deno"` or `"epoll"`. */
  readonly name: string;
  /** Whether {@linkcode Selector.select} would find something. */
  readonly ready: boolean;
  /** Begins to wait for a registration, and makes it active. */
  register(registration: R): void;
  /** Forgets a registration at once, and makes it inactive. */
  unregister(registration: R): void;
  /** What is ready now, without blocking. The result is valid until the next call. */
  select(): Ready<R>;
  /** Takes back a registration of {@linkcode Selector.select}, called or not: it may be ready still, or again. */
  again(registration: R): void;
  /** Resolves when something is ready or {@linkcode Selector.wake} is called; need not keep the limit. */
  wait(limitMs: number): Promise<void>;
  /** Whether somebody waits. */
  readonly waiting: boolean;
  /** Ends a {@linkcode Selector.wait}. */
  wake(): void;
  /** The socket for a connection of Deno, or anything that reads and writes like one. */
  socket(stream: Deno.Conn | ByteStream, owner: SocketOwner): Socket;
  /** The selectable for a listener of Deno. */
  listening(listener: Deno.Listener, owner: SocketOwner): Listening;
  /** Releases what it holds; if that takes time, resolves when it has. */
  close(): void | Promise<void>;
}
