import type { SocketOwner } from "./_socket_owner.ts";

/**
 * The {@linkcode SocketOwner} of each reactor, for sockets that the reactor does not make itself.
 */
export const owners: WeakMap<object, SocketOwner> = new WeakMap();
