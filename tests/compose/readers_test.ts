import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  autostart,
  call,
  compose,
  copyBytes,
  type Coroutine,
  EndOfStream,
  readAll,
  readExactly,
  readLine,
  readRe,
  readUntil,
  Request,
  retval,
} from "@weightless/io/compose";
import fc from "fast-check";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (chunk: string | Uint8Array) =>
  typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk);

/** Runs a reader; gives what it returns, and what it pushed back together with the input it did not read. */
function read<R>(reader: Coroutine<R>, input: (string | Uint8Array)[]): { value: R; rest: string } {
  function* main(): Coroutine<{ value: R; rest: string }> {
    const value = yield* call(reader);
    const rest = yield* call(readAll<string | Uint8Array>());
    return { value, rest: text(rest) };
  }
  return retval(main(), input);
}

/** The ways to cut a text: whole, character by character, and in two at each place. */
function cuts(whole: string): string[][] {
  const cuts = [[whole], whole.split("")];
  for (let i = 0; i <= whole.length; i++) cuts.push([whole.slice(0, i), whole.slice(i)]);
  return cuts;
}

/** Each way to cut it, as text and as bytes. */
function inputs(whole: string): (string | Uint8Array)[][] {
  return cuts(whole).flatMap((chunks) => [chunks, chunks.map(bytes)]);
}

function endOf(reader: Coroutine, input: (string | Uint8Array)[]): EndOfStream {
  return assertThrows(() => retval(reader, input), EndOfStream);
}

Deno.test("readAll() joins all there is, when the stream ends", () => {
  for (const input of inputs("some text")) {
    const all = retval(readAll<string | Uint8Array>(), input);
    assertEquals(typeof all, typeof input[0]);
    assertEquals(text(all), "some text");
  }
});

Deno.test("readAll() gives no bytes, when there was nothing", () => {
  assertEquals(retval(readAll()), new Uint8Array());
  assertEquals(retval(readAll<string>(), [""]), "");
});

Deno.test("readAll() reads what was pushed back first", () => {
  assertEquals(read(readUntil("."), ["a.b", "c"]), { value: "a", rest: "bc" });
});

Deno.test("readAll() throws what is thrown in, when it is not EndOfStream", () => {
  const reading = compose(readAll());
  reading.next();
  assertThrows(() => reading.throw(new RangeError("timeout")), RangeError, "timeout");
});

Deno.test("readExactly() reads that many and pushes the rest back, however the input is cut", () => {
  for (const input of inputs("0123456789")) {
    const { value, rest } = read(readExactly<string | Uint8Array>(4), input);
    assertEquals([text(value), rest], ["0123", "456789"]);
  }
});

Deno.test("readExactly() does not copy bytes that came in one chunk", () => {
  const chunk = bytes("0123456789");
  assertStrictEquals(retval(readExactly(10), [chunk]), chunk);
  assertStrictEquals(retval(readExactly(4), [chunk]).buffer, chunk.buffer);
});

Deno.test("readExactly() pushes nothing back, when nothing is left", () => {
  const reading = compose(readExactly(2));
  reading.next();
  reading.next(bytes("01"));
  assertEquals(reading.rest, []);
});

Deno.test("readExactly() reads nothing, when it is 0", () => {
  assertEquals(compose(readExactly(0)).next(), { done: true, value: new Uint8Array() });
});

Deno.test("readExactly() throws EndOfStream with what was read, when the stream ends before", () => {
  const chunks = [bytes("01"), bytes("2")];
  const end = endOf(readExactly(4), chunks);
  assertEquals(end.message, "Cannot read 4 bytes: the stream ended after 3 bytes");
  assertEquals(end.partial, chunks);
  assertInstanceOf(end.cause, EndOfStream);
  assertEquals(
    endOf(readExactly(1), []).message,
    "Cannot read 1 byte: the stream ended after 0 bytes",
  );
});

Deno.test("readAll() and readExactly() give bytes unless told, also where text would do as well", () => {
  const decoder = new TextDecoder(); // takes no text, but its parameter is wide
  assertEquals(decoder.decode(retval(readAll(), [bytes("abc")])), "abc");
  assertEquals(decoder.decode(retval(readExactly(2), [bytes("abc")])), "ab");
  function* both(): Coroutine<string> {
    return decoder.decode(yield* call(readExactly(1))) + decoder.decode(yield* call(readAll()));
  }
  assertEquals(retval(both(), [bytes("abc")]), "abc");
});

Deno.test("readExactly() throws RangeError at once, when the number is not a size", () => {
  for (const n of [-1, 1.5, NaN, Infinity]) {
    assertThrows(() => readExactly(n), RangeError, `Cannot use ${n} as n`);
  }
});

Deno.test("readUntil() reads up to the delimiter and pushes back what is after it, however the input is cut", () => {
  for (const input of inputs("head\r\n\r\nbody\r\n\r\n")) {
    assertEquals(read(readUntil("\r\n\r\n"), input), { value: "head", rest: "body\r\n\r\n" });
  }
});

Deno.test("readUntil() finds a delimiter that overlaps with itself, however the input is cut", () => {
  for (const input of inputs("aaabaab.aab")) {
    assertEquals(read(readUntil("aab."), input), { value: "aaab", rest: "aab" });
  }
});

Deno.test("readUntil() gives an empty text, when the delimiter is first", () => {
  for (const input of inputs("--x")) {
    assertEquals(read(readUntil("--"), input), { value: "", rest: "x" });
  }
});

Deno.test("readUntil() gives bytes, when the delimiter is bytes", () => {
  const input = [new Uint8Array([1, 0xff]), new Uint8Array([0, 2])];
  assertEquals(retval(readUntil(new Uint8Array([0xff, 0])), input), new Uint8Array([1]));
});

Deno.test("readUntil() reads text in UTF-8 from bytes, when characters are cut", () => {
  for (const end of ["€", ".", "é."]) {
    const whole = bytes(`ünï${end}rest`);
    for (const input of [[whole], Array.from(whole, (byte) => new Uint8Array([byte]))]) {
      assertEquals(read(readUntil(end), input), { value: "ünï", rest: "rest" });
    }
  }
});

Deno.test("readUntil() throws TypeError, when bytes are to be found in text", () => {
  assertThrows(
    () => retval(readUntil(new Uint8Array([0])), ["text"]),
    TypeError,
    "in text: give the delimiter as text",
  );
});

Deno.test("readUntil() throws RangeError, when there is more than the maximum before the delimiter, however the input is cut", () => {
  for (const input of inputs("12345--rest")) {
    assertEquals(read(readUntil("--", 5), input).value, "12345");
    assertThrows(
      () => retval(readUntil("--", 4), input),
      RangeError,
      'Cannot read until "--": it is longer than 4',
    );
  }
  for (const input of inputs("123456789")) {
    assertThrows(() => retval(readUntil("--", 4), input), RangeError, "longer than 4");
  }
});

Deno.test("readUntil() does not read on, when the delimiter cannot come within the maximum any more", () => {
  const reading = compose(readUntil("--", 4));
  reading.next();
  for (const char of "12345") {
    assertEquals(reading.next(char).done, false);
  }
  assertThrows(() => reading.next("-"), RangeError);
});

Deno.test("readUntil() reads any length, when the maximum is Infinity", () => {
  const long = "x".repeat(100_000);
  assertEquals(retval(readUntil(".", Infinity), [long, "."]), long);
  assertThrows(() => retval(readUntil("."), [long, "."]), RangeError, "longer than 65536");
});

Deno.test("readUntil() throws RangeError at once, when the delimiter is empty or the maximum not a size", () => {
  assertThrows(() => readUntil(""), RangeError, "Cannot read until an empty delimiter");
  assertThrows(() => readUntil(new Uint8Array()), RangeError, "empty delimiter");
  assertThrows(() => readUntil("-", -1), RangeError, "Cannot use -1 as max");
});

Deno.test("readUntil() throws EndOfStream with what was read, when the stream ends before", () => {
  const end = endOf(readUntil("--"), ["ab", "-"]);
  assertEquals(end.message, 'Cannot read until "--": the stream ended after 3 characters');
  assertEquals(end.partial, ["ab", "-"]);
});

Deno.test("readUntil() agrees with indexOf, for random input, delimiters and cuts", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 30 });
  fc.assert(
    fc.property(
      letters,
      fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(30), { maxLength: 6 }),
      fc.boolean(),
      (whole, delimiter, places, asBytes) => {
        const at = whole.indexOf(delimiter);
        const ends = [0, ...places.toSorted((a, b) => a - b), whole.length];
        const chunks = ends.slice(1).map((end, i) => whole.slice(ends[i], Math.max(end, ends[i]!)));
        const input = asBytes ? chunks.map(bytes) : chunks;
        const { value, rest } = at === -1
          ? {
            value: endOf(readUntil(delimiter), input).partial.map((c) => text(c as string)).join(
              "",
            ),
            rest: "",
          }
          : read(readUntil(delimiter), input);
        assertEquals(value, at === -1 ? whole : whole.slice(0, at));
        assertEquals(rest, at === -1 ? "" : whole.slice(at + delimiter.length));
      },
    ),
  );
});

Deno.test("readLine() reads lines that end in \\n or \\r\\n, however the input is cut", () => {
  function* lines(): Coroutine<string[]> {
    const lines = [];
    for (let i = 0; i < 4; i++) lines.push(yield* call(readLine()));
    return lines;
  }
  for (const input of inputs("one\ntwo\r\n\r\nfo\rur\r\nrest")) {
    assertEquals(read(lines(), input), { value: ["one", "two", "", "fo\rur"], rest: "rest" });
  }
});

Deno.test("readLine() reads text in UTF-8 from bytes", () => {
  assertEquals(retval(readLine(), Array.from(bytes("€é\r\n"), (b) => new Uint8Array([b]))), "€é");
});

Deno.test("readLine() keeps a byte order mark, and puts U+FFFD for what is not UTF-8", () => {
  assertEquals(retval(readLine(), [bytes("\ufeffa\n")]), "\ufeffa");
  assertEquals(retval(readLine(), [new Uint8Array([0xe2, 0x61, 0x0a])]), "\ufffda");
});

Deno.test("readLine() throws RangeError, when the line is longer than the maximum", () => {
  for (const input of inputs("12345\n")) {
    assertEquals(retval(readLine(5), input), "12345");
    assertThrows(() => retval(readLine(4), input), RangeError, "Cannot read a line: it is longer");
  }
  assertThrows(() => readLine(0.5), RangeError, "Cannot use 0.5 as max");
});

Deno.test("readLine() throws EndOfStream with what was read, when the last line does not end", () => {
  const end = endOf(readLine(), [bytes("las"), bytes("t")]);
  assertEquals(end.message, "Cannot read a line: the stream ended after 4 bytes");
  assertEquals(end.partial, [bytes("las"), bytes("t")]);
});

Deno.test("readRe() reads what matches at the beginning, however the input is cut", () => {
  const regexp = /(?<name>\w+): (.*)\r\n/;
  for (const input of inputs("Host: example.org\r\nrest")) {
    const { value, rest } = read(readRe(regexp), input);
    assertEquals([...value], ["Host: example.org\r\n", "Host", "example.org"]);
    assertEquals([value.groups!.name, value.index, rest], ["Host", 0, "rest"]);
  }
  assertEquals(regexp.lastIndex, 0);
});

Deno.test("readRe() matches at the beginning only, whatever the flags", () => {
  for (const regexp of [/b/, /b/g, /b/y, /b/m]) {
    assertEquals(endOf(readRe(regexp), ["ab"]).partial, ["ab"]);
    assertEquals(read(readRe(regexp), ["ba"]).rest, "a");
  }
});

Deno.test("readRe() reads the same match again and again from one expression", () => {
  const digit = /\d/g;
  function* main(): Coroutine<string[]> {
    return [(yield* call(readRe(digit)))[0], (yield* call(readRe(digit)))[0]];
  }
  assertEquals(retval(main(), ["12"]), ["1", "2"]);
});

Deno.test("readRe() takes each byte for one character, when the input is bytes", () => {
  const input = [new Uint8Array([0x80, 0xff]), new Uint8Array([0, 0x9f, 1])];
  function* main(): Coroutine<unknown[]> {
    const [match] = yield* call(readRe(/[\x80-\xff]+\0\x9f/));
    return [match, yield];
  }
  assertEquals(retval(main(), input), ["\x80\xff\0\x9f", new Uint8Array([1])]);
});

Deno.test("readRe() reads many small matches of one large chunk", () => {
  // Making text of the rest byte by byte for each match would be some 500 million of them.
  const count = 16_000;
  function* main(): Coroutine<number> {
    let read = 0;
    for (let i = 0; i < count; i++) read += (yield* call(readRe(/[a-z]+\n/)))[0].length;
    return read;
  }
  assertEquals(retval(main(), [new TextEncoder().encode("abc\n".repeat(count))]), 4 * count);
});

Deno.test("readRe() matches in time, whatever the expression ends in", () => {
  // Those that end in a certain character are not tried before that has arrived.
  const cases: [RegExp, string, string][] = [
    [/a*b/, "aab", "c"],
    [/a(?=b)/, "a", "bc"],
    [/a(?!b)/, "a", "c"],
    [/a\n|b/, "b", "\n"],
    [/a\./, "a.", "."],
    [/a\\/, "a\\", "n"],
    [/[a\]]:/, "]:", ":"],
    [/a[:]/, "a:", ":"],
    [/a{2}/, "aa", "a"],
    [/a\x3a/, "a:", "a"],
    [/a\u003a/, "a:", "a"],
    [/(a)\1/, "aa", "1"],
    [/(?<x>a)\k<x>/, "aa", ">"],
    [/a\d/, "a1", "d"],
    [/a\cJ/, "a\n", "J"],
    [/a:/i, "A:", ":"],
    [/a;?/, "a", "b"],
    [/a\/\r\n/, "a/\r\n", "\n"],
    [/a b /s, "a b ", " "],
    [/(?:a|b)c\n/, "bc\n", "a"],
    [/\p{L}/u, "é", "x"],
    [/[\p{L}--[a-z]]/v, "É", "x"],
  ];
  for (const [regexp, match, rest] of cases) {
    for (const chunks of cuts(match + rest)) {
      assertEquals(read(readRe(regexp), chunks).value[0], match, `${regexp} ${chunks}`);
      assertEquals(read(readRe(regexp), chunks).rest, rest, `${regexp} ${chunks}`);
    }
  }
});

Deno.test("readRe() pushes back all that it has looked ahead, in order", () => {
  for (const input of inputs("abcdez")) {
    assertEquals(read(readRe(/a(?=[^]*z)/), input).rest, "bcdez");
  }
});

Deno.test("readRe() does not wait for more, when there is a match", () => {
  for (const regexp of [/.*\r\n/, /[^\n]*[\n]/, /(a|b)\r\n/]) {
    const reading = compose(readRe(regexp));
    reading.next();
    assertEquals(reading.next("a\r").done, false);
    assertEquals(reading.next("\n").done, true);
  }
});

Deno.test("readRe() throws RangeError, when the match is longer than the maximum, or there is none within", () => {
  for (const input of inputs("aaaaab")) {
    assertEquals(retval(readRe(/a*b/, 6), input)[0], "aaaaab");
    assertThrows(
      () => retval(readRe(/a*b/, 5), input),
      RangeError,
      "Cannot read /a*b/: it is longer",
    );
    assertThrows(() => retval(readRe(/a*c/, 5), input), RangeError, "longer than 5");
  }
  assertThrows(() => readRe(/a/, -1), RangeError, "Cannot use -1 as max");
});

Deno.test("readRe() throws EndOfStream with what was read, when the stream ends before it matches", () => {
  const end = endOf(readRe(/a*b/), ["a", "a"]);
  assertEquals(end.message, "Cannot read /a*b/: the stream ended after 2 characters");
  assertEquals(end.partial, ["a", "a"]);
});

Deno.test("copyBytes() gives that many to a function, piece by piece, and pushes the rest back", () => {
  for (const input of inputs("0123456789")) {
    const pieces: (string | Uint8Array)[] = [];
    const { rest } = read(copyBytes(6, (piece) => void pieces.push(piece)), input);
    assertEquals(pieces.map(text).join(""), "012345");
    assertEquals(rest, "6789");
    assert(pieces.every((piece) => piece.length > 0));
  }
});

Deno.test("copyBytes() calls the coroutine that the function returns", () => {
  function* write(piece: unknown): Coroutine<void> {
    yield `[${piece}]`;
  }
  const copying = compose(copyBytes(3, write));
  assertEquals(copying.next(), { done: false, value: undefined });
  assertEquals(copying.next("ab").value, "[ab]");
  assertEquals(copying.next(), { done: false, value: undefined });
  assertEquals(copying.next("cd").value, "[c]");
  assertEquals(copying.next().done, true);
  assertEquals(copying.rest, ["d"]);
});

Deno.test("copyBytes() waits for the request that the function returns, and refuses a promise", () => {
  class Write extends Request {
    constructor(readonly piece: unknown) {
      super();
    }

    override begin(): void {}
  }
  const copying = compose(copyBytes(3, (piece) => new Write(piece)));
  copying.next();
  assertEquals((copying.next("ab").value as Write).piece, "ab");
  assertEquals(copying.next(), { done: false, value: undefined });
  assertEquals((copying.next("cd").value as Write).piece, "c");
  assertEquals(copying.next().done, true);
  const marked = {
    [Symbol.for("weightless.request")]: true,
    *[Symbol.iterator]() {
      yield this;
    },
  };
  const waiting = compose(copyBytes(1, () => marked));
  waiting.next();
  assertStrictEquals(waiting.next("a").value, marked);
  assertEquals(waiting.next().done, true);
  assertThrows(
    () => retval(copyBytes(1, () => Promise.resolve()), ["a"]),
    TypeError,
    "Cannot wait for the promise that the target returned",
  );
});

Deno.test("copyBytes() sends to a coroutine that waits for data, and leaves it open", () => {
  const received: unknown[] = [];
  const target = autostart(function* (): Coroutine<void> {
    for (;;) received.push(yield);
  })();
  function* main(): Coroutine<void> {
    yield* call(copyBytes(2, target));
    yield* call(copyBytes(1, target));
  }
  assertEquals(read(main(), ["abcd"]).rest, "d");
  assertEquals(received, ["ab", "c"]);
});

Deno.test("copyBytes() throws TypeError, when the target ends or yields something", () => {
  const ends = autostart(function* (): Coroutine<void> {
    yield;
  });
  assertThrows(() => retval(copyBytes(2, ends()), ["a", "b"]), TypeError, "that has ended");
  const answers = autostart(function* (): Coroutine<void> {
    yield;
    yield "something";
  });
  assertThrows(() => retval(copyBytes(2, answers()), ["a", "b"]), TypeError, "yields something");
});

Deno.test("copyBytes() reads nothing, when it is 0", () => {
  assertEquals(compose(copyBytes(0, () => {})).next(), { done: true, value: undefined });
  assertThrows(() => copyBytes(-1, () => {}), RangeError, "Cannot use -1 as n");
});

Deno.test("copyBytes() throws EndOfStream, when the stream ends before", () => {
  assertEquals(
    endOf(copyBytes(4, () => {}), [bytes("01"), bytes("2")]).message,
    "Cannot copy 4 bytes: the stream ended after 3 bytes",
  );
});

Deno.test("readers throw TypeError, when the input is neither text nor bytes, or changes between them", () => {
  const readers: Record<string, () => Coroutine<unknown>> = {
    "read all": () => readAll(),
    "read 9 bytes": () => readExactly(9),
    'read until "-"': () => readUntil("-"),
    "read a line": () => readLine(),
    "read /-/": () => readRe(/-/),
  };
  for (const [action, make] of Object.entries(readers)) {
    for (const [value, shown] of [[null, "null"], [42, "42"], [undefined, "undefined"]] as const) {
      assertThrows(
        () => retval(make(), [value]),
        TypeError,
        `Cannot ${action}: expected text or bytes, got ${shown}`,
      );
    }
    assertThrows(
      () => retval(make(), ["text", bytes("bytes")]),
      TypeError,
      `Cannot ${action}: the input changed between text and bytes`,
    );
  }
});

Deno.test("readers skip empty chunks", () => {
  assertEquals(read(readLine(), ["", "a", "", "\n", ""]), { value: "a", rest: "" });
  assertEquals(read(readExactly(2), [bytes(""), bytes("a"), bytes(""), bytes("bc")]).rest, "c");
  assertEquals(endOf(readLine(), ["", "a", "", "b", ""]).partial, ["a", "b"]);
  const chunk = bytes("01");
  assertStrictEquals(retval(readExactly(2), [bytes(""), bytes(""), chunk]), chunk);
});

Deno.test("readers throw what is thrown in, when it is not EndOfStream", () => {
  const readers: Coroutine<unknown>[] = [readExactly(9), readUntil("-"), readLine(), readRe(/-/)];
  for (const reader of readers) {
    const reading = compose(reader);
    reading.next();
    reading.next("a");
    const error = new RangeError("timeout");
    assertStrictEquals(assertThrows(() => reading.throw(error)), error);
  }
});

Deno.test("readers take linear time, when the input comes byte by byte", () => {
  // With rescanning this would take minutes.
  const n = 300_000;
  function* feed<R>(reader: Coroutine<R>, last: string, one: string | Uint8Array): Generator<R> {
    const reading = compose(reader);
    reading.next();
    for (let i = 0; i < n; i++) reading.next(one);
    const { done, value } = reading.next(typeof one === "string" ? last : bytes(last));
    assert(done);
    yield value;
  }
  for (const one of ["x", bytes("x")]) {
    assertEquals([...feed(readUntil("\r\n.\r\n", Infinity), "\r\n.\r\n", one)][0]!.length, n);
    assertEquals([...feed(readLine(Infinity), "\n", one)][0]!.length, n);
    assertEquals([...feed(readRe(/[^\n]*\n/, Infinity), "\n", one)][0]![0].length, n + 1);
    assertEquals([...feed(readExactly<string>(n + 1, Infinity), "x", one)][0]!.length, n + 1);
  }
});

Deno.test("readUntil() makes a text of its delimiter only for a message", () => {
  let times = 0;
  class Newline extends Uint8Array<ArrayBuffer> {
    override get [Symbol.toStringTag](): never {
      times++;
      return "Newline" as never;
    }
  }
  const delimiter = Newline.from([10]);
  assertEquals(retval(readUntil(delimiter), [new Uint8Array([65, 10])]), new Uint8Array([65]));
  assertEquals(times, 0);
  assertThrows(
    () => retval(readUntil(delimiter), [new Uint8Array([65])]),
    EndOfStream,
    "Cannot read until [Newline(1)]: ",
  );
  assertEquals(times > 0, true);
});
