import type { SocketOwner } from "./_socket_owner.ts";

/** What each reactor is to its sockets; for those that it does not make itself. */
export const owners: WeakMap<object, SocketOwner> = new WeakMap();
