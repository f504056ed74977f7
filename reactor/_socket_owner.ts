import type { ReactorEvents } from "./events.ts";
import type { Registrar } from "./_registrar.ts";
import type { Draining, Socket } from "./socket.ts";

/** What a socket needs of the {@linkcode Reactor} that it belongs to. */
export interface SocketOwner {
  /** The reactor itself. */
  readonly reactor: Registrar;
  /** How long a closed socket may take to send what it accepted, in milliseconds. */
  readonly lingerMs: number;
  /** Whether TCP connections send small pieces at once. */
  readonly noDelay: boolean;
  /** Who measures, if anybody does. */
  readonly events?: ReactorEvents;
  /** Called when a socket begins to exist. */
  opened(socket: Socket): void;
  /** Called when a socket has released what it held. */
  released(socket: Socket): void;
  /** What is no connection, and is closed but not gone: it has still to send, or to end. {@linkcode Reactor.run} waits for it. */
  readonly draining: Set<Draining>;
  /** Called when one of these has sent all. */
  drained(): void;
}
