/** Messages that wait until somebody reads them. */
import { assert, assertEquals } from "@std/assert";
import { Held, MAX_HELD } from "../../http/websocket/_held.ts";

/** Takes all of them. */
function* taken(held: Held): Generator<unknown> {
  while (!held.isEmpty) yield held.shift();
}

Deno.test("messages are taken in the order in which they came", () => {
  const held = new Held();
  assertEquals([held.isEmpty, held.shift()], [true, undefined]);
  held.push("one");
  held.push("");
  assertEquals(held.shift(), "one");
  held.push("three");
  assertEquals([...taken(held)], ["", "three"]);
});

Deno.test("what is put back comes first, in its order", () => {
  const held = new Held();
  for (const message of ["one", "two", "three"]) held.push(message);
  assertEquals([held.shift(), held.shift()], ["one", "two"]);
  held.unshift(["one", "two"]);
  held.unshift([]);
  assertEquals([...taken(held)], ["one", "two", "three"]);
});

Deno.test("each message takes room, also an empty one, until it is taken", () => {
  const held = new Held();
  assertEquals(held.room, MAX_HELD);
  held.push("");
  const overhead = MAX_HELD - held.room;
  assert(overhead > 0);
  held.push(new Uint8Array(1000));
  held.unshift(["x".repeat(10)]);
  assertEquals(held.room, MAX_HELD - 3 * overhead - 1010);
  for (const _ of taken(held));
  assertEquals(held.room, MAX_HELD);
});

Deno.test("many messages keep their order while they come and go", () => {
  const held = new Held();
  let pushed = 0, shifted = 0;
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 50; i++) held.push(String(pushed++));
    for (let i = 0; i < 40; i++) assertEquals(held.shift(), String(shifted++));
    held.unshift([String(--shifted)]);
  }
  for (const message of taken(held)) assertEquals(message, String(shifted++));
  assertEquals([shifted, held.room], [pushed, MAX_HELD]);
});
