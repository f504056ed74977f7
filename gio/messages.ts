import { names, refuseUnknown } from "../reactor/_known.ts";
import { shown } from "../reactor/_describe.ts";
import { Waiters } from "../reactor/_waiters.ts";
import { workerFails } from "../reactor/_worker_end.ts";
import type { Context } from "./context.ts";
import { Item } from "./_store.ts";
import { Line } from "./_line.ts";

/*
 * What two ends of a port tell each other. Each message of theirs is an array [MARK, kind, content]:
 *
 *  1. "open" and "credit" tell how many values may be sent in all, from the beginning. An end says
 *     "open" when it begins, and answers each "open" by "credit", because its own "open" may have
 *     come before the other end listened.
 *  2. "value" has a value. An end sends no more of them than it has credit for. When half of what
 *     it holds at most has been read, it gives new credit.
 *  3. "close" says that the sender neither sends nor reads any more, and "abort" the same after an
 *     error. A port itself does not tell when its other end is closed.
 */
const MARK = "weightless";
type Kind = "open" | "credit" | "value" | "close" | "abort";

/**
 * What {@linkcode messages} takes: a MessagePort, a Worker, or `self` in a worker.
 *
 * @category Contexts
 */
export interface MessageEnd {
  /**
   * Posts a value to the other end.
   *
   * @param message The value, which is cloned.
   * @param transfer What in it is handed over instead.
   */
  // deno-lint-ignore no-explicit-any
  postMessage(message: any, transfer: Transferable[]): void;
  /**
   * Adds a listener.
   *
   * @param type `"message"`, `"messageerror"` or `"error"`.
   * @param listener What is called with the event.
   */
  // deno-lint-ignore no-explicit-any
  addEventListener(type: string, listener: (event: any) => void): void;
  /**
   * Removes a listener.
   *
   * @param type The type that it was added for.
   * @param listener The listener.
   */
  // deno-lint-ignore no-explicit-any
  removeEventListener(type: string, listener: (event: any) => void): void;
}

/**
 * Options of {@linkcode messages}.
 *
 * @category Contexts
 */
export interface MessagesOptions {
  /**
   * How many values this end holds that have arrived and were not read. The other end waits before
   * it sends more.
   *
   * @default {16}
   */
  capacity?: number;
  /**
   * Whether the other end is code that does not use {@linkcode messages}. Then values go as they
   * are, and nothing is bounded, because such code does not tell what it has read.
   *
   * @default {false}
   */
  plain?: boolean;
}

const OPTIONS = names<MessagesOptions>({ capacity: 1, plain: 1 });

/**
 * A value with what is handed over with it; made by {@linkcode transferring}.
 *
 * @category Contexts
 */
export interface Transferring {
  /** The value. */
  readonly value: unknown;
  /** What the sender cannot use any more. */
  readonly transfer: Transferable[];
}

class ToTransfer implements Transferring {
  constructor(readonly value: unknown, readonly transfer: Transferable[]) {}
}

/**
 * Says what a message hands over instead of copying it: `yield transferring(bytes, [bytes.buffer])`
 * in the context of {@linkcode messages}.
 *
 * @param value What to post.
 * @param transfer What in it is handed over, as for `postMessage()`: buffers, ports, streams.
 * @returns What to yield.
 *
 * @example A buffer that is not copied
 * ```ts
 * import { asProcess, enter, messages, transferring } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const { port1, port2 } = new MessageChannel();
 * const bytes = new Uint8Array(1000);
 * const [here, there] = [messages(port1), messages(port2)];
 * const size = await asProcess(function* () {
 *   {
 *     using _ = enter(here);
 *     yield transferring(bytes, [bytes.buffer]);
 *   }
 *   using _ = enter(there);
 *   return (yield).length;
 * }());
 * assertEquals([size, bytes.length], [1000, 0]);
 * here.close();
 * there.close();
 * ```
 *
 * @category Contexts
 */
export function transferring(value: unknown, transfer: Transferable[]): Transferring {
  return new ToTransfer(value, transfer);
}

const contexts = new WeakMap<MessageEnd, Messages>();

class Messages implements Context {
  readonly #end: MessageEnd;
  readonly #capacity: number;
  readonly #isPlain: boolean;
  readonly #waiters = new Waiters();
  /** Values, and errors of single messages. */
  readonly #inbox = new Line<Item<{ value: unknown } | { error: unknown }>>();
  #state: "open" | "closed" = "open";
  /** How the other end has ended: by an end or by an error. */
  #ended: { error: unknown } | undefined;
  /** How many values were sent, and may be sent, in all. */
  #sent = 0;
  #credit = 0;
  /** How many values were taken, and may be sent by the other end, in all. */
  #taken = 0;
  #given = 0;

  constructor(end: MessageEnd, capacity: number, isPlain: boolean) {
    this.#end = end;
    this.#capacity = capacity;
    this.#isPlain = isPlain;
    if (isPlain) this.#credit = Infinity;
    end.addEventListener("message", this.#onMessage);
    end.addEventListener("messageerror", this.#onMessageError);
    if (isWorker(end)) end.addEventListener("error", this.#onError);
    (end as Partial<MessagePort>).start?.();
    this.#giveCredit("open");
  }

  get readable(): boolean {
    return this.#inbox.length > 0 || this.#ended !== undefined;
  }

  get writable(): boolean {
    return this.#sent < this.#credit || this.#ended !== undefined;
  }

  get closed(): boolean {
    return this.#state === "closed";
  }

  recv(): unknown {
    if (this.closed) throw new Deno.errors.BadResource("Cannot read messages: the port is closed");
    const next = this.#inbox.shift();
    if (next !== undefined) {
      this.#taken++;
      if (2 * (this.#given - this.#taken) <= this.#capacity) this.#giveCredit("credit");
      if ("error" in next.value) throw next.value.error;
      return next.value.value;
    }
    if (this.#ended === undefined) return undefined;
    if (this.#ended.error !== undefined) throw this.#ended.error;
    return null;
  }

  send(): number {
    return 0;
  }

  put(yielded: unknown): boolean {
    const [value, transfer] = yielded instanceof ToTransfer
      ? [yielded.value, yielded.transfer]
      : [yielded, []];
    if (value === null || value === undefined) {
      throw new TypeError(
        `Cannot post ${value}: the other end could not tell it from no message; post { value: ${value} }`,
      );
    }
    if (this.closed) throw new Deno.errors.BadResource("Cannot post: the port is closed");
    if (this.#ended !== undefined) {
      throw this.#ended.error ?? new Deno.errors.BrokenPipe("Cannot post: the other end is closed");
    }
    if (this.#sent >= this.#credit) return false;
    if (this.#isPlain) this.#end.postMessage(value, transfer);
    else this.#post("value", value, transfer);
    this.#sent++;
    return true;
  }

  close(): void {
    // A worker that ends by an error closes its coroutines, whose end is no end of what they say.
    this.#close(workerFails() ? "abort" : "close");
  }

  abort(): void {
    this.#close("abort");
  }

  watch(interest: "read" | "write", notify: () => void): void {
    this.#waiters.add(this, interest, notify);
  }

  unwatch(interest: "read" | "write"): void {
    this.#waiters[interest] = undefined;
  }

  describe(): string {
    return `messages of a ${this.#end.constructor.name}`;
  }

  #post(kind: Kind, content?: unknown, transfer: Transferable[] = []): void {
    this.#end.postMessage([MARK, kind, content], transfer);
  }

  #giveCredit(kind: "open" | "credit"): void {
    this.#given = this.#taken + this.#capacity;
    if (!this.#isPlain && this.#ended === undefined) this.#post(kind, this.#given);
  }

  #close(how: "close" | "abort"): void {
    if (this.closed) return;
    this.#state = "closed";
    for (; this.#inbox.shift() !== undefined;);
    if (!this.#isPlain) this.#post(how);
    this.#waiters.tellBoth();
    // A worker is kept alive until both ends are closed, so that it can clean up.
    if (!isPort(this.#end) && !this.#isPlain && this.#ended === undefined && how === "close") {
      return;
    }
    this.#release(how);
  }

  /** Nothing more comes, or nobody wants to know. */
  #release(how: "close" | "abort"): void {
    const end = this.#end;
    end.removeEventListener("message", this.#onMessage);
    end.removeEventListener("messageerror", this.#onMessageError);
    if (isPort(end)) end.close();
    else if (isWorker(end)) {
      // Otherwise it ends itself, and an error of its cleanup must not end this program.
      if (how === "abort" || this.#isPlain) end.terminate();
    } else if (!this.#isPlain) setTimeout(() => (end as unknown as { close(): void }).close());
  }

  #onMessage = ({ data }: MessageEvent): void => {
    if (this.#isPlain) return this.#arrived(data);
    if (!Array.isArray(data) || data[0] !== MARK) {
      // Who writes is told as well: nobody will ever take what is written.
      return this.#otherEnded(
        new TypeError(
          `Cannot read ${
            shown(data)
          }: the other end does not use messages(); give the option plain: true`,
        ),
      );
    }
    const [, kind, content] = data as [string, Kind, unknown];
    if (kind === "value") return this.#arrived(content);
    if (kind === "open" || kind === "credit") {
      this.#credit = content as number;
      if (kind === "open" && !this.closed) this.#giveCredit("credit");
      if (this.writable) this.#waiters.write?.();
      return;
    }
    this.#otherEnded(
      kind === "close"
        ? undefined
        : new Deno.errors.ConnectionReset("The other end of the port has failed"),
    );
    if (this.closed) this.#release("close");
  };

  #onMessageError = (): void => {
    this.#failed(new TypeError("Cannot read a message: it cannot be made again at this end"));
  };

  /** The worker has failed, and is gone. */
  #onError = (event: ErrorEvent): void => {
    event.preventDefault();
    this.#otherEnded(new Error(`The worker has failed: ${event.message}`, { cause: event.error }));
    if (this.closed) this.#release("close");
  };

  #arrived(value: unknown): void {
    if (value === null || value === undefined) {
      return this.#failed(
        new TypeError(`Cannot read ${value}: it could not be told from no message`),
      );
    }
    this.#keep({ value });
  }

  #failed(error: unknown): void {
    this.#keep({ error });
  }

  #keep(what: { value: unknown } | { error: unknown }): void {
    if (this.closed) return;
    this.#inbox.push(new Item(what, 0));
    this.#waiters.read?.();
  }

  #otherEnded(error: unknown): void {
    this.#ended ??= { error };
    this.#waiters.tellBoth();
  }
}

function isEnd(end: unknown): end is MessageEnd {
  const { postMessage, addEventListener } = (end ?? {}) as Partial<MessageEnd>;
  return typeof postMessage === "function" && typeof addEventListener === "function";
}

function isPort(end: MessageEnd): end is MessagePort {
  return end instanceof MessagePort;
}

function isWorker(end: MessageEnd): end is Worker {
  return end instanceof Worker;
}

/**
 * Makes a context of a MessagePort, of a Worker, or of `self` in a worker. A bare `yield` gives the
 * next value that the other end has posted, and `yield value` posts one. So a coroutine may run in
 * another thread, and nothing in it tells.
 *
 * Both ends use it. Then the other end posts no more than this one can hold, and `yield value` waits
 * until there is room there. Values are copied as `postMessage()` does, but see
 * {@linkcode transferring}. A value that cannot be copied is an error at its `yield`. One that cannot
 * be made again here is an error at a bare `yield`, once. `null` cannot be posted.
 *
 * When one end is closed, the other reads what was posted before, and then the end of the stream; its
 * `yield value` fails. If the coroutine at the other end has failed, so does the bare `yield`. An
 * error that nobody catches in a worker does the same. When both ends are closed, the worker ends,
 * by `close()` in it; so a worker that goes on for ever keeps the program alive. If this end is
 * aborted, because its coroutine has failed, the worker is terminated.
 *
 * If the other end is plain code that uses `postMessage()` and `onmessage`, give `plain: true`.
 * Otherwise a bare `yield` throws an error that says so. A worker of plain code is terminated when
 * this end is closed.
 *
 * @param end The port, worker, or `self`. It has one context, so the options count the first time.
 * The context closes it.
 * @param options See {@linkcode MessagesOptions}.
 * @returns The context.
 * @throws {TypeError} If it is nothing of these.
 * @throws {RangeError} If `capacity` is not a whole number of at least 1.
 *
 * @example A coroutine that answers, and one that asks
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { asProcess, messages } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * function* square(): Coroutine { // in a worker: gio(reactor, messages(self), square())
 *   for (;;) {
 *     const n: number = yield;
 *     yield n * n;
 *   }
 * }
 *
 * function* ask(): Coroutine<number> {
 *   yield 7;
 *   return yield;
 * }
 *
 * const { port1, port2 } = new MessageChannel();
 * const answering = asProcess(square(), { connection: messages(port1) }).catch(() => {}); // EndOfStream
 * assertEquals(await asProcess(ask(), { connection: messages(port2) }), 49);
 * await answering;
 * ```
 *
 * @category Contexts
 */
export function messages(
  end: MessageEnd | typeof globalThis,
  options: MessagesOptions = {},
): Context {
  if (!isEnd(end)) {
    throw new TypeError(
      `Cannot read messages of ${shown(end)}: give a MessagePort, a Worker, or self in a worker`,
    );
  }
  refuseUnknown("read messages", options, OPTIONS);
  const { capacity = 16, plain = false } = options;
  if (!Number.isSafeInteger(capacity) || capacity < 1) {
    throw new RangeError(
      `Cannot read messages with capacity ${shown(capacity)}: give a whole number of at least 1`,
    );
  }
  let context = contexts.get(end);
  if (context === undefined) contexts.set(end, context = new Messages(end, capacity, plain));
  return context;
}
