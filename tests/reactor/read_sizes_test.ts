import { assertEquals } from "@std/assert";
import { ReadSizes } from "../../reactor/_read_sizes.ts";

const KIB = 1024;

Deno.test("ReadSizes grows with the data, and falls back when little arrives", () => {
  const sizes = new ReadSizes(2 * KIB, 256 * KIB);
  let size = sizes.min;
  const offered = [size];
  for (const length of [100, 2 * KIB, 8 * KIB, 32 * KIB, 128 * KIB, 256 * KIB, 64 * KIB, 10]) {
    offered.push(size = sizes.next(size, length));
  }
  assertEquals(offered.map((bytes) => bytes / KIB), [2, 2, 8, 32, 128, 256, 256, 256, 2]);
});

Deno.test("ReadSizes gives each less the more there are, but never too little", () => {
  const sizes = new ReadSizes(2 * KIB, 256 * KIB);
  const all = Array.from({ length: 2000 }, () => {
    let size = sizes.min;
    for (let i = 0; i < 10; i++) size = sizes.next(size, size);
    return size;
  });
  assertEquals(all[0], 256 * KIB);
  assertEquals(all.at(-1), 8 * KIB);
  assertEquals(all, all.toSorted((a, b) => b - a));
  assertEquals(all.reduce((sum, size) => sum + size) < 64 * 1024 * KIB, true);
  const first = sizes.next(all[0]!, all[0]!);
  assertEquals(first, 8 * KIB);
  sizes.end(first);
  for (const size of all.slice(1)) sizes.end(size);
  assertEquals(sizes.share, 256 * KIB);
  assertEquals(sizes.end(sizes.min), 2 * KIB);
  assertEquals(sizes.share, 256 * KIB);
});
