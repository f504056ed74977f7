import { assertEquals } from "@std/assert";
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
    const eventLoop = new EventLoop();
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
