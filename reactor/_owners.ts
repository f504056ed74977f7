import type { Reactor } from "./reactor.ts";
import type { SocketOwner } from "./socket.ts";

/** What each reactor is to its sockets; for those that it does not make itself. */
export const owners: WeakMap<Reactor, SocketOwner> = new WeakMap();
