/*
 * Only gio can carry out Requests. In a stream, a stage that yields one gets an error instead.
 */
import { type Coroutine, EndOfStream, isRequest } from "../compose/mod.ts";
import { close, isForDriver } from "./_plumbing.ts";

/** Whether a stage yielded data, and not a bare `yield`, a Yield or a Request. */
export function isData(value: unknown): boolean {
  return value !== undefined && !isForDriver(value);
}

/** Continues a stage that yielded something else than a bare `yield`. */
export function proceed(stage: Coroutine, yielded: unknown): IteratorResult<unknown> {
  return isRequest(yielded) ? stage.throw(unable(yielded)) : stage.next();
}

/** Continues a stage that requested data. */
export function feed(stage: Coroutine, item: IteratorResult<unknown>): IteratorResult<unknown> {
  return item.done
    ? stage.throw(new EndOfStream("There are no more items"))
    : stage.next(item.value);
}

/** Closes a stage at once. */
export function closeNow(stage: Coroutine): void {
  const closing = close(stage, false, false);
  let result = closing.next();
  while (!result.done) result = proceed(closing, result.value);
}

/** Does what Promise.withResolvers() does, which Node 20 does not have. */
export function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: PromiseWithResolvers<T>["resolve"], reject!: PromiseWithResolvers<T>["reject"];
  const promise = new Promise<T>((...given) => [resolve, reject] = given);
  return { promise, resolve, reject };
}

function unable(request: object): TypeError {
  return new TypeError(
    `Cannot perform ${request.constructor.name} in a stream: run the stage with gio() instead`,
  );
}

/** Throws the first error of several that occurred while closing; nothing if there was none. */
export function fail(trouble: { error: unknown } | undefined): void {
  if (trouble !== undefined) throw trouble.error;
}
