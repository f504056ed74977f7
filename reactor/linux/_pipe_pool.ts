import { type Libc, O_CLOEXEC, O_NONBLOCK } from "./_libc.ts";

const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
/** What the kernel gives by itself, and the least that is worth it. */
const SMALLEST = 64 * 1024;
/** What a number of the kernel can say. */
const LARGEST = 2 ** 30;
/** So many pipes may be open, … */
const MOST = 256;
/** … of which the first are large: together they stay below the 64 MiB that the kernel allows an ordinary user. */
const sizeOf = (nth: number) => nth < 16 ? 1024 * 1024 : nth < 64 ? 256 * 1024 : SMALLEST;
/** When the kernel has refused a pipe, it is not asked again for so many milliseconds. */
const PAUSE_MS = 1000;

/** A pipe of the kernel, by its descriptors. */
export class Pipe {
  readonly output: number;
  readonly input: number;
  readonly size: number;
  readonly #libc: Libc;
  #open = true;

  /** A pipe that holds `size` bytes, or fewer if the kernel refuses; `undefined` if there are too many open files. */
  static open(libc: Libc, size: number): Pipe | undefined {
    const ends = new Int32Array(2);
    if (libc.pipe2(ends, O_CLOEXEC | O_NONBLOCK) === 0) return new Pipe(libc, ends, size);
  }

  private constructor(libc: Libc, [output, input]: Iterable<number>, size: number) {
    this.#libc = libc;
    this.output = output!;
    this.input = input!;
    let wanted = Math.min(size, LARGEST);
    while (libc.fcntl(this.input, F_SETPIPE_SZ, wanted) < 0 && wanted > SMALLEST) wanted >>= 1;
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
 * 1. A transfer has a pipe only while it splices. There is a bound to their number, and the kernel has others: who gets no
 *    pipe copies.
 * 2. A pipe that is not empty is closed, never given to another transfer.
 * 3. When the last transfer is over, all are closed.
 */
export class PipePool {
  #free: Pipe[] = [];
  #open = 0;
  #users = 0;
  #refusedUntil = 0;

  /** How many are open. */
  get open(): number {
    return this.#open;
  }

  /** A transfer begins. */
  enter(): void {
    this.#users++;
  }

  /** A transfer is over. */
  leave(): void {
    if (--this.#users > 0) return;
    for (const pipe of this.#free) this.#close(pipe);
    this.#free = [];
    this.#refusedUntil = 0;
  }

  /** An empty pipe, if there is one to be had. */
  take(libc: Libc): Pipe | undefined {
    return this.#free.pop() ?? this.#make(libc);
  }

  /** Takes a pipe back. */
  give(pipe: Pipe, isEmpty: boolean): void {
    if (isEmpty && this.#users > 0) this.#free.push(pipe);
    else this.#close(pipe);
  }

  #make(libc: Libc): Pipe | undefined {
    if (this.#open >= MOST || performance.now() < this.#refusedUntil) return;
    const pipe = Pipe.open(libc, sizeOf(this.#open));
    if (pipe !== undefined) {
      this.#open++;
      if (pipe.size >= SMALLEST) return pipe;
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
