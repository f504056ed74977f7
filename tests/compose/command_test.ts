import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { call, Command, compose, type Composed, type Coroutine } from "@weightless/io/compose";

class Ask extends Command<string> {}

function* asking(command: Ask): Coroutine<string> {
  return yield* command;
}

/** Resumes a coroutine that waits for `command`. */
function answer<R>(
  composed: Composed<R>,
  command: Ask,
  result: string,
): IteratorResult<unknown, R> {
  command.result = result;
  return composed.next();
}

Deno.test("Command is yielded once by yield*, and gives the result that the driver has set", () => {
  const command = new Ask();
  function* main(): Coroutine<string> {
    return `${yield* call(asking(command))}!`;
  }
  const composed = compose(main());
  assertStrictEquals(composed.next().value, command);
  assertEquals(answer(composed, command, "yes"), { done: true, value: "yes!" });
});

Deno.test("Command can be waited for again, when it gave its result, or an error, or was closed", () => {
  const command = new Ask();
  function* main(): Coroutine<string[]> {
    const first = yield* command;
    try {
      yield* command;
    } catch (error) {
      return [first, error as string, yield* command];
    }
    return [];
  }
  const composed = compose(main());
  assertStrictEquals(composed.next().value, command);
  assertStrictEquals(answer(composed, command, "first").value, command);
  assertStrictEquals(composed.throw("second").value, command);
  assertEquals(answer(composed, command, "third").value, ["first", "second", "third"]);

  const closed = compose(asking(command));
  assertStrictEquals(closed.next().value, command);
  assertEquals(closed.return("closed"), { done: true, value: "closed" });
  const again = compose(asking(command));
  assertStrictEquals(again.next().value, command);
  assertEquals(answer(again, command, "fourth").value, "fourth");
});

Deno.test("Command throws TypeError, when a coroutine waits for it already", () => {
  const command = new Ask();
  const first = compose(asking(command));
  first.next();
  assertThrows(
    () => compose(asking(command)).next(),
    TypeError,
    "Cannot wait for the same Ask twice at once: make a new one for each yield*",
  );
  assertEquals(answer(first, command, "yes").value, "yes");
});

Deno.test("Command can be yielded without a star: the driver's answer is then its own matter", () => {
  const command = new Ask();
  const composed = compose((function* (): Coroutine<unknown> {
    return [yield command, yield command];
  })());
  assertStrictEquals(composed.next().value, command);
  assertStrictEquals(composed.next().value, command);
  assertEquals(composed.next().value, [undefined, undefined]);
});
