import { Probe } from "./_frame.ts";
import { captured, noteCaller } from "./_traceback.ts";

/**
 * Marks a request. The symbol is found by its name, so that modules that do not import this one can
 * have requests as well, as the reactor does.
 */
const MARK: unique symbol = Symbol.for("weightless.request") as never;

/**
 * Waits for the answer to a request. It takes the first answer and ignores all later ones.
 *
 * @category Requests
 */
export interface Waiter<R = unknown> {
  /**
   * Resumes the coroutine: `yield*` gives `value`.
   *
   * @param value The answer.
   */
  resume(value: R): void;
  /**
   * Throws `error` at the `yield*` of the coroutine.
   *
   * @param error Why there is no answer.
   */
  fail(error: unknown): void;
}

/**
 * What a coroutine yields to ask its driver to wait for something. It is not data.
 *
 * A driver calls {@linkcode Request.begin} once, and resumes the coroutine with the answer.
 * `const answer = yield* request` gives the typed answer; `yield request` gives it untyped. Compose
 * passes requests on to the driver. A pipe passes them to the outside, not to the next stage.
 *
 * An object of another class is a request as well, if it has this method, and `true` at
 * `Symbol.for("weightless.request")`.
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
 *
 * @category Requests
 */
export abstract class Request<R = void> {
  static {
    Object.defineProperty(this.prototype, MARK, { value: true });
  }

  /**
   * Starts what is asked for. When that is over, it calls `resume` or `fail` of the waiter, once:
   * at once or later.
   *
   * @param waiter Who waits.
   * @returns A function that undoes it, or nothing. It is called if the coroutine stops waiting
   * before it has got an answer, because it was cancelled, say. That may be after `resume`, if the
   * coroutine had no turn to go on since: what was to be its answer is nobody's then.
   */
  abstract begin(waiter: Waiter<R>): (() => void) | void;

  /** For `yield*`: yields the request, and gives the answer. */
  [Symbol.iterator](): Iterator<Request<R>, R> {
    return new Asking(this);
  }
}

/**
 * The iterator of a request, which stands in `yield* request`. It yields itself, and is a request
 * as well. So compose can tell that the coroutine stands in a `yield*`, and hands out the request
 * that this one stands for.
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
    else if (answer instanceof Probe) captured(answer, this.next, answer.depth);
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
 * @returns Whether it is a request: to be begun, or passed on to a driver that can begin it.
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
 *
 * @category Requests
 */
export function isRequest(value: unknown): value is Request<unknown> {
  return typeof value === "object" && value !== null && MARK in value;
}
