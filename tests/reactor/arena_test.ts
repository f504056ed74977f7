import { assert, assertEquals } from "@std/assert";
import { Arena } from "../../reactor/linux/_arena.ts";

const KIB = 1024;

Deno.test("Arena gives chunks that are nobody else's, of all sizes", () => {
  const arena = new Arena();
  const sizes = [1, 41, 4 * KIB, 4 * KIB + 1, 20 * KIB, 32 * KIB, 64 * KIB, 200 * KIB, 3];
  const taken = sizes.map((size, i) => {
    const room = arena.offer(Math.max(size, 2 * KIB));
    assert(room.length >= size);
    room.fill(i + 1, 0, size);
    return arena.take(size);
  });
  arena.offer(256 * KIB).fill(0);
  for (const [i, chunk] of taken.entries()) {
    assertEquals(chunk.length, sizes[i]);
    assert(chunk.every((byte) => byte === i + 1), `chunk ${i}`);
    chunk.fill(0);
  }
});

Deno.test("Arena: a chunk that is kept keeps little more than itself, whatever comes between", () => {
  const arena = new Arena();
  for (const between of [1, 41, 3 * KIB, 10 * KIB, 60 * KIB, 250 * KIB]) {
    for (const kept of [1, 4 * KIB, 5 * KIB, 50 * KIB]) {
      for (let i = 0; i < 10; i++) {
        arena.offer(256 * KIB);
        arena.take(between);
        arena.offer(2 * KIB);
        const { byteLength } = arena.take(kept).buffer;
        assert(byteLength <= Math.max(16 * KIB, 2 * kept), `${byteLength} for ${kept}`);
      }
    }
  }
});
