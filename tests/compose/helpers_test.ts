// deno-lint-ignore-file require-yield
import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import {
  asBytes,
  asList,
  asString,
  autostart,
  call,
  compose,
  consume,
  type Coroutine,
  EndOfStream,
  identify,
  pushBack,
  Request,
  retval,
  Yield,
} from "@weightless/io/compose";

class Nothing extends Request {
  override begin(): void {}
}

/** As what the reactor has to be yielded. */
class Marked {
  static {
    Object.assign(this.prototype, { [Symbol.for("weightless.request")]: true });
  }
}

/** Everything a coroutine can yield, through a call. */
function* inner(): Coroutine<string> {
  yield "a";
  const data = yield;
  yield data;
  yield Yield;
  return "result";
}
function* main(): Coroutine<string> {
  const result = yield* call(inner());
  yield "b";
  return result;
}
/** What arrives at its bare yields. */
function* reads(times: number): Coroutine<unknown[]> {
  const read = [];
  for (let i = 0; i < times; i++) {
    try {
      read.push(yield);
    } catch (error) {
      assertInstanceOf(error, EndOfStream);
      read.push("end");
    }
  }
  return read;
}
const RUN = { asList, asString, asBytes, retval, consume };

Deno.test("asList() lists what is yielded, but for bare yields and Yield", () => {
  assertEquals(asList(main(), ["data"]), ["a", "data", "b"]);
});

Deno.test("asList() lists falsy values and objects as they are", () => {
  const values = [0, "", null, false, [], {}];
  function* falsy(): Coroutine {
    yield* values;
  }
  assertEquals(asList(falsy()), values);
});

Deno.test("asString() joins text and bytes, when characters are spread over chunks", () => {
  const [one, two, three] = new TextEncoder().encode("€");
  function* mixed(): Coroutine {
    yield "text ";
    yield new Uint8Array([one!]);
    yield new Uint8Array([two!, three!]);
    yield " ";
    yield new TextEncoder().encode("é");
  }
  assertEquals(asString(mixed()), "text € é");
});

Deno.test("asString() puts U+FFFD for a character that ends nowhere, and keeps a byte order mark", () => {
  function* broken(): Coroutine {
    yield new Uint8Array([0xe2]);
    yield "x";
    yield new Uint8Array([0xef, 0xbb, 0xbf, 0xe2]);
  }
  assertEquals(asString(broken()), "\ufffdx\ufeff\ufffd");
});

Deno.test("asBytes() joins bytes and text, as UTF-8", () => {
  function* mixed(): Coroutine {
    yield new Uint8Array([0, 255]);
    yield "€";
    yield new Uint8Array();
  }
  assertEquals(asBytes(mixed()), new Uint8Array([0, 255, 0xe2, 0x82, 0xac]));
});

Deno.test("asString() and asBytes() are empty, when nothing is yielded", () => {
  assertEquals(asString((function* () {})()), "");
  assertEquals(asBytes((function* () {})()), new Uint8Array());
});

Deno.test("asString() and asBytes() throw TypeError and close the coroutine, when it yields something else", () => {
  let closed = 0;
  function* numbers(): Coroutine {
    try {
      yield 42;
    } finally {
      closed++;
    }
  }
  assertThrows(() => asString(numbers()), TypeError, "Cannot make text of 42: yield text or bytes");
  assertThrows(() => asBytes(numbers()), TypeError, "Cannot make bytes of 42: yield text or bytes");
  assertEquals(closed, 2);
});

Deno.test("asString() and asBytes() let a coroutine clean up, or go on, when it has yielded something else", () => {
  const log: unknown[] = [];
  function* cleaning(): Coroutine {
    try {
      yield 42;
    } finally {
      log.push(yield);
      yield "bye";
      log.push("cleaned up");
    }
  }
  assertThrows(() => asString(cleaning(), ["read"]), TypeError, "Cannot make text of 42");
  assertThrows(() => asBytes(cleaning(), ["read"]), TypeError, "Cannot make bytes of 42");
  assertEquals(log, ["read", "cleaned up", "read", "cleaned up"]);

  function* catching(): Coroutine {
    try {
      yield 42;
    } catch {
      yield "caught";
    }
  }
  assertEquals(asString(catching()), "caught");
});

Deno.test("retval() gives what is returned and drops what is yielded", () => {
  assertEquals(retval(main(), ["data"]), "result");
  assertEquals(retval((function* () {})()), undefined);
});

Deno.test("retval() gives the value of pushBack()", () => {
  function* back(): Coroutine<string> {
    return pushBack("value", "rest");
  }
  assertEquals(retval(back()), "value");
});

Deno.test("consume() runs to the end and gives nothing", () => {
  const log: string[] = [];
  function* logs(): Coroutine<string> {
    log.push(yield* call(main()));
    return "dropped";
  }
  assertStrictEquals(consume(logs(), ["data"]), undefined);
  assertEquals(log, ["result"]);
});

Deno.test("retval() gives the input to bare yields one by one, falsy values too, then EndOfStream", () => {
  assertEquals(retval(reads(6), [1, "", 0, null]), [1, "", 0, null, "end", "end"]);
  assertEquals(retval(reads(1)), ["end"]);
});

for (const [name, run] of Object.entries(RUN)) {
  Deno.test(`${name}() throws what the coroutine throws`, () => {
    function* failing(): Coroutine {
      yield "a";
      throw new RangeError("oops");
    }
    assertThrows(() => run(failing()), RangeError, "oops");
  });

  Deno.test(`${name}() throws EndOfStream, when more is read than there is`, () => {
    function* wants(): Coroutine {
      yield;
      yield;
    }
    assertThrows(() => run(wants(), ["one"]), EndOfStream, "There is no more input");
  });

  Deno.test(`${name}() throws TypeError at the yield, when a request needs a driver`, () => {
    function* asking(): Coroutine {
      yield* new Nothing();
    }
    assertThrows(() => run(asking()), TypeError, "Cannot carry out Nothing here");
    function* marked(): Coroutine {
      yield new Marked();
    }
    assertThrows(() => run(marked()), TypeError, "Cannot carry out Marked here");
  });

  Deno.test(`${name}() composes what it is given, also what is composed already`, () => {
    run(main(), ["data"]);
    run(compose(main()), ["data"]);
    assertThrows(() => run(42 as unknown as Coroutine), TypeError, "Cannot compose 42");
  });
}

Deno.test("autostart() makes coroutines that stand at their first yield", () => {
  const greet = autostart(function* (this: unknown, greeting: string): Coroutine {
    yield `${greeting}, ${yield}!`;
  });
  const greeting = greet("Hello");
  assertEquals(greeting.next("Ada").value, "Hello, Ada!");
});

Deno.test("autostart() makes composed coroutines of a composed function", () => {
  const start = autostart(compose(function* (times: number): Coroutine<string> {
    return (yield* call(retyped())).repeat(times);
  }));
  function* retyped(): Coroutine<string> {
    return yield;
  }
  assertEquals(start(2).next("ab"), { done: true, value: "abab" });
});

Deno.test("autostart() and identify() pass on `this` and throw what the coroutine throws at once", () => {
  class Failing {
    message = "oops";
    start = autostart(function* (this: Failing): Coroutine {
      throw new RangeError(this.message);
    });
    identify = identify(function* (this: Failing): Coroutine {
      yield;
      throw new RangeError(this.message);
    });
  }
  assertThrows(() => new Failing().start(), RangeError, "oops");
  assertThrows(() => new Failing().identify(), RangeError, "oops");
});

Deno.test("identify() gives the coroutine itself, and runs it to the next yield", () => {
  const log: unknown[] = [];
  const make = identify(function* (name: string): Coroutine {
    const self = yield;
    log.push(self, name);
    log.push(yield "dropped");
  });
  const coroutine = make("x");
  assertEquals(log.length, 2);
  assertStrictEquals(log[0], coroutine);
  coroutine.next("data");
  assertEquals(log.slice(1), ["x", "data"]);
});

Deno.test("identify() gives the composed coroutine, when the function is composed", () => {
  let self: Coroutine | undefined;
  const make = identify(compose(function* (): Coroutine<string> {
    self = yield;
    return yield* call(reads(1)) as unknown as Coroutine<string>;
  }));
  const composed = make();
  assertStrictEquals(self, composed);
  assertEquals(composed.next("data"), { done: true, value: ["data"] as unknown as string });
});

Deno.test("EndOfStream is an Error with a name, a message, a cause and what was read", () => {
  const cause = new Error("cause");
  const end = new EndOfStream("message", { cause, partial: ["a"] });
  assertInstanceOf(end, Error);
  assertEquals([end.name, end.message, end.cause, end.partial], ["EndOfStream", "message", cause, [
    "a",
  ]]);
  assertEquals(new EndOfStream().partial, []);
  assertEquals(String(new EndOfStream()), "EndOfStream");
});
