/*
 * How Weightless's observables behave, one line a behaviour, written from its published descriptions, with a test each.
 * Where TypeScript asks for something else, the line says what.
 */
import { assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { call, compose, type Coroutine, EndOfStream, pushBack } from "../../compose/mod.ts";
import {
  be,
  DeclineMessage,
  NoneOfTheObserversRespond,
  Observable,
  type Strand,
  Transparent,
} from "../../pipeline/mod.ts";

/** A component that answers whatever the handlers say. */
// deno-lint-ignore no-explicit-any
type Handlers = Record<string, (...args: any[]) => any>;

function observed(...observers: Handlers[]): Observable {
  return be([new Observable(), ...observers.map((observer): Strand => [observer])]);
}

/** Runs a coroutine without input; gives what it yields and returns. */
function run<R>(coroutine: Coroutine<R>): [yielded: unknown[], result: R] {
  const composed = compose(coroutine);
  const yielded: unknown[] = [];
  for (;;) {
    const { done, value } = composed.next();
    if (done) return [yielded, value as R];
    yielded.push(value);
  }
}

function* yields<R = void>(value: unknown, result?: R): Coroutine<R> {
  yield value;
  return result as R;
}

function decline(): never {
  throw new DeclineMessage();
}

// deno-lint-ignore require-yield
function* declining(): Coroutine {
  throw new DeclineMessage();
}

/** A component that remembers what it got, and passes nothing on. */
class Recorder extends Observable {
  readonly got: unknown[] = [];
  init(): void {
    this.got.push("init");
  }
}

const behaviours: Record<string, () => void> = {
  "all: runs the coroutines of all observers, one after the other": () => {
    const root = observed({ m: () => yields(1) }, { m: () => yields(2) });
    assertEquals(run(root.all.m()), [[1, 2], undefined]);
  },
  "all: passes the arguments": () => {
    const root = observed({ m: (a, b) => yields([a, b]) });
    assertEquals(run(root.all.m(1, "x"))[0], [[1, "x"]]);
  },
  "all: skips observers without the method": () => {
    assertEquals(run(observed({}, { m: () => yields(2) }).all.m())[0], [2]);
  },
  "all: is empty without any observer that answers": () => {
    assertEquals(run(new Observable().all.m()), [[], undefined]);
    assertEquals(run(observed({}).all.m()), [[], undefined]);
  },
  "all: does nothing until it is run": () => {
    let called = false;
    const root = observed({ m: () => (called = true, yields(1)) });
    const all = root.all.m();
    assertEquals(called, false);
    run(all);
    assertEquals(called, true);
  },
  "all: data flows in to the observers, one after the other": () => {
    const got: unknown[] = [];
    const take = () =>
      function* (): Coroutine {
        got.push(yield);
      }();
    const all = compose(observed({ m: take }, { m: take }).all.m());
    all.next();
    all.next("a");
    all.next("b");
    assertEquals(got, ["a", "b"]);
  },
  "all: flattens observers of observers": () => {
    class Middle extends Observable {
      *m(): Coroutine {
        yield "before";
        yield this.all.m();
        yield "after";
      }
    }
    const root = be([new Observable(), [new Middle(), [{ m: () => yields("deep") }]]]);
    assertEquals(run(root.all.m())[0], ["before", "deep", "after"]);
  },
  "all: an observer must give a coroutine": () => {
    const error = assertThrows(() => run(observed({ m: () => 3 }).all.m()), TypeError);
    assertStringIncludes(
      error.message,
      "Cannot dispatch all.m(): Object.m() must give a coroutine, not number (3)",
    );
  },
  "all: an observer's coroutine must return nothing": () => {
    const error = assertThrows(() => run(observed({ m: () => yields(1, 2) }).all.m()), TypeError);
    assertStringIncludes(error.message, "Object.m() must return nothing, not number (2)");
  },
  "any: gives the answer of the first observer that has the method": () => {
    const root = observed({}, { m: () => yields(1, "first") }, { m: () => yields(2, "second") });
    assertEquals(run(root.any.m()), [[1], "first"]);
  },
  "any: is a call, whose result the caller gets": () => {
    class Root extends Observable {
      *ask(): Coroutine<string> {
        return `${yield* call(this.any.m() as Coroutine<string>)} and ${yield this.any.m()}`;
      }
    }
    const root = be([new Root(), [{ m: () => yields("?", "answer") }]]);
    assertEquals(run(root.ask()), [["?", "?"], "answer and answer"]);
  },
  "any: undefined, null and other empty values are answers": () => {
    for (const answer of [undefined, null, 0, "", false]) {
      const root = observed({ m: () => yields(1, answer) }, { m: () => yields(2, "other") });
      assertEquals(run(root.any.m())[1], answer);
    }
  },
  "any: an observer must give a coroutine": () => {
    const error = assertThrows(() => run(observed({ m: () => "x" }).any.m()), TypeError);
    assertStringIncludes(error.message, "any.m(): Object.m() must give a coroutine");
  },
  "any: push-back goes to the caller's input": () => {
    class Root extends Observable {
      *ask(): Coroutine {
        return [yield this.any.m(), yield];
      }
    }
    const root = be([new Root(), [{
      *m(): Coroutine {
        const both = yield;
        return pushBack(both[0], both[1]);
      },
    }]]);
    const asking = compose(root.ask());
    asking.next();
    assertEquals(asking.next("ab"), { done: true, value: ["a", "b"] });
  },
  "any: none of the observers responding is an error that names message and number": () => {
    const root = observed({}, {});
    const error = assertThrows(() => run(root.any.find(1)), NoneOfTheObserversRespond);
    assertEquals(error.message, "None of the 2 observers respond to any.find() of Observable");
    assertEquals([error.unansweredMessage, error.numberOfObservers], ["find", 2]);
  },
  "any: having no observers at all is the same error": () => {
    const error = assertThrows(() => run(new Observable().any.find()), NoneOfTheObserversRespond);
    assertEquals(error.message, "There are no observers to respond to any.find() of Observable");
  },
  "do: calls all observers at once, and returns nothing": () => {
    const got: unknown[] = [];
    const root = observed({ m: (x) => void got.push(1, x) }, {}, { m: (x) => void got.push(2, x) });
    assertStrictEquals(root.do.m("x"), undefined);
    assertEquals(got, [1, "x", 2, "x"]);
  },
  "do: nobody need answer": () => {
    new Observable().do.m();
    observed({}).do.m();
  },
  "do: an observer must return nothing": () => {
    const error = assertThrows(() => observed({ m: () => 0 }).do.m(), TypeError);
    assertStringIncludes(error.message, "Cannot dispatch do.m(): Object.m() must return nothing");
    assertStringIncludes(error.message, "with call");
  },
  "do: an observer that is a coroutine is an error, as it would never run": () => {
    const error = assertThrows(() => observed({ m: () => yields(1) }).do.m(), TypeError);
    assertStringIncludes(error.message, "not a coroutine");
    assertStringIncludes(error.message, "with any");
  },
  "do: an observer that is async is an error, as nobody would wait": () => {
    const error = assertThrows(() => observed({ m: async () => {} }).do.m(), TypeError);
    assertStringIncludes(error.message, "not a Promise");
  },
  "do: an observer's error goes to the sender; the observers after it are not called": () => {
    let called = false;
    const root = observed({
      m: () => {
        throw new RangeError("no");
      },
    }, { m: () => void (called = true) });
    assertThrows(() => root.do.m(), RangeError, "no");
    assertEquals(called, false);
  },
  "call: returns the answer of the first observer that has the method": () => {
    const root = observed({}, { m: (x) => x + 1 }, { m: (x) => x + 2 });
    assertEquals(root.call.m(1), 2);
  },
  "call: an answer may be anything, a coroutine as well": () => {
    const coroutine = yields(1);
    assertStrictEquals(observed({ m: () => coroutine }).call.m(), coroutine);
    assertStrictEquals(observed({ m: () => undefined }).call.m(), undefined);
  },
  "call: none of the observers responding is an error": () => {
    const error = assertThrows(() => observed({}).call.m(), NoneOfTheObserversRespond);
    assertEquals(error.message, "None of the 1 observers respond to call.m() of Observable");
  },
  "once: reaches all observers and their observers, each before those behind it": () => {
    const order: string[] = [];
    const init = (name: string) => ({ init: () => void order.push(name) });
    class Inner extends Observable {
      init(): void {
        order.push("inner");
      }
    }
    const root = be([new Observable(), [new Inner(), [init("leaf")]], [init("last")]]);
    run(root.once.init());
    assertEquals(order, ["inner", "leaf", "last"]);
  },
  "once: passes through components that do not answer": () => {
    const recorder = new Recorder();
    run(be([new Observable(), [new Observable(), [recorder]]]).once.init());
    assertEquals(recorder.got, ["init"]);
  },
  "once: reaches each component once in a diamond": () => {
    const shared = new Recorder();
    run(be([new Observable(), [new Recorder(), [shared]], [new Recorder(), [shared]]]).once.init());
    assertEquals(shared.got, ["init"]);
  },
  "once: reaches each component once in a circle, the sender as well if it is part of one": () => {
    const root = new Recorder(), other = new Recorder();
    run(be([root, [other, [root]]]).once.init());
    assertEquals([root.got, other.got], [["init"], ["init"]]);
  },
  "once: observers are coroutines or plain methods": () => {
    const got: unknown[] = [];
    const root = observed({ m: () => void got.push("plain") }, { m: () => yields("coroutine") });
    assertEquals(run(root.once.m()), [["coroutine"], undefined]);
    assertEquals(got, ["plain"]);
  },
  "once: an observer must return nothing": () => {
    assertThrows(() => run(observed({ m: () => 1 }).once.m()), TypeError, "must return nothing");
    assertThrows(() => run(observed({ m: () => yields(1, 2) }).once.m()), TypeError, "not number");
  },
  "once: is not given to unknown, as it reaches everybody by itself": () => {
    const recorder = new Recorder();
    const never = () => {
      throw new Error("unknown");
    };
    class Passing extends Transparent {
      unknown = never;
    }
    run(be([new Observable(), [new Passing(), [recorder]]]).once.init());
    assertEquals(recorder.got, ["init"]);
  },
  "unknown: sends a message whose name is only known at run time": () => {
    const root = observed({ m: (x) => x + 1, g: (x) => yields(x, "done") });
    assertEquals(root.call.unknown("m", 1), 2);
    assertEquals(run(root.any.unknown("g", 1)), [[1], "done"]);
    assertEquals(run(observed({ g: (x) => yields(x) }).all.unknown("g", 1))[0], [1]);
    const got: unknown[] = [];
    observed({ d: (x) => void got.push(x) }).do.unknown("d", 5);
    run(observed({ d: (x) => void got.push(x) }).once.unknown("d", 6));
    assertEquals(got, [5, 6]);
  },
  "unknown: any number of names, from data, find their observers, and are not all kept": () => {
    const root = observed({});
    for (let i = 0; i < 2000; i++) root.call[`message ${i}`];
    assertEquals(Object.getOwnPropertyNames(root.call).length <= 1000, true);
    const { late } = root.call;
    assertThrows(() => late(1), NoneOfTheObserversRespond);
    root.addObserver({ late: (x: number) => x, "message 1": () => "early", observableName: "a" });
    assertEquals([late(1), root.call["message 1"](), root.call.a.late(2)], [1, "early", 2]);
    root.removeObserver(root.observers[1]!);
    assertThrows(() => late(1), NoneOfTheObserversRespond);
  },
  "unknown: an observer receives what it has no method for by VERB_unknown": () => {
    const got: unknown[] = [];
    const root = observed({
      do_unknown: (...args) => void got.push("do", ...args),
      call_unknown: (...args) => ["call", ...args],
      all_unknown: (...args) => yields(["all", ...args]),
      any_unknown: (...args) => yields(0, ["any", ...args]),
    });
    root.do.m(1);
    assertEquals(got, ["do", "m", 1]);
    assertEquals(root.call.m(2), ["call", "m", 2]);
    assertEquals(run(root.all.m(3))[0], [["all", "m", 3]]);
    assertEquals(run(root.any.m(4))[1], ["any", "m", 4]);
  },
  "unknown: receives what there is no VERB_unknown for": () => {
    const root = observed({ unknown: (...args) => args, call_unknown: () => "call" });
    assertEquals(root.call.m(1), "call");
    assertThrows(() => root.do.m(1), TypeError, "Object.unknown() must return nothing");
  },
  "unknown: a method goes before it": () => {
    assertEquals(observed({ m: () => "m", call_unknown: () => "unknown" }).call.m(), "m");
  },
  "unknown: what receives is checked like a method": () => {
    assertThrows(
      () => run(observed({ all_unknown: () => 1 }).all.m()),
      TypeError,
      "Cannot dispatch all.m(): Object.all_unknown() must give a coroutine",
    );
  },
  "Transparent: passes on what it does not handle, for all verbs": () => {
    const got: unknown[] = [];
    const root = be([new Observable(), [new Transparent(), [{
      d: (x: number) => void got.push(x),
      c: (x: number) => x + 1,
      a: (x: number) => yields(x),
      y: (x: number) => yields(x, "answer"),
    }]]]);
    root.do.d(1);
    assertEquals(got, [1]);
    assertEquals(root.call.c(1), 2);
    assertEquals(run(root.all.a(1)), [[1], undefined]);
    assertEquals(run(root.any.y(1)), [[1], "answer"]);
  },
  "Transparent: a method of its own goes first": () => {
    class Own extends Transparent {
      m(): string {
        return `own ${this.call.m()}`;
      }
    }
    assertEquals(be([new Observable(), [new Own(), [{ m: () => "m" }]]]).call.m(), "own m");
  },
  "Transparent: when nobody behind it answers, the next observer is asked": () => {
    const root = be([new Observable(), [new Transparent(), [{}]], [{
      m: () => "next",
      g: () => yields(1, "next"),
    }]]);
    assertEquals(root.call.m(), "next");
    assertEquals(run(root.any.g()), [[1], "next"]);
  },
  "Transparent: another message that nobody answers is an error of its own": () => {
    class Asking extends Transparent {
      override call_unknown(): unknown {
        return this.call.other();
      }
    }
    const root = be([new Observable(), [new Asking()], [{ m: () => "next" }]]);
    const error = assertThrows(() => root.call.m(), NoneOfTheObserversRespond);
    assertEquals(error.unansweredMessage, "other");
  },
  "NoneOfTheObserversRespond: from a method, rather than unknown, it is an error, not a refusal":
    () => {
      class Asking extends Observable {
        m(): unknown {
          return this.call.m();
        }
      }
      const root = be([new Observable(), [new Asking()], [{ m: () => "next" }]]);
      assertThrows(() => root.call.m(), NoneOfTheObserversRespond, "of Asking");
    },
  "DeclineMessage: the next observer is asked, for call and any": () => {
    assertEquals(observed({ m: decline }, { m: () => "next" }).call.m(), "next");
    assertEquals(run(observed({ m: declining }, { m: () => yields(1, 2) }).any.m()), [[1], 2]);
    assertEquals(run(observed({ m: decline }, { m: () => yields(1, 2) }).any.m()), [[1], 2]);
  },
  "DeclineMessage: the observer is left out, for do, all and once": () => {
    const got: unknown[] = [];
    observed({ m: decline }, { m: () => void got.push(1) }).do.m();
    assertEquals(got, [1]);
    assertEquals(run(observed({ m: declining }, { m: () => yields(1) }).all.m())[0], [1]);
    assertEquals(run(observed({ m: decline }, { m: () => yields(1) }).all.m())[0], [1]);
    assertEquals(run(observed({ m: decline }, { m: () => yields(1) }).once.m())[0], [1]);
    assertEquals(run(observed({ m: declining }, { m: () => yields(1) }).once.m())[0], [1]);
  },
  "DeclineMessage: when all decline, none of them responds": () => {
    const error = assertThrows(
      () => observed({ m: decline }).call.m(),
      NoneOfTheObserversRespond,
    );
    assertEquals(error.numberOfObservers, 1);
  },
  "names: a message can be directed to the observers of one name": () => {
    class Named extends Observable {
      m(): string {
        return `I am ${this.observableName}`;
      }
    }
    const root = be([new Observable(), [new Named()], [new Named("a")], [new Named("b")]]);
    assertEquals(root.call["b"].m(), "I am b");
    assertEquals(root.call["a"].unknown("m"), "I am a");
    assertEquals(root.call.m(), "I am undefined");
  },
  "names: any object can have one": () => {
    const got: unknown[] = [];
    const named = (observableName: string) => ({
      observableName,
      m: () => void got.push(observableName),
    });
    const root = be([new Observable(), [named("a")], [named("b")], [named("b")]]);
    root.do.b.m();
    assertEquals(got, ["b", "b"]);
  },
  "names: nobody of that name is nobody who responds": () => {
    const root = observed({ m: () => undefined });
    root.do["nobody"].m();
    const error = assertThrows(() => root.call["nobody"].m(), NoneOfTheObserversRespond);
    assertEquals(error.numberOfObservers, 0);
  },
  "names: a name can be a message too, and messages can be called name, length, call or apply":
    () => {
      const root = be([new Observable(), [{ observableName: "a", a: () => 1, name: () => 2 }]]);
      assertEquals([root.call.a(), root.call.a.a(), root.call.a.name(), root.call.name()], [
        1,
        1,
        2,
        2,
      ]);
      const other = observed({ length: () => 1, call: () => 2, apply: () => 3, then: () => 4 });
      assertEquals(
        [other.call.length(), other.call.call(), other.call.apply(), other.call.then()],
        [
          1,
          2,
          3,
          4,
        ],
      );
    },
  "errors: a plain method may not let EndOfStream out, it would end the sender quietly": () => {
    const leak = () => {
      throw new EndOfStream("over");
    };
    for (const verb of ["do", "call", "all", "any", "once"] as const) {
      const error = assertThrows(() => {
        const sent = observed({ m: leak })[verb].m();
        if (sent !== undefined) run(sent);
      }, Error);
      assertStringIncludes(error.message, `${verb}.m(): Object.m() let EndOfStream out`);
      assertEquals((error.cause as Error).message, "over");
    }
  },
  "errors: EndOfStream of an observer's coroutine goes to the sender": () => {
    function* take(): Coroutine {
      yield;
    }
    const sending = compose(observed({ m: take }).any.m());
    sending.next();
    assertThrows(() => sending.throw(new EndOfStream("over")), EndOfStream, "over");
  },
  "methods: what every object has answers no message": () => {
    assertThrows(() => new Observable().call.toString(), NoneOfTheObserversRespond);
    assertThrows(() => observed({}).call.toString(), NoneOfTheObserversRespond);
    const root = be([new Observable(), [new Observable()]]);
    assertThrows(() => root.call.addObserver({}), NoneOfTheObserversRespond);
    assertThrows(() => root.call.constructor(), NoneOfTheObserversRespond);
  },
  "methods: the class of an observer answers no message either": () => {
    class Plain {}
    class Component extends Observable {}
    const root = be([new Observable(), [new Plain()], [new Component()]]);
    root.do.constructor();
    assertThrows(() => root.call.constructor(), NoneOfTheObserversRespond);
  },
  "methods: a method that is put in its place by the observer does": () => {
    assertEquals(observed({ toString: () => "mine" }).call.toString(), "mine");
    assertEquals(observed({ constructor: () => "mine" }).call.constructor(), "mine");
  },
  "methods: a message may have any name": () => {
    const names = ["__proto__", "prototype", "toJSON", "then", "caller", "valueOf", "a b", "", "0"];
    for (const name of names) {
      const observer = Object.create(null, {
        [name]: { value: () => "answer" },
        observableName: { value: name },
      });
      const root = be([new Observable(), [observer]]);
      assertEquals(root.call[name](), "answer");
      assertEquals(root.call[name][name](), "answer");
      assertEquals(root.call.unknown(name), "answer");
    }
  },
  "methods: they are called on their observer": () => {
    const observer = {
      x: 5,
      m(): number {
        return this.x;
      },
    };
    assertEquals(be([new Observable(), [observer]]).call.m(), 5);
  },
  "observers: added ones get the next message": () => {
    const root = observed({ m: () => yields(1) });
    run(root.all.m());
    root.addObserver({ m: () => yields(2) });
    assertEquals(run(root.all.m())[0], [1, 2]);
  },
  "observers: a message of which the sender kept the function, as well": () => {
    const root = new Observable();
    const { m } = root.do;
    m();
    const got: unknown[] = [];
    root.addObserver({ m: (x: unknown) => void got.push(x) });
    m(1);
    assertEquals(got, [1]);
  },
  "observers: a dispatch that runs keeps those it started with": () => {
    const got: unknown[] = [];
    const late = { m: () => void got.push("late") };
    const root = observed({
      m: () => {
        got.push("first");
        root.addObserver(late);
        root.removeObserver(second);
      },
    });
    const second = { m: () => void got.push("second") };
    root.addObserver(second);
    root.do.m();
    assertEquals(got, ["first", "second"]);
  },
  "observers: must be objects": () => {
    // deno-lint-ignore no-explicit-any
    assertThrows(() => new Observable().addObserver(null as any), TypeError, "must be an object");
    // deno-lint-ignore no-explicit-any
    assertThrows(() => new Observable().addObserver("x" as any), TypeError, "must be an object");
    const root = observed({});
    assertThrows(
      // deno-lint-ignore no-explicit-any
      () => root.replaceObserver(root.observers[0]!, null as any),
      TypeError,
      "must be an object",
    );
    assertEquals(root.observers, [{}]);
  },
  "be: gives the component at the beginning": () => {
    const root = new Observable();
    assertStrictEquals(be([root]), root);
  },
  "be: the order of strands is the order in which observers are asked": () => {
    assertEquals(run(observed({ m: () => yields(1) }, { m: () => yields(2) }).all.m())[0], [1, 2]);
  },
  "be: a component of a shared strand is connected once": () => {
    const shared: Strand = [new Observable(), [{ m: () => yields("leaf") }]];
    class Pass extends Transparent {}
    const root = be([new Observable(), [new Pass(), shared], [new Pass(), shared]]);
    (shared[0] as Observable).addObserver({ m: () => yields("other") });
    assertEquals((shared[0] as Observable).observers.length, 2);
    assertEquals(root.observers.length, 2);
  },
};

for (const [name, test] of Object.entries(behaviours)) {
  Deno.test(`Observable conforms: ${name}`, test);
}
