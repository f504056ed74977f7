// deno-lint-ignore-file weightless/call-coroutine -- what JavaScript does is what is tested
import { assertEquals, assertInstanceOf } from "@std/assert";
import { call, compose, type Coroutine, Request } from "@weightless/io/compose";

class Wait extends Request {
  override begin(): void {}
}

const log: string[] = [];

/** A coroutine whose finally waits `n` times. */
function* callee(n: number): Coroutine {
  try {
    yield* new Wait();
    log.push("callee goes on");
  } finally {
    for (let i = 1; i <= n; i++) {
      yield* new Wait();
      log.push(`callee ${i}`);
    }
  }
}

/** Closes a coroutine that stands at its first wait, and answers all that it waits for; gives how often it waited. */
function closed(coroutine: Coroutine): number {
  log.length = 0;
  const composed = compose(coroutine);
  composed.next();
  let waits = 0;
  for (let result = composed.return(undefined); !result.done; result = composed.next()) {
    assertInstanceOf(result.value, Wait);
    if (++waits > 100) throw new Error("It goes on for ever");
  }
  return waits;
}

for (const n of [1, 2, 3]) {
  Deno.test(`return() closes the callers by native yield* of a callee whose finally waits ${n} times`, () => {
    function* caller(): Coroutine {
      yield* callee(n);
      log.push("caller goes on to its next wait"); // which JavaScript does, and nobody can prevent
      yield* new Wait();
      log.push("and no further");
    }
    function* outermost(): Coroutine {
      try {
        yield* caller();
        log.push("outermost goes on");
      } finally {
        log.push("outermost ends");
      }
    }
    const steps = Array.from({ length: n }, (_, i) => `callee ${i + 1}`);
    for (const coroutine of [outermost, () => calling(outermost)]) {
      assertEquals(closed(coroutine()), n);
      assertEquals(log, [...steps, "caller goes on to its next wait", "outermost ends"]);
    }
  });

  Deno.test(`return() ends a loop that calls a callee whose finally waits ${n} times by native yield*`, () => {
    assertEquals(
      closed(function* (): Coroutine {
        for (;;) yield* callee(n);
      }()),
      2 * n, // the one that was closed, and the one that was begun in its place
    );
    assertEquals(log.includes("callee goes on"), false);
  });
}

function* calling(main: () => Coroutine): Coroutine {
  yield* call(main());
  log.push("calling goes on");
}

Deno.test("return() lets every finally in a chain of native yield* wait, as often as it wants", () => {
  function* middle(): Coroutine {
    try {
      yield* new Wait();
    } finally {
      log.push("middle");
    }
  }
  function* helper(): Coroutine {
    yield* new Wait();
    yield* new Wait();
  }
  function* outer(): Coroutine {
    try {
      yield* middle();
    } finally {
      for (let i = 1; i <= 3; i++) {
        yield* helper();
        log.push(`outer ${i}`);
      }
    }
  }
  assertEquals(closed(outer()), 6);
  assertEquals(log, ["middle", "outer 1", "outer 2", "outer 3"]);
});
