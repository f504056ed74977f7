import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import { EventLoop } from "../../reactor/_event_loop.ts";
import { leakTest } from "../_leaks.ts";

/** Keeps the event loop from doing anything, as a busy reactor does. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

leakTest(
  "EventLoop.turn() finds what Deno itself waits for, every time that it is due",
  async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using near = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    using far = await listener.accept();
    const eventLoop = new EventLoop({ maxTurningMs: Infinity });
    let found = 0;
    for (let i = 0; i < 20; i++) {
      const read = near.read(new Uint8Array(8)).then(() => found++);
      await far.write(new Uint8Array(1));
      work(4);
      await eventLoop.turn();
      // What it found is told in the turn after that.
      work(1);
      await eventLoop.turn();
      const foundNow = found;
      await read;
      assertEquals(foundNow, i + 1);
    }
  },
);

for (const isReady of [undefined, true]) {
  Deno.test(`EventLoop.turn() does not wait for the whole look in a busy program (isReady: ${isReady})`, async () => {
    let isOver = false;
    let chunks = 0;
    const compute = () => {
      work(1);
      chunks++;
      if (!isOver) setImmediate(compute);
    };
    setImmediate(compute);
    const eventLoop = new EventLoop({ isReady: () => isReady });
    work(4);
    for (let i = 0; i < 10; i++) {
      chunks = 0;
      await eventLoop.turn();
      // One turn; the program may begin it before the reactor or after.
      assert(chunks <= 2, `${chunks} turns`);
    }
    isOver = true;
  });
}

leakTest("EventLoop.turn() looks in the end in a busy program", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using near = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using far = await listener.accept();
  let isOver = false;
  const compute = () => {
    work(1);
    if (!isOver) setImmediate(compute);
  };
  const eventLoop = new EventLoop();
  const read = near.read(new Uint8Array(8)).then(() => isOver = true);
  setImmediate(compute);
  await far.write(new Uint8Array(1));
  for (let turns = 0; !isOver && turns < 1000; turns++) await eventLoop.turn();
  assert(isOver);
  await read;
});
