import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { compose, type Coroutine } from "../../compose/mod.ts";
import { be, Observable, printTree, type Strand, Transparent } from "../../pipeline/mod.ts";
import { feed } from "./_stages.ts";

class A extends Observable {}
class B extends Observable {}

class Sink {
  readonly got: unknown[] = [];
  m(item: unknown): void {
    this.got.push(item);
  }
}

Deno.test("be() connects a strand that is used twice once", () => {
  const sink = new Sink();
  const shared: Strand = [new Transparent(), [sink]];
  const root = be([new A(), [new Transparent(), shared], [new Transparent(), shared]]);
  root.do.m(1);
  assertEquals(sink.got, [1, 1]); // by two ways, but not four times
});

Deno.test("be() connects a component that occurs in several strands", () => {
  const both = new B(), c = new Sink(), d = new Sink();
  be([new A(), [both, [c]], [both, [d]], [both, [c]]]);
  assertEquals(both.observers, [c, d]);
});

Deno.test("be() makes a component an observer of another once", () => {
  const root = new A(), sink = new Sink();
  be([root, [sink], [sink]]);
  assertEquals(root.observers, [sink]);
});

Deno.test("be() calls a function that is a strand once, however often it is used", () => {
  let calls = 0;
  const made = () => {
    calls++;
    return [new B(), [new Sink()]] as const;
  };
  const one = new A(), two = new A();
  be([new A(), [one, made], [two, made]]);
  assertEquals(calls, 1);
  assertStrictEquals(one.observers[0], two.observers[0]);
  assertEquals(be(made) instanceof B, true);
});

Deno.test("be() connects a circle, in which once reaches everybody once", () => {
  let initialized = 0;
  class Part extends Observable {
    init(): void {
      initialized++;
    }
  }
  const a = new Part(), b = new Part(), c = new Part();
  const root = be([a, [b, [c, [a]]], [c]]);
  feed(root.once.init());
  assertEquals(initialized, 3);
  assertEquals(a.observers, [b, c]);
});

Deno.test("be() connects a strand that contains itself", () => {
  const a = new A(), b = new B();
  const loop: Strand = [a, [b, () => loop]];
  be(loop);
  assertEquals([a.observers, b.observers], [[b], [a]]);
});

Deno.test("be() connects a function that makes a strand in which it occurs", () => {
  const a = new A(), b = new B();
  const loop = (): Strand => [a, [b, loop]];
  assertStrictEquals(be(loop), a);
  assertEquals([a.observers, b.observers], [[b], [a]]);
});

Deno.test("be() connects a strand once that is used again at run time", () => {
  const sink = new Sink(), other = new A();
  const shared: Strand = [new Transparent(), [sink]];
  const root = be([new A(), shared]);
  other.addStrand(shared);
  other.addStrand(shared);
  be([root, shared, [other, shared]]);
  root.removeObserver(other);
  root.do.m(1);
  other.do.m(2);
  assertEquals(sink.got, [1, 2]);
});

Deno.test("be() adds to what a component has when called again", () => {
  const a = new A(), one = new Sink(), two = new Sink();
  be([a, [one]]);
  be([a, [two]]);
  assertEquals(a.observers, [one, two]);
});

Deno.test("be() refuses what is no DNA, by a message that says what it should be", () => {
  // deno-lint-ignore no-explicit-any
  const wrong = (dna: any, message: string) => assertThrows(() => be(dna), TypeError, message);
  wrong(new A(), "Cannot connect A: a strand is [component, ...strands]");
  wrong([new A(), new B()], "Cannot connect B: a strand is [component, ...strands]");
  wrong([new A(), undefined], "Cannot connect undefined");
  wrong([], "does not begin with a component");
  wrong([[new A()]], "does not begin with a component");
  wrong(["a"], "does not begin with a component");
  const itself = () => itself;
  wrong(itself, "Cannot connect a function that gives itself");
  wrong([new Sink(), [new A()]], "Cannot connect observers to Sink: it must extend Observable");
});

Deno.test("Observable.addStrand() connects DNA at run time", () => {
  const root = new A(), sink = new Sink();
  root.do.m(0);
  root.addStrand([new Transparent(), [sink]], [new Sink()]);
  root.do.m(1);
  assertEquals(sink.got, [1]);
  assertEquals(root.observers.length, 2);
});

Deno.test("Observable.replaceObserver() and removeObserver() keep the order of the others", () => {
  const one = new Sink(), two = new Sink(), three = new Sink(), root = new A();
  be([root, [one], [two], [three]]);
  root.do.m(1);
  const other = new Sink();
  root.replaceObserver(two, other);
  root.do.m(2);
  root.removeObserver(one);
  root.do.m(3);
  assertEquals(root.observers, [other, three]);
  assertEquals([one.got, two.got, other.got, three.got], [[1, 2], [1], [2, 3], [1, 2, 3]]);
});

Deno.test("Observable asks new observers from the next message on, whatever the verb", () => {
  class Answering {
    constructor(readonly name: string) {}
    do(): void {
      heard.push(this.name);
    }
    call(): string {
      return this.name;
    }
    *all(): Coroutine {
      heard.push(this.name);
    }
    *any(): Coroutine<string> {
      return this.name;
    }
    once(): void {
      heard.push(this.name);
    }
  }
  const heard: string[] = [];
  const one = new Answering("one"), two = new Answering("two");
  const root = be([new A(), [one]]);
  const ask = () => {
    root.do.do();
    feed(root.all.all());
    feed(root.once.once());
    return [...heard.splice(0), root.call.call(), feed(root.any.any()).value];
  };
  assertEquals(ask(), Array(5).fill("one"));
  root.replaceObserver(one, two);
  assertEquals(ask(), Array(5).fill("two"));
  root.removeObserver(two);
  root.addObserver(one);
  assertEquals(ask(), Array(5).fill("one"));
});

Deno.test("Observable refuses to remove or replace who does not observe it", () => {
  const root = be([new A(), [new B()]]);
  assertThrows(() => root.removeObserver(new Sink()), Error, "Sink does not observe A");
  assertThrows(() => root.replaceObserver(new Sink(), new Sink()), Error, "does not observe A");
});

Deno.test("Observable can be changed by an observer, for all verbs, while it dispatches", () => {
  const seen: string[] = [];
  class Changing extends Observable {
    constructor(readonly of: () => Observable) {
      super();
    }
    #change(): void {
      seen.push("changing");
      this.of().removeObserver(last);
      this.of().addObserver(last);
      this.of().addObserver({ m: () => void seen.push("new") });
    }
    m(): void {
      this.#change();
    }
    *g(): Coroutine {
      this.#change();
      yield "g";
    }
  }
  const last = {
    m: () => void seen.push("last"),
    *g(): Coroutine {
      yield* [];
      seen.push("last");
    },
  };
  const root: Observable = be([new A(), [new Changing(() => root)], [last]]);
  root.do.m();
  assertEquals(seen.splice(0), ["changing", "last"]);
  feed(root.all.g());
  assertEquals(seen.splice(0), ["changing", "last"]);
  feed(root.once.m());
  assertEquals(seen.splice(0), ["changing", "new", "last", "new"]);
});

Deno.test("Observable takes no property for observers that is not", () => {
  class Shop {
    readonly observers = ["Ada", "Grace"];
    readonly got: unknown[] = [];
    m(item: unknown): void {
      this.got.push(item);
    }
  }
  class Zoo {
    readonly observers = 3;
    readonly got: unknown[] = [];
    m(item: unknown): void {
      this.got.push(item);
    }
  }
  const shop = new Shop(), zoo = new Zoo();
  const root = be([new A(), [shop], [zoo]]);
  feed(root.once.m(1));
  assertEquals([shop.got, zoo.got], [[1], [1]]);
  const lines: string[] = [];
  printTree(root, (line) => lines.push(line));
  assertEquals(lines, ["A", "  Shop", "  Zoo"]);
});

Deno.test("observableName can be set, and counts from the next message on, for each verb", () => {
  class Named extends Observable {
    readonly heard: string[] = [];
    plain(): string {
      this.heard.push(this.observableName ?? "nobody");
      return this.observableName ?? "nobody";
    }
    told(): void {
      this.plain();
    }
    *coroutine(): Coroutine {
      yield this.plain();
    }
  }
  const first = new Named("a"), second = new Named("b");
  const root = be([new Observable(), [first], [second]]);
  const send: Record<string, (name: string) => unknown> = {
    call: (name) => root.call[name].plain(),
    do: (name) => root.do[name].told(),
    all: (name) => [...compose(root.all[name].coroutine() as Coroutine)],
    any: (name) => [...compose(root.any[name].coroutine() as Coroutine)],
  };
  for (const [verb, to] of Object.entries(send)) {
    first.observableName = "a";
    second.observableName = "b";
    for (let times = 0; times < 2; times++) {
      to("a");
      assertEquals([first.heard.splice(0), second.heard.splice(0)], [["a"], []], verb);
    }
    first.observableName = undefined;
    second.observableName = "a";
    for (let times = 0; times < 2; times++) {
      to("a");
      assertEquals([first.heard.splice(0), second.heard.splice(0)], [[], ["a"]], verb);
    }
  }
  assertEquals(first.observableName, undefined);
});
