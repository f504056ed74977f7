import { shown } from "../_describe.ts";
import { markAsRequest, type ReactorWaiter } from "../_request.ts";
import type { Registrar } from "../_registrar.ts";
import type { Selectable } from "../selectable.ts";
import type { Idle } from "./_idle.ts";
import type { Transferred } from "./transferred.ts";
import { type Cut, TransferError } from "./transfer_error.ts";

/** In a coroutine that gio runs: the innermost context, where its bare `yield`s read and `yield data` writes. */
export const here: unique symbol = Symbol("the innermost context");

/** Something that has a context of gio, as what `open()` and `connectTo()` give. */
export interface HasContext<C> {
  /** The context. */
  readonly context: C;
}

/** What is received from without blocking, as a socket of the reactor or a context of gio. */
export interface Receiver extends Selectable {
  /** As {@linkcode Socket.recv}; at most `most` bytes. What it gives beyond goes back to the coroutine, if that is lent by gio. */
  recv(most?: number): Uint8Array | string | null | undefined;
}

/** What is sent to without blocking, as a socket of the reactor or a context of gio. */
export interface Sender extends Selectable {
  /** As {@linkcode Socket.send}. */
  send(bytes: Uint8Array): number;
  /** As {@linkcode Socket.shutdown}. */
  shutdown?(): void;
}

/** What reads as a `Deno.Conn`, `Deno.FsFile` or `Deno.stdin` does. */
export interface Reads {
  /** Reads at most `p.length` bytes into `p`; gives their number, or `null` at the end. */
  read(p: Uint8Array): Promise<number | null>;
}

/** What writes as a `Deno.Conn`, `Deno.FsFile` or `Deno.stdout` does. */
export interface Writes {
  /** Writes some or all of `p`; gives the number of bytes written. */
  write(p: Uint8Array): Promise<number>;
  /** Ends the writing half. */
  closeWrite?(): Promise<void>;
}

/** Where a transfer can come from. */
export type TransferSource = Reads | Receiver | HasContext<Receiver> | typeof here;
/** Where a transfer can go to. */
export type TransferTarget = Writes | Sender | HasContext<Sender> | typeof here;
/** What a transfer can be between, both ways. */
export type TransferPeer =
  | (Reads & Writes)
  | (Receiver & Sender)
  | HasContext<Receiver & Sender>
  | typeof here;

/** Options of all transfers. */
export interface TransferOptions<T = Transferred> {
  /** Cuts the transfer when it aborts. Close the connections then: what was under way is lost. */
  signal?: AbortSignal;
  /**
   * Cuts the transfer when nothing has moved for so many milliseconds, with a `DOMException` named `"TimeoutError"` as the
   * cause. It goes by the clock of the reactor, if there is one.
   *
   * @default {Infinity}
   */
  idleMs?: number;
  /** Called each time some bytes have arrived, with the same object each time. */
  onProgress?: (transferred: T) => void;
}

/** What lends a transfer its ends; gio is one. */
export interface Lender {
  /** What is meant by `end`, for the transfer alone until {@linkcode Lender.takeBack}. */
  lend(end: TransferSource | TransferTarget): object;
  /** What was received of an end that was lent, and not consumed. */
  unread(end: object): Uint8Array[];
  /** The transfer is over, and has received more than it should. */
  takeBack(end: object, unread: Uint8Array[]): void;
}

/** What a {@linkcode Transfer} does, in one direction. */
export interface Job {
  /** Does it; what calls back is `reactor`, or else the one that each socket belongs to. */
  run(lender: Lender, reactor: Registrar | undefined): Promise<void>;
  /** Ends it at once; what `run` has promised never comes. Gives how far it came. */
  abort(): Cut;
}

/**
 * A transfer of bytes that has begun, or is about to; made by {@linkcode splice} and {@linkcode sendFile}.
 *
 * It is a promise, which begins by itself: `await` it. In a coroutine that gio runs, `yield*` it.
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
 * const transfer = splice(from, { write: (p) => Promise.resolve(sizes.push(p.length) && p.length) });
 * assertEquals(transfer.transferred.bytes, 0);
 * await transfer;
 * assertEquals(transfer.transferred.bytes, 1000);
 * await Deno.remove(path);
 * ```
 */
export class Transfer<T = Transferred> implements Promise<T> {
  static {
    markAsRequest(this.prototype);
  }

  /** How much has arrived so far. */
  readonly transferred: T;
  readonly #jobs: readonly Job[];
  readonly #signal: AbortSignal | undefined;
  readonly #idle: Idle | undefined;
  readonly #result = Promise.withResolvers<T>();
  #state: "fresh" | "lent" | "running" | "settled" = "fresh";

  /** Made by {@linkcode splice} and {@linkcode sendFile}. */
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
    queueMicrotask(() => {
      if (this.#state === "fresh") this.#begin();
    });
  }

  /** Cuts it, with a {@linkcode TransferError}; both ends are let go at once. */
  abort(reason: unknown = new DOMException("The transfer was aborted", "AbortError")): void {
    if (this.#state === "settled") return;
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
   * For who drives coroutines, when all that was written before has been accepted: begins, with the ends that the waiter
   * lends, if it lends any.
   */
  begin(waiter: ReactorWaiter<T> & { readonly lender?: Lender }): () => void {
    this.#begin(waiter.lender, waiter.reactor);
    this.#result.promise.then((value) => waiter.resume(value), (error) => waiter.fail(error));
    return () => this.abort();
  }

  /** A request that writes where the coroutine may have written: it begins when that has been accepted. */
  get flushes(): boolean {
    return true;
  }

  /** As of a promise. */
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#result.promise.then(onFulfilled, onRejected);
  }

  /** As of a promise. */
  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<T | B> {
    return this.#result.promise.catch(onRejected);
  }

  /** As of a promise. */
  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.#result.promise.finally(onFinally);
  }

  /** `"Transfer"`. */
  get [Symbol.toStringTag](): string {
    return "Transfer";
  }

  /** For `yield*`: yields itself once, to be begun by who drives the coroutine, and gives what was transferred. */
  *[Symbol.iterator](): Generator<Transfer<T>, T, unknown> {
    if (this.#state === "fresh") this.#state = "lent";
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
      // The driver was to wait for something else first, and the coroutine goes on without: others may await it too.
      if (this.#state === "lent") {
        this.#result.promise.catch(() => {});
        this.abort(reason);
      }
    }
    return this.transferred;
  }

  #begin(lender: Lender = itself, reactor?: Registrar): void {
    if (this.#state === "settled") return; // It was aborted.
    if (this.#state === "running") {
      throw new TypeError("Cannot begin a transfer twice: await it, or yield* it, at once");
    }
    this.#state = "running";
    if (this.#signal?.aborted) return this.#onAbort();
    this.#signal?.addEventListener("abort", this.#onAbort);
    Promise.all(this.#jobs.map((job) => job.run(lender, reactor))).then(() => {
      this.#settled();
      this.#result.resolve(this.transferred);
    }, (error) => {
      // When one direction is cut, so is the other.
      for (const job of this.#jobs) job.abort();
      this.#fail(error);
    });
  }

  #onAbort = (): void => this.abort(this.#signal!.reason);

  #onIdle = (): void => {
    this.abort(new DOMException(`Nothing has moved for ${this.#idle!.ms} ms`, "TimeoutError"));
  };

  #settled(): void {
    this.#idle?.end();
    this.#state = "settled";
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }

  #fail(error: unknown): void {
    this.#settled();
    this.#result.reject(error);
  }
}

/** For transfers that nobody lends anything: everything lends itself. */
const itself: Lender = {
  lend(end) {
    if (end === here) {
      throw new TypeError("Cannot transfer from or to `here`: only with yield* in a coroutine");
    }
    if (typeof end !== "object" || end === null) {
      throw new TypeError(
        `Cannot transfer from or to ${
          shown(end)
        }: it must be a connection, a file, a socket or a context`,
      );
    }
    return "context" in end ? end.context : end;
  },
  unread: () => [],
  takeBack() {
    throw new TypeError(
      "Cannot transfer only a part: recv(most) gave more than `most` bytes, and only gio can keep the rest",
    );
  },
};
