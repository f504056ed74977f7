/** Coroutines that run within another driver's run, and get a driver only if they need one. */
import { assertEquals, assertStrictEquals } from "@std/assert";
import { allBindings } from "../../compose/compose.ts";
import { compose, type Coroutine, Local, Request } from "../../compose/mod.ts";
import { here, type Reactor, splice } from "../../reactor/mod.ts";
import {
  currentDriver,
  Driver,
  enterUndriven,
  isInCoroutine,
  leaveUndriven,
  runningDriver,
  type Undriven,
} from "../../gio/_driver.ts";
import { enter, memory, open, sleep, spawn, timeout } from "../../gio/mod.ts";
import { fixture } from "./_fixture.ts";

/** It is never answered. */
class Never extends Request<void> {
  isBegun = false;

  override begin(): void {
    this.isBegun = true;
  }
}

/** Runs a coroutine as a stream of HTTP/2 does: first within the coroutine of its connection. */
class Within implements Undriven {
  driver: Driver | undefined = undefined;
  readonly #reactor: Reactor;
  readonly #composed: Coroutine;
  readonly #locals = allBindings();
  #result: IteratorResult<unknown> | undefined = undefined;

  constructor(reactor: Reactor, coroutine: Coroutine) {
    this.#reactor = reactor;
    this.#composed = compose(coroutine);
  }

  promote(): Driver {
    return this.driver ??= new Driver(this.#reactor, memory(), this.#goOn(), {}, {
      locals: this.#locals,
      isDeferred: true,
    });
  }

  /** Runs it until it waits, and makes a driver only then. */
  begin(beforeStart: () => void = () => {}): void {
    const outer = enterUndriven(this);
    try {
      this.#result = this.#composed.next();
    } finally {
      leaveUndriven(outer);
    }
    if (this.#result.done !== true) this.promote();
    beforeStart();
    this.driver?.start();
  }

  *#goOn(): Coroutine {
    const composed = this.#composed;
    try {
      for (let result = this.#result!; result.done !== true;) {
        try {
          result = composed.next(yield result.value);
        } catch (error) {
          result = composed.throw(error);
        }
      }
    } finally {
      composed.return(undefined);
    }
  }
}

/** Runs `coroutine` within another one, which waits then. Returns what ran it, and both drivers. */
function within(
  { reactor }: { reactor: Reactor },
  coroutine: () => Coroutine,
  beforeStart?: (undriven: Within) => void,
): { undriven: Within; outer: Driver } {
  let undriven: Within;
  const outer = new Driver(
    reactor,
    undefined,
    function* () {
      undriven = new Within(reactor, coroutine());
      undriven.begin(beforeStart && (() => beforeStart(undriven)));
      yield* new Never();
    }(),
  );
  return { undriven: undriven!, outer };
}

Deno.test("enterUndriven() makes no driver for a coroutine that needs none", () => {
  using fix = fixture();
  const seen: unknown[] = [];
  const { undriven } = within(fix, function* () {
    seen.push(isInCoroutine());
  });
  assertEquals([undriven.driver, seen], [undefined, [true]]);
  assertEquals(isInCoroutine(), false);
});

Deno.test("currentDriver() is one of its own, always the same, and the outer one again when it waits", () => {
  using fix = fixture();
  const seen: (Driver | undefined)[] = [];
  const { undriven, outer } = within(fix, function* () {
    seen.push(currentDriver("this"), runningDriver());
    yield* sleep(1);
    seen.push(runningDriver());
  }, () => seen.push(runningDriver()));
  fix.pass(1);
  const own = undriven.driver!;
  assertEquals(seen.map((one) => one === own ? "own" : one === outer ? "outer" : one), [
    "own",
    "own",
    "outer",
    "own",
  ]);
  assertEquals([own.done, outer.done], [true, false]);
});

Deno.test("a deferred driver has what its coroutine began: tasks end with it, and timeouts throw in it", () => {
  using fix = fixture();
  const seen: string[] = [];
  const { outer } = within(fix, function* () {
    yield* spawn(function* () {
      try {
        yield* new Never();
      } finally {
        seen.push("the task is closed");
      }
    }());
  });
  assertEquals([seen, outer.done], [["the task is closed"], false]);

  within(fix, function* () {
    using _ = timeout(1);
    try {
      yield* new Never();
    } catch (error) {
      seen.push((error as Error).name);
    }
  });
  fix.pass(1);
  assertEquals(seen, ["the task is closed", "TimeoutError"]);
});

Deno.test("a deferred driver is told of a transfer from here that its coroutine forgot", async () => {
  using fix = fixture();
  const { undriven } = within(fix, function* () {
    // deno-lint-ignore weightless/yield-request -- forgotten, that is the case
    splice(here, memory());
  });
  const [error] = await undriven.driver!.result.then(() => [], (error) => [error]);
  assertEquals((error as Error).name, "TypeError");
});

Deno.test("start() closes a coroutine that was cancelled before, at its first yield", async () => {
  using fix = fixture();
  const seen: string[] = [];
  const reason = new Error("gone");
  const never = new Never();
  const { undriven } = within(fix, function* () {
    try {
      yield* never;
    } finally {
      seen.push("closed");
    }
  }, ({ driver }) => driver!.cancel(reason));
  assertEquals([seen, never.isBegun], [["closed"], false]);
  assertStrictEquals(await undriven.driver!.result.catch((error) => error), reason);
});

Deno.test("a deferred coroutine sees the Locals of its maker, and not those that it has bound itself", () => {
  using fix = fixture();
  const user = new Local<string>();
  const seen: string[] = [];
  new Driver(
    fix.reactor,
    undefined,
    function* () {
      user.set("maker");
      const undriven = new Within(
        fix.reactor,
        function* () {
          seen.push(user.get());
          user.set("own");
          yield* sleep(1);
          seen.push(user.get());
        }(),
      );
      undriven.begin();
      seen.push(user.get());
    }(),
  );
  fix.pass(1);
  assertEquals(seen, ["maker", "maker", "own"]);
});

Deno.test("a context that is entered before the first wait is that of the coroutine, and not of the outer one", () => {
  using fix = fixture();
  const seen: unknown[] = [];
  const { outer } = within(fix, function* () {
    using _ = enter(memory("in"));
    seen.push(yield);
  }, () => seen.push(runningDriver()!.lending.innermost));
  fix.pass(0);
  assertEquals(seen, [undefined, new TextEncoder().encode("in")]);
  assertEquals(outer.done, false);
});

Deno.test("a file that is opened before the first wait is closed with the coroutine", () => {
  using fix = fixture();
  const opened: { closed: boolean }[] = [];
  const { outer } = within(fix, function* () {
    opened.push(open(new URL(import.meta.url)).context);
    yield* sleep(1);
    opened.push({ closed: opened[0]!.closed });
  });
  fix.pass(1);
  assertEquals(opened.map(({ closed }) => closed), [true, false]);
  assertEquals(outer.done, false);
});

Deno.test("start() closes a coroutine whose reactor was shut down before", async () => {
  using fix = fixture();
  const seen: string[] = [];
  const { undriven } = within(fix, function* () {
    try {
      yield* new Never();
    } finally {
      seen.push("closed");
    }
  }, ({ driver }) => driver!.abandon());
  assertEquals(seen, ["closed"]);
  assertEquals(await undriven.driver!.result.catch((error) => error.name), "AbortError");
});

Deno.test("inspect() tells of a deferred coroutine, running and waiting", () => {
  using fix = fixture();
  const seen: unknown[] = [];
  const told = () => fix.reactor.inspect().filter(({ kind }) => kind === "coroutine").length;
  within(fix, function* () {
    seen.push(told());
    currentDriver("this");
    seen.push(told());
    yield* new Never();
  });
  assertEquals([...seen, told()], [1, 2, 2]);
});
