import { FileSource } from "./_file_source.ts";
import { EventLoop } from "../_event_loop.ts";
import {
  type End,
  LARGE,
  reactorOf,
  settled,
  SMALL,
  type Source,
  sourceOf,
  type Steps,
  type Target,
  targetOf,
  type Waiting,
} from "./_ends.ts";
import { type Libc, libc, pollNow, POLLOUT } from "../linux/_libc.ts";
import { type Pipe, pipes } from "../linux/_pipe_pool.ts";
import type { Registrar } from "../_registrar.ts";
import type { Job, Lender, TransferSource, TransferTarget } from "./transfer.ts";
import type { Transferred } from "./transferred.ts";
import { whole } from "../_whole.ts";
import { type Cut, TransferError, type TransferSide } from "./transfer_error.ts";

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
function turn(): Steps {
  return settled(turning ??= eventLoop.turn().finally(() => turning = undefined));
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
  readonly #ends: End[] = [];
  #left: number;
  /** How much was taken from the source. */
  #taken = 0;
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

  run(lender: Lender, reactor: Registrar | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const steps = this.#steps(lender, reactor);
    const resume = (value?: unknown) => go("next", value);
    const fail = (error: unknown) => go("throw", error);
    const go = (how: "next" | "throw", value?: unknown) => {
      if (this.#state === "over") return; // Whoever aborted it has told why.
      try {
        const { done, value: wait } = steps[how](value);
        if (!done) return wait(resume, fail);
        resolve();
      } catch (error) {
        reject(error);
      }
      this.abort();
    };
    if (this.#state === "fresh") {
      this.#state = "running";
      pipes.enter();
      resume();
    }
    return promise;
  }

  abort(): Cut {
    if (this.#state === "running") {
      this.#givePipesBack();
      for (const end of this.#ends) end.release();
      pipes.leave();
    }
    this.#state = "over";
    return this.#cut;
  }

  #begun<E extends End>(end: E): E {
    this.#ends.push(end);
    return end;
  }

  *#steps(lender: Lender, reactor: Registrar | undefined): Steps {
    const { from, to, tap, copy } = this.#route;
    this.#libc = copy ? undefined : libc();
    const origin = from instanceof FileSource ? from : lender.lend(from);
    const first = lender.lend(to);
    const second = tap === undefined ? undefined : lender.lend(tap);
    const other = reactorOf(origin) ?? reactorOf(first) ?? reactorOf(second);
    const waiting = (end: object, toString: () => string): Waiting => ({
      reactor: reactor ?? reactorOf(end) ?? other,
      where: { toString },
    });
    const target = (end: object) =>
      this.#begun(targetOf(end, waiting(end, () => `transfer from ${this.#name(0)}`)));
    const source = this.#source = this.#begun(
      origin instanceof FileSource
        ? origin
        : sourceOf(origin, waiting(origin, () => `transfer to ${this.#name(1)}`)),
    );
    this.#outlets = [{ side: "to", target: target(first) }];
    if (second !== undefined) this.#outlets.push({ side: "tap", target: target(second) });
    // Now, while there are few that are newer, and no connection has been reset yet, which would have no address any more.
    if (this.#libc !== undefined) { for (const end of this.#ends) end.descriptor; }
    // What was written before may be under way.
    for (const outlet of this.#outlets) yield* this.#write(outlet, NOTHING);
    yield* this.#putWithin(lender, lender.unread(source.end));
    while (this.#left > 0) {
      const size = source.more ? yield* this.#splice() : SMALL;
      if (this.#left === 0) return;
      const chunk = yield* this.#take(size);
      if (chunk === null) return yield* this.#finish();
      if (chunk.length > this.#left) return yield* this.#putWithin(lender, [chunk]);
      yield* this.#put(chunk);
      if (eventLoop.isDue) yield* turn();
    }
  }

  /** Has the kernel move what there is, for as long as that is much; gives how much to read next. */
  *#splice(): Steps<number> {
    while (this.#left > 0) {
      const next = this.#source instanceof FileSource
        ? this.#send(this.#source)
        : yield* this.#relay();
      if (next !== undefined) return next;
      if (eventLoop.isDue) yield* turn();
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
    this.#takes(sent);
    this.#arrived(sent, 0);
  }

  /** Fills the pipe once and empties it; if there is nothing much, or it cannot be, gives how much to read. */
  *#relay(): Steps<number | undefined> {
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
    if (tap === undefined) return void (yield* this.#drain(library, to, this.#held));
    while (this.#held > 0) {
      const length = library.tee(
        to.pipe!.output,
        tap.pipe!.input,
        this.#held,
        SPLICE_F_NONBLOCK,
      );
      if (length <= 0) throw new Error("Cannot duplicate what is in a pipe: the system refused");
      this.#held += length;
      yield* this.#drain(library, to, length);
      yield* this.#drain(library, tap, length);
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
      this.#takes(length);
      this.#held = length;
      return true;
    }
    // There was something. If it has never worked, it cannot be done with what this is.
    if (!this.#proven) this.#libc = undefined;
    return false;
  }

  /** Moves so many bytes out of the pipe. */
  *#drain(library: Libc, outlet: Outlet, length: number): Steps {
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
        yield* this.#write(outlet, room.subarray(0, moved));
      }
      length -= moved;
    }
  }

  /** Writes what is within the limit; what is beyond goes back. */
  *#putWithin(lender: Lender, chunks: Uint8Array[]): Steps {
    for (const [i, chunk] of chunks.entries()) {
      if (chunk.length <= this.#left) yield* this.#put(chunk);
      else {
        const within = this.#left;
        lender.takeBack(this.#source.end, [chunk.slice(within), ...chunks.slice(i + 1)]);
        if (within > 0) yield* this.#put(chunk.subarray(0, within));
        return;
      }
    }
  }

  *#put(bytes: Uint8Array): Steps {
    this.#takes(bytes.length);
    for (const outlet of this.#outlets) yield* this.#write(outlet, bytes);
  }

  *#take(size: number): Steps<Uint8Array | null> {
    try {
      return yield* this.#source.take(Math.min(size, this.#left));
    } catch (error) {
      throw this.#error("from", this.#source, error);
    }
  }

  *#write({ side, target }: Outlet, bytes: Uint8Array): Steps {
    for (;;) {
      let sent: number;
      try {
        sent = yield* target.put(bytes);
      } catch (error) {
        throw this.#error(side, target, error);
      }
      if (side === "to" && sent > 0) this.#arrived(0, sent);
      if (sent === bytes.length) return;
      bytes = bytes.subarray(sent);
    }
  }

  *#finish(): Steps {
    for (const { target } of this.#outlets) {
      const finished = target.finish();
      if (finished !== undefined) yield* settled(finished);
    }
  }

  get #cut(): Cut {
    return { ...this.transferred, lost: this.#taken - this.transferred.bytes };
  }

  #takes(length: number): void {
    this.#left -= length;
    this.#taken += length;
  }

  #error(side: TransferSide, end: End, error: unknown): TransferError {
    return new TransferError(side, end, this.#cut, error);
  }

  #arrived(spliced: number, copied: number): void {
    const { transferred } = this;
    transferred.spliced += spliced;
    transferred.copied += copied;
    transferred.bytes += spliced + copied;
    this.#route.onProgress?.();
    // What was aborted there goes no further; whoever aborted it has told why.
    if (this.#state === "over") throw new DOMException("The transfer was aborted", "AbortError");
  }

  /** Of one of the ends, as it is told of the other. */
  #name(index: number): string {
    return this.#ends[index]?.describe() || "another end";
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
