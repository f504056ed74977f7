import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  asBytes,
  asList,
  asString,
  compose,
  type Coroutine,
  EndOfStream,
  readAll,
  readExactly,
  readLine,
  readRe,
  readUntil,
  retval,
} from "@weightless/io/compose";
import { delimited, lines, pipe } from "@weightless/io/pipeline";

const KINDS = {
  text: (size: number) => "x".repeat(size),
  bytes: (size: number) => new Uint8Array(size).fill(120),
};

/** Pieces of what has no end that anybody looks for; tells how much each one is. */
function* chunksOf(
  kind: keyof typeof KINDS,
  size: number,
  total: number,
  told: (n: number) => void = () => {},
): Generator<string | Uint8Array> {
  for (let n = 0; n < total; n += size) {
    told(size);
    yield KINDS[kind](size);
  }
}

/** All that gathers, and how it is told how much it may; `pieces` is what it gets, none of them the end it looks for. */
interface Gatherer {
  option: string;
  kinds: readonly (keyof typeof KINDS)[];
  gather(pieces: Iterable<string | Uint8Array>, max?: number): unknown;
}

const BOTH = ["text", "bytes"] as const;

/** Feeds a coroutine, and then the end of the stream. */
function feed(coroutine: Coroutine<unknown>, pieces: Iterable<unknown>): unknown {
  const composed = compose(coroutine);
  let result = composed.next();
  for (const piece of pieces) {
    if (result.done) return result.value;
    assertEquals(result.value, undefined);
    result = composed.next(piece);
  }
  return result.done ? result.value : composed.throw(new EndOfStream()).value;
}

function* yielding(pieces: Iterable<unknown>): Coroutine<void> {
  for (const piece of pieces) yield piece;
}

const options = (maxLength?: number) => maxLength === undefined ? {} : { maxLength };

const GATHERERS: Gatherer[] = [
  {
    option: "max of readLine()",
    kinds: BOTH,
    gather: (pieces, max) => feed(readLine(max), pieces),
  },
  {
    option: "max of readUntil()",
    kinds: BOTH,
    gather: (pieces, max) => feed(readUntil("\r\n\r\n", max), pieces),
  },
  {
    option: "max of readAll()",
    kinds: BOTH,
    gather: (pieces, max) => feed(readAll(max), pieces),
  },
  {
    option: "max of readRe()",
    kinds: BOTH,
    gather: (pieces, max) => feed(readRe(/[^]*\n/, max), pieces),
  },
  {
    option: "max of readExactly()",
    kinds: BOTH,
    gather: (pieces, max) => feed(readExactly(2 ** 32, max), pieces),
  },
  {
    option: "max of asString()",
    kinds: BOTH,
    gather: (pieces, max) => asString(yielding(pieces), [], max),
  },
  {
    option: "max of asBytes()",
    kinds: BOTH,
    gather: (pieces, max) => asBytes(yielding(pieces), [], max),
  },
  {
    option: "maxLength of lines()",
    kinds: BOTH,
    gather: (pieces, max) => feed(lines(options(max)), pieces),
  },
  {
    option: "maxLength of delimited()",
    kinds: ["bytes"],
    gather: (pieces, max) => feed(delimited(new Uint8Array([0, 0]), options(max)), pieces),
  },
  {
    option: "maxLength of lines()",
    kinds: BOTH,
    gather: (pieces, max) => feed(pipe(lines(options(max))), pieces),
  },
];

for (const { option, kinds, gather } of GATHERERS) {
  for (const kind of kinds) {
    const name = option.replace(/.* /, "");
    Deno.test(`${name} gathers 64 Ki and no more of ${kind} without an end`, () => {
      for (const size of [1000, 65_536]) {
        let fed = 0;
        const endless = chunksOf(kind, size, Infinity, (n) => fed += n);
        const { message } = assertThrows(() => gather(endless), RangeError);
        assertStringIncludes(message, `, the ${option}; give a larger one, or Infinity for no`);
        assert(/ longer than 65536 (characters|bytes), /.test(message), message);
        assert(fed <= 65_536 + 2 * size, `read ${fed}`);
      }
    });

    Deno.test(`${name} gathers as much of ${kind} as it is told, also without a limit`, () => {
      let fed = 0;
      const endless = chunksOf(kind, 10, Infinity, (n) => fed += n);
      const { message } = assertThrows(() => gather(endless, 100), RangeError);
      assert(/ longer than 100 (characters|bytes), /.test(message), message);
      assert(fed <= 120, `read ${fed}`);
      try {
        gather(chunksOf(kind, 1000, 200_000), Infinity);
      } catch (error) {
        assert(error instanceof EndOfStream, String(error));
        assertEquals(error.partial.length, 200);
      }
    });

    Deno.test(`${name} refuses a limit that is no size, for ${kind}, where it is given`, () => {
      for (const max of [-1, NaN, 1.5]) {
        assertThrows(() => gather([], max), RangeError, `Cannot use ${max} as max`);
      }
    });
  }
}

Deno.test("asList() lists 65,536 values and no more, unless it is told to", () => {
  function* endless(): Coroutine<void> {
    for (;;) yield 1;
  }
  assertThrows(
    () => asList(endless()),
    RangeError,
    "Cannot make a list: it is longer than 65536 values, the max of asList(); give a larger one",
  );
  function* many(): Coroutine<void> {
    for (let i = 0; i < 70_000; i++) yield i;
  }
  assertEquals(asList(many(), [], Infinity).length, 70_000);
  assertThrows(() => asList(many(), [], 9), RangeError, "longer than 9 values");
  assertThrows(() => asList(many(), [], NaN), RangeError, "Cannot use NaN as max");
});

Deno.test("readExactly() refuses a number that is larger than the maximum before it reads", () => {
  assertThrows(() => readExactly(65_537), RangeError, "Cannot read 65537 bytes: it is longer than");
  assertEquals(retval(readExactly<string>(70_000, 70_000), ["x".repeat(70_000)]).length, 70_000);
});
