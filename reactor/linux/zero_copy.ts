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
/** How much the kernel moves at a time, at most (see _libc.ts, 2). */
const MAX_MOVED = 0x7ffff000;

/**
 * A pipe of the kernel, made by {@linkcode ZeroCopy.pipe}.
 *
 * @category Zero-copy
 */
export interface KernelPipe extends Disposable {
  /** The descriptor to read from. */
  readonly output: number;
  /** The descriptor to write to. */
  readonly input: number;
  /** How many bytes it holds, at most. */
  readonly size: number;
  /** Closes both descriptors. */
  close(): void;
}

/**
 * The zero-copy calls of Linux, over descriptors. {@linkcode zeroCopy} is the only object of this
 * type. Most programs use {@linkcode splice} and {@linkcode sendFile}, which work everywhere.
 *
 * No call waits. Each call that moves bytes returns their number, or -1 if it would block or
 * failed. A program cannot learn which from `errno` in Deno. Read or write the connection in the
 * usual way to find out. Each call throws a RangeError if a descriptor, length, offset or size is
 * invalid, and `Deno.errors.NotSupported` if it is not supported.
 *
 * @category Zero-copy
 */
export interface ZeroCopy {
  /**
   * Whether these calls can be used here: this is Linux, and `--allow-ffi` is granted already.
   * Never prompts.
   */
  readonly supported: boolean;
  /** Why they cannot be used, and what to do. */
  readonly problem: string | undefined;
  /**
   * Finds the descriptor of a plain TCP or Unix connection, a listener or a regular file. The
   * descriptor belongs to that object and is not valid after its close.
   *
   * Unix connections have no address of their own. If several were accepted at, or connected to,
   * the same path, none of them is found. Then transfers copy, unless these are sockets of a
   * reactor on epoll.
   *
   * @param of The connection, listener or file. It must be open.
   * @returns The descriptor, or `undefined` if it is not found.
   */
  descriptorOf(of: Deno.Conn | Deno.Listener | Deno.FsFile): number | undefined;
  /**
   * Makes a pipe.
   *
   * @param size How many bytes it should hold; 1 MiB if it is missing. The kernel may allow fewer.
   * @returns The pipe.
   * @throws {Error} If there are too many open files.
   */
  pipe(size?: number): KernelPipe;
  /**
   * Calls splice(2): moves bytes from one descriptor to another. One of them must be a pipe.
   *
   * @param from The descriptor to read from.
   * @param to The descriptor to write to.
   * @param length How many bytes to move, at most.
   * @returns The number of bytes. 0 is the end of the stream, or an empty pipe that nobody can
   * write to.
   */
  splice(from: number, to: number, length: number): number;
  /**
   * Calls tee(2): duplicates bytes of a pipe into another pipe, and leaves them in the first.
   *
   * @param from The output of a pipe.
   * @param to The input of another pipe.
   * @param length How many bytes to duplicate, at most.
   * @returns The number of bytes.
   */
  tee(from: number, to: number, length: number): number;
  /**
   * Calls sendfile(2): moves bytes of a file to a descriptor. The position of the file is neither
   * used nor changed.
   *
   * @param to The descriptor to write to.
   * @param file The descriptor of the file.
   * @param offset Where in the file to begin, in bytes.
   * @param length How many bytes to move, at most.
   * @returns The number of bytes. 0 is the end of the file.
   */
  sendfile(to: number, file: number, offset: number, length: number): number;
  /**
   * Calls vmsplice(2): puts bytes in a pipe without copying them. Do not build on it. The bytes
   * must not be changed or garbage-collected until the reader of the pipe has consumed them, and
   * nothing tells when that is. Also, newer kernels make it a copy. It needs `--allow-ffi` without
   * a path.
   *
   * @param to The input of a pipe.
   * @param bytes The bytes.
   * @returns The number of bytes.
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
 *
 * @category Zero-copy
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
    return needed().splice(from, null, to, null, Math.min(length, MAX_MOVED), FLAGS);
  },

  tee(from, to, length) {
    return needed().tee(from, to, Math.min(length, MAX_MOVED), SPLICE_F_NONBLOCK);
  },

  sendfile(to, file, offset, length) {
    const from = whole(offset, "send a file: the offset", 0, Number.MAX_SAFE_INTEGER);
    return needed().sendfile(
      to,
      file,
      new BigInt64Array([BigInt(from)]),
      Math.min(length, MAX_MOVED),
    );
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
