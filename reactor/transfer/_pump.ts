import { FileSource } from "./_file_source.ts";
import { EventLoop } from "../_event_loop.ts";
import { LARGE, SMALL, type Source, sourceOf, type Target, targetOf } from "./_ends.ts";
import { type Libc, libc, pollNow, POLLOUT } from "../linux/_libc.ts";
import { type Pipe, pipes } from "../linux/_pipe_pool.ts";
import type { Job, Lender, TransferSource, TransferTarget } from "./transfer.ts";
import type { Transferred } from "./transferred.ts";
import { whole } from "../_whole.ts";
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
 *  7. Nobody is told before something has arrived. An abort, which may come whenever others run, lets go of both ends and of
 *     the pipes at once.
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
let turning: Promise<void> | undefined;

/** They wait for the same turn, and then each has its share before it is time for the next. */
function turn(): Promise<void> {
  return turning ??= eventLoop.turn().finally(() => turning = undefined);
}

const available = new Uint32Array(1);

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

/** Where bytes go out. */
interface Outlet {
  readonly side: "to" | "tap";
  readonly target: Target;
  /** What they come out of when they are spliced. */
  pipe?: Pipe | undefined;
  /** Whether the kernel can move something there, as soon as it is known. */
  splices?: boolean | undefined;
  /** It would not, although there was room: which may have come just then. */
  doubted?: boolean;
}

/** One direction of a transfer. */
export class Pump implements Job<Transferred> {
  readonly transferred: Transferred;
  readonly #route: Route;
  #source!: Source;
  #outlets!: [to: Outlet, ...tap: Outlet[]];
  /** All of these, as far as there are any yet. */
  readonly #ends: (Source | Target)[] = [];
  #left: number;
  #libc: Libc | undefined;
  /** Whether the kernel has taken something from the source already: then it can. */
  #proven = false;
  /** How much is in the pipes. */
  #held = 0;
  #state: "fresh" | "running" | "over" = "fresh";
  #room: Uint8Array<ArrayBuffer> | undefined;

  constructor(route: Route) {
    this.#route = route;
    this.transferred = route.transferred ?? { bytes: 0, spliced: 0, copied: 0 };
    this.#left = whole(route.limit ?? Infinity, "transfer: the number of bytes");
  }

  async run(lender: Lender): Promise<void> {
    const { from, to, tap, copy } = this.#route;
    this.#libc = copy ? undefined : libc();
    pipes.enter();
    this.#state = "running";
    try {
      this.#source = this.#begun(
        from instanceof FileSource ? from : sourceOf(lender.lend(from)),
      );
      this.#outlets = [{ side: "to", target: this.#begun(targetOf(lender.lend(to))) }];
      if (tap !== undefined) {
        this.#outlets.push({ side: "tap", target: this.#begun(targetOf(lender.lend(tap))) });
      }
      if (this.#libc !== undefined) this.#findDescriptors();
      // What was written before may be under way.
      for (const outlet of this.#outlets) await this.#write(outlet, NOTHING);
      await this.#pump(lender);
    } finally {
      this.abort();
    }
  }

  abort(): Transferred {
    if (this.#state === "running") {
      this.#givePipesBack();
      for (const end of this.#ends) end.release();
      pipes.leave();
    }
    this.#state = "over";
    return this.transferred;
  }

  #begun<End extends Source | Target>(end: End): End {
    this.#ends.push(end);
    return end;
  }

  /** Now, while there are few that are newer, and no connection has been reset yet, which would have no address any more. */
  #findDescriptors(): void {
    for (const end of this.#ends) end.descriptor;
  }

  async #pump(lender: Lender): Promise<void> {
    const source = this.#source;
    await this.#putWithin(lender, lender.unread(source.end));
    while (this.#left > 0) {
      const size = source.more ? await this.#splice() : SMALL;
      if (this.#left === 0) return;
      const chunk = await this.#take(size);
      if (chunk === null) return await this.#finish();
      if (chunk.length > this.#left) return await this.#putWithin(lender, [chunk]);
      await this.#put(chunk);
      if (eventLoop.isDue) await this.#turn();
    }
  }

  /** Has the kernel move what there is, for as long as that is much; gives how much to read next. */
  async #splice(): Promise<number> {
    while (this.#left > 0) {
      const next = this.#source instanceof FileSource
        ? this.#send(this.#source)
        : await this.#relay();
      if (next !== undefined) return next;
      if (eventLoop.isDue) await this.#turn();
    }
    return 0;
  }

  /** Sends some of a file; if that cannot be now, gives how much to read. */
  #send(source: FileSource): number | undefined {
    const library = this.#libc;
    if (library === undefined) return LARGE;
    const [outlet] = this.#outlets;
    const fd = source.descriptor;
    const to = descriptorOf(outlet);
    if (fd === undefined || to === undefined) return LARGE;
    const sent = source.send(library, fd, to, this.#left);
    if (sent <= 0) return howMuch(library, outlet, to);
    outlet.splices = true;
    this.#left -= sent;
    this.#arrived(sent, 0);
  }

  /** Fills the pipe once and empties it; if there is nothing much, or it cannot be, gives how much to read. */
  async #relay(): Promise<number | undefined> {
    const library = this.#libc;
    if (library === undefined) return LARGE;
    const fd = this.#source.descriptor;
    const [to, tap] = this.#outlets;
    if (fd === undefined || this.#outlets.every((one) => descriptorOf(one) === undefined)) {
      this.#givePipesBack();
      return LARGE;
    }
    const much = library.ioctl(fd, FIONREAD, available) === 0 ? available[0]! : LARGE;
    if (much < WORTH || !this.#fill(library, fd)) {
      this.#givePipesBack();
      return Math.max(much, SMALL);
    }
    if (tap === undefined) return void await this.#drain(library, to, this.#held);
    while (this.#held > 0) {
      const length = library.tee(
        to.pipe!.output,
        tap.pipe!.input,
        this.#held,
        SPLICE_F_NONBLOCK,
      );
      if (length <= 0) throw new Error("Cannot duplicate what is in a pipe: the system refused");
      this.#held += length;
      await this.#drain(library, to, length);
      await this.#drain(library, tap, length);
    }
  }

  /** Moves as much as there is, and goes in, into the empty pipe; whether that was possible. */
  #fill(library: Libc, fd: number): boolean {
    for (const outlet of this.#outlets) {
      outlet.pipe ??= pipes.take(library);
      if (outlet.pipe === undefined) return false;
    }
    const { input, size } = this.#outlets[0].pipe!;
    const length = library.splice(fd, null, input, null, Math.min(size, this.#left), FLAGS);
    if (length > 0) {
      this.#proven = true;
      this.#left -= length;
      this.#held = length;
      return true;
    }
    // There was something. If it has never worked, it cannot be done with what this is.
    if (!this.#proven) this.#libc = undefined;
    return false;
  }

  /** Moves so many bytes out of the pipe. */
  async #drain(library: Libc, outlet: Outlet, length: number): Promise<void> {
    const { output } = outlet.pipe!;
    while (length > 0) {
      // Each time anew: who was told of the progress may have closed it, and opened something else of that number.
      const fd = descriptorOf(outlet);
      let moved = fd === undefined ? 0 : library.splice(output, null, fd, null, length, FLAGS);
      if (moved > 0) {
        outlet.splices = true;
        this.#held -= moved;
        if (outlet.side === "to") this.#arrived(moved, 0);
      } else {
        // It is full, or broken, or does not know how: writing will tell.
        const room = this.#room ??= new Uint8Array(LARGE);
        moved = library.read(output, room, Math.min(length, howMuch(library, outlet, fd)));
        if (moved <= 0) throw new Error("Cannot read from a pipe: the system refused");
        this.#held -= moved;
        await this.#write(outlet, room.subarray(0, moved));
      }
      length -= moved;
    }
  }

  /** Writes what is within the limit; what is beyond goes back. */
  async #putWithin(lender: Lender, chunks: Uint8Array[]): Promise<void> {
    for (const [i, chunk] of chunks.entries()) {
      if (chunk.length <= this.#left) await this.#put(chunk);
      else {
        const within = this.#left;
        lender.takeBack(this.#source.end, [chunk.slice(within), ...chunks.slice(i + 1)]);
        if (within > 0) await this.#put(chunk.subarray(0, within));
        return;
      }
    }
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#left -= bytes.length;
    for (const outlet of this.#outlets) await this.#write(outlet, bytes);
  }

  async #take(size: number): Promise<Uint8Array | null> {
    let chunk: Uint8Array | null;
    try {
      chunk = await this.#source.take(Math.min(size, this.#left));
    } catch (error) {
      throw this.#error("from", this.#source, error);
    }
    this.#goOn();
    return chunk;
  }

  async #write({ side, target }: Outlet, bytes: Uint8Array): Promise<void> {
    for (;;) {
      let sent: number;
      try {
        sent = await target.put(bytes);
      } catch (error) {
        throw this.#error(side, target, error);
      }
      this.#goOn();
      if (side === "to" && sent > 0) this.#arrived(0, sent);
      if (sent === bytes.length) return;
      bytes = bytes.subarray(sent);
    }
  }

  async #finish(): Promise<void> {
    for (const { target } of this.#outlets) await target.finish();
  }

  async #turn(): Promise<void> {
    await turn();
    this.#goOn();
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
    this.#goOn();
  }

  /** What was aborted while others ran goes no further; whoever aborted has told why. */
  #goOn(): void {
    if (this.#state === "over") throw new DOMException("The transfer was aborted", "AbortError");
  }

  #givePipesBack(): void {
    for (const outlet of this.#outlets ?? []) {
      if (outlet.pipe !== undefined) pipes.give(outlet.pipe, this.#held === 0);
      outlet.pipe = undefined;
    }
  }
}

const NOTHING = new Uint8Array(0);

function descriptorOf({ splices, target }: Outlet): number | undefined {
  return splices === false ? undefined : target.descriptor;
}

/** How much to copy to where nothing could be moved: a page, to wait until there is room; much, if it is never possible. */
function howMuch(library: Libc, outlet: Outlet, fd: number | undefined): number {
  if (fd === undefined) return LARGE;
  if (outlet.splices === undefined && (pollNow(library, fd, POLLOUT) & POLLOUT) !== 0) {
    if (outlet.doubted) outlet.splices = false;
    outlet.doubted = true;
  }
  return outlet.splices === false ? LARGE : PAGE;
}
