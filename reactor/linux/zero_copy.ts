import { descriptorOf } from "./_descriptor_of.ts";
import {
  isFfiGranted,
  type Libc,
  libc,
  libcProblem,
  SPLICE_F_MOVE,
  SPLICE_F_NONBLOCK,
} from "./_libc.ts";
import { whole } from "../_whole.ts";
import { Pipe } from "./_pipe_pool.ts";

const FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
/** The kernel moves no more at a time (see _libc.ts, 2). */
const MOST = 0x7ffff000;

/** A pipe of the kernel; made by {@linkcode ZeroCopy.pipe}. */
export interface KernelPipe extends Disposable {
  /** The descriptor that is read from. */
  readonly output: number;
  /** The descriptor that is written to. */
  readonly input: number;
  /** How many bytes it holds, at most. */
  readonly size: number;
  /** Closes both. */
  close(): void;
}

/**
 * The zero-copy calls of Linux, over descriptors; {@linkcode zeroCopy} is the only one. {@linkcode splice} and
 * {@linkcode sendFile} are what most programs use, and work everywhere.
 *
 * None of them waits. Each gives the number of bytes; -1 when it would block or failed. (Which of these, a program can not
 * learn reliably from `errno` in Deno: read or write the connection in the usual way to find out.) Each throws a RangeError
 * for a descriptor, length, offset or size that is none, and {@linkcode Deno.errors.NotSupported} where it is not supported.
 */
export interface ZeroCopy {
  /** Whether these calls can be made here: this is Linux, and `--allow-ffi` is granted already. Never prompts. */
  readonly supported: boolean;
  /** Why not, and what to do. */
  readonly problem: string | undefined;
  /**
   * The descriptor of a plain TCP or Unix connection, listener, or regular file, if it can be found. It belongs to what it
   * is of, which must be open, and is not valid any more when that is closed.
   *
   * Unix connections have no address of their own: of those that were accepted at the same path, or connected to it, none is
   * found while there are several. Transfers copy then, unless they are sockets of a reactor on epoll.
   */
  descriptorOf(of: Deno.Conn | Deno.Listener | Deno.FsFile): number | undefined;
  /** Makes a pipe, as large as the kernel allows but at most `size` bytes. @default {1 MiB} */
  pipe(size?: number): KernelPipe;
  /**
   * splice(2): moves at most `length` bytes from one descriptor to another, of which one is a pipe. 0 is the end of the
   * stream, or an empty pipe that nobody can write to.
   */
  splice(from: number, to: number, length: number): number;
  /** tee(2): duplicates at most `length` bytes of a pipe into another pipe, without taking them from the first. */
  tee(from: number, to: number, length: number): number;
  /**
   * sendfile(2): moves at most `length` bytes of a file, from `offset` on, to a descriptor. The position of the file is
   * neither used nor changed. 0 is the end of the file.
   */
  sendfile(to: number, file: number, offset: number, length: number): number;
  /**
   * vmsplice(2): puts bytes in a pipe without copying them. Do not build on it: the bytes may not be altered, nor collected
   * as garbage, until whoever reads the pipe has really consumed them, which nobody tells; and kernels are turning it into
   * a copy. Needs `--allow-ffi` without a path.
   */
  vmsplice(to: number, bytes: Uint8Array<ArrayBuffer>): number;
}

/**
 * splice, tee, sendfile and vmsplice of Linux, over descriptors.
 *
 * @example Duplicating a stream in the kernel
 * ```ts
 * import { zeroCopy } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * if (zeroCopy.supported) {
 *   const path = await Deno.makeTempFile();
 *   await Deno.writeTextFile(path, "some data");
 *   using file = await Deno.open(path);
 *   using one = zeroCopy.pipe(), other = zeroCopy.pipe();
 *   const fd = zeroCopy.descriptorOf(file)!;
 *   assertEquals(zeroCopy.splice(fd, one.input, 1000), 9);
 *   assertEquals(zeroCopy.tee(one.output, other.input, 1000), 9);
 *   assertEquals(zeroCopy.tee(one.output, other.input, 4), 4); // it is still there
 *   await Deno.remove(path);
 * }
 * ```
 */
export const zeroCopy: ZeroCopy = {
  get supported() {
    return libc()?.fstat != null;
  },

  get problem() {
    return this.supported
      ? undefined
      : libcProblem() ?? "the C library is too old: it has no fstat";
  },

  descriptorOf(of) {
    return descriptorOf(of)?.current;
  },

  pipe(size = 1024 * 1024) {
    const pipe = Pipe.open(needed(), whole(size, "make a pipe: its size", 1));
    if (pipe === undefined) throw new Error("Cannot make a pipe: there are too many open files");
    return pipe;
  },

  splice(from, to, length) {
    return needed().splice(from, null, to, null, Math.min(length, MOST), FLAGS);
  },

  tee(from, to, length) {
    return needed().tee(from, to, Math.min(length, MOST), SPLICE_F_NONBLOCK);
  },

  sendfile(to, file, offset, length) {
    const from = whole(offset, "send a file: the offset", 0, Number.MAX_SAFE_INTEGER);
    return needed().sendfile(to, file, new BigInt64Array([BigInt(from)]), Math.min(length, MOST));
  },

  vmsplice(to, bytes) {
    const library = needed();
    // Deno would prompt.
    if (!isFfiGranted()) {
      throw new Deno.errors.NotSupported(
        "Cannot vmsplice: it needs the address of the bytes, run with --allow-ffi without a path",
      );
    }
    const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
    const vector = new BigUint64Array([BigInt(address), BigInt(bytes.length)]);
    return library.vmsplice(to, vector, 1, SPLICE_F_NONBLOCK);
  },
};

function needed(): Libc {
  const library = libc();
  if (library === undefined) {
    throw new Deno.errors.NotSupported(
      `Cannot move bytes in the kernel: ${libcProblem()}; or use splice() and sendFile(), which copy then`,
    );
  }
  return library;
}
