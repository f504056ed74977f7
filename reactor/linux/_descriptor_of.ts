import { candidates, findDescriptor } from "./_find_descriptor.ts";
import { type Libc, libc } from "./_libc.ts";

/*
 * Descriptors that belong to an object of Deno, and may be closed by it at any time. The kernel gives the number of a closed
 * descriptor to the next thing that is opened, so what a number stands for is compared each time before it is used.
 */

/** The words of `struct stat` that tell what a descriptor stands for: its device and its inode. */
const WORDS = 4;
const stat = new Uint32Array(36);

/** A descriptor, and what it stood for when it was found. */
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

  /** The number, as long as it stands for the same. */
  get current(): number | undefined {
    if (this.#libc.fstat!(this.#fd, stat) !== 0) return undefined;
    for (let i = 0; i < WORDS; i++) if (stat[i] !== this.#identity[i]) return undefined;
    return this.#fd;
  }
}

/** A connection may be in many transfers, and in two at once. */
const found = new WeakMap<object, Descriptor | null>();

/** That of a connection, listener or file, if it has one that can be found. Looking for it costs least while it is new. */
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

const SEEK_CUR = 1;

/** A file has no address. It may be open more than once, but its descriptor is the one whose position moves with it. */
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

/** Its device and inode, which Deno tells of a file only where reading it is permitted. */
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
