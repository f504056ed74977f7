import type { ReactorEvents } from "./events.ts";
import type { Registrar } from "./_registrar.ts";
import type { Draining, Socket } from "./socket.ts";

/** What a socket needs of the {@linkcode Reactor} that it belongs to. */
export interface SocketOwner {
  readonly reactor: Registrar;
  /** See {@linkcode ReactorOptions.lingerMs}. */
  readonly lingerMs: number;
  /** Whether TCP connections send small pieces at once. */
  readonly noDelay: boolean;
  /** See {@linkcode ReactorOptions.events}. */
  readonly events?: ReactorEvents;
  /** Called when a socket is made. */
  opened(socket: Socket): void;
  /** Called when a socket has released its connection. */
  released(socket: Socket): void;
  /** What {@linkcode Reactor.run} waits for besides open connections. */
  readonly draining: Set<Draining>;
  /** Called after something was removed from `draining`. */
  drained(): void;
}
