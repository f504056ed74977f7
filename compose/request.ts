import { Probe } from "./_frame.ts";
import { captured, noteCaller } from "./_traceback.ts";

/** Marks a request; by name, so that modules that do not import this one can have requests as well, as the reactor does. */
const MARK: unique symbol = Symbol.for("weightless.request") as never;

/** Who began a request, and waits for its answer: it takes one, and ignores all that comes later. */
export interface Waiter<R = unknown> {
  /** Resumes the coroutine: `yield*` gives `value`. */
  resume(value: R): void;
  /** Throws `error` at the `yield*` of the coroutine. */
  fail(error: unknown): void;
}

/**
 * What a coroutine yields that is no data: it asks whoever drives it to wait for something.
 *
 * A driver calls {@linkcode Request.begin}, once, and lets the coroutine stand still until the request answers.
 * `const answer = yield* request` gives the answer, typed; a `yield` without the star gives it as well, untyped. Compose
 * lets requests pass to the driver, and a pipe lets them pass outwards and not to the next stage.
 *
 * An object of another class is a request as well, if it has this method, and `true` at `Symbol.for("weightless.request")`.
 *
 * @typeParam R The answer.
 *
 * @example A request, and a driver that carries it out
 * ```ts
 * import { compose, type Coroutine, isRequest, Request, type Waiter } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * class Square extends Request<number> {
 *   constructor(readonly n: number) {
 *     super();
 *   }
 *   override begin(waiter: Waiter<number>): void {
 *     waiter.resume(this.n * this.n);
 *   }
 * }
 *
 * function* main(): Coroutine<number> {
 *   return 2 + (yield* new Square(4));
 * }
 *
 * const composed = compose(main());
 * const { value: request } = composed.next();
 * let answer: unknown;
 * if (isRequest(request)) {
 *   request.begin({
 *     resume: (value) => answer = composed.next(value).value,
 *     fail: (error) => composed.throw(error),
 *   });
 * }
 * assertEquals(answer, 18);
 * ```
 */
export abstract class Request<R = void> {
  static {
    Object.defineProperty(this.prototype, MARK, { value: true });
  }

  /**
   * Starts what is asked for, and has the waiter resumed, or fail, when it is over: now or later, once.
   *
   * @param waiter Who waits.
   * @returns What undoes it. It is called when nobody waits any more before there was an answer, because the coroutine
   * was cancelled, say.
   */
  abstract begin(waiter: Waiter<R>): (() => void) | void;

  /** For `yield*`: yields the request, and gives the answer. */
  [Symbol.iterator](): Iterator<Request<R>, R> {
    return new Asking(this);
  }
}

/**
 * What stands in `yield* request`. It gives itself, which is a request as well: so compose knows that it is there, and
 * hands out the request that it stands for.
 */
export class Asking<R> extends Request<R> implements Iterator<Request<R>, R> {
  readonly #request: Request<R>;
  value: Request<R> | R = this;
  done = false;
  #asked = false;

  constructor(request: Request<R>) {
    super();
    this.#request = request;
  }

  override begin(waiter: Waiter<R>): (() => void) | void {
    return this.#request.begin(waiter);
  }

  /** The result for the driver. */
  handOut(): IteratorResult<Request<R>> {
    this.value = this.#request;
    return this as IteratorResult<Request<R>>;
  }

  next(answer?: unknown): IteratorResult<Request<R>, R> {
    if (!this.#asked) this.#asked = true;
    else if (answer instanceof Probe) captured(answer, this.next);
    else {
      this.value = answer as R;
      this.done = true;
    }
    return this as IteratorResult<Request<R>, R>;
  }

  /** Adds the caller's line to the traceback. */
  throw(error: unknown): never {
    noteCaller(error, this.throw);
    throw error;
  }
}

/**
 * Whether a coroutine yielded a {@linkcode Request} to its driver, rather than data.
 *
 * @param value What was yielded.
 * @returns Whether it is to be begun, or passed on to who can.
 *
 * @example Requests and data
 * ```ts
 * import { isRequest, Request } from "@weightless/io/compose";
 * import { assert } from "@std/assert";
 *
 * class Nothing extends Request {
 *   override begin(): void {}
 * }
 *
 * assert(isRequest(new Nothing()));
 * assert(!isRequest("data"));
 * ```
 */
export function isRequest(value: unknown): value is Request<unknown> {
  return typeof value === "object" && value !== null && MARK in value;
}
