import {
  F_DUPFD_CLOEXEC,
  type Libc,
  libc,
  POLLNVAL,
  SO_ACCEPTCONN,
  socketOption,
  SOL_SOCKET,
} from "./_libc.ts";
import { SockAddr } from "./_sockaddr.ts";

/*
 * Finds the descriptor of a connection, listener or file of Deno, which Deno does not tell:
 *
 * 1. The right descriptor has the right addresses (and listens, or does not), and no other one has
 *    them. Addresses of TCP connections are unique. For other kinds all descriptors are looked at.
 * 2. A descriptor that a selector drives is claimed and is not looked at.
 * 3. The bytes of a TLS connection are not those of its descriptor. So a descriptor is found only
 *    for the classes of Deno that are plain sockets.
 * 4. A file has no address. Several descriptors may be open for it, but only the right one moves
 *    its position together with the file.
 * 5. An object may be closed at any time, and the kernel gives the number to the next thing that is
 *    opened. So the identity of a descriptor is compared each time before it is used.
 */

/** Descriptors that a selector drives. */
export const claimed: Set<number> = new Set();

const PLAIN = new Set(["Listener", "TcpConn", "UnixConn"]);
const CHUNK = 1024;
const SC_OPEN_MAX = 4;
const SEEK_CUR = 1;

/** How many words of `struct stat` make the identity of a descriptor: its device and its inode. */
const WORDS = 4;
const stat = new Uint32Array(36);
const sockaddr = new SockAddr();

/**
 * Finds the descriptor of a plain TCP or Unix connection or listener. Returns `undefined` if there
 * is none, or if it is not certain.
 */
export function findDescriptor(
  libc: Libc,
  target: Deno.Conn | Deno.Listener,
): number | undefined {
  if (!PLAIN.has(target.constructor?.name)) return undefined;
  const hint = hinted(target);
  if ("remoteAddr" in target && target.remoteAddr.transport === "tcp") {
    return hint !== undefined && isOf(libc, hint, target) ? hint : findTcp(libc, target);
  }
  let found: number | undefined;
  for (const fd of candidates(libc)) {
    if (!isOf(libc, fd, target)) continue;
    if (found !== undefined) return undefined;
    found = fd;
  }
  return found;
}

/** Deno keeps the number with some connections. It is only a hint. */
function hinted(target: object): number | undefined {
  const symbol = Object.getOwnPropertySymbols(target)
    .find((symbol) => symbol.description === "Deno.internal.fd");
  const fd = symbol && (target as Record<symbol, unknown>)[symbol];
  return typeof fd === "number" && !claimed.has(fd) ? fd : undefined;
}

/**
 * Gives the open descriptors that are not claimed. It begins with the likely ones, just below the
 * lowest free number.
 */
function* candidates(libc: Libc): Generator<number, void> {
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
    // New descriptors get the lowest free number, so hardly any follows a gap as large as this.
    if (open === 0) return;
  }
}

/** Finds the descriptor of a TCP connection or listener, even if its bytes are encrypted. */
export function findTcp(libc: Libc, target: Ends | Deno.Listener): number | undefined {
  for (const fd of candidates(libc)) if (isOf(libc, fd, target)) return fd;
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

/** A descriptor and its identity when it was found. */
export class Descriptor {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #identity = new Uint32Array(WORDS);

  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
    libc.fstat!(fd, stat);
    this.#identity.set(stat.subarray(0, WORDS));
  }

  /** The number, as long as it has the same identity. */
  get current(): number | undefined {
    if (this.#libc.fstat!(this.#fd, stat) !== 0) return undefined;
    for (let i = 0; i < WORDS; i++) if (stat[i] !== this.#identity[i]) return undefined;
    return this.#fd;
  }
}

/** A connection may take part in many transfers, even in two at once. */
const found = new WeakMap<object, Descriptor | null>();

/**
 * Finds the descriptor of a connection, listener or file, if it has one. The search is cheapest
 * while the descriptor is new.
 */
export function descriptorOf(target: object): Descriptor | undefined {
  const known = found.get(target);
  if (known !== undefined) return known ?? undefined;
  const library = libc();
  if (library === undefined || library.fstat === null) return;
  const fd = target instanceof Deno.FsFile
    ? findFile(library, target)
    : findDescriptor(library, target as Deno.Conn);
  const descriptor = fd === undefined ? undefined : new Descriptor(library, fd);
  found.set(target, descriptor ?? null);
  return descriptor;
}

function findFile(libc: Libc, file: Deno.FsFile): number | undefined {
  const known = identityOf(file);
  for (const fd of candidates(libc)) {
    if (libc.fstat!(fd, stat) !== 0) continue;
    if (known !== undefined) {
      const inode = stat[2]! + stat[3]! * 2 ** 32;
      if (stat[0] !== known.dev >>> 0 || inode !== known.ino) continue;
    }
    if (movesWith(libc, fd, file)) return fd;
  }
}

/** Its device and inode. Deno tells them only if reading the file is permitted. */
function identityOf(file: Deno.FsFile): Deno.FileInfo | undefined {
  try {
    return file.statSync();
  } catch {
    return undefined;
  }
}

function movesWith(libc: Libc, fd: number, file: Deno.FsFile): boolean {
  try {
    const position = file.seekSync(0, Deno.SeekMode.Current);
    if (libc.lseek(fd, 0, SEEK_CUR) !== (position | 0)) return false;
    file.seekSync(position + 1, Deno.SeekMode.Start);
    const moved = libc.lseek(fd, 0, SEEK_CUR) === (position + 1 | 0);
    file.seekSync(position, Deno.SeekMode.Start);
    return moved;
  } catch {
    return false; // It cannot be sought, as a FIFO.
  }
}
