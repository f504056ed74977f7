/** How what a coroutine yields goes out: together, in order, and not faster than the peer reads. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { sleep } from "../../gio/mod.ts";
import { fixture } from "./_fixture.ts";

Deno.test("gio() sends consecutive yields together when the coroutine wants input", () => {
  using f = fixture();
  f.start(function* () {
    yield "a";
    yield new TextEncoder().encode("b");
    yield "c";
    yield;
    yield "d";
  });
  assertEquals(f.connection.sent, ["abc"]);
  f.arrive("x");
  assertEquals(f.connection.sent, ["abc", "d"]);
});

Deno.test("gio() sends the same text again, whatever was sent in between and accepted of it", () => {
  using f = fixture();
  const long = "x".repeat(10_000);
  f.start(function* () {
    for (const text of ["same", "same", "other", "same", long, long, "same", "é", "é"]) {
      yield text;
      yield;
    }
  });
  f.connection.capacity = 2; // the second "same" goes out in parts
  f.arrive("");
  assertEquals(f.connection.sent, ["same", "sa"]);
  f.connection.accept(Infinity);
  f.reactor.step();
  for (let i = 0; i < 7; i++) f.arrive("");
  assertEquals(f.connection.sent, [
    ...["same", "sa", "me", "other", "same", long, long, "same", "é", "é"],
  ]);
});

Deno.test("gio() sends what waits before the coroutine waits for something else", () => {
  using f = fixture();
  f.start(function* () {
    yield "before";
    yield* sleep(10);
    yield "after";
  });
  assertEquals(f.connection.sent, ["before"]);
  f.pass(10);
  assertEquals(f.connection.sent, ["before", "after"]);
});

Deno.test("gio() sends when 64 KiB have gathered, and large chunks as they are", () => {
  using f = fixture();
  const large = new Uint8Array(70_000);
  const chunks: Uint8Array[] = [];
  f.connection.send = (bytes) => {
    chunks.push(bytes);
    return bytes.length;
  };
  f.start(function* () {
    yield "head";
    yield large;
    assertEquals(chunks.length, 2);
    for (let i = 0; i < 70; i++) yield "x".repeat(1000);
    assertEquals(chunks.length, 3);
    yield;
  });
  assertEquals(chunks.map((chunk) => chunk.length), [4, 70_000, 66_000, 4000]);
  assertStrictEquals(chunks[1]!.buffer, large.buffer);
});

Deno.test("gio() keeps the order of text, small and large chunks", () => {
  using f = fixture();
  const bytes = (text: string) => new TextEncoder().encode(text);
  f.start(function* () {
    yield "1";
    yield bytes("2");
    yield bytes("3".repeat(20_000));
    yield "4";
    yield bytes("5".repeat(10));
    yield "";
    yield bytes("");
    yield "é";
    yield;
  });
  assertEquals(f.connection.sent.join(""), `12${"3".repeat(20_000)}4${"5".repeat(10)}é`);
  assertEquals(f.connection.sent.length, 3);
});

Deno.test("gio() stops a coroutine whose peer does not read", () => {
  using f = fixture();
  let yields = 0;
  f.connection.capacity = 100_000;
  f.start(function* () {
    for (;;) {
      yield "x".repeat(10_000);
      yields++;
    }
  });
  const stopped = yields;
  assert(stopped < 20, `${stopped} yields`);
  f.reactor.step();
  assertEquals(yields, stopped);
  f.accept(1000);
  assertEquals(yields, stopped);
  f.accept(70_000);
  assert(yields > stopped);
});

Deno.test("gio() sends every byte when little is accepted at a time", () => {
  using f = fixture();
  f.connection.capacity = 0;
  const text = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join("");
  const task = f.start(function* () {
    yield text;
    yield new TextEncoder().encode("tail");
    f.connection.arrive(null);
    try {
      yield;
    } catch { /* the end */ }
  });
  for (let i = 0; i < 2000 && !task.done; i++) f.accept(7);
  assertEquals(f.connection.sent.join(""), text + "tail");
});

Deno.test("gio() does not read while output waits", () => {
  using f = fixture();
  const seen: unknown[] = [];
  f.connection.capacity = 0;
  f.start(function* () {
    yield "out";
    seen.push(yield);
  });
  f.arrive("in");
  assertEquals(seen, []);
  f.accept(3);
  f.reactor.step();
  assertEquals(seen, ["in"]);
});

Deno.test("gio() leaves what the coroutine does not want yet where it is", () => {
  using f = fixture();
  const seen: unknown[] = [];
  f.start(function* () {
    seen.push(yield);
    yield* sleep(5);
    seen.push(yield);
  });
  f.arrive("one");
  f.arrive("two");
  f.reactor.step();
  assertEquals(f.connection.reads, 1);
  f.pass(5);
  f.reactor.step();
  assertEquals(seen, ["one", "two"]);
});
