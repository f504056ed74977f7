import { type Libc, O_CLOEXEC, O_NONBLOCK } from "./_libc.ts";

const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
/** The default size of a pipe. Smaller pipes are not worth it. */
const MIN_SIZE = 64 * 1024;
/** The largest size that the kernel understands. */
const MAX_SIZE = 2 ** 30;
/** How many pipes may be open. */
const MAX_PIPES = 256;
/**
 * The size of the nth open pipe. The first ones are large. Together they stay below the 64 MiB that
 * the kernel allows an ordinary user.
 */
const sizeOf = (nth: number) => nth < 16 ? 1024 * 1024 : nth < 64 ? 256 * 1024 : MIN_SIZE;
/** How many milliseconds the kernel is not asked again after it has refused a pipe. */
const PAUSE_MS = 1000;

/** A pipe of the kernel. */
export class Pipe {
  readonly output: number;
  readonly input: number;
  readonly size: number;
  readonly #libc: Libc;
  #open = true;

  /**
   * Makes a pipe of `size` bytes, or a smaller one if the kernel refuses. Returns `undefined` if
   * too many files are open.
   */
  static open(libc: Libc, size: number): Pipe | undefined {
    const ends = new Int32Array(2);
    if (libc.pipe2(ends, O_CLOEXEC | O_NONBLOCK) === 0) return new Pipe(libc, ends, size);
  }

  private constructor(libc: Libc, [output, input]: Iterable<number>, size: number) {
    this.#libc = libc;
    this.output = output!;
    this.input = input!;
    let wanted = Math.min(size, MAX_SIZE);
    while (libc.fcntl(this.input, F_SETPIPE_SZ, wanted) < 0 && wanted > MIN_SIZE) wanted >>= 1;
    this.size = libc.fcntl(this.input, F_GETPIPE_SZ, 0);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#libc.close(this.input);
    this.#libc.close(this.output);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * The pipes that transfers share.
 *
 * 1. A transfer has a pipe only while it splices. The number of pipes is limited here and by the
 *    kernel. A transfer that gets no pipe copies.
 * 2. A pipe that is not empty is closed. No other transfer gets it.
 * 3. When the last transfer ends, all pipes are closed.
 */
export class PipePool {
  #free: Pipe[] = [];
  #open = 0;
  #users = 0;
  #refusedUntil = 0;

  get open(): number {
    return this.#open;
  }

  enter(): void {
    this.#users++;
  }

  leave(): void {
    if (--this.#users > 0) return;
    for (const pipe of this.#free) this.#close(pipe);
    this.#free = [];
    this.#refusedUntil = 0;
  }

  /** Returns an empty pipe, if there is one. */
  take(libc: Libc): Pipe | undefined {
    return this.#free.pop() ?? this.#make(libc);
  }

  /** Takes a pipe back. */
  give(pipe: Pipe, isEmpty: boolean): void {
    if (isEmpty && this.#users > 0) this.#free.push(pipe);
    else this.#close(pipe);
  }

  #make(libc: Libc): Pipe | undefined {
    if (this.#open >= MAX_PIPES || performance.now() < this.#refusedUntil) return;
    const pipe = Pipe.open(libc, sizeOf(this.#open));
    if (pipe !== undefined) {
      this.#open++;
      if (pipe.size >= MIN_SIZE) return pipe;
      this.#close(pipe);
    }
    this.#refusedUntil = performance.now() + PAUSE_MS;
  }

  #close(pipe: Pipe): void {
    pipe.close();
    this.#open--;
  }
}

/** The pipes of this process. */
export const pipes: PipePool = new PipePool();
