/** A ByteStream that does not do what it should is an error that says so, and does not stop the program. */
import { assertEquals, assertMatch } from "@std/assert";
import { gio } from "../../gio/mod.ts";
import { type ByteStream, Reactor } from "../../reactor/mod.ts";
import { leakTest } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { SELECTORS } from "../_sockets.ts";

const WRONG_READS: Record<string, ByteStream["read"]> = {
  "-1": () => Promise.resolve(-1),
  "too much": (p) => Promise.resolve(p.length + 1),
  "a fraction": () => Promise.resolve(1.5),
  "NaN": () => Promise.resolve(NaN),
  "undefined": () => Promise.resolve(undefined as never),
  "a text": () => Promise.resolve("12" as never),
};
const WRONG_PULLS: Record<string, ByteStream["pull"]> = {
  "a text": () => Promise.resolve("text" as never),
  "undefined": () => Promise.resolve(undefined as never),
  "a number": () => Promise.resolve(5 as never),
  "an ArrayBuffer": () => Promise.resolve(new ArrayBuffer(3) as never),
};
const WRONG_WRITES: Record<string, ByteStream["write"]> = {
  "0 for ever": () => Promise.resolve(0),
  "-1": () => Promise.resolve(-1),
  "too much": (p) => Promise.resolve(p.length + 1),
  "a fraction": () => Promise.resolve(1.5),
  "NaN": () => Promise.resolve(NaN),
  "undefined": () => Promise.resolve(undefined as never),
};

for (const selector of SELECTORS) {
  const receives = (what: string, stream: Partial<ByteStream>, expected: RegExp) =>
    leakTest(`a stream whose ${what} is an error to who receives (${selector})`, async () => {
      using reactor = new Reactor({ selector });
      let closed = 0;
      const socket = reactor.adopt({ name: "odd", close: () => void closed++, ...stream });
      let error: unknown;
      reactor.addReader(socket, () => {
        try {
          socket.recv();
        } catch (e) {
          error = e;
        }
        reactor.removeReader(socket);
      });
      await drive(reactor, () => error !== undefined, "the error");
      assertMatch(`${error}`, expected);
      socket.close();
      assertEquals([closed, reactor.openConnections.size], [1, 0]);
    });
  for (const [what, read] of Object.entries(WRONG_READS)) {
    receives(`read() gives ${what}`, { read: read! }, /^RangeError: .*odd: what read\(\) gives/);
  }
  for (const [what, pull] of Object.entries(WRONG_PULLS)) {
    receives(`pull() gives ${what}`, { pull: pull! }, /^TypeError: .*odd: what pull\(\) gives/);
  }

  for (const [what, write] of Object.entries(WRONG_WRITES)) {
    leakTest(
      `a stream whose write() gives ${what} is an error to who sends (${selector})`,
      async () => {
        using reactor = new Reactor({ selector });
        let closed = 0;
        const stream = { name: "odd", write: write!, close: () => void closed++ };
        const socket = reactor.adopt(stream);
        let error: unknown;
        assertEquals(socket.send(new Uint8Array(10)), 10);
        reactor.addWriter(socket, () => {
          try {
            socket.send(new Uint8Array(10));
          } catch (e) {
            error = e;
            reactor.removeWriter(socket);
          }
        });
        await drive(reactor, () => error !== undefined, "the error");
        assertMatch(`${error}`, /^(RangeError|WriteZero): .*odd: .*write\(\)/);
        socket.close();
        assertEquals([closed, reactor.openConnections.size], [1, 0]);

        const running = reactor.run();
        const message = await gio(
          reactor,
          reactor.adopt(stream),
          function* () {
            yield "data";
            yield "data";
          }(),
        ).result.then(String, String);
        assertMatch(message, /^(RangeError|WriteZero): .*odd: .*write\(\)/);
        reactor.requestShutdown();
        await running;
      },
    );
  }

  leakTest(`a stream may accept nothing now and then (${selector})`, async () => {
    using reactor = new Reactor({ selector });
    let calls = 0;
    let written = 0;
    const socket = reactor.adopt({
      write(p) {
        const length = calls++ % 3 === 2 ? Math.min(p.length, 2) : 0;
        written += length;
        return Promise.resolve(length);
      },
      close() {},
    });
    socket.send(new Uint8Array(100));
    let writable = false;
    reactor.addWriter(socket, () => writable = true);
    await drive(reactor, () => writable, "room");
    reactor.removeWriter(socket);
    assertEquals([written, socket.send(new Uint8Array(1))], [100, 1]);
  });
}
