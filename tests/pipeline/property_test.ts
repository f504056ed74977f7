/*
 * Random pipelines: what comes out is what the stages give when they are run one after the other on arrays, whatever
 * the chunks are in which the input comes, and however often a stage is put in or taken out that changes nothing.
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Coroutine } from "../../compose/mod.ts";
import {
  batch,
  decode,
  delimited,
  encode,
  filter,
  flatMap,
  fromIterable,
  lines,
  map,
  pipe,
  skip,
  type Stage,
  take,
  toTransformStream,
} from "../../pipeline/mod.ts";
import { feed } from "./_stages.ts";

/** A stage, and the same done to an array. */
interface Model {
  name: string;
  stage: () => Coroutine;
  onArray: (items: unknown[]) => unknown[];
}

const chunksOf = (items: unknown[], size: number) =>
  Array.from(
    { length: Math.ceil(items.length / size) },
    (_, i) => items.slice(i * size, i * size + size),
  );

const size = fc.integer({ min: 0, max: 5 });

/** Stages from numbers to numbers. */
const numeric: fc.Arbitrary<Model> = fc.oneof(
  size.map((n): Model => ({
    name: `map(+${n})`,
    stage: () => map((x: number) => x + n),
    onArray: (items) => items.map((x) => x as number + n),
  })),
  size.map((n): Model => ({
    name: `filter(% ${n + 1})`,
    stage: () => filter((x: number) => x % (n + 1) !== 0),
    onArray: (items) => items.filter((x) => x as number % (n + 1) !== 0),
  })),
  size.map((n): Model => ({
    name: `take(${n})`,
    stage: () => take(n),
    onArray: (items) => items.slice(0, n),
  })),
  size.map((n): Model => ({
    name: `skip(${n})`,
    stage: () => skip(n),
    onArray: (items) => items.slice(n),
  })),
  size.map((n): Model => ({
    name: `flatMap(${n % 3} times)`,
    stage: () => flatMap((x: number) => Array(n % 3).fill(x)),
    onArray: (items) => items.flatMap((x) => Array(n % 3).fill(x)),
  })),
  size.map((n): Model => ({
    name: `sum of batch(${n + 1})`,
    stage: () => pipe(batch(n + 1), map((all: number[]) => all.reduce((a, b) => a + b, 0))),
    onArray: (items) =>
      chunksOf(items, n + 1).map((all) => (all as number[]).reduce((a, b) => a + b, 0)),
  })),
);

Deno.test("pipe() of random stages is the composition of the stages on arrays", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 12 }),
    fc.array(numeric, { minLength: 1, maxLength: 6 }),
    (input, models) => {
      const expected = models.reduce((items: unknown[], { onArray }) => onArray(items), input);
      const stages = models.map(({ stage }) => stage);
      assertEquals(feed(pipe(...stages), input).out, expected);
      assertEquals([...fromIterable(input, pipe(...stages))], expected);
      // Nested in any way, it is the same
      const nested = stages.slice(1).reduce(
        (p: Stage, stage) => pipe(p, stage),
        stages[0]! as Stage,
      );
      assertEquals(feed(pipe(nested), input).out, expected);
    },
  ));
});

Deno.test("toTransformStream() of random stages gives the same", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 12 }),
      fc.array(numeric, { minLength: 1, maxLength: 4 }),
      async (input, models) => {
        const expected = models.reduce((items: unknown[], { onArray }) => onArray(items), input);
        const stages = models.map(({ stage }) => stage);
        const stream = ReadableStream.from(input)
          .pipeThrough(toTransformStream(pipe(...stages)));
        assertEquals(await Array.fromAsync(stream), expected);
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("pipe() loses and doubles nothing when stages that change nothing come and go", () => {
  const pass = (n: number): Stage =>
    n % 3 === 0
      ? map((x) => x)
      : n % 3 === 1
      ? pipe(batch(2), flatMap((x: unknown[]) => x))
      : skip(0);
  fc.assert(fc.property(
    fc.array(fc.integer(), { maxLength: 20 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { maxLength: 40 }),
    (input, changes) => {
      const p = pipe(pass(0), pass(1), pass(2));
      const change = ([what, where, which]: [number, number, number]) => {
        if (what % 4 === 0) p.insert(where % (p.length + 1), pass(which));
        else if (what % 4 === 1) p.replace(where % p.length, pass(which));
        else if (what % 4 === 2 && p.length > 1) p.remove(where % p.length);
      };
      const plan = [...changes];
      const out: unknown[] = [];
      function* driving(): Generator<unknown> {
        for (const item of input) {
          if (plan.length > 0) change(plan.pop()!);
          yield item;
        }
      }
      for (const item of fromIterable(driving(), p)) {
        out.push(item);
        if (plan.length > 0) change(plan.pop()!);
      }
      assertEquals(out, input);
    },
  ));
});

Deno.test("pipe() of lines and random stages gives the same at every chunking of the input", () => {
  const bytes = fc.array(fc.constantFrom("1", "12", "-3", "", "40\r"), { maxLength: 6 })
    .map((texts) => new TextEncoder().encode(texts.map((text) => `${text}\n`).join("")));
  fc.assert(
    fc.property(bytes, fc.array(numeric, { maxLength: 4 }), (input, models) => {
      const numbers = new TextDecoder().decode(input).split("\n").slice(0, -1).map(Number);
      const expected = models.reduce((items: unknown[], { onArray }) => onArray(items), numbers);
      const run = (chunks: Uint8Array[]) =>
        feed(pipe(lines(), map(Number), ...models.map(({ stage }) => stage)), chunks).out;
      for (let i = 0; i <= input.length; i++) {
        assertEquals(run([input.subarray(0, i), input.subarray(i)]), expected);
      }
      assertEquals(run(Array.from(input, (byte) => new Uint8Array([byte]))), expected);
    }),
    { numRuns: 200 },
  );
});

/** Any text, with the ends of lines made likely, and where to cut it. */
const texts = fc.array(
  fc.oneof(fc.constantFrom("\n", "\r\n", "\r", "€", "𝄞", ","), fc.string({ maxLength: 4 })),
)
  .map((parts) => parts.join("").replaceAll("\uFEFF", ""));
const cuts = fc.array(fc.nat(), { maxLength: 8 });

function cut(input: Uint8Array, at: number[]): Uint8Array[] {
  const positions = [
    0,
    ...at.map((n) => n % (input.length + 1)).sort((a, b) => a - b),
    input.length,
  ];
  return positions.slice(1).map((end, i) => input.subarray(positions[i], end));
}

Deno.test("lines(), decode(), encode() and delimited() give the same at every chunking", () => {
  fc.assert(fc.property(texts, cuts, fc.constantFrom(",", "\r\n", "€"), (text, at, separator) => {
    const input = new TextEncoder().encode(text);
    const valid = new TextDecoder().decode(input); // half characters are replaced
    const chunks = cut(input, at);

    const expected = valid.split("\n");
    const last = expected.pop()!;
    const withoutEnds = expected.map((line) => line.replace(/\r$/, ""));
    if (last !== "") withoutEnds.push(last);
    assertEquals(feed(lines(), chunks).out, withoutEnds);
    assertEquals(feed(pipe(decode(), lines()), chunks).out, withoutEnds);

    assertEquals(feed(pipe(decode(), encode(), decode()), chunks).out.join(""), valid);

    const frames = valid.split(separator);
    if (frames.at(-1) === "") frames.pop();
    const delimiter = new TextEncoder().encode(separator);
    const found = feed(delimited(delimiter), chunks).out as Uint8Array[];
    assertEquals(found.map((frame) => new TextDecoder().decode(frame)), frames);
  }));
});
