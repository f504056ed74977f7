import { findTcp } from "./_descriptor_of.ts";
import { type Libc, libc, reset } from "./_libc.ts";

/*
 * What can be done to a TCP connection of Deno behind its back, where that is possible. It is found by its addresses, for a
 * TLS connection has no descriptor of its own.
 */

const SHUT_RDWR = 2;

/** Resets it. */
export function resetTcp(ends: Partial<Deno.Conn>): void {
  act(ends, reset);
}

/** Ends it in both directions, as closing it would. */
export function endTcp(ends: Partial<Deno.Conn>): void {
  act(ends, (libc, fd) => libc.shutdown(fd, SHUT_RDWR));
}

function act(
  { localAddr, remoteAddr }: Partial<Deno.Conn>,
  what: (libc: Libc, fd: number) => void,
): void {
  const library = libc();
  if (library === undefined || !localAddr || remoteAddr?.transport !== "tcp") return;
  const fd = findTcp(library, { localAddr, remoteAddr });
  if (fd !== undefined) what(library, fd);
}
