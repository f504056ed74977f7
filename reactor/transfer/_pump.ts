import { expectAttended } from "../_attended.ts";
import { FileSource } from "./_file_source.ts";
import { EventLoop } from "../_event_loop.ts";
import { Idle } from "./_idle.ts";
import {
  type End,
  LARGE,
  reactorOf,
  SMALL,
  type Source,
  sourceOf,
  type Steps,
  type Target,
  targetOf,
  type Wait,
  type Waiting,
} from "./_ends.ts";
import {
  type Libc,
  libc,
  pollNow,
  POLLOUT,
  SPLICE_F_MOVE,
  SPLICE_F_NONBLOCK,
} from "../linux/_libc.ts";
import { type Pipe, pipes } from "../linux/_pipe_pool.ts";
import type { Registrar } from "../_registrar.ts";
import {
  type Job,
  type Lender,
  type Transfer,
  TransferRequest,
  type TransferSource,
  type TransferTarget,
  type Use,
} from "./transfer.ts";
import type { Transferred } from "./transferred.ts";
import { duration, whole } from "../_whole.ts";
import { type Cut, TransferError, type TransferSide } from "./transfer_error.ts";

/*
 * The rules of a pump, which moves the bytes of one direction:
 *
 * 1. To wait for bytes, a small amount is read. If that is all, it is written. Splicing does not
 *    pay for little.
 * 2. If there is much, the kernel moves it into a pipe and out of it, until there is little. The
 *    kernel is asked first how much there is, so that splicing never meets the end or an error.
 *    Reading meets them, and tells which it is.
 * 3. The pipe is empty before each refill, so a refused splice never means a full pipe. To wait for
 *    room at the far side, a page is read out of the pipe and written. If the far side is broken,
 *    writing tells.
 * 4. The end of the stream goes to the far side after all bytes.
 * 5. With a tap, the content of the pipe is duplicated into a second pipe before it moves on. The
 *    same amount then leaves each pipe.
 * 6. What cannot be spliced is copied, for once or from then on: no descriptor, no pipe, a refusal
 *    of the kernel.
 * 7. Nothing is taken for which a target has no room, such as the rest of an HTTP body.
 * 8. Progress is reported only after bytes have arrived. An abort may come whenever other code
 *    runs. It releases both ends and the pipes at once.
 */

// Never SPLICE_F_MORE: the last bytes would wait for 200 ms.
const FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
const FIONREAD = 0x541b;
const PAGE = 4096;
/** It is cheaper to copy less than this. */
const WORTH = 16 * 1024;

/**
 * All transfers together let Deno's event loop turn this often, which is once for some megabytes.
 */
const eventLoop = new EventLoop({ turnMs: 3 });
let turning: Promise<void> | undefined;

/**
 * Waits for a turn. All transfers wait for the same one, and then each has its share before the
 * next is due.
 */
function turn(): Promise<void> {
  return turning ??= eventLoop.turn().finally(() => turning = undefined);
}

const available = new Uint32Array(1);

/** What a {@linkcode Pump} moves, and where. */
export interface Route {
  from: TransferSource | FileSource;
  to: TransferTarget;
  tap?: TransferTarget | undefined;
  /** How many bytes to move, at most. */
  limit?: number | undefined;
  /** Whether more than that cuts it. */
  limitCuts?: boolean;
  /** Whether never to splice. */
  copy?: boolean | undefined;
  signal?: AbortSignal;
  onProgress?: ((transferred: Transferred) => void) | undefined;
  /** Told of all that moves. */
  idle?: Idle | undefined;
}

/** What bytes are written to. */
interface Outlet {
  readonly side: "to" | "tap";
  readonly target: Target;
  /** How many bytes have arrived there. */
  arrived: number;
  /** The pipe that spliced bytes come out of. */
  pipe?: Pipe | undefined;
  /** Whether the kernel can move bytes there, if that is known. */
  splices?: boolean | undefined;
  /**
   * Whether the kernel has refused once although there was room. The room may have come just then.
   */
  doubted?: boolean;
}

type Outlets = [to: Outlet, ...tap: Outlet[]];

/** The transfer of one pump. */
export function pumped({ idleMs, ...route }: Route & { idleMs?: number | undefined }): Transfer {
  const { signal } = route;
  const idle = idleOf(idleMs);
  const pump = new Pump({ ...route, idle });
  return new TransferRequest([pump], pump.transferred, { signal, idle });
}

/** What looks after a transfer, if anything is to. */
export function idleOf(idleMs: number = Infinity): Idle | undefined {
  duration(idleMs, "transfer: idleMs");
  return idleMs === Infinity ? undefined : new Idle(idleMs);
}

/** One direction of a transfer. */
export class Pump implements Job {
  readonly transferred: Transferred = { bytes: 0, spliced: 0, copied: 0 };
  readonly #route: Route;
  #source!: Source;
  #outlets!: Outlets;
  /** The ends that have been made so far. */
  readonly #ends: End[] = [];
  #left: number;
  /** How many bytes were taken from the source. */
  #taken = 0;
  #libc: Libc | undefined;
  /** Whether the kernel has moved bytes from the source before. */
  #proven = false;
  /** Whether the kernel has duplicated bytes before. */
  #duplicates = false;
  /** How many bytes are in the pipes. */
  #held = 0;
  #state: "fresh" | "running" | "over" = "fresh";
  /** Whether everything has been moved. */
  #isWhole = false;
  #room: Uint8Array<ArrayBuffer> | undefined;
  #lender!: Lender;
  #endExpecting: (() => void) | undefined;
  /** Chunks that the source has given and that were not taken yet. */
  #unread: Uint8Array[] = [];

  constructor(route: Route) {
    this.#route = route;
    const what = route.limitCuts ? "maxBytes" : "the number of bytes";
    this.#left = whole(route.limit ?? Infinity, `transfer: ${what}`);
  }

  get isAtOnce(): boolean {
    return this.#route.from instanceof FileSource;
  }

  uses(end: object | symbol, use: Use): boolean {
    const { from, to, tap } = this.#route;
    return use === "from" ? from === end : to === end || tap === end;
  }

  run(lender: Lender, reactor: Registrar | undefined): Promise<void> | undefined {
    if (this.#state !== "fresh") return new Promise(() => {});
    const steps = this.#steps(lender, reactor);
    let result: PromiseWithResolvers<void> | undefined;
    const resume = (value?: unknown) => go("next", value);
    const fail = (error: unknown) => go("throw", error);
    /** Returns what to wait for, or nothing if it is done. */
    const step = (how: "next" | "throw", value: unknown): Wait | undefined => {
      const { done, value: wait } = steps[how](value);
      if (!done) return wait;
      this.#isWhole = true;
      this.abort();
    };
    const goOn = (wait: Wait): void => {
      if (typeof wait === "function") wait(resume, fail);
      else Promise.resolve(wait).then(resume, fail);
    };
    const go = (how: "next" | "throw", value?: unknown) => {
      if (this.#state === "over") return; // Whoever aborted it has told why.
      try {
        const wait = step(how, value);
        if (wait === undefined) result!.resolve();
        else goOn(wait);
      } catch (error) {
        result!.reject(error);
        this.abort();
      }
    };
    this.#state = "running";
    pipes.enter();
    try {
      const wait = step("next", undefined);
      if (wait === undefined) return undefined;
      result = Promise.withResolvers();
      goOn(wait);
      return result.promise;
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  abort(): Cut {
    if (this.#state === "running") {
      this.#endExpecting?.();
      this.#giveUnreadBack();
      for (const { target } of this.#outlets ?? []) this.#lender.ended(target.end, this.#isWhole);
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
    const { from, to, tap, copy, limit } = this.#route;
    let { limitCuts } = this.#route;
    this.#lender = lender;
    const isFile = from instanceof FileSource;
    if (isFile) this.#left = this.#begun(from).open();
    this.#libc = copy ? undefined : libc();
    const origin = isFile ? from : lender.lend(from, "from");
    const given: TransferTarget[] = tap === undefined ? [to] : [to, tap];
    const targets = given.map((end) => lender.lend(end, "to"));
    const other = [origin, ...targets].map(reactorOf).find((one) => one !== undefined);
    this.#route.idle?.begin(reactor ?? other);
    const waiting = (end: object, toString: () => string): Waiting => ({
      reactor: reactor ?? reactorOf(end) ?? other,
      where: { toString },
    });
    const source = this.#source = isFile
      ? from
      : this.#begun(sourceOf(origin, waiting(origin, () => `transfer to ${this.#name(1)}`)));
    this.#outlets = targets.map((end, i): Outlet => ({
      side: i === 0 ? "to" : "tap",
      arrived: 0,
      target: this.#begun(targetOf(end, waiting(end, () => `transfer from ${this.#name(0)}`))),
    })) as Outlets;
    const room = Math.min(...this.#outlets.map(({ target }) => target.framed?.room ?? Infinity));
    if (room < this.#left) {
      this.#left = room;
      limitCuts = false;
    }
    const waits = this.#ends.find((end) => end.reactor !== undefined)?.reactor;
    if (waits !== undefined) {
      const what = () => `transfer from ${this.#name(0)} to ${this.#name(1)}`;
      this.#endExpecting = expectAttended(waits, "nothing is transferred", what);
    }
    // The descriptors are found now, while few are newer. Also, a connection that is reset later
    // has no address any more.
    if (this.#libc !== undefined) { for (const end of this.#ends) end.descriptor; }
    // Waits for what was written before.
    yield* this.#write(NOTHING);
    let isBeyond = !(yield* this.#putWithin(lender.unread(source.end)));
    while (this.#left > 0) {
      const size = !source.more
        ? SMALL
        : source instanceof FileSource
        ? this.#send(source)
        : yield* this.#relay();
      if (size !== undefined) {
        const chunk = yield* this.#take(Math.min(size, this.#left));
        if (chunk === null) return isFile ? undefined : yield* this.#finish();
        if (chunk.length > this.#left) isBeyond = !(yield* this.#putWithin([chunk]));
        else {
          this.#takes(chunk.length);
          yield* this.#write(chunk);
        }
      }
      if (eventLoop.isDue) yield turn();
    }
    if (!limitCuts) return;
    // What ends here is within the limit.
    const more = isBeyond ? NOTHING : yield* this.#take(1);
    if (more === null) return yield* this.#finish();
    this.#takes(more.length);
    const where = source.describe() || "one end";
    const reason = new RangeError(`More than ${limit} bytes came from ${where}, see maxBytes`);
    throw new TransferError("signal", undefined, this.#cut, reason);
  }

  *#take(size: number): Steps<Uint8Array | null> {
    try {
      return yield* this.#source.take(size);
    } catch (error) {
      throw this.#error("from", this.#source, error);
    }
  }

  /** Sends some of a file. If the kernel does not, returns how much to read. */
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
    outlet.target.framed?.moved(sent);
    this.#arrived(outlet, sent, 0);
  }

  /**
   * Fills the pipe once and empties it. If there is little, or it is not possible, returns how much
   * to read.
   */
  *#relay(): Steps<number | undefined> {
    const library = this.#libc;
    if (library === undefined) return LARGE;
    const fd = this.#source.descriptor;
    const [to, tap] = this.#outlets;
    if (fd === undefined || this.#outlets.every((one) => descriptorOf(one) === undefined)) {
      this.#givePipesBack();
      return LARGE;
    }
    const waiting = library.ioctl(fd, FIONREAD, available) === 0 ? available[0]! : LARGE;
    const much = Math.min(waiting, this.#source.framed?.direct ?? Infinity);
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
      if (length <= 0) return void (yield* this.#copyHeld(library, to.pipe!.output));
      this.#duplicates = true;
      this.#held += length;
      yield* this.#drain(library, to, length);
      yield* this.#drain(library, tap, length);
    }
  }

  /** Copies the content of the pipe to all outlets. */
  *#copyHeld(library: Libc, output: number): Steps {
    if (!this.#duplicates) this.#libc = undefined;
    while (this.#held > 0) yield* this.#write(this.#takeHeld(library, output, LARGE));
    this.#givePipesBack();
  }

  /** Reads some of the content of a pipe. */
  #takeHeld(library: Libc, output: number, size: number): Uint8Array {
    const room = this.#room ??= new Uint8Array(LARGE);
    const length = library.read(output, room, Math.min(size, LARGE));
    if (length <= 0) throw new Error("Cannot read from a pipe: the system refused");
    this.#held -= length;
    return room.subarray(0, length);
  }

  /** Moves as much as possible into the empty pipe. Returns whether that was possible. */
  #fill(library: Libc, fd: number): boolean {
    for (const outlet of this.#outlets) {
      outlet.pipe ??= pipes.take(library);
      if (outlet.pipe === undefined) return false;
    }
    const { input, size } = this.#outlets[0].pipe!;
    const { framed } = this.#source;
    const most = Math.min(size, this.#left, framed?.direct ?? Infinity);
    const length = library.splice(fd, null, input, null, most, FLAGS);
    if (length > 0) {
      this.#proven = true;
      framed?.moved(length);
      this.#takes(length);
      this.#held = length;
      return true;
    }
    // There was something to move. If it has never worked, this kind of source cannot be spliced.
    if (!this.#proven) this.#libc = undefined;
    return false;
  }

  /** Moves this number of bytes out of the pipe. */
  *#drain(library: Libc, outlet: Outlet, length: number): Steps {
    const { output } = outlet.pipe!;
    while (length > 0) {
      // Found again each time: `onProgress` may have closed it and opened something else with its
      // number.
      const fd = descriptorOf(outlet);
      let moved = fd === undefined ? 0 : library.splice(output, null, fd, null, length, FLAGS);
      if (moved > 0) {
        outlet.splices = true;
        this.#held -= moved;
        outlet.target.framed?.moved(moved);
        this.#arrived(outlet, moved, 0);
      } else {
        // It is full, broken, or cannot be spliced to. Writing will tell.
        const size = Math.min(length, howMuch(library, outlet, fd));
        const bytes = this.#takeHeld(library, output, size);
        moved = bytes.length;
        yield* this.#write(bytes, [outlet]);
      }
      length -= moved;
    }
  }

  /**
   * Writes the chunks up to the limit, and returns the rest to the lender. Returns whether there
   * was none.
   */
  *#putWithin(chunks: Uint8Array[]): Steps<boolean> {
    this.#unread = chunks;
    for (let chunk; (chunk = chunks.shift()) !== undefined;) {
      const within = Math.min(chunk.length, this.#left);
      this.#takes(within);
      const isAll = within === chunk.length;
      if (!isAll) {
        chunks.unshift(chunk.slice(within));
        this.#giveUnreadBack();
      }
      if (within > 0) yield* this.#write(chunk.subarray(0, within));
      if (!isAll) return false;
    }
    return true;
  }

  /** It was only lent, and is read by whoever reads next. */
  #giveUnreadBack(): void {
    const unread = this.#unread;
    this.#unread = [];
    if (unread.length > 0) this.#lender.takeBack(this.#source.end, unread);
  }

  *#write(bytes: Uint8Array, outlets: readonly Outlet[] = this.#outlets): Steps {
    for (const outlet of outlets) {
      const { side, target } = outlet;
      for (let rest = target.mayKeep ? bytes.slice() : bytes;;) {
        let sent: number;
        try {
          sent = yield* target.put(rest);
        } catch (error) {
          throw this.#error(side, target, error);
        }
        if (sent > 0) this.#arrived(outlet, 0, sent);
        if (sent === rest.length) break;
        rest = rest.subarray(sent);
      }
    }
  }

  *#finish(): Steps {
    for (const { target } of this.#outlets) {
      const finished = target.finish();
      if (finished !== undefined) yield finished;
    }
  }

  get #cut(): Cut {
    const lost = Math.max(...(this.#outlets ?? []).map(({ arrived }) => this.#taken - arrived), 0);
    return { ...this.transferred, lost };
  }

  #takes(length: number): void {
    this.#left -= length;
    this.#taken += length;
  }

  #error(side: TransferSide, end: End, error: unknown): TransferError {
    return new TransferError(side, end, this.#cut, error);
  }

  #arrived(outlet: Outlet, spliced: number, copied: number): void {
    outlet.arrived += spliced + copied;
    this.#route.idle?.moved();
    if (outlet.side === "tap") return;
    const { transferred } = this;
    transferred.spliced += spliced;
    transferred.copied += copied;
    transferred.bytes += spliced + copied;
    this.#route.onProgress?.(transferred);
    // `onProgress` has aborted the transfer. Whoever did that has told why.
    if (this.#state === "over") throw new DOMException("The transfer was aborted", "AbortError");
  }

  /** Names an end in the description of another. */
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

/**
 * How much to copy to an outlet that the kernel did not move bytes to: a page, to wait until there
 * is room; much, if it never will.
 */
function howMuch(library: Libc, outlet: Outlet, fd: number | undefined): number {
  if (fd === undefined) return LARGE;
  if (outlet.splices === undefined && (pollNow(library, fd, POLLOUT) & POLLOUT) !== 0) {
    if (outlet.doubted) outlet.splices = false;
    outlet.doubted = true;
  }
  return outlet.splices === false ? LARGE : PAGE;
}
