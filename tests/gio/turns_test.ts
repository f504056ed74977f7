/** Many coroutines that could go on for ever share the time of a step, so that a newcomer waits as long as beside a few. */
import { assert, assertEquals } from "@std/assert";
import { stub } from "@std/testing/mock";
import type { Coroutine } from "../../compose/mod.ts";
import { gio } from "../../gio/mod.ts";
import { Reactor, TestClock } from "../../reactor/mod.ts";
import { FakeConnection } from "./_fake.ts";

const MANY = 100;
/** How many chunks may be sent in a step, beside the first of each that has just become ready. */
const MAX_CHUNKS = 8;
const CHUNK = new Uint8Array(64 * 1024);
/** What it takes to send one. */
const CHUNK_MS = 0.5;

/** The time, which passes only when something is sent. */
class SendingTakesTime implements Disposable {
  readonly #now = stub(performance, "now", () => this.#ms);
  #ms = 0;

  pass(ms: number): void {
    this.#ms += ms;
  }

  [Symbol.dispose](): void {
    this.#now[Symbol.dispose]();
  }
}

/** Many connections, and one more. */
class Crowd implements Disposable {
  readonly reactor: Reactor;
  readonly connections: FakeConnection[];
  readonly newcomer: FakeConnection = new FakeConnection();
  /** How many chunks were sent to each. A capacity of 1 is one chunk. */
  readonly sent: number[];
  readonly time: SendingTakesTime = new SendingTakesTime();

  constructor(main: () => Coroutine) {
    this.reactor = new Reactor({ selector: "deno", clock: new TestClock() });
    this.sent = Array(MANY).fill(0);
    this.connections = this.sent.map((_, i) => {
      const connection = new FakeConnection();
      connection.send = (bytes) => {
        if (connection.capacity === 0) return 0;
        connection.capacity--;
        this.sent[i]!++;
        this.time.pass(CHUNK_MS * bytes.length / CHUNK.length);
        return bytes.length;
      };
      gio(this.reactor, connection, main()).result.catch(() => {});
      return connection;
    });
    gio(this.reactor, this.newcomer, greet());
    this.reactor.step();
  }

  get total(): number {
    return this.sent.reduce((sum, count) => sum + count, 0);
  }

  /** Steps; returns how many chunks were sent meanwhile. */
  step(): number {
    const before = this.total;
    this.reactor.step();
    return this.total - before;
  }

  /** How many chunks were sent until the newcomer, which says something now, has its answer. */
  serve(): number {
    const before = this.total;
    this.newcomer.sent.length = 0;
    this.newcomer.arrive("name");
    while (this.newcomer.sent.length === 0) this.reactor.step();
    return this.total - before;
  }

  [Symbol.dispose](): void {
    this.reactor.shutdown();
    this.time[Symbol.dispose]();
  }
}

function* greet(): Coroutine {
  for (;;) yield `Hello, ${yield}!`;
}

function* writeForEver(): Coroutine {
  for (;;) yield CHUNK;
}

function* writeWhenAsked(): Coroutine {
  yield;
  yield writeForEver();
}

Deno.test("a newcomer is served soon beside many coroutines that have paused", () => {
  using crowd = new Crowd(writeForEver);
  for (let i = 0; i < 3; i++) assert(crowd.serve() <= MAX_CHUNKS);
});

Deno.test("a newcomer is served soon beside many that may go on to write at once", () => {
  using crowd = new Crowd(writeForEver);
  for (const connection of crowd.connections) connection.accept(0);
  while (crowd.step() > 0);
  for (const connection of crowd.connections) connection.accept(Infinity);
  for (let i = 0; i < 3; i++) assert(crowd.serve() <= MAX_CHUNKS);
});

Deno.test("of many that are asked at once each begins to answer, and a newcomer is served next", () => {
  using crowd = new Crowd(writeWhenAsked);
  for (const connection of crowd.connections) connection.arrive("request");
  const chunks = crowd.step();
  assert(chunks <= MANY + MAX_CHUNKS, `${chunks}`);
  assertEquals(Math.min(...crowd.sent), 1);
  for (let i = 0; i < 3; i++) assert(crowd.serve() <= MAX_CHUNKS);
});

Deno.test("many coroutines that have paused share the time alike", () => {
  using crowd = new Crowd(writeForEver);
  const before = [...crowd.sent];
  while (crowd.total < 20 * MANY) crowd.step();
  const counts = crowd.sent.map((count, i) => count - before[i]!);
  assert(Math.max(...counts) - Math.min(...counts) <= 3, `${counts}`);
});

Deno.test("many that may go on to write share the time alike", () => {
  using crowd = new Crowd(writeForEver);
  for (const connection of crowd.connections) connection.accept(0);
  while (crowd.step() > 0);
  const before = [...crowd.sent];
  while (crowd.total < 20 * MANY) {
    // Who is full takes one chunk more.
    for (const connection of crowd.connections) {
      if (connection.capacity === 0) connection.accept(1);
    }
    crowd.step();
  }
  const counts = crowd.sent.map((count, i) => count - before[i]!);
  assert(Math.max(...counts) - Math.min(...counts) <= 3, `${counts}`);
});

Deno.test("nobody is left out: who has paused, who may go on to write, who is asked again and again", () => {
  let count = 0;
  using crowd = new Crowd(function* () {
    if (count++ % 3 < 2) yield writeForEver();
    for (;;) {
      yield;
      yield CHUNK;
    }
  });
  const before = [...crowd.sent];
  const progress = () => Math.min(...crowd.sent.map((count, i) => count - before[i]!));
  for (let step = 0; step < 1000 && progress() < 3; step++) {
    crowd.connections.forEach((connection, i) => {
      if (i % 3 === 1 && (step === 0 || connection.capacity === 0)) connection.accept(1);
      if (i % 3 === 2) connection.arrive("request");
    });
    crowd.step();
  }
  assertEquals(progress(), 3);
});

for (const how of ["closes", "breaks"]) {
  Deno.test(`a coroutine is told when its context ${how}, also when the time is used up`, () => {
    const told: number[] = [];
    let count = 0;
    using crowd = new Crowd(function* () {
      const number = count++;
      try {
        yield writeForEver();
      } finally {
        told.push(number);
      }
    });
    for (const connection of crowd.connections) connection.accept(0);
    while (crowd.step() > 0);
    for (const connection of crowd.connections) {
      connection.accept(Infinity);
      connection.send = () => {
        crowd.time.pass(CHUNK_MS);
        throw new RangeError("broken");
      };
      if (how === "closes") Object.assign(connection, { closed: true });
    }
    for (let i = 0; told.length < MANY && i < 10 * MANY; i++) crowd.step();
    assertEquals(told.length, MANY);
  });
}
