import { type Libc, O_CLOEXEC, O_NONBLOCK } from "./_libc.ts";

/** A pipe of the kernel, by its descriptors. */
export interface Pipe {
  /** What is written to. */
  readonly input: number;
  /** What is read from. */
  readonly output: number;
  /** How many bytes it holds. */
  readonly size: number;
}

const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
/** What the kernel gives by itself, and the least that is worth it. */
const SMALLEST = 64 * 1024;
/** So many pipes may be open, … */
const MOST = 256;
/** … of which the first are large: together they stay below the 64 MiB that the kernel allows an ordinary user. */
const sizeOf = (nth: number) => nth < 16 ? 1024 * 1024 : nth < 64 ? 256 * 1024 : SMALLEST;
/** When the kernel has refused a pipe, it is not asked again for so many milliseconds. */
const PAUSE_MS = 1000;

/**
 * The pipes that transfers share.
 *
 * 1. A transfer has a pipe only while there is something in it. There is a bound to their number, and the kernel has
 *    others: who gets no pipe copies.
 * 2. A pipe that is not empty is closed, never given to another transfer.
 * 3. When the last transfer is over, all are closed.
 */
export class PipePool {
  #free: Pipe[] = [];
  #open = 0;
  #users = 0;
  #refusedUntil = 0;
  #ends = new Int32Array(2);

  /** How many are open. */
  get open(): number {
    return this.#open;
  }

  /** A transfer begins. */
  enter(): void {
    this.#users++;
  }

  /** A transfer is over. */
  leave(libc: Libc | undefined): void {
    if (--this.#users > 0 || libc === undefined) return;
    for (const pipe of this.#free) this.#close(libc, pipe);
    this.#free = [];
  }

  /** An empty pipe, if there is one to be had. */
  take(libc: Libc): Pipe | undefined {
    return this.#free.pop() ?? this.#make(libc);
  }

  /** Takes a pipe back. */
  give(libc: Libc, pipe: Pipe, isEmpty: boolean): void {
    if (isEmpty && this.#users > 0) this.#free.push(pipe);
    else this.#close(libc, pipe);
  }

  #make(libc: Libc): Pipe | undefined {
    if (this.#open >= MOST || performance.now() < this.#refusedUntil) return;
    if (libc.pipe2(this.#ends, O_CLOEXEC | O_NONBLOCK) === 0) {
      const [output, input] = this.#ends as unknown as [number, number];
      const size = enlarge(libc, input, sizeOf(this.#open++));
      const pipe = { input, output, size };
      if (size >= SMALLEST) return pipe;
      this.#close(libc, pipe);
    }
    this.#refusedUntil = performance.now() + PAUSE_MS;
  }

  #close(libc: Libc, { input, output }: Pipe): void {
    libc.close(input);
    libc.close(output);
    this.#open--;
  }
}

/** The pipes of this process. */
export const pipes: PipePool = new PipePool();

function enlarge(libc: Libc, pipe: number, size: number): number {
  for (; size > SMALLEST; size /= 2) {
    const got = libc.fcntl(pipe, F_SETPIPE_SZ, size);
    if (got > 0) return got;
  }
  return libc.fcntl(pipe, F_GETPIPE_SZ, 0);
}
