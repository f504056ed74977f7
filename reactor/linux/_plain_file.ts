import { type Libc, libc, O_CLOEXEC, O_NONBLOCK } from "./_libc.ts";

/*
 * Plain files without Deno's calls, which take three times as long:
 *
 * 1. The path is opened only if there is no link in it, which the kernel itself sees to. A FIFO does
 *    not block. What was opened is looked at, so nothing can come between the two.
 * 2. If anything is not as expected, there is no file. The caller goes the long way, which tells the
 *    reason.
 */

const OPENAT2 = 437;
const AT_FDCWD = -100, AT_EMPTY_PATH = 0x1000;
const RESOLVE_NO_SYMLINKS = 4;
/** Type, mode, time of the last change and size. */
const STATX_TYPE = 0x1, STATX_MTIME = 0x40, STATX_SIZE = 0x200;
const WANTED = STATX_TYPE | STATX_MTIME | STATX_SIZE;
const S_IFMT = 0o170000, S_IFREG = 0o100000, S_IFDIR = 0o040000;

/** `struct open_how`: flags, mode, resolve. */
const how = new BigUint64Array([BigInt(O_CLOEXEC | O_NONBLOCK), 0n, BigInt(RESOLVE_NO_SYMLINKS)]);
/** `struct statx`. */
const stat = new DataView(new ArrayBuffer(256));
const MODE = 28, SIZE = 40, MTIME = 112, MTIME_NS = 120;
const EMPTY = new Uint8Array(1);
const path = new Uint8Array(4096);
const encoder = new TextEncoder();

/** What is known of an open file. */
interface FileStat {
  readonly type: number;
  readonly isCharDevice: false;
  readonly size: number;
  /** When it was modified last, in milliseconds since 1970. */
  readonly modified: number;
}

function statOf({ statx }: Libc, fd: number): FileStat | undefined {
  if (statx!(fd, EMPTY, AT_EMPTY_PATH, WANTED, stat) !== 0) return undefined;
  return {
    type: stat.getUint16(MODE, true) & S_IFMT,
    isCharDevice: false,
    size: Number(stat.getBigUint64(SIZE, true)),
    modified: 1000 * Number(stat.getBigInt64(MTIME, true)) +
      Math.floor(stat.getUint32(MTIME_NS, true) / 1e6),
  };
}

/** A plain file that is open. */
export class PlainFile {
  /** What it was when it was opened. */
  readonly info: FileStat;
  readonly #libc: Libc;
  #fd: number | undefined;

  constructor(libc: Libc, fd: number, info: FileStat) {
    this.#libc = libc;
    this.#fd = fd;
    this.info = info;
  }

  /** The descriptor while it is open. */
  get descriptor(): number | undefined {
    return this.#fd;
  }

  /** What it is now. */
  statSync(): FileStat {
    return statOf(this.#libc, this.#open)!;
  }

  /** Reads at a position. Returns the number of bytes, 0 at the end. */
  readAt(position: number, into: Uint8Array<ArrayBuffer>): number {
    const length = this.#libc.pread(this.#open, into, into.length, BigInt(position));
    if (length < 0) throw new Error("Cannot read a file: the system refused");
    return length;
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) this.#libc.close(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #open(): number {
    if (this.#fd === undefined) throw new Deno.errors.BadResource("The file is closed");
    return this.#fd;
  }
}

/**
 * Opens a plain file by an absolute path that has no link in it.
 *
 * @returns `"directory"` if it is one, `undefined` if it is neither or cannot be opened so.
 */
export function openPlain(absolute: string): PlainFile | "directory" | undefined {
  const library = libc();
  if (library === undefined || library.statx === null) return undefined;
  const { read, written } = encoder.encodeInto(absolute, path.subarray(0, -1));
  if (read < absolute.length) return undefined;
  path[written] = 0;
  const fd = library.openat2(OPENAT2, AT_FDCWD, path, how, how.byteLength);
  if (fd < 0) return undefined;
  const info = statOf(library, fd);
  if (info?.type === S_IFREG) return new PlainFile(library, fd, info);
  library.close(fd);
  return info?.type === S_IFDIR ? "directory" : undefined;
}
