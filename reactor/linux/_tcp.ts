import { findTcp } from "./_descriptor_of.ts";
import { IPPROTO_TCP, type Libc, libc, reset, setSocketOption, TCP_NODELAY } from "./_libc.ts";

/*
 * What can be done to a TCP connection of Deno behind its back. The connection is found by its
 * addresses, because a TLS connection has no descriptor here.
 */

const SHUT_RDWR = 2;

/** Resets the connection. */
export function resetTcp(ends: Partial<Deno.Conn>): void {
  act(ends, reset);
}

/** Ends the connection in both directions, as a close would. */
export function endTcp(ends: Partial<Deno.Conn>): void {
  act(ends, (libc, fd) => libc.shutdown(fd, SHUT_RDWR));
}

/**
 * Makes a TLS connection, or the connections of a TLS listener, send small pieces at once. Deno has
 * no option for this.
 *
 * @throws {Deno.errors.NotSupported} If it is not possible and `noDelay: true` is given.
 */
export function sendAtOnce(
  of: Deno.TlsConn | Deno.Listener,
  { noDelay }: { noDelay?: boolean },
): void {
  const library = libc();
  const fd = library && findTcp(library, of);
  if (fd !== undefined) setSocketOption(library!, fd, IPPROTO_TCP, TCP_NODELAY, 1);
  else if (noDelay) {
    throw new Deno.errors.NotSupported(
      "Cannot use noDelay: true with TLS: it needs Linux, and --allow-ffi",
    );
  }
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
