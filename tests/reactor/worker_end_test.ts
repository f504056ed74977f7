/** What a worker leaves behind that ends without shutting its reactors down. */
import { assertEquals } from "@std/assert";
import { leakTest } from "../_leaks.ts";

const hostname = "127.0.0.1";

/** A worker with so many reactors, and a connection to each. */
async function start(selector: string, count: number) {
  const worker = new Worker(import.meta.resolve("./_ending_worker.ts"), { type: "module" });
  worker.onerror = (event) => event.preventDefault();
  const ports: number[] = [];
  const ready = Promise.withResolvers<void>();
  worker.onmessage = ({ data }) => {
    if (ports.push(data) === count) ready.resolve();
  };
  worker.postMessage([selector, count]);
  await ready.promise;
  const conns = await Promise.all(ports.map((port) => Deno.connect({ hostname, port })));
  for (const conn of conns) {
    await conn.write(new Uint8Array(1));
    await conn.read(new Uint8Array(1)); // it is accepted
  }
  return { worker, conns };
}

/** Whether a connection has ended, or was reset. Closes it. */
async function endOf(conn: Deno.Conn): Promise<boolean> {
  using _ = conn;
  const end = await conn.read(new Uint8Array(1)).catch((error) => error.name);
  return end === null || end === "ConnectionReset";
}

// Deno keeps some descriptors after the first worker, whichever test comes first.
{
  const { worker, conns: [conn] } = await start("deno", 1);
  worker.postMessage("calls close()");
  await endOf(conn!);
}

for (const selector of Deno.build.os === "linux" ? ["deno", "epoll"] : []) {
  for (const count of [1, 6]) {
    for (const way of ["calls close()", "throws", "throws in a timer", "rejects"]) {
      leakTest(
        `Reactor (${selector}, of ${count}) leaves nothing when its worker ${way}`,
        async () => {
          const { worker, conns } = await start(selector, count);
          worker.postMessage(way);
          for (const conn of conns) {
            const end = await conn.read(new Uint8Array(1)).catch((error) => error.name);
            assertEquals(end === null || end === "ConnectionReset", true);
            conn.close();
          }
          worker.terminate();
        },
      );
    }
  }

  leakTest(`Reactor (${selector}) goes on when its worker catches an error`, async () => {
    const { worker, conns: [conn] } = await start(selector, 1);
    for (let i = 0; i < 2; i++) {
      worker.postMessage("throws, and catches that");
      await conn!.write(new Uint8Array(1));
      assertEquals(await conn!.read(new Uint8Array(1)), 1);
    }
    worker.postMessage("calls close()");
    assertEquals(await endOf(conn!), true);
  });
}
