import type { Interest, Selectable } from "./selectable.ts";
import type { Listening, Socket, SocketOwner } from "./socket.ts";

/** One reader or writer of a {@linkcode Reactor}, as its {@linkcode Selector} sees it. */
export class Registration {
  readonly selectable: Selectable;
  readonly interest: Interest;
  readonly callback: () => void;
  readonly priority: number;
  /** `false` once removed or suspended: it must not be called any more. */
  active = false;
  /** Whether the selector has it in a list of ready ones. */
  queued = false;
  /** What the selector passes to `selectable.watch`. */
  notify: () => void = ignore;

  /** A reader (`"read"`) or writer (`"write"`), not yet with a selector. */
  constructor(selectable: Selectable, interest: Interest, callback: () => void, priority: number) {
    this.selectable = selectable;
    this.interest = interest;
    this.callback = callback;
    this.priority = priority;
  }
}

function ignore(): void {}

/** What was ready when a step began, in the order in which it became so. */
export interface Ready {
  /** The readers. */
  readers: Registration[];
  /** The writers. */
  writers: Registration[];
}

/**
 * The part of a {@linkcode Reactor} that finds out what is ready. A reactor has one; it is made by its `selector` option.
 *
 * A selector is level-triggered: a registration that is ready is in the result of every {@linkcode Selector.select}
 * until it is not ready any more or is unregistered. It also makes the sockets, since how one waits and how one reads
 * belong together.
 */
export interface Selector {
  /** `"deno"` or `"epoll"`. */
  readonly name: string;
  /** Whether {@linkcode Selector.select} would find something. */
  readonly ready: boolean;
  /** Begins to wait for a registration, and makes it active. */
  register(registration: Registration): void;
  /** Forgets a registration at once, and makes it inactive. */
  unregister(registration: Registration): void;
  /** What is ready now, without blocking. The result is valid until the next call. */
  select(): Ready;
  /** Takes back a registration of {@linkcode Selector.select}, called or not: it may be ready still, or again. */
  again(registration: Registration): void;
  /** Resolves when something is ready or {@linkcode Selector.wake} is called, and at the latest after `limitMs`, if it can. */
  wait(limitMs: number): Promise<void>;
  /** Ends a {@linkcode Selector.wait}. */
  wake(): void;
  /** The socket for a connection of Deno. */
  socket(conn: Deno.Conn, owner: SocketOwner): Socket;
  /** The selectable for a listener of Deno. */
  listening(listener: Deno.Listener, owner: SocketOwner): Listening;
  /** Releases what it holds. */
  close(): void;
}
