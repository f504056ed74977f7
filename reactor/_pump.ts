import { FileSource } from "./_file_source.ts";
import { EventLoop } from "./_event_loop.ts";
import { LARGE, SMALL, type Source, sourceOf, type Target, targetOf } from "./_ends.ts";
import { type Libc, libc, pollNow, POLLOUT } from "./_libc.ts";
import { type Pipe, pipes } from "./_pipe_pool.ts";
import type { Job, Lender, Transferred, TransferSource, TransferTarget } from "./transfer.ts";
import { TransferError, type TransferSide } from "./transfer_error.ts";

/*
 * The rules of a pump, which moves the bytes of one direction:
 *
 *  1. To wait for something to read, a little is read. If that is all there is, it is written, and that was that: splicing
 *     does not pay for little.
 *  2. If there is much, the kernel moves it into a pipe and out of it, until there is not much. It is asked first how much
 *     there is, so that splicing never meets the end or an error: reading does, and tells which.
 *  3. The pipe is empty before each refill, so it is never the pipe that is full. To wait until the far side has room, a page
 *     is read out of the pipe and written; and what is wrong with the far side, writing tells.
 *  4. The end of the stream goes on to the far side when all that came before it is there.
 *  5. With a tap, what is in the pipe is duplicated into a second one before it goes on; as much goes out of each as was
 *     duplicated, no matter how much there is in the first.
 *  6. What cannot be spliced is copied, from then on or for once: no descriptor, no pipe, a refusal of the kernel.
 *  7. Nobody is told before something has arrived. An abort lets go of both ends and of the pipes at once.
 */

const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
// Never SPLICE_F_MORE: what is followed by nothing would wait for 200 ms.
const FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
const FIONREAD = 0x541b;
const PAGE = 4096;
/** Less than this is cheaper to copy. */
const WORTH = 16 * 1024;

/** All transfers together let the event loop of Deno turn this often: once for some megabytes. */
const eventLoop = new EventLoop(3);
const available = new Int32Array(1);

/** What a {@linkcode Pump} moves, and where. */
export interface Route {
  from: TransferSource | FileSource;
  to: TransferTarget;
  tap?: TransferTarget | undefined;
  /** How many bytes at most. */
  limit?: number | undefined;
  /** Whether never to splice. */
  copy?: boolean | undefined;
  /** Where to count. */
  transferred?: Transferred;
  onProgress?: (() => void) | undefined;
}

/** One direction of a transfer. */
export class Pump implements Job<Transferred> {
  readonly transferred: Transferred;
  readonly #route: Route;
  #source!: Source;
  #target!: Target;
  #tap: Target | undefined;
  #left: number;
  #libc: Libc | undefined;
  #pipe: Pipe | undefined;
  #tapPipe: Pipe | undefined;
  /** Whether the kernel has taken something out of a pipe already: then it can. */
  #proven = false;
  #isRefused = false;
  /** How much is in the pipes. */
  #held = 0;
  #state: "fresh" | "running" | "over" = "fresh";
  #page: Uint8Array<ArrayBuffer> | undefined;

  constructor(route: Route) {
    this.#route = route;
    this.transferred = route.transferred ?? { bytes: 0, spliced: 0, copied: 0 };
    this.#left = route.limit ?? Infinity;
    if (!(this.#left >= 0)) {
      throw new RangeError(`Cannot transfer ${route.limit} bytes: it must be at least 0`);
    }
  }

  async run(lender: Lender): Promise<void> {
    const { from, to, tap, copy } = this.#route;
    const source = this.#source = from instanceof FileSource ? from : sourceOf(lender.lend(from));
    this.#target = targetOf(lender.lend(to));
    if (tap !== undefined) this.#tap = targetOf(lender.lend(tap));
    this.#libc = copy ? undefined : libc();
    pipes.enter();
    this.#state = "running";
    try {
      await this.#settle();
      await this.#pump(lender, lender.unread(source.end));
    } finally {
      this.abort();
    }
  }

  abort(): Transferred {
    if (this.#state === "running") this.#release();
    this.#state = "over";
    return this.transferred;
  }

  /** What was written before may be under way. */
  async #settle(): Promise<void> {
    await this.#write("to", this.#target, NOTHING);
    if (this.#tap !== undefined) await this.#write("tap", this.#tap, NOTHING);
  }

  async #pump(lender: Lender, head: Uint8Array[]): Promise<void> {
    const source = this.#source;
    for (const [i, chunk] of head.entries()) {
      if (this.#left < chunk.length) {
        lender.takeBack(source.end, [chunk.subarray(this.#left), ...head.slice(i + 1)]);
        return await this.#put(chunk.subarray(0, this.#left));
      }
      await this.#put(chunk);
    }
    while (this.#left > 0) {
      const size = source.more ? await this.#splice() : SMALL;
      if (this.#left === 0) return;
      const chunk = await this.#take(size);
      if (chunk === null) return await this.#finish();
      if (chunk.length > this.#left) {
        lender.takeBack(source.end, [chunk.slice(this.#left)]);
        await this.#put(chunk.subarray(0, this.#left));
      } else await this.#put(chunk);
      if (eventLoop.isDue) await this.#go(eventLoop.turn());
    }
  }

  /** Has the kernel move what there is, for as long as that is much; gives how much to read next. */
  async #splice(): Promise<number> {
    const source = this.#source;
    while (this.#left > 0) {
      const library = this.#libc;
      const fd = source.descriptor;
      const to = this.#target.descriptor;
      if (library === undefined || fd === undefined) return LARGE;
      if (to === undefined && this.#tap?.descriptor === undefined) return LARGE;
      const next = source instanceof FileSource
        ? this.#sendNow(library, source, fd, to!)
        : await this.#relay(library, fd, to);
      if (next !== undefined) return next;
      if (eventLoop.isDue) await this.#go(eventLoop.turn());
    }
    return 0;
  }

  /** Until it has to wait, nobody else runs, and the descriptors stay what they are. */
  async #relay(library: Libc, fd: number, to: number | undefined): Promise<number | undefined> {
    while (this.#held === 0 && this.#left > 0 && !eventLoop.isDue) {
      const much = library.ioctl(fd, FIONREAD, available) === 0 ? available[0]! : LARGE;
      if (much < WORTH || !this.#fill(library, fd)) {
        this.#giveBack();
        return Math.max(much, SMALL);
      }
      if (this.#tap === undefined && to !== undefined) {
        const moved = this.#drainNow(library, to, this.#pipe!, this.#held);
        if (moved > 0) this.#arrived(moved, 0);
      }
    }
    if (this.#tap !== undefined) await this.#drainBoth(library, this.#tap, this.#held);
    else if (this.#held > 0) await this.#drain("to", this.#target, this.#pipe!, this.#held);
    return;
  }

  #sendNow(library: Libc, source: FileSource, fd: number, to: number): number | undefined {
    while (this.#left > 0 && !eventLoop.isDue) {
      const sent = source.send(library, fd, to, this.#left);
      if (sent <= 0) return this.#isFull(library, to) ? PAGE : LARGE;
      this.#proven = true;
      this.#left -= sent;
      this.#arrived(sent, 0);
    }
  }

  /** Moves as much as there is, and goes in, into the empty pipe; whether that was possible. */
  #fill(library: Libc, fd: number): boolean {
    const pipe = this.#pipe ??= pipes.take(library);
    if (pipe === undefined) return false;
    if (this.#tap !== undefined) {
      this.#tapPipe ??= pipes.take(library);
      if (this.#tapPipe === undefined) return false;
    }
    const wanted = Math.min(pipe.size, this.#left);
    const length = library.splice(fd, null, pipe.input, null, wanted, FLAGS);
    if (length > 0) {
      this.#left -= length;
      this.#held = length;
      return true;
    }
    // There was something. If it has never worked, it cannot be done with what this is.
    if (!this.#proven) this.#isRefused = true;
    return false;
  }

  /** Moves so many bytes out of a pipe, as far as there is room; gives how many. */
  #drainNow(library: Libc, fd: number, pipe: Pipe, length: number): number {
    let all = 0;
    while (all < length) {
      const moved = library.splice(pipe.output, null, fd, null, length - all, FLAGS);
      if (moved <= 0) break;
      all += moved;
    }
    if (all > 0) this.#proven = true;
    this.#held -= all;
    return all;
  }

  async #drainBoth(library: Libc, tap: Target, length: number): Promise<void> {
    while (length > 0) {
      const [pipe, tapPipe] = [this.#pipe!, this.#tapPipe!];
      const part = library.tee(pipe.output, tapPipe.input, length, SPLICE_F_NONBLOCK);
      if (part <= 0) throw new Error("Cannot tee: the system refused");
      this.#held += part;
      await this.#drain("to", this.#target, pipe, part);
      await this.#drain("tap", tap, tapPipe, part);
      length -= part;
    }
  }

  /** Moves so many bytes out of a pipe. */
  async #drain(side: "to" | "tap", target: Target, pipe: Pipe, length: number): Promise<void> {
    const library = this.#libc!;
    while (length > 0) {
      const fd = target.descriptor;
      const moved = fd === undefined ? 0 : this.#drainNow(library, fd, pipe, length);
      if (moved > 0 && side === "to") this.#arrived(moved, 0);
      length -= moved;
      if (length === 0) return;
      // It is full, or broken, or does not know how: writing will tell.
      const room = this.#page ??= new Uint8Array(LARGE);
      const most = fd !== undefined && this.#isFull(library, fd) ? PAGE : LARGE;
      const copied = library.read(pipe.output, room, Math.min(length, most));
      if (copied <= 0) throw new Error("Cannot read from a pipe: the system refused");
      this.#held -= copied;
      await this.#write(side, target, room.subarray(0, copied));
      length -= copied;
      if (side === "to") this.#arrived(0, copied);
    }
  }

  /** Why nothing went out: because there is no room, or because the kernel does not know how. */
  #isFull(library: Libc, fd: number): boolean {
    return this.#proven || (pollNow(library, fd, POLLOUT) & POLLOUT) === 0;
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#left -= bytes.length;
    await this.#write("to", this.#target, bytes);
    if (this.#tap !== undefined) await this.#write("tap", this.#tap, bytes);
    this.#arrived(0, bytes.length);
  }

  async #take(size: number): Promise<Uint8Array | null> {
    try {
      return await this.#go(this.#source.take(Math.min(size, this.#left)));
    } catch (error) {
      throw this.#error("from", this.#source, error);
    }
  }

  async #write(side: TransferSide, target: Target, bytes: Uint8Array): Promise<void> {
    try {
      await this.#go(target.put(bytes));
    } catch (error) {
      throw this.#error(side, target, error);
    }
  }

  async #finish(): Promise<void> {
    await this.#go(this.#target.finish());
    if (this.#tap !== undefined) await this.#go(this.#tap.finish());
  }

  /** Waits; what was aborted meanwhile goes no further. */
  async #go<T>(promise: Promise<T>): Promise<T> {
    try {
      const value = await promise;
      return this.#state === "over" ? await never() : value;
    } catch (error) {
      if (this.#state === "over") return await never();
      throw error;
    }
  }

  #error(side: TransferSide, end: Source | Target, error: unknown): TransferError {
    return new TransferError(side, end, this.transferred, error);
  }

  #arrived(spliced: number, copied: number): void {
    const { transferred } = this;
    transferred.spliced += spliced;
    transferred.copied += copied;
    transferred.bytes += spliced + copied;
    this.#route.onProgress?.();
  }

  #giveBack(): void {
    if (this.#libc === undefined) return;
    for (const pipe of [this.#pipe, this.#tapPipe]) {
      if (pipe !== undefined) pipes.give(this.#libc, pipe, this.#held === 0);
    }
    this.#pipe = this.#tapPipe = undefined;
    if (this.#isRefused) this.#libc = undefined;
  }

  #release(): void {
    this.#giveBack();
    this.#source.release();
    this.#target.release();
    this.#tap?.release();
    pipes.leave(libc());
  }
}

const NOTHING = new Uint8Array(0);
const never = () => new Promise<never>(() => {});
