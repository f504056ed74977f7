import { assertEquals, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import {
  call,
  compose,
  type Coroutine,
  EndOfStream,
  isRequest,
  readLine,
  Request,
  trace,
  type Waiter,
} from "@weightless/io/compose";

/** Gives `yield*` results of its own, as JavaScriptCore does (Bun, Safari). V8 passes on those of the iterator. */
function copied<T, R>(iterable: { [Symbol.iterator](): Iterator<T, R> }) {
  const copy = ({ done, value }: IteratorResult<T, R>) =>
    ({ done: done ?? false, value }) as IteratorResult<T, R>;
  return {
    [Symbol.iterator](): Iterator<T, R> {
      const iterator = iterable[Symbol.iterator]();
      return {
        next: (...message: [unknown?]) => copy(iterator.next(...message as [])),
        throw: (error: unknown) => copy(iterator.throw!(error)),
      };
    },
  };
}

class Ask extends Request<string> {
  override begin(waiter: Waiter<string>): void {
    waiter.resume("answer");
  }
}

Deno.test("compose() calls, when yield* makes its own results", () => {
  function* sub(n: number): Coroutine<number> {
    return n + Number(yield);
  }
  function* main(): Coroutine<unknown> {
    const one = yield* copied(call(sub(1)));
    const two = yield* copied(call(compose(sub(2))));
    return [one, two, yield* copied(call(readLine()))];
  }
  const composed = compose(main());
  composed.next();
  composed.next("10");
  composed.next("20");
  assertEquals(composed.next("text\n").value, [11, 22, "text"]);
});

Deno.test("compose() throws errors at the yield*, when that makes its own results", () => {
  function* fails(): Coroutine<void> {
    yield;
  }
  function* main(): Coroutine<string> {
    try {
      yield* copied(call(fails()));
    } catch (error) {
      return (error as Error).message;
    }
    return "no error";
  }
  const composed = compose(main());
  composed.next();
  assertEquals(composed.throw(new EndOfStream("ended")).value, "ended");
});

Deno.test("compose() hands out the request itself, when yield* makes its own results", () => {
  const request = new Ask();
  function* main(): Coroutine<string> {
    return `${yield* copied(request)}!`;
  }
  const composed = compose(main());
  const { value } = composed.next();
  assertStrictEquals(value, request);
  assertMatch(trace(composed).at(-1)!, /at main .*engines_test\.ts:\d+/);
  assertEquals(composed.next("answer").value, "answer!");
});

Deno.test("yield* request gives a request to whoever drives a coroutine that is not composed", () => {
  function* main(): Coroutine<string> {
    return `${yield* new Ask()}!`;
  }
  const coroutine = main();
  const { value } = coroutine.next();
  let answer: unknown;
  if (isRequest(value)) {
    value.begin({ resume: (value) => answer = coroutine.next(value).value, fail() {} });
  }
  assertEquals(answer, "answer!");
});

Deno.test("yield* call() outside of compose is an error that says what is missing", () => {
  function* main(): Coroutine<void> {
    yield* call((function* (): Coroutine<void> {})());
  }
  const coroutine = main();
  coroutine.next();
  assertThrows(() => coroutine.next(), TypeError, "it works in a coroutine that was given to");
});
