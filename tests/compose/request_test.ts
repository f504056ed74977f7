import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { call, compose, type Coroutine, isRequest, Request } from "@weightless/io/compose";

class Ask extends Request<string> {
  override begin(): void {}
}

function* asking(request: Ask): Coroutine<string> {
  return yield* request;
}

Deno.test("Request is yielded by yield*, which gives what the driver answers", () => {
  const request = new Ask();
  function* main(): Coroutine<string> {
    return `${yield* call(asking(request))}!`;
  }
  const composed = compose(main());
  assertStrictEquals(composed.next().value, request);
  assertEquals(composed.next("yes"), { done: true, value: "yes!" });
});

Deno.test("Request is answered as well when it is yielded without a star", () => {
  const composed = compose((function* (): Coroutine<unknown> {
    return [yield new Ask(), yield new Ask()];
  })());
  composed.next();
  composed.next("one");
  assertEquals(composed.next().value, ["one", undefined]);
});

Deno.test("Request takes any answer, also undefined and what falsy values there are", () => {
  for (const answer of [undefined, null, 0, "", false, [], "text"]) {
    const composed = compose(asking(new Ask()));
    composed.next();
    assertEquals(composed.next(answer), { done: true, value: answer as string });
  }
});

Deno.test("Request is not answered by what was pushed back", () => {
  const composed = compose((function* (): Coroutine<unknown> {
    return [yield* new Ask(), yield];
  })());
  composed.rest = ["pushed back"];
  composed.next();
  assertEquals(composed.next("answer").value, ["answer", "pushed back"]);
});

Deno.test("Request can be waited for again, when it gave an answer, or an error, or was closed", () => {
  const request = new Ask();
  function* main(): Coroutine<string[]> {
    const first = yield* request;
    try {
      yield* request;
    } catch (error) {
      return [first, error as string, yield* request];
    }
    return [];
  }
  const composed = compose(main());
  composed.next();
  assertStrictEquals(composed.next("first").value, request);
  assertStrictEquals(composed.throw("second").value, request);
  assertEquals(composed.next("third").value, ["first", "second", "third"]);

  const closed = compose(asking(request));
  closed.next();
  assertEquals(closed.return("closed"), { done: true, value: "closed" });
});

Deno.test("compose() refuses data for what is no request", () => {
  const composed = compose((function* (): Coroutine {
    yield { begin() {} };
  })());
  composed.next();
  assertThrows(() => composed.next("data"), TypeError, "Cannot accept data");
});

Deno.test("isRequest() knows them by their shape", () => {
  const shaped = { [Symbol.for("weightless.request")]: true, begin() {} };
  assertEquals([new Ask(), shaped].map(isRequest), [true, true]);
  assertEquals(
    [{}, "text", undefined, null, Symbol(), () => {}].map(isRequest),
    Array(6).fill(false),
  );
  const composed = compose((function* (): Coroutine<unknown> {
    return yield shaped;
  })());
  composed.next();
  assertEquals(composed.next("answer").value, "answer");
});
