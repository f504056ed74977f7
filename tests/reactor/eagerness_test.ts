import { assertEquals } from "@std/assert";
import { Eagerness } from "../../reactor/linux/_eagerness.ts";

/** How often a thread has to come back at once until it is eager. */
function needed(eagerness: Eagerness): number {
  let count = 0;
  for (; !eagerness.isEager; count++) eagerness.cameBack(0);
  return count;
}

Deno.test("Eagerness begins when a thread came back at once, and not when it was worth it", () => {
  const eagerness = new Eagerness();
  eagerness.cameBack(0.2);
  assertEquals(eagerness.isEager, false);
  eagerness.cameBack(0.1);
  assertEquals(eagerness.isEager, true);
});

Deno.test("Eagerness ends with a moment that brings nothing, and takes twice as much each time", () => {
  const eagerness = new Eagerness();
  const all: number[] = [];
  for (let i = 0; i < 9; i++) {
    all.push(needed(eagerness));
    eagerness.hasWaited(false);
  }
  assertEquals(all, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
  needed(eagerness);
  eagerness.hasWaited(true);
  assertEquals(eagerness.isEager, true);
  eagerness.hasWaited(false);
  assertEquals(needed(eagerness), 2);
});

Deno.test("Eagerness begins when there is no thread and something was found without", () => {
  const eagerness = new Eagerness();
  eagerness.hasLooked(true);
  assertEquals(eagerness.isEager, true);
  eagerness.hasLooked(false);
  assertEquals(needed(eagerness), 1);
});
