import { assert, assertEquals } from "@std/assert";
import { type ByteStream, Reactor } from "../../reactor/mod.ts";
import { turns } from "../_leaks.ts";

/** A stream that notes the sizes of the buffers it is given, and fills as much of them as a test says. */
class Source implements ByteStream {
  readonly offered: Uint8Array[] = [];
  #resolve: ((length: number | null) => void) | undefined;

  read(p: Uint8Array): Promise<number | null> {
    assertEquals(this.#resolve, undefined, "Only one read at a time");
    this.offered.push(p);
    return new Promise((resolve) => this.#resolve = resolve);
  }

  async give(length: number): Promise<void> {
    const resolve = this.#resolve!;
    this.#resolve = undefined;
    resolve(length);
    await turns();
  }

  get size(): number {
    return this.offered.at(-1)!.length;
  }

  close(): void {}
}

Deno.test("a socket reads into a small buffer until much arrives, and then again", async () => {
  using reactor = new Reactor({ selector: "deno" });
  const source = new Source();
  const socket = reactor.adopt(source);
  reactor.addReader(socket, () => socket.recv());
  const sizes = [source.size];
  for (const length of [1024, 4096, 16 * 1024, 64 * 1024, 40 * 1024, 10]) {
    await source.give(length);
    reactor.step();
    sizes.push(source.size);
  }
  assertEquals(sizes, [1024, 4096, 16_384, 65_536, 65_536, 65_536, 1024]);
});

Deno.test("a socket never reads into what it handed out", async () => {
  using reactor = new Reactor({ selector: "deno" });
  const source = new Source();
  const socket = reactor.adopt(source);
  const received: Uint8Array[] = [];
  reactor.addReader(socket, () => received.push(socket.recv()!));
  for (let i = 0; i < 1000; i++) {
    source.offered.at(-1)!.fill(i & 255);
    await source.give(100);
    reactor.step();
  }
  assertEquals(received.length, 1000);
  assert(received.every((chunk, i) => chunk.every((byte) => byte === (i & 255))));
});

Deno.test("small messages share buffers", async () => {
  using reactor = new Reactor({ selector: "deno" });
  const source = new Source();
  const socket = reactor.adopt(source);
  const buffers = new Set<ArrayBufferLike>();
  reactor.addReader(socket, () => buffers.add(socket.recv()!.buffer));
  for (let i = 0; i < 600; i++) {
    await source.give(100);
    reactor.step();
  }
  assert(buffers.size <= 3);
});

Deno.test("a socket writes on until all it accepted is out, and accepts nothing meanwhile", async () => {
  using reactor = new Reactor({ selector: "deno" });
  const written: number[] = [];
  const socket = reactor.adopt({
    write(p) {
      written.push(p.length);
      return Promise.resolve(Math.min(p.length, 40));
    },
    close() {},
  });
  assertEquals(socket.send(new Uint8Array(0)), 0);
  assertEquals([socket.send(new Uint8Array(100)), socket.send(new Uint8Array(1))], [100, 0]);
  await turns();
  assertEquals([written, socket.writable], [[100, 60, 20], true]);
});
