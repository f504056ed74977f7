import {
  F_DUPFD_CLOEXEC,
  type Libc,
  POLLNVAL,
  SO_ACCEPTCONN,
  socketOption,
  SOL_SOCKET,
} from "./_libc.ts";
import { SockAddr } from "./_sockaddr.ts";

/*
 * Which descriptor a connection or listener of Deno has. Deno does not tell, so:
 *
 * 1. A descriptor is the right one if it has the addresses (and listens, or does not), and there is no other such.
 *    TCP connections are unique by their addresses; for the others all descriptors are looked at.
 * 2. One that is driven by a selector already is claimed, and is not looked at.
 * 3. A TLS connection is not what its bytes are: only the classes of Deno that are plain sockets have a descriptor here.
 */

/** Descriptors that a selector drives. */
export const claimed: Set<number> = new Set();

const PLAIN = new Set(["Listener", "TcpConn", "UnixConn"]);
const CHUNK = 1024;
const SC_OPEN_MAX = 4;

const sockaddr = new SockAddr();

/** The descriptor of a plain TCP or Unix connection or listener; `undefined` if it is none, or not sure. */
export function findDescriptor(
  libc: Libc,
  target: Deno.Conn | Deno.Listener,
): number | undefined {
  if (!PLAIN.has(target.constructor?.name)) return undefined;
  const hint = hinted(target);
  if ("remoteAddr" in target && target.remoteAddr.transport === "tcp") {
    if (hint !== undefined && isOf(libc, hint, target)) return hint;
    for (const fd of candidates(libc)) if (isOf(libc, fd, target)) return fd;
    return undefined;
  }
  let found: number | undefined;
  for (const fd of candidates(libc)) {
    if (!isOf(libc, fd, target)) continue;
    if (found !== undefined) return undefined;
    found = fd;
  }
  return found;
}

/** Deno keeps the number with some connections; it is no more than a hint. */
function hinted(target: object): number | undefined {
  const symbol = Object.getOwnPropertySymbols(target)
    .find((symbol) => symbol.description === "Deno.internal.fd");
  const fd = symbol && (target as Record<symbol, unknown>)[symbol];
  return typeof fd === "number" && !claimed.has(fd) ? fd : undefined;
}

/** The open descriptors that are not claimed, the likely ones first: those just below the lowest that is free. */
export function* candidates(libc: Libc): Generator<number, void> {
  const free = libc.fcntl(0, F_DUPFD_CLOEXEC, 0);
  if (free >= 0) libc.close(free);
  for (let fd = free - 1; fd >= 0; fd--) if (!claimed.has(fd)) yield fd;
  const limit = libc.sysconf(SC_OPEN_MAX);
  const pollfds = new Int32Array(2 * CHUNK);
  for (let base = free + 1; base < limit; base += CHUNK) {
    const count = Math.min(CHUNK, limit - base);
    for (let i = 0; i < count; i++) {
      pollfds[2 * i] = base + i;
      pollfds[2 * i + 1] = 0;
    }
    libc.poll(pollfds, count, 0);
    let open = 0;
    for (let i = 0; i < count; i++) {
      if (pollfds[2 * i + 1]! >>> 16 & POLLNVAL) continue;
      open++;
      if (!claimed.has(base + i)) yield base + i;
    }
    // Descriptors are given out from the lowest: there is hardly one after so many that are not open.
    if (open === 0) return;
  }
}

/** The descriptor of a TCP connection, whatever it is wrapped in: to reset it, for its bytes may be encrypted. */
export function findTcp(libc: Libc, connection: Ends): number | undefined {
  for (const fd of candidates(libc)) if (isOf(libc, fd, connection)) return fd;
}

type Ends = Pick<Deno.Conn, "localAddr" | "remoteAddr">;

function isOf(libc: Libc, fd: number, target: Ends | Deno.Listener): boolean {
  const local = "addr" in target ? target.addr : target.localAddr;
  const { bytes, length } = sockaddr.reset();
  if (libc.getsockname(fd, bytes, length) !== 0 || !same(sockaddr.decode(), local)) return false;
  const listens = socketOption(libc, fd, SOL_SOCKET, SO_ACCEPTCONN) === 1;
  if (!("remoteAddr" in target)) return listens;
  sockaddr.reset();
  return !listens && libc.getpeername(fd, bytes, length) === 0 &&
    same(sockaddr.decode(), target.remoteAddr);
}

function same(a: Deno.Addr | undefined, b: Deno.Addr): boolean {
  if (a === undefined || a.transport !== b.transport) return false;
  if (a.transport === "unix") return a.path === (b as Deno.UnixAddr).path;
  return (a as Deno.NetAddr).port === (b as Deno.NetAddr).port &&
    (a as Deno.NetAddr).hostname === (b as Deno.NetAddr).hostname;
}
