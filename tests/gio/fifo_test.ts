/** Opening a FIFO waits for its other end: that must stop nobody else. */
import { assertEquals, assertRejects } from "@std/assert";
import { gio, open } from "../../gio/mod.ts";
import { Reactor, type SelectorName } from "../../reactor/mod.ts";
import { leakTest, openDescriptors, turns, turnsUntil } from "../_leaks.ts";

const LINUX = Deno.build.os === "linux";
const SELECTORS: SelectorName[] = LINUX ? ["deno", "epoll"] : [];

// The runtime opens descriptors of its own at the first subprocess.
if (LINUX) await new Deno.Command("true").output();

async function withFifo(use: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/fifo`;
  await new Deno.Command("mkfifo", { args: [path] }).output();
  try {
    await use(path);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

for (const selector of SELECTORS) {
  leakTest(
    `open() of a FIFO waits for who writes to it, and nobody else does (${selector})`,
    () =>
      withFifo(async (path) => {
        using reactor = new Reactor({ selector });
        const reading = gio(
          reactor,
          undefined,
          function* () {
            using _ = open(path).enter();
            return new TextDecoder().decode(yield);
          }(),
        );
        const running = reactor.run();
        let ticks = 0;
        const timer = reactor.addTimer(0, () => ticks++);
        await turnsUntil(() => !timer.active);
        using writer = await Deno.open(path, { write: true });
        await writer.write(new TextEncoder().encode("data"));
        assertEquals([await reading.result, ticks], ["data", 1]);
        reactor.requestShutdown();
        await running;
      }),
  );

  leakTest(`open() of a FIFO waits for who reads it (${selector})`, () =>
    withFifo(async (path) => {
      using reactor = new Reactor({ selector });
      const writing = gio(
        reactor,
        undefined,
        function* () {
          using _ = open(path, { write: true }).enter();
          yield "data";
        }(),
      );
      const running = reactor.run();
      await turns(3);
      const read = Deno.readTextFile(path);
      await writing.result;
      assertEquals(await read, "data");
      reactor.requestShutdown();
      await running;
    }));

  for (const options of [{ read: true }, { write: true }]) {
    for (const count of [0, 3]) {
      const name = `open() of a FIFO (${JSON.stringify(options)}) can be cancelled`;
      leakTest(`${name} after ${count} turns (${selector})`, () =>
        withFifo(async (path) => {
          using reactor = new Reactor({ selector });
          const before = openDescriptors().size;
          const waiting = gio(
            reactor,
            undefined,
            function* () {
              using _ = open(path, options).enter();
              yield "data";
              yield;
            }(),
          );
          const running = reactor.run();
          await turns(count);
          waiting.cancel();
          await assertRejects(() => waiting.result);
          reactor.requestShutdown();
          await running;
          await turnsUntil(() => openDescriptors().size <= before);
        }));
    }
  }
}

leakTest("open() of what is no FIFO fails where it is called", async () => {
  using reactor = new Reactor();
  const opening = gio(
    reactor,
    undefined,
    function* () {
      using _ = open("/nowhere/at/all").enter();
      yield;
    }(),
  );
  await assertRejects(() => opening.result, Deno.errors.NotFound);
});

if (LINUX) {
  const path = `/tmp/fifo-${crypto.randomUUID()}`;
  Deno.test.beforeAll(() => void new Deno.Command("mkfifo", { args: [path] }).outputSync());
  Deno.test.afterAll(() => Deno.removeSync(path));
  Deno.test({
    name: "open() of a FIFO names the permission that it lacks, and asks nobody",
    permissions: { read: true },
    async fn() {
      using reactor = new Reactor({ selector: "deno" });
      const opening = gio(
        reactor,
        undefined,
        function* () {
          using _ = open(path).enter();
          yield;
        }(),
      );
      await assertRejects(() => opening.result, Deno.errors.NotCapable, "--allow-write");
    },
  });
}
