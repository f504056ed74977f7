import { Framing } from "./_framed.ts";
import { shown } from "../_describe.ts";
import { markAsRequest, type ReactorWaiter } from "../_request.ts";
import type { Registrar } from "../_registrar.ts";
import type { Selectable } from "../selectable.ts";
import type { Idle } from "./_idle.ts";
import type { Transferred } from "./transferred.ts";
import { ignore } from "../_ignore.ts";
import { currentMaker } from "./_maker.ts";
import { type Cut, TransferError } from "./transfer_error.ts";

/**
 * In a coroutine that gio runs: the innermost context. The bare `yield`s of the coroutine read from
 * it, and `yield data` writes to it.
 *
 * @category Zero-copy
 */
export const here: unique symbol = Symbol("the innermost context");

/**
 * What bytes are received from without blocking, such as a socket of the reactor or a context of
 * gio.
 *
 * @category Zero-copy
 */
export interface Receiver extends Selectable {
  /**
   * Receives what has arrived, as {@linkcode Socket.recv} does. A context of gio takes back what it
   * gives beyond `max` bytes.
   *
   * @param max How many bytes to receive, at most; everything if it is missing.
   * @returns The bytes, `null` at the end of the stream, or `undefined` if it would block.
   */
  recv(max?: number): Uint8Array | string | null | undefined;
}

/**
 * What bytes are sent to without blocking, such as a socket of the reactor or a context of gio.
 *
 * @category Zero-copy
 */
export interface Sender extends Selectable {
  /**
   * Sends bytes, as {@linkcode Socket.send} does.
   *
   * @param bytes The bytes. It may keep them.
   * @returns How many bytes were accepted, from the front. 0 if it would block.
   */
  send(bytes: Uint8Array): number;
  /** See {@linkcode Socket.shutdown}. */
  shutdown?(): void;
}

/**
 * What reads as a `Deno.Conn`, `Deno.FsFile` or `Deno.stdin` does.
 *
 * @category Zero-copy
 */
export interface Reads {
  /**
   * Reads at most `p.length` bytes into `p`.
   *
   * @param p Where to put the bytes.
   * @returns The number of bytes, or `null` at the end of the stream.
   */
  read(p: Uint8Array): Promise<number | null>;
}

/**
 * What writes as a `Deno.Conn`, `Deno.FsFile` or `Deno.stdout` does.
 *
 * @category Zero-copy
 */
export interface Writes {
  /**
   * Writes some or all of `p`.
   *
   * @param p The bytes. It may keep them.
   * @returns The number of bytes written.
   */
  write(p: Uint8Array): Promise<number>;
  /**
   * Ends the writing half.
   *
   * @returns A promise that resolves when it is ended.
   */
  closeWrite?(): Promise<void>;
}

/**
 * What a transfer can read from. What `open()` and `connectTo()` of gio return has a `context`.
 *
 * @category Zero-copy
 */
export type TransferSource = Reads | Receiver | { readonly context: Receiver } | typeof here;
/**
 * What a transfer can write to.
 *
 * @category Zero-copy
 */
export type TransferTarget = Writes | Sender | { readonly context: Sender } | typeof here;
/**
 * What a transfer can read from and write to.
 *
 * @category Zero-copy
 */
export type TransferPeer =
  | (Reads & Writes)
  | (Receiver & Sender)
  | { readonly context: Receiver & Sender }
  | typeof here;

/**
 * Options of all transfers.
 *
 * @category Zero-copy
 */
export interface TransferOptions<T = Transferred> {
  /**
   * Cuts the transfer when it aborts. Bytes that were read and not written are lost, so close the
   * connections then.
   */
  signal?: AbortSignal;
  /**
   * Cuts the transfer if nothing has moved for this time, in milliseconds. The cause is a
   * `DOMException` named `"TimeoutError"`. It uses the clock of the reactor, if there is one.
   *
   * @default {Infinity}
   */
  idleMs?: number;
  /** Called each time bytes have arrived, always with the same object. */
  onProgress?: (transferred: T) => void;
}

/** What a transfer does with an end: it reads from it, or writes to it. */
export type Use = "from" | "to";

/** Lends the ends of a transfer to it. Gio is one. */
export interface Lender {
  /** Returns what `end` stands for. Only the transfer uses it until it ends. */
  lend(end: TransferSource | TransferTarget, use: Use): object;
  /** Returns what was received from an end before it was lent, and not consumed. */
  unread(end: object): Uint8Array[];
  /** Takes what the transfer has received beyond its limit, or has not begun when it is cut. */
  takeBack(end: object, unread: Uint8Array[]): void;
  /** The transfer to `target` has ended. If that is not whole, a close must not look like an end. */
  ended(target: object, isWhole: boolean): void;
}

/** One direction of a {@linkcode Transfer}. */
export interface Job {
  /** Whether it has bytes to move as soon as it begins. */
  readonly isAtOnce: boolean;
  /** Whether it was told to read from `end`, or to write to it. */
  uses(end: object | symbol, use: Use): boolean;
  /**
   * Moves the bytes. `reactor` calls back; if it is missing, the reactor that each socket belongs
   * to does. Returns nothing if all of it is done already.
   *
   * @throws If it fails already.
   */
  run(lender: Lender, reactor: Registrar | undefined): Promise<void> | undefined;
  /** Ends it at once. The promise of `run` is not settled any more. Returns how far it came. */
  abort(): Cut;
}

/**
 * A transfer of bytes, made by {@linkcode splice} and {@linkcode sendFile}.
 *
 * It is a promise that begins by itself: `await` it. In a coroutine that gio runs, `yield*` it. If
 * such a coroutine makes one from or to {@linkcode here} and forgets that, a `TypeError` is thrown
 * at its next `yield`, or at its end.
 *
 * @typeParam T What it reports.
 *
 * @example How far it is
 * ```ts
 * import { splice } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeFile(path, new Uint8Array(1000));
 * using from = await Deno.open(path);
 * const sizes: number[] = [];
 * const to = { write: (p: Uint8Array) => Promise.resolve(sizes.push(p.length) && p.length) };
 * const transfer = splice(from, to);
 * assertEquals(transfer.transferred.bytes, 0);
 * await transfer;
 * assertEquals(transfer.transferred.bytes, 1000);
 * await Deno.remove(path);
 * ```
 *
 * @category Zero-copy
 */
export interface Transfer<T = Transferred> extends Promise<T> {
  /** How much has arrived so far. */
  readonly transferred: T;
  /**
   * Cuts the transfer with a {@linkcode TransferError}, and releases both ends at once. Does nothing
   * if it has ended.
   *
   * @param reason The cause of the error; an `AbortError` if it is missing.
   */
  abort(reason?: unknown): void;
  /**
   * Begins the transfer for a coroutine, as every request is begun: by the driver of the coroutine.
   *
   * @param waiter The coroutine that waits. Its `reactor`, if any, calls back.
   * @returns What cuts the transfer when the coroutine does not wait for it any more.
   */
  begin(
    waiter: { readonly reactor?: object; resume(value: T): void; fail(error: unknown): void },
  ): () => void;
  /** For `yield*`: the driver of the coroutine begins the transfer, and gives what was transferred. */
  [Symbol.iterator](): Generator<Transfer<T>, T, unknown>;
}

/** What {@linkcode Transfer} is for those who drive coroutines. */
export class TransferRequest<T = Transferred> implements Transfer<T> {
  static {
    markAsRequest(this.prototype);
  }

  readonly transferred: T;
  readonly #jobs: readonly Job[];
  readonly #signal: AbortSignal | undefined;
  readonly #idle: Idle | undefined;
  readonly #result = Promise.withResolvers<T>();
  /** Is told of an error that nobody waits for; undefined if no coroutine has made it. */
  readonly #report: ((error: unknown) => void) | undefined;
  #state: "fresh" | "lent" | "running" | "whole" | "failed" = "fresh";
  /** Whether somebody waits for the promise. */
  #isAsked = false;

  constructor(
    jobs: readonly Job[],
    transferred: T,
    { signal, idle }: { signal?: AbortSignal | undefined; idle?: Idle | undefined },
  ) {
    this.#jobs = jobs;
    this.transferred = transferred;
    this.#signal = signal;
    this.#idle = idle;
    if (idle !== undefined) idle.onIdle = this.#onIdle;
    const maker = currentMaker();
    this.#report = maker?.reporter();
    const forgetful = this.uses(here, "from") || this.uses(here, "to") ? maker : undefined;
    forgetful?.made(this);
    queueMicrotask(() => {
      forgetful?.forgot();
      if (this.#state === "fresh") this.#begin();
    });
  }

  abort(reason: unknown = new DOMException("The transfer was aborted", "AbortError")): void {
    if (this.#isOver) return;
    const cuts = this.#jobs.map((job) => job.abort());
    const sum = (of: keyof Cut) => cuts.reduce((sum, cut) => sum + cut[of], 0);
    const [bytes, spliced, copied, lost] = [
      sum("bytes"),
      sum("spliced"),
      sum("copied"),
      sum("lost"),
    ];
    this.#fail(new TransferError("signal", undefined, { bytes, spliced, copied, lost }, reason));
  }

  /**
   * Called by the driver of a coroutine when everything written before has been accepted: begins
   * the transfer.
   *
   * @param waiter The coroutine that waits. It may lend the ends.
   * @returns What cuts the transfer when the coroutine does not wait for it any more.
   */
  begin(waiter: ReactorWaiter<T> & { readonly lender?: Lender }): () => void {
    this.#begin(waiter.lender, waiter.reactor);
    this.#isAsked = true;
    // Nothing had to wait, so the coroutine does not wait either.
    if (this.#state === "whole") waiter.resume(this.transferred);
    else this.#result.promise.then((value) => waiter.resume(value), (error) => waiter.fail(error));
    return () => this.abort();
  }

  /** Called by who has got it from a coroutine, and will begin it. */
  claim(): void {
    if (this.#state === "fresh") this.#state = "lent";
  }

  /** Whether the driver must first write what the coroutine has written before. */
  get flushes(): boolean {
    return true;
  }

  /** Whether bytes follow at once, so that the kernel does not send alone what was written before. */
  follows = false;

  /** Called if at least one byte must follow what was written before. */
  follow(): void {
    this.follows = this.#jobs.every((job) => job.isAtOnce);
  }

  /** Whether it was told to read from `end`, or to write to it. */
  uses(end: object | symbol, use: Use): boolean {
    return this.#jobs.some((job) => job.uses(end, use));
  }

  /**
   * Called by the driver of the coroutine that made it, when that stands still or has ended: ends it
   * if it was neither yielded nor awaited.
   *
   * @returns The error in that case.
   */
  forget(): TypeError | undefined {
    if (this.#state !== "fresh" || this.#isAsked) return undefined;
    const error = onlyYielded();
    this.#settled("failed");
    this.#result.promise.catch(ignore);
    this.#result.reject(error);
    return error;
  }

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#isAsked = true;
    return this.#result.promise.then(onFulfilled, onRejected);
  }

  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<T | B> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    this.#isAsked = true;
    return this.#result.promise.finally(onFinally);
  }

  get [Symbol.toStringTag](): string {
    return "Transfer";
  }

  /** Yields itself once. */
  *[Symbol.iterator](): Generator<Transfer<T>, T, unknown> {
    this.claim();
    let reason: unknown;
    try {
      yield this;
      if (this.#state === "lent") {
        throw new TypeError("Cannot transfer by yield* here: it needs a driver, such as gio");
      }
    } catch (error) {
      reason = error;
      throw error;
    } finally {
      // The driver had to wait for something else first, and the coroutine has stopped waiting.
      // Nobody has to handle the rejection.
      if (this.#state === "lent") {
        this.#isAsked = true;
        this.#result.promise.catch(ignore);
        this.abort(reason);
      }
    }
    return this.transferred;
  }

  #begin(lender: Lender = itself, reactor?: Registrar): void {
    if (this.#isOver) return; // It was aborted.
    if (this.#state === "running") {
      throw new TypeError("Cannot begin a transfer twice: await it, or yield* it, at once");
    }
    this.#state = "running";
    if (this.#signal?.aborted) return this.#onAbort();
    this.#signal?.addEventListener("abort", this.#onAbort);
    try {
      const running = this.#jobs.map((job) => job.run(lender, reactor));
      if (running.every((one) => one === undefined)) this.#onDone();
      else Promise.all(running).then(this.#onDone, this.#onFailed);
    } catch (error) {
      this.#onFailed(error);
    }
  }

  get #isOver(): boolean {
    return this.#state === "whole" || this.#state === "failed";
  }

  #onDone = (): void => {
    this.#settled("whole");
    this.#result.resolve(this.transferred);
  };

  #onFailed = (error: unknown): void => {
    // When one direction is cut, so is the other.
    const lost = this.#jobs.reduce((lost, job) => lost + job.abort().lost, 0);
    this.#fail(error instanceof TransferError ? Object.assign(error, { lost }) : error);
  };

  #onAbort = (): void => this.abort(this.#signal!.reason);

  #onIdle = (): void => {
    this.abort(new DOMException(`Nothing has moved for ${this.#idle!.ms} ms`, "TimeoutError"));
  };

  #settled(state: "whole" | "failed"): void {
    this.#idle?.end();
    this.#state = state;
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }

  #fail(error: unknown): void {
    this.#settled("failed");
    this.#result.reject(error);
    const report = this.#report;
    if (report === undefined || this.#isAsked) return;
    this.#result.promise.catch(ignore);
    queueMicrotask(() => {
      if (!this.#isAsked) report(error);
    });
  }
}

function onlyYielded(): TypeError {
  return new TypeError(
    "Cannot transfer from or to `here`: write yield* sendFile(…), or yield* splice(…), in a coroutine that gio runs",
  );
}

/** Lends everything itself, if nobody else lends it. */
const itself: Lender = {
  lend(end) {
    if (end === here) {
      throw onlyYielded();
    }
    if (typeof end !== "object" || end === null) {
      throw new TypeError(
        `Cannot transfer from or to ${
          shown(end)
        }: it must be a connection, a file, a socket or a context`,
      );
    }
    const lent = "context" in end ? end.context : end;
    return lent instanceof Framing ? lent.frame([]) : lent;
  },
  unread: () => [],
  ended() {},
  takeBack() {
    throw new TypeError(
      "Cannot transfer only a part: recv(max) gave more than `max` bytes, and only gio can keep the rest",
    );
  },
};
