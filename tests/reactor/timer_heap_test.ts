import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type HeapTimer, TimerHeap } from "../../reactor/_timer_heap.ts";

Deno.test("TimerHeap gives live timers in order of time and addition, whatever was removed", () => {
  const commands = fc.array(
    fc.oneof(
      fc.record({ add: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ remove: fc.nat() }),
      fc.record({ take: fc.constant(true) }),
    ),
    { maxLength: 400 },
  );
  fc.assert(fc.property(commands, (list) => {
    const heap = new TimerHeap();
    let model: HeapTimer[] = [];
    for (const command of list) {
      if ("add" in command) model.push(heap.add(command.add, () => {}));
      else if ("remove" in command && model.length > 0) {
        const [timer] = model.splice(command.remove % model.length, 1);
        heap.remove(timer!);
        assert(!timer!.active);
      } else if ("take" in command) {
        model.sort((a, b) => a.at - b.at || a.order - b.order);
        const first = heap.first();
        assertEquals(first, model[0]);
        if (first) heap.takeFirst();
        model = model.slice(1);
      }
      assertEquals(heap.size, model.length);
      assertEquals(heap.live().length, model.length);
    }
  }));
});

Deno.test("TimerHeap does not grow when timers are re-armed", () => {
  const heap = new TimerHeap();
  const timers = Array.from({ length: 1000 }, (_, i) => heap.add(i, () => {}));
  for (let i = 0; i < 100_000; i++) {
    heap.remove(timers[i % 1000]!);
    timers[i % 1000] = heap.add(1000 + i, () => {});
  }
  assertEquals(heap.size, 1000);
});

Deno.test("TimerHeap refuses to remove a timer of another one", () => {
  const heap = new TimerHeap();
  const other = new TimerHeap();
  const timer = other.add(1, () => {});
  heap.add(1, () => {});
  assertThrows(() => heap.remove(timer), TypeError, "another reactor");
  assert(timer.active);
});

Deno.test("TimerHeap clear() makes all timers inactive", () => {
  const heap = new TimerHeap();
  const timer = heap.add(1, () => {});
  heap.clear();
  assertEquals([timer.active, heap.size, heap.first()], [false, 0, undefined]);
});
