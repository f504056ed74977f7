/** Transfers lose no byte, change none, and keep the order, whoever else has the socket before. */
import { assert, assertEquals } from "@std/assert";
import {
  fromStreams,
  type here,
  Reactor,
  type SelectorName,
  sendFile,
  type Socket,
  splice,
  TransferError,
  type TransferTarget,
} from "../../reactor/mod.ts";
import { leakTest } from "../_leaks.ts";
import {
  type Accepted,
  assertSameBytes,
  concat,
  END_KINDS,
  pattern,
  receive,
} from "./_transfer_ends.ts";

const SOCKETS = END_KINDS.filter(({ name }) => name.includes("ocket ("));
const TARGETS = END_KINDS.filter(({ name }) => /TCP|ocket \(/.test(name));

for (const from of SOCKETS) {
  for (const to of TARGETS) {
    leakTest(
      `splice() from ${from.name} to ${to.name} begins where recv(max) stopped`,
      async () => {
        await using source = await from.open() as Accepted;
        await using target = await to.open();
        const { near, reactor } = source;
        const bytes = pattern(400_000);
        const sending = source.write(bytes).then(() => source.end());
        let at = 0;
        // The socket learns that there is much, and reads much at a time.
        for (let i = 0; i < 8; i++) at += (await receive(reactor, near, 8000))!.length;
        const reading = target.readAll();
        assertEquals((await splice(near, target.near)).bytes, bytes.length - at);
        assertSameBytes(await reading, bytes.subarray(at));
        await sending;
      },
    );
  }
}

/** A generator of numbers from 0 to `n - 1`, always the same ones. */
function dice(seed: number): (n: number) => number {
  return (n) => {
    seed = Math.imul(seed, 1103515245) + 12345 & 0x7fffffff;
    return (seed >> 8) % n;
  };
}

for (const from of [...SOCKETS, ...END_KINDS.filter(({ name }) => name.includes("TCP"))]) {
  for (const to of TARGETS) {
    leakTest(
      `What transfers and recv() take in turn is what came, from ${from.name} to ${to.name}`,
      async () => {
        for (let seed = 1; seed <= 6; seed++) {
          const random = dice(seed * 7919);
          await using source = await from.open() as Accepted;
          await using target = await to.open();
          const { near, reactor } = source;
          const bytes = pattern(400_000, seed);
          const sending = (async () => {
            for (let at = 0; at < bytes.length;) {
              const length = 1 + random(random(2) ? 300 : 40_000);
              await source.write(bytes.subarray(at, at += length));
            }
            await source.end();
          })();
          const reading = target.readAll();
          const expected: Uint8Array[] = [];
          let at = 0;
          let isOver = false;
          while (at < bytes.length) {
            if (reactor !== undefined && random(4) === 0) {
              const chunk =
                (await receive(reactor, near, random(2) ? 1 + random(3000) : Infinity))!;
              assertSameBytes(chunk, bytes.subarray(at, at += chunk.length));
              continue;
            }
            const limit = random(3) ? 1 + random(random(2) ? 900 : 60_000) : 100_000;
            const cutAt = random(2) ? random(50_000) : Infinity;
            const before = at;
            const transfer = splice(near, target.near, {
              limit,
              copy: random(2) === 0,
              onProgress: ({ bytes }) => {
                if (bytes > cutAt) transfer.abort();
              },
            });
            try {
              const moved = (await transfer).bytes;
              at += moved;
              isOver = moved < limit;
              if (isOver) assertEquals(at, bytes.length);
            } catch (error) {
              assert(error instanceof TransferError);
              at += error.transferred.bytes;
              expected.push(bytes.subarray(before, at));
              // Nobody knows whether the back end has still written them.
              if (error.lost > 0) break;
              continue;
            }
            expected.push(bytes.subarray(before, at));
          }
          while (await source.readNear() !== null);
          await sending;
          if (!isOver) await splice({ read: () => Promise.resolve(null) }, target.near);
          const received = await reading;
          let seen = 0;
          for (const part of expected) {
            assertSameBytes(received.subarray(seen, seen += part.length), part);
          }
        }
      },
    );
  }
}

/** A target that keeps what it is given, and all that it was given. */
interface Keeper {
  readonly to: Exclude<TransferTarget, typeof here>;
  content(): Promise<Uint8Array>;
}

/** A Web stream whose reader comes late: until then it keeps its chunks. */
function lateStream(): { writable: WritableStream<Uint8Array>; content(): Promise<Uint8Array> } {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(
    undefined,
    { highWaterMark: 10_000 },
    { highWaterMark: 10_000 },
  );
  return { writable, content: async () => concat(await Array.fromAsync(readable)) };
}

const KEEPERS: Record<string, (reactor: Reactor) => Keeper> = {
  "a context": (reactor) => {
    const kept: Uint8Array[] = [];
    const to = {
      reactor,
      readable: false,
      writable: true,
      send: (bytes: Uint8Array) => bytes.length && kept.push(bytes) && bytes.length,
      watch: (_: unknown, notify: () => void) => notify(),
      unwatch() {},
    };
    return { to, content: () => Promise.resolve(concat(kept)) };
  },
  "an object that writes": () => {
    const kept: Uint8Array[] = [];
    const write = (bytes: Uint8Array) => Promise.resolve(kept.push(bytes) && bytes.length);
    return { to: { write }, content: () => Promise.resolve(concat(kept)) };
  },
  "the socket of an object that writes": (reactor) => {
    const kept: Uint8Array[] = [];
    const write = (bytes: Uint8Array) => Promise.resolve(kept.push(bytes) && bytes.length);
    const to = reactor.adopt({ write, close() {} });
    return { to, content: () => Promise.resolve(concat(kept)) };
  },
  "a Web stream": () => {
    const { writable, content } = lateStream();
    const { write, closeWrite } = fromStreams({ writable });
    return { to: { write: write!, closeWrite: closeWrite! }, content };
  },
  "the socket of a Web stream": (reactor) => {
    const { writable, content } = lateStream();
    return { to: reactor.adopt(fromStreams({ writable })), content };
  },
};

const SELECTORS: SelectorName[] = Deno.build.os === "linux" ? ["deno", "epoll"] : ["deno"];

for (const [what, keeper] of Object.entries(KEEPERS)) {
  for (const selector of SELECTORS) {
    for (const from of END_KINDS) {
      for (const tees of [false, true]) {
        const how = `${tees ? "splice.tee()" : "splice()"} from ${from.name}`;
        leakTest(`${how} changes nothing that ${what} keeps (${selector})`, async () => {
          await using source = await from.open() as Accepted;
          await using rest = new AsyncDisposableStack();
          const reactor = source.reactor ?? new Reactor({ selector });
          if (source.reactor === undefined) {
            const running = reactor.run();
            rest.defer(() => {
              reactor.shutdown();
              return running;
            });
          }
          const { to, content } = keeper(reactor);
          const bytes = pattern(600_000);
          const sending = source.write(bytes).then(() => source.end());
          if (from.name === "a file") await sending;
          if (!tees) await splice(source.near, to);
          else await splice.tee(source.near, { write: (p) => Promise.resolve(p.length) }, to);
          await sending;
          (to as Partial<Socket>).close?.();
          assertSameBytes(await content(), bytes);
        });
      }
    }

    leakTest(`sendFile() changes nothing that ${what} keeps (${selector})`, async () => {
      using reactor = new Reactor({ selector });
      const running = reactor.run();
      const bytes = pattern(600_000);
      const path = await Deno.makeTempFile();
      await Deno.writeFile(path, bytes);
      const { to, content } = keeper(reactor);
      await sendFile(to, path);
      (to as Partial<Socket & Deno.Conn>).shutdown?.();
      await (to as Partial<Deno.Conn>).closeWrite?.();
      assertSameBytes(await content(), bytes);
      reactor.requestShutdown();
      await running;
      await Deno.remove(path);
    });
  }
}
