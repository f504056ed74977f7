import { assertEquals, assertThrows } from "@std/assert";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import {
  batch,
  decode,
  delimited,
  encode,
  filter,
  flatMap,
  join,
  lines,
  map,
  pipe,
  skip,
  type Stage,
  take,
  tee,
} from "../../pipeline/mod.ts";
import { Ask, collect, feed, logged } from "./_stages.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (chunks: unknown[]) =>
  chunks.map((chunk) => new TextDecoder().decode(chunk as Uint8Array));

/** The same input cut in two at each position, and into single elements. */
function chunkings<T extends string | Uint8Array>(input: T): T[][] {
  const cut = (start: number, end?: number) => input.slice(start, end) as T;
  return [
    [input],
    Array.from({ length: input.length }, (_, i) => cut(i, i + 1)),
    ...Array.from({ length: input.length + 1 }, (_, i) => [cut(0, i), cut(i)]),
  ];
}

const SAMPLE = "one\r\ntwo\n\nthree\rfour\n\r\nfünf € 𝄞\r";
const SAMPLE_LINES = ["one", "two", "", "three\rfour", "", "fünf € 𝄞\r"];

Deno.test("lines() yields lines of bytes, however they are cut", () => {
  for (const chunks of chunkings(bytes(SAMPLE))) {
    assertEquals(feed(lines(), chunks).out, SAMPLE_LINES);
  }
});

Deno.test("lines() yields lines of text, however it is cut", () => {
  for (const chunks of chunkings(SAMPLE)) assertEquals(feed(lines(), chunks).out, SAMPLE_LINES);
});

Deno.test("lines() yields no line after the last end", () => {
  assertEquals(feed(lines(), ["a\n"]).out, ["a"]);
  assertEquals(feed(lines(), ["\n"]).out, [""]);
  assertEquals(feed(lines(), []).out, []);
});

Deno.test("lines() replaces what is no UTF-8, also at the end", () => {
  assertEquals(feed(lines(), [new Uint8Array([65, 0xFF, 10, 0xE2, 0x82])]).out, [
    "A\uFFFD",
    "\uFFFD",
  ]);
});

Deno.test("lines() does not count the end of a line, however it is cut", () => {
  for (const chunks of chunkings("abc\r\n\r\n")) {
    assertEquals(feed(lines({ maxLength: 3 }), chunks).out, ["abc", ""]);
  }
});

Deno.test("lines() joins a long line of many chunks once", () => {
  // Looked at as a whole at each chunk, these would be some 40 GB.
  const chunk = "x".repeat(256);
  const count = 18_000;
  const [line] = feed(lines({ maxLength: Infinity }), Array(count).fill(chunk)).out as [string];
  assertEquals(line.length, count * chunk.length);
});

Deno.test("lines() refuses a line that is too long, whether it has ended or not", () => {
  assertEquals(feed(lines({ maxLength: 3 }), ["abc\n", "ab", "c"]).out, ["abc", "abc"]);
  for (const chunks of [["abcd\n"], ["ab", "cd"], ["ab", "cd\n"], ["abc\r"]]) {
    assertThrows(
      () => feed(lines({ maxLength: 3 }), chunks),
      RangeError,
      "Cannot read a line: it is longer than 3 characters",
    );
  }
});

Deno.test("delimited() yields frames, however they are cut", () => {
  for (const delimiter of ["|", "||", "ab", "aab", "\r\n"]) {
    const frames = ["", "x", "yy", "", "a", "aaa", "z"];
    for (const chunks of chunkings(bytes(frames.join(delimiter)))) {
      const expected = frames.join(delimiter).split(delimiter);
      assertEquals(text(feed(delimited(bytes(delimiter)), chunks).out), expected);
    }
  }
});

Deno.test("delimited() yields no frame after the last delimiter", () => {
  assertEquals(text(feed(delimited(bytes("|")), [bytes("a|")]).out), ["a"]);
  assertEquals(text(feed(delimited(bytes("||")), [bytes("a||b|")]).out), ["a", "b|"]);
});

Deno.test("delimited() does not copy a frame that came in one chunk", () => {
  const chunk = bytes("abc|def|");
  const { out } = feed(delimited(bytes("|")), [chunk]);
  assertEquals(out.map((frame) => (frame as Uint8Array).buffer === chunk.buffer), [true, true]);
});

Deno.test("delimited() refuses a frame that is too long, and an empty delimiter", () => {
  const limited = () => delimited(bytes("|"), { maxLength: 2 });
  assertEquals(text(feed(limited(), [bytes("ab|ab")]).out), ["ab", "ab"]);
  for (const chunks of [["abc|"], ["ab", "c"], ["ab", "c|"]]) {
    assertThrows(() => feed(limited(), chunks.map(bytes)), RangeError, "longer than 2 bytes");
  }
  const half = delimited(bytes("||"), { maxLength: 2 });
  assertThrows(() => feed(half, [bytes("ab|")]), RangeError, "longer than 2 bytes");
  assertThrows(() => feed(delimited(new Uint8Array(0))), RangeError, "empty delimiter");
});

Deno.test("lines() and delimited() refuse a maximum that is none", () => {
  for (const maxLength of [NaN, -1]) {
    const message = `Cannot use ${maxLength} as maxLength`;
    assertThrows(() => lines({ maxLength }), RangeError, message);
    assertThrows(() => delimited(bytes("|"), { maxLength }), RangeError, message);
  }
});

Deno.test("decode() yields text of bytes, however they are cut", () => {
  for (const chunks of chunkings(bytes(SAMPLE))) {
    assertEquals(feed(decode(), chunks).out.join(""), SAMPLE);
  }
});

Deno.test("decode() knows other encodings, and can refuse what is no text", () => {
  assertEquals(feed(decode({ encoding: "latin1" }), [new Uint8Array([0xE9])]).out, ["é"]);
  assertEquals(feed(decode(), [new Uint8Array([0xE2])]).out, ["\uFFFD"]);
  assertThrows(() => feed(decode({ fatal: true }), [new Uint8Array([0xFF])]), TypeError);
  assertThrows(() => feed(decode({ fatal: true }), [new Uint8Array([0xE2])]), TypeError);
});

Deno.test("encode() yields bytes of text, however it is cut", () => {
  for (const chunks of chunkings(SAMPLE)) {
    assertEquals(feed(pipe(encode(), decode()), chunks).out.join(""), SAMPLE);
  }
});

Deno.test("encode() replaces a half character", () => {
  assertEquals(text(feed(encode(), ["a\uD834", "b", "\uD834"]).out).join(""), "a\uFFFDb\uFFFD");
});

Deno.test("map(), filter() and flatMap() apply a function to each item", () => {
  assertEquals(feed(map((n: number) => n * 2), [1, 2]).out, [2, 4]);
  assertEquals(feed(filter((n: number) => n > 1), [1, 2, 3]).out, [2, 3]);
  assertEquals(feed(flatMap((n: number) => Array(n).fill(n)), [2, 0, 1]).out, [2, 2, 1]);
});

Deno.test("map() and flatMap() yield nothing for undefined, which would ask for data", () => {
  assertEquals(feed(map((n: number) => n > 1 ? n : undefined), [1, 2, 1, 3]).out, [2, 3]);
  assertEquals(feed(flatMap((n: number) => [n, undefined, n]), [1, 2]).out, [1, 1, 2, 2]);
});

Deno.test("take() reads no more than it passes on", () => {
  const log: string[] = [];
  assertEquals(feed(pipe(logged("source", log), take(2)), [1, 2, 3]).out, [1, 2]);
  assertEquals(log.filter((line) => line.includes("got")), ["source got 1", "source got 2"]);
  assertEquals(feed(take(0), [1]).out, []);
  assertEquals(feed(take(5), [1]).out, [1]);
});

Deno.test("skip() leaves out the first items", () => {
  assertEquals(feed(skip(2), [1, 2, 3, 4]).out, [3, 4]);
  assertEquals(feed(skip(2), [1]).out, []);
  assertEquals(feed(skip(0), [1]).out, [1]);
});

Deno.test("batch() gathers items, and yields what is left at the end", () => {
  assertEquals(feed(batch(2), [1, 2, 3]).out, [[1, 2], [3]]);
  assertEquals(feed(batch(2), [1, 2]).out, [[1, 2]]);
  assertEquals(feed(batch(2), []).out, []);
  for (const size of [0, -1, NaN]) {
    assertThrows(() => feed(batch(size)), RangeError, `Cannot make batches of ${size} items`);
  }
});

Deno.test("join() puts a separator between items", () => {
  assertEquals(feed(join(", "), ["a", "b", "c"]).out, ["a", ", b", ", c"]);
  assertEquals(feed(join(", "), []).out, []);
});

Deno.test("Stages let errors other than EndOfStream out", () => {
  for (const stage of [lines(), decode(), encode(), batch(2), delimited(bytes("|"))]) {
    stage.next();
    assertThrows(() => stage.throw(new RangeError("broken")), RangeError, "broken");
  }
});

Deno.test("tee() gives each item to all stages, and yields what any of them yields", () => {
  const { out } = feed(tee(map((n: number) => n + 1), map((n: number) => -n)), [1, 2]);
  assertEquals(out, [2, -1, 3, -2]);
});

Deno.test("tee() returns what the stages return", () => {
  const { value } = feed(tee(collect(), () => pipe(map((n: number) => -n), collect())), [1, 2]);
  assertEquals(value, [[1, 2], [-1, -2]]);
});

Deno.test("tee() goes on with the others when a stage ends, and ends with the last", () => {
  const { out } = feed(tee(take(1), take(3), take(2)), ["a", "b", "c", "d"]);
  assertEquals(out, ["a", "a", "a", "b", "b", "c"]);
});

Deno.test("tee() lets each stage yield what it has left at the end of the stream", () => {
  assertEquals(feed(tee(batch(2), batch(3)), [1, 2, 3, 4]).out, [[1, 2], [1, 2, 3], [3, 4], [4]]);
});

Deno.test("tee() closes the others when one fails or it is closed, last to first", () => {
  const log: string[] = [];
  const failing = map(() => {
    throw new RangeError("bad");
  });
  const t = pipe(tee(logged("a", log), failing, logged("b", log)));
  t.next();
  assertEquals(t.next("x").value, "x");
  assertThrows(() => t.next(), RangeError, "bad");
  assertEquals(log.slice(-2), ["b closed", "a closed"]);

  log.length = 0;
  const u = pipe(tee(logged("a", log), logged("b", log)));
  u.next();
  u.return([undefined, undefined]);
  assertEquals(log, ["a begins", "b begins", "b closed", "a closed"]);
});

Deno.test("tee() closes all of its stages when some fail while they are closed", () => {
  const log: string[] = [];
  const failing = (message: string) =>
    function* (): Coroutine {
      try {
        for (;;) yield;
      } finally {
        // deno-lint-ignore no-unsafe-finally
        throw new Error(message);
      }
    };
  const t = pipe(tee(logged("a", log), failing("first"), logged("b", log), failing("last")));
  t.next();
  assertThrows(() => t.return([undefined, undefined, undefined, undefined]), Error, "last");
  assertEquals(log.slice(-2), ["b closed", "a closed"]);

  const bad = map(() => {
    throw new RangeError("bad");
  });
  const u = pipe(tee(logged("a", log), bad, failing("while closing")));
  u.next();
  u.next("x");
  assertThrows(() => u.next(), RangeError, "bad");
  assertEquals(log.at(-1), "a closed");
});

Deno.test("tee() that is closed again while it waits cuts off this finally only", () => {
  const log: string[] = [];
  function* slow(): Coroutine {
    try {
      for (;;) yield;
    } finally {
      yield* new Ask("?");
    }
  }
  const stage: Stage = tee(logged("a", log), slow(), logged("b", log), slow());
  const t = pipe(stage);
  t.next();
  log.length = 0;
  t.return(undefined);
  assertEquals(log, []);
  t.return(undefined);
  assertEquals(log, ["b closed"]);
  assertEquals(t.return(undefined).done, true);
  assertEquals(log, ["b closed", "a closed"]);
});

Deno.test("tee() passes Requests of its stages to the driver", () => {
  function* asking(): Coroutine {
    for (;;) yield `${yield} ${yield* new Ask("?")}`;
  }
  const stage: Stage = tee(asking(), asking());
  const t = pipe(stage);
  t.next();
  const seen: unknown[] = [];
  let message: unknown = "x";
  for (;;) {
    const { value } = t.next(message);
    if (value === undefined) break;
    message = value instanceof Ask ? `answer ${seen.length}` : undefined;
    if (message === undefined) seen.push(value);
  }
  assertEquals(seen, ["x answer 0", "x answer 1"]);
});

Deno.test("tee() throws an error of the source at each stage", () => {
  const t = pipe(tee(collect(), collect()));
  t.next();
  t.next(1);
  const out = [t.throw(new EndOfStream("over")).value, t.next().value];
  assertEquals(out, [[1], [1]]);
});

Deno.test("stages that get what they cannot read say so, with their name", () => {
  const stages: [string, () => Coroutine, string, unknown[]][] = [
    ["lines()", () => lines(), "text or bytes", [42, {}, [1], null]],
    ["decode()", () => decode(), "bytes", ["text", 42, [1]]],
    ["encode()", () => encode(), "text", [bytes("bytes"), 42, {}]],
    ["delimited()", () => delimited(bytes("|")), "bytes", ["text", 42, [1]]],
    ["join()", () => join(","), "text", [bytes("bytes"), 42, {}]],
  ];
  for (const [name, stage, expected, items] of stages) {
    for (const item of items) {
      const { message } = assertThrows(() => feed(stage(), [item]), TypeError);
      const start = `Cannot read in ${name}: expected ${expected}, got `;
      assertEquals(message.slice(0, start.length), start);
    }
  }
});

Deno.test("delimited() refuses a delimiter of text", () => {
  const text = "|" as unknown as Uint8Array;
  assertThrows(() => delimited(text), TypeError, 'Cannot find "|" in bytes');
});

Deno.test("pipe() says what a stage is, when it gets something else", () => {
  for (const stage of [42, undefined, [], () => 42, function () {}]) {
    assertThrows(() => pipe(stage as never), TypeError, "Cannot make a stage of");
  }
});
