import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { call, compose, type Coroutine, EndOfStream, retval } from "../../compose/mod.ts";
import {
  form,
  type FormLimits,
  LocalProtocolError,
  multipart,
  ok,
  type Part,
  type Parts,
  RemoteProtocolError,
  serveHttp,
} from "../../http/mod.ts";
import { pipe, skip, take } from "../../pipeline/mod.ts";
import { bytes, Driver, text } from "./_drive.ts";

/** What is seen of a part: name, data, and for files the name and the type. */
type Seen = [name: string, data: string, filename?: string, type?: string];

function seenOf(part: Part, data: string): Seen {
  const { name, filename, type } = part;
  return filename === undefined ? [name, data] : [name, data, filename, type];
}

function* reading(parts: Parts): Coroutine<Seen[]> {
  const seen: Seen[] = [];
  for (let part; (part = yield* call(parts.next())) !== undefined;) {
    let data = "";
    for (let piece; (piece = yield* call(part.read())) !== undefined;) {
      assert(piece.length > 0);
      data += text(piece);
    }
    assertEquals(yield* call(part.read()), undefined);
    seen.push(seenOf(part, data));
  }
  assertEquals(yield* call(parts.next()), undefined);
  return seen;
}

function* gathering(parts: Parts): Coroutine<Seen[]> {
  const seen: Seen[] = [];
  for (let part; (part = yield* call(parts.next())) !== undefined;) {
    seen.push(seenOf(part, text(yield* call(part.bytes()))));
  }
  return seen;
}

function* joined(): Coroutine<string> {
  let data = "";
  try {
    for (;;) data += text(yield);
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
  }
  return data;
}

function* piping(parts: Parts): Coroutine<Seen[]> {
  const seen: Seen[] = [];
  for (let part; (part = yield* call(parts.next())) !== undefined;) {
    seen.push(seenOf(part, yield* call(pipe(part.chunks(), joined()))));
  }
  return seen;
}

/** Reads every other part, and of those only a little. */
function* skimming(parts: Parts): Coroutine<string[]> {
  const names: string[] = [];
  for (let part; (part = yield* call(parts.next())) !== undefined;) {
    names.push(part.name);
    if (names.length % 2 === 0) yield* call(part.read());
  }
  return names;
}

function* cuts(body: Uint8Array): Generator<[how: string, chunks: Uint8Array[]]> {
  yield ["whole", [body]];
  yield ["byte by byte", Array.from(body, (byte) => new Uint8Array([byte]))];
  for (let at = 1; at < body.length; at++) {
    yield [`split at ${at}`, [body.subarray(0, at), body.subarray(at)]];
  }
}

const MULTIPART = "multipart/form-data; boundary=b";
const URLENCODED = "application/x-www-form-urlencoded";
const field = (name: string, data: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${data}\r\n`;
const file = (filename: string) =>
  `--b\r\nContent-Disposition: form-data; name="f"; filename=${filename}\r\n\r\n\r\n--b--\r\n`;

const cases: [title: string, type: string, body: string, seen: Seen[]][] = [
  [
    "what Chrome sends",
    "multipart/form-data; boundary=----WebKitFormBoundarywXxbBpdHEeSc10jf",
    '------WebKitFormBoundarywXxbBpdHEeSc10jf\r\nContent-Disposition: form-data; name="text"\r\n\r\n' +
    "caf\xc3\xa9\r\n------WebKitFormBoundarywXxbBpdHEeSc10jf\r\n" +
    'Content-Disposition: form-data; name="a%22b"\r\n\r\nx"y\r\n' +
    "------WebKitFormBoundarywXxbBpdHEeSc10jf\r\n" +
    'Content-Disposition: form-data; name="lines"\r\n\r\none\r\ntwo\r\n' +
    "------WebKitFormBoundarywXxbBpdHEeSc10jf\r\n" +
    'Content-Disposition: form-data; name="back\\"\r\n\r\nz\r\n' +
    "------WebKitFormBoundarywXxbBpdHEeSc10jf\r\n" +
    'Content-Disposition: form-data; name="file"; filename="a %22b%22%0A\xe2\x82\xac.gif"\r\n' +
    "Content-Type: image/gif\r\n\r\nGIF89a\0\r\n--\r\n------WebKitFormBoundarywXxbBpdHEeSc10jf\r\n" +
    'Content-Disposition: form-data; name="file"; filename="empty.txt"\r\n' +
    "Content-Type: application/octet-stream\r\n\r\n\r\n" +
    "------WebKitFormBoundarywXxbBpdHEeSc10jf\r\n" +
    'Content-Disposition: form-data; name="none"; filename=""\r\n' +
    "Content-Type: application/octet-stream\r\n\r\n\r\n" +
    "------WebKitFormBoundarywXxbBpdHEeSc10jf--\r\n",
    [
      ["text", "caf\xc3\xa9"],
      ['a"b', 'x"y'],
      ["lines", "one\r\ntwo"],
      ["back\\", "z"],
      ["file", "GIF89a\0\r\n--", 'a "b"€.gif', "image/gif"],
      ["file", "", "empty.txt", "application/octet-stream"],
      ["none", "", "", "application/octet-stream"],
    ],
  ],
  [
    "what Firefox sends",
    "multipart/form-data; boundary=---------------------------735323031399963166993862150",
    "-----------------------------735323031399963166993862150\r\n" +
    'Content-Disposition: form-data; name="text1"\r\n\r\n' +
    "text \xc3\xa9\r\n-----------------------------735323031399963166993862150\r\n" +
    'Content-Disposition: form-data; name="file1"; filename="a.html"\r\n' +
    "Content-Type: text/html\r\n\r\n<!DOCTYPE html><title>Content of a.html.</title>\n\r\n" +
    "-----------------------------735323031399963166993862150--\r\n",
    [
      ["text1", "text \xc3\xa9"],
      ["file1", "<!DOCTYPE html><title>Content of a.html.</title>\n", "a.html", "text/html"],
    ],
  ],
  [
    "what curl -F sends",
    "multipart/form-data; boundary=------------------------77ff9486841edf76",
    '--------------------------77ff9486841edf76\r\nContent-Disposition: form-data; name="text"\r\n\r\n' +
    "caf\xc3\xa9\r\n--------------------------77ff9486841edf76\r\n" +
    'Content-Disposition: form-data; name="a%22b"\r\n\r\nx\r\n' +
    "--------------------------77ff9486841edf76\r\n" +
    'Content-Disposition: form-data; name="f"; filename="x%22y.txt"\r\n' +
    "Content-Type: text/plain\r\n\r\nfile\n\r\n--------------------------77ff9486841edf76--\r\n",
    [["text", "caf\xc3\xa9"], ['a"b', "x"], ["f", "file\n", 'x"y.txt', "text/plain"]],
  ],
  ["escapes of curl --form-escape", MULTIPART, file('"x\\"y.txt"'), [[
    "f",
    "",
    'x"y.txt',
    "text/plain",
  ]]],
  ["a path of Windows", MULTIPART, file('"C:\\dir\\new file.txt"'), [[
    "f",
    "",
    "new file.txt",
    "text/plain",
  ]]],
  ["a path", MULTIPART, file('"../../etc/passwd"'), [["f", "", "passwd", "text/plain"]]],
  ["control characters", MULTIPART, file('"\x1b[2J\t\x7f\x01a"'), [[
    "f",
    "",
    "[2Ja",
    "text/plain",
  ]]],
  ["a directory", MULTIPART, file('"/etc/"'), [["f", "", "", "text/plain"]]],
  ["the parent directory", MULTIPART, file('"a/.."'), [["f", "", "", "text/plain"]]],
  ["a hidden parent directory", MULTIPART, file('"%0D.."'), [["f", "", "", "text/plain"]]],
  ["a hidden slash", MULTIPART, file("x; filename*=UTF-8''a%2fb%00c%e2%80%aed"), [[
    "f",
    "",
    "bcd",
    "text/plain",
  ]]],
  ["a file name without quotes", MULTIPART, file("a.txt"), [["f", "", "a.txt", "text/plain"]]],
  ["a file name of RFC 8187", MULTIPART, file("e; filename*=utf-8''%e2%82%ac"), [[
    "f",
    "",
    "€",
    "text/plain",
  ]]],
  ["one that is not UTF-8", MULTIPART, file('"\xe9"'), [["f", "", "\ufffd", "text/plain"]]],
  [
    "a boundary in the first line of data",
    MULTIPART,
    `--b\r\n${'Content-Disposition: form-data; name="a"'}\r\n\r\n${field("b", "1")}--b--`,
    [["a", ""], ["b", "1"]],
  ],
  ["nearly one", MULTIPART, `${field("a", "--c")}${field("b", "-")}${field("c", "--")}--b--`, [
    ["a", "--c"],
    ["b", "-"],
    ["c", "--"],
  ]],
  ["no parts", MULTIPART, "--b--\r\n", []],
  ["no line end after the last boundary", MULTIPART, `${field("a", "1")}--b--`, [["a", "1"]]],
  [
    "a preamble and an epilogue",
    MULTIPART,
    `pre\r\n--\r\n\n--b ${"\r\n"}${field("a", "1")}--b--\r\n--b\r\n\0`,
    [
      ["a", "1"],
    ],
  ],
  ["a preamble that is a line end", MULTIPART, `\r\n${field("a", "1")}--b--`, [["a", "1"]]],
  [
    "padding",
    MULTIPART,
    `--b \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b \r\n` +
    "Content-Disposition:form-data;name=b\r\n\r\n2\r\n--b-- \t \r\n",
    [["a", "1"], ["b", "2"]],
  ],
  [
    "headers in any case, and others",
    MULTIPART,
    "--b\r\nX-A: \xff\r\nCONTENT-TYPE: Image/PNG; x=y\r\n" +
    "Content-Transfer-Encoding: Binary\r\ncontent-disposition: Form-Data; Name=f; FileName=g\r\n\r\n" +
    "1\r\n--b--",
    [["f", "1", "g", "image/png"]],
  ],
  ["an empty name", MULTIPART, `${field("", "")}--b--`, [["", ""]]],
  ["the same name twice", MULTIPART, `${field("a", "1")}${field("a", "2")}--b--`, [
    ["a", "1"],
    ["a", "2"],
  ]],
  [
    "beginnings of a boundary",
    MULTIPART,
    `${field("a", "\r")}${field("b", "\r\n")}${field("c", "\r\n--")}${field("d", " --b")}` +
    `${field("e", "\r\r\n\r\n-\r\n--\r\n--c\n--b\n")}${field("f", "\r\n\r\n--\r")}--b--`,
    [
      ["a", "\r"],
      ["b", "\r\n"],
      ["c", "\r\n--"],
      ["d", " --b"],
      ["e", "\r\r\n\r\n-\r\n--\r\n--c\n--b\n"],
      ["f", "\r\n\r\n--\r"],
    ],
  ],
  [
    "a boundary that begins as the one inside",
    'multipart/form-data; BOUNDARY="outer in"',
    '--outer in\r\nContent-Disposition: form-data; name="a"\r\n' +
    "Content-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\n\r\nx\r\n--outer--\r\n--outer in--",
    [["a", "--outer\r\n\r\nx\r\n--outer--"]],
  ],
  [
    "the longest boundary",
    `multipart/form-data; boundary=${"-".repeat(70)}`,
    `${"-".repeat(72)}\r\nContent-Disposition: form-data; name=a\r\n\r\n ${"-".repeat(90)}\r\n` +
    `${"-".repeat(74)}`,
    [["a", ` ${"-".repeat(90)}`]],
  ],
  ["all fields of a urlencoded form", URLENCODED, "a=1&b=&=c&d&&e=f=g&a=+%2B%26%3d%", [
    ["a", "1"],
    ["b", ""],
    ["", "c"],
    ["d", ""],
    ["e", "f=g"],
    ["a", " +&=%"],
  ]],
  [
    "what Chrome sends urlencoded",
    `${URLENCODED}; charset=UTF-8`,
    "text=caf%C3%A9&a%22b=x%22y&lines=" +
    "one%0D%0Atwo&back%5C=z",
    [
      ["text", "caf\xc3\xa9"],
      ['a"b', 'x"y'],
      ["lines", "one\r\ntwo"],
      ["back\\", "z"],
    ],
  ],
  ["what is no escape", URLENCODED, "%4=%zz&%=%%41%4", [["%4", "%zz"], ["%", "%A%4"]]],
  ["an empty urlencoded form", URLENCODED, "", []],
  ["only separators", URLENCODED, "&&", []],
];

for (const [title, type, body, seen] of cases) {
  Deno.test(`form() reads ${title}`, () => {
    for (const [how, chunks] of cuts(bytes(body))) {
      assertEquals(retval(reading(form(type)), chunks), seen, how);
      if (chunks.length === 2 && body.length > 200) continue;
      assertEquals(retval(gathering(form(type)), chunks), seen, how);
      assertEquals(retval(piping(form(type)), chunks), seen, how);
      assertEquals(retval(skimming(form(type)), chunks), seen.map(([name]) => name), how);
    }
  });
}

const head = (lines: string) => `--b\r\n${lines}\r\n\r\n1\r\n--b--\r\n`;
const DISPOSITION = 'Content-Disposition: form-data; name="a"';

const malformed: [title: string, body: string, status?: number, limits?: Partial<FormLimits>][] = [
  ["nothing", ""],
  ["no boundary", "hello"],
  ["another boundary", "--c\r\n\r\n\r\n--c--\r\n"],
  ["no last boundary", field("a", "1")],
  ["no end of a part", "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1"],
  ["half a boundary at the end", `${field("a", "1")}--b-`],
  ["half a line end at the end", `${field("a", "1")}--b--\r`],
  ["half a head", `--b\r\n${DISPOSITION}\r\n`],
  ["only LF", `--b\n${DISPOSITION}\n\n1\n--b--\n`],
  ["LF after a boundary", `--b\n${DISPOSITION}\r\n\r\n1\r\n--b--`],
  ["LF after the last boundary", `--b\r\n${DISPOSITION}\r\n\r\n1\r\n--b--\n`],
  ["LF in a head", `--b\r\n${DISPOSITION}\n\r\n1\r\n--b--`],
  ["LF at the end of a head", `--b\r\n${DISPOSITION}\r\n\n1\r\n--b--`],
  ["LF before a boundary", `--b\r\n${DISPOSITION}\r\n\r\n1\n--b--`],
  ["CR in a head", head(`${DISPOSITION}\rx`)],
  ["CR CR LF in a head", head(`${DISPOSITION}\r`)],
  ["a longer boundary", `--bb\r\n${DISPOSITION}\r\n\r\n1\r\n--bb--\r\n`],
  ["a longer boundary inside", `--b\r\n${DISPOSITION}\r\n\r\n1\r\n--bb\r\n--b--\r\n`],
  ["one hyphen", `--b\r\n${DISPOSITION}\r\n\r\n1\r\n--b-x--\r\n`],
  ["something after the last boundary", `${field("a", "1")}--b--x`],
  ["something after padding", `${field("a", "1")}--b --\r\n`],
  ["no headers", "--b\r\n\r\n1\r\n--b--"],
  ["no Content-Disposition", head("Content-Type: text/plain")],
  ["two of them", head(`${DISPOSITION}\r\n${DISPOSITION}`)],
  ["another disposition", head("Content-Disposition: attachment; name=a")],
  ["no name", head("Content-Disposition: form-data")],
  ["two names", head("Content-Disposition: form-data; name=a; name=b")],
  ["a malformed disposition", head('Content-Disposition: form-data; name="a" x')],
  ["a folded line", head("Content-Disposition: form-data;\r\n name=a")],
  ["a line without a colon", head(`${DISPOSITION}\r\nhello`)],
  ["a line without a name", head(`${DISPOSITION}\r\n: x`)],
  ["a boundary in a head", head(`${DISPOSITION}\r\n--bX: y`)],
  ["a boundary as a head", `--b\r\n--b: ${head(DISPOSITION)}`],
  ["a space before a colon", head(`Content-Disposition : form-data; name=a`)],
  ["NUL in a head", head(`${DISPOSITION}\r\nX: \0`)],
  ["a coding of mail", head(`${DISPOSITION}\r\nContent-Transfer-Encoding: base64`), 415],
  ["a long head", head(`${DISPOSITION}\r\nX: ${"x".repeat(100)}`), 413, { maxPartHeadBytes: 100 }],
  ["an endless head", `--b\r\n${"x".repeat(101)}`, 413, { maxPartHeadBytes: 100 }],
  ["many parts", `${field("a", "1").repeat(3)}--b--`, 413, { maxParts: 2 }],
  ["a long field", `${field("a", "12345")}--b--`, 413, { maxFieldBytes: 4 }],
  ["many bytes", `${field("a", "1")}--b--`, 413, { maxBytes: field("a", "1").length + 4 }],
  ["an endless preamble", "x".repeat(101), 413, { maxBytes: 100 }],
  ["an endless epilogue", `--b--\r\n${"x".repeat(100)}`, 413, { maxBytes: 100 }],
];

for (const [title, body, status = 400, limits = {}] of malformed) {
  Deno.test(`form() refuses ${title} with ${status}`, () => {
    for (const [how, chunks] of cuts(bytes(body))) {
      const error = assertThrows(
        () => retval(gathering(form(MULTIPART, limits)), chunks),
        RemoteProtocolError,
      );
      assertEquals(error.status, status, how);
    }
  });
}

Deno.test("form() takes what just fits its limits", () => {
  const lines = `${DISPOSITION}\r\n\r\n`;
  const body = `--b\r\n${lines}1234\r\n--b--`;
  const limits = {
    maxParts: 1,
    maxPartHeadBytes: lines.length,
    maxFieldBytes: 4,
    maxBytes: body.length,
  };
  for (const [how, chunks] of cuts(bytes(body))) {
    assertEquals(retval(gathering(form(MULTIPART, limits)), chunks), [["a", "1234"]], how);
  }
  const fields = { maxParts: 2, maxFieldBytes: 3, maxBytes: 7 };
  for (const [how, chunks] of cuts(bytes("a=1&b=2"))) {
    assertEquals(
      retval(gathering(form(URLENCODED, fields)), chunks),
      [["a", "1"], ["b", "2"]],
      how,
    );
    for (const less of [{ maxParts: 1 }, { maxFieldBytes: 2 }, { maxBytes: 6 }]) {
      const limited = form(URLENCODED, { ...fields, ...less });
      const error = assertThrows(() => retval(gathering(limited), chunks), RemoteProtocolError);
      assertEquals(error.status, 413, how);
    }
  }
});

Deno.test("form() refuses types that are no form with 415, and malformed ones with 400", () => {
  const types: [string | undefined, number][] = [
    [undefined, 415],
    ["", 415],
    ["text/plain", 415],
    ["multipart/mixed; boundary=b", 415],
    ["multipart/form-data-x; boundary=b", 415],
    ["multipart/form-data", 400],
    ["multipart/form-data; boundary", 400],
    ["multipart/form-data; boundary=", 400],
    ['multipart/form-data; boundary=""', 400],
    ['multipart/form-data; boundary="b "', 400],
    ['multipart/form-data; boundary="b\\"c"', 400],
    ['multipart/form-data; boundary="b*c"', 400],
    [`multipart/form-data; boundary=${"b".repeat(71)}`, 400],
    ["multipart/form-data; boundary=b; boundary=c", 400],
    ["multipart/form-data; boundary=b, multipart/form-data; boundary=c", 400],
    ["multipart/form-data boundary=b", 400],
  ];
  for (const [type, status] of types) {
    const error = assertThrows(() => form(type), RemoteProtocolError);
    assertEquals(error.status, status, type);
  }
});

Deno.test("form() names a limit that makes no sense", () => {
  for (const value of [-1, NaN, 1.5, "1", null]) {
    assertThrows(() => form(URLENCODED, { maxParts: value as number }), RangeError, "maxParts");
  }
  const unknown = { maxPart: 1 } as Partial<FormLimits>;
  assertThrows(() => form(URLENCODED, unknown), TypeError, "maxPart");
});

Deno.test("multipart() reads parts without names", () => {
  const body = bytes("--b\r\n\r\n1\r\n--b\r\nContent-Range: bytes 0-1/2\r\n\r\n22\r\n--b--");
  for (const [how, chunks] of cuts(body)) {
    const parts = multipart("multipart/byteranges; boundary=b");
    assertEquals(retval(gathering(parts), chunks), [["", "1"], ["", "22"]], how);
  }
  assertThrows(() => multipart(URLENCODED), RemoteProtocolError, "multipart");
  assertThrows(() => multipart(undefined), RemoteProtocolError, "multipart");
  assertThrows(() => multipart("multipart/mixed"), RemoteProtocolError, "boundary");
  const isForm = multipart(MULTIPART);
  assertThrows(() => retval(gathering(isForm), [body]), RemoteProtocolError, "name");
});

Deno.test("a part can be a multipart body itself", () => {
  const body = "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; " +
    "boundary=c\r\n\r\n--c\r\n\r\n1\r\n--c\r\n\r\n2\r\n--c--\r\n--b--";
  for (const [how, chunks] of cuts(bytes(body))) {
    const seen = retval(
      (function* (): Coroutine {
        const part = (yield* call(form(MULTIPART).next()))!;
        const inner = multipart(part.headers.get("content-type"));
        return yield* call(pipe(part.chunks(), gathering(inner)));
      })(),
      chunks,
    );
    assertEquals(seen, [["", "1"], ["", "2"]], how);
  }
});

Deno.test("Part.read() gives views of what was received", () => {
  const chunks = [`${field("a", "").slice(0, -2)}1234`, "5678", "9\r\n--b--"].map(bytes);
  const pieces: Uint8Array[] = retval(
    (function* (): Coroutine {
      const part = (yield* call(form(MULTIPART).next()))!;
      const pieces = [];
      for (let piece; (piece = yield* call(part.read())) !== undefined;) pieces.push(piece);
      return pieces;
    })(),
    chunks,
  );
  assertEquals(pieces.map(text), ["1234", "5678", "9"]);
  assert(pieces.every(({ buffer }, i) => buffer === chunks[i]!.buffer));
  assert(pieces[1] === chunks[1]);
});

setFlagsFromString("--expose-gc");
const gc: () => void = runInNewContext("gc");

Deno.test("a part of any size takes no memory", () => {
  let size = 0;
  const sizing = compose((function* (): Coroutine {
    const parts = form(MULTIPART);
    for (let part; (part = yield* call(parts.next())) !== undefined;) {
      for (let piece; (piece = yield* call(part.read())) !== undefined;) size += piece.length;
    }
  })());
  sizing.next();
  sizing.next(field("a", "").slice(0, -2));
  const inUse = () => {
    gc();
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  const before = inUse();
  // Each chunk ends with the beginning of a boundary.
  for (let i = 0; i < 1000; i++) sizing.next(new Uint8Array(65_536).fill(0x0d));
  const more = inUse() - before;
  assert(more < 1_000_000, `${more} bytes`);
  assertEquals(size, 65_536_000 - 1);
});

Deno.test("Part.text() reads UTF-8", () => {
  function* texts(): Coroutine {
    const parts = form(MULTIPART);
    const part = (yield* call(parts.next()))!;
    return [yield* call(part.text()), yield* call(part.text())];
  }
  for (const [, chunks] of cuts(bytes(`${field("a", "\xe2\x82\xac")}--b--`))) {
    assertEquals(retval(texts(), chunks), ["€", ""]);
  }
});

Deno.test("Part.bytes() and text() have a limit of their own, after which the form goes on", () => {
  function* limited(): Coroutine {
    const parts = form(MULTIPART);
    const part = (yield* call(parts.next()))!;
    try {
      yield* call(part.text(3));
    } catch (error) {
      assertEquals((error as RemoteProtocolError).status, 413);
    }
    const next = (yield* call(parts.next()))!;
    return yield* call(next.text(4));
  }
  assertEquals(retval(limited(), [`${field("a", "1234")}${field("b", "5678")}--b--`]), "5678");
});

Deno.test("a part that was skipped cannot be read", () => {
  function* late(read: (part: Part) => Coroutine): Coroutine {
    const parts = form(MULTIPART);
    const part = (yield* call(parts.next()))!;
    yield* call(parts.next());
    yield* call(read(part));
  }
  const body = `${field("a", "1")}${field("b", "2")}--b--`;
  const ways: ((part: Part) => Coroutine)[] = [
    (part) => part.read(),
    (part) => part.bytes(),
    (part) => part.text(),
    (part) => part.chunks(),
  ];
  for (const way of ways) {
    assertThrows(() => retval(late(way), [body]), LocalProtocolError, 'part "a": it was skipped');
  }
});

Deno.test("a stage that reads only a part of a part leaves the rest to be skipped", () => {
  function* some(): Coroutine {
    const parts = form(MULTIPART);
    const part = (yield* call(parts.next()))!;
    yield* call(pipe(part.chunks(), take(1), skip(1)));
    return (yield* call(parts.next()))?.name;
  }
  assertEquals(retval(some(), [...`${field("a", "123")}${field("b", "")}--b--`]), "b");
});

Deno.test("a form goes on where a coroutine was closed or got an error at its yield", () => {
  const parts = form(MULTIPART);
  const body = `${field("a", "12")}${field("b", "")}--b--`;
  const at = body.indexOf("12") + 1;
  const first = compose(parts.next());
  first.next();
  first.next(body.slice(0, 20));
  first.return(undefined as never);
  const second = compose(parts.next());
  second.next();
  const part = second.next(body.slice(20, at)).value as Part;
  const third = compose(part.read());
  assertEquals(text(third.next().value as Uint8Array), "1");
  const fourth = compose(part.read());
  fourth.next();
  assertThrows(() => fourth.throw(new Error("Timed out")), Error, "Timed out");
  assertEquals(retval(part.text(), [body.slice(at)]), "2");
});

Deno.test("a form that failed fails again", () => {
  const parts = form(MULTIPART);
  for (let i = 0; i < 3; i++) {
    assertThrows(() => retval(parts.next(), ["--b-x"]), RemoteProtocolError, "boundary");
  }
});

Deno.test("form() refuses what is neither bytes nor text", () => {
  assertThrows(() => retval(form(MULTIPART).next(), [1]), TypeError, "expected bytes");
});

function post(type: string, body: string): string {
  return `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n` +
    `Content-Type: ${type}\r\n\r\n${body}`;
}

Deno.test("HttpRequest.form() reads the body, and the connection goes on", () => {
  const seen: Seen[][] = [];
  const connection = () =>
    new Driver(serveHttp(function* (request): Coroutine {
      seen.push(yield* call(reading(request.form())));
      yield ok();
    }));
  const requests = post(MULTIPART, `${field("a", "1")}--b--\r\nepilogue`) + post(URLENCODED, "b=2");
  const expected: Seen[][] = [[["a", "1"]], [["b", "2"]]];
  for (const chunks of [[requests], [...requests]]) {
    seen.length = 0;
    const driver = connection().feed(...chunks);
    assertEquals(seen, expected);
    assertEquals(driver.output.match(/ 200 OK/g)?.length, 2);
    assert(!driver.done);
  }
});

Deno.test("HttpRequest.form() and formData() answer what they refuse", () => {
  const statusOf = (text: string, limits: Partial<FormLimits> = {}) => {
    const driver = new Driver(serveHttp(function* (request): Coroutine {
      yield* call(request.formData(limits));
      yield ok();
    }));
    return Number(driver.feed(text).output.match(/^HTTP\/1\.1 (\d+) /)?.[1]);
  };
  assertEquals(statusOf(post(URLENCODED, "a=1")), 200);
  assertEquals(statusOf("POST / HTTP/1.1\r\nHost: x\r\n\r\n"), 415);
  assertEquals(statusOf(post("text/plain", "a=1")), 415);
  assertEquals(statusOf(post("multipart/form-data", "a=1")), 400);
  assertEquals(statusOf(post(MULTIPART, "a=1")), 400);
  assertEquals(statusOf(post(URLENCODED, "a=1"), { maxBytes: 2 }), 413);
  assertEquals(statusOf(post(URLENCODED, "a=1&b=2"), { maxParts: 1 }), 413);
  assertEquals(statusOf(post(URLENCODED, `a=${"x".repeat(1024 * 1024)}`)), 413);
  const large = field("a", "x".repeat(1000)).replace("name", "filename=f; name");
  assertEquals(statusOf(post(MULTIPART, `${large}--b--`), { maxFieldBytes: 1 }), 200);
  assertEquals(statusOf(post(MULTIPART, `${large}--b--`), { maxBytes: 1000 }), 413);
});

/** What a handler gets by formData(), as a list that can be compared. */
async function formData(type: string, ...chunks: Uint8Array[]): Promise<unknown[]> {
  let data: FormData | undefined;
  const driver = new Driver(serveHttp(function* (request): Coroutine {
    data = yield* call(request.formData());
    yield ok();
  }));
  const length = chunks.reduce((sum, { length }) => sum + length, 0);
  driver.feed(
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`,
    ...chunks,
  );
  assert(data !== undefined, driver.output);
  return await listed(data);
}

async function listed(data: FormData): Promise<unknown[]> {
  const list: unknown[] = [];
  for (const [name, value] of data) {
    list.push(
      typeof value === "string"
        ? [name, value]
        : [name, value.name, value.type, await value.bytes()],
    );
  }
  return list;
}

function cutAt(body: Uint8Array, sizes: number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) chunks.push(body.subarray(at, at += size));
  return [...chunks, body.subarray(at)];
}

Deno.test("HttpRequest.formData() gives what was in a FormData that Deno has sent", async () => {
  const name = fc.string({ unit: fc.constantFrom(..."ab \"'%;=é€\u{1f600}&+:") });
  const filename = fc.string({ unit: fc.constantFrom(...'ab ."%;=é€'), minLength: 1 })
    .filter((name) => !/^\.\.?$/.test(name));
  const value = fc.array(fc.constantFrom("\r\n", "--", "x", "-", "----", "é", "&", "=", "+", "%41"))
    .map((pieces) => pieces.join(""));
  const content = fc.uint8Array({ maxLength: 40 });
  const type = fc.constantFrom("application/octet-stream", "image/png", "a/b;c=d");
  const entry = fc.oneof(
    fc.tuple(name, value),
    fc.tuple(name, fc.tuple(content, filename, type)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(entry), fc.array(fc.nat(60)), async (entries, sizes) => {
      const data = new FormData();
      const fields = new URLSearchParams();
      for (const [name, value] of entries) {
        if (typeof value === "string") {
          data.append(name, value);
          fields.append(name, value);
        } else {
          const [content, filename, type] = value;
          data.append(name, new File([content as Uint8Array<ArrayBuffer>], filename, { type }));
        }
      }
      for (const [sent, expected] of [[data, await listed(data)], [fields, [...fields]]] as const) {
        const response = new Response(sent);
        const type = response.headers.get("content-type")!;
        assertEquals(await formData(type, ...cutAt(await response.bytes(), sizes)), expected);
      }
    }),
  );
});

Deno.test("form() gives what was written, whatever the data and the boundary are", () => {
  const boundary = fc.string({ unit: fc.constantFrom(..."-ab"), minLength: 1, maxLength: 6 });
  const written = boundary.chain((boundary) => {
    const piece = fc.constantFrom(
      "\r",
      "\n",
      "-",
      "a",
      "b",
      "\r\n--",
      boundary.slice(0, -1),
      "\0\xff",
    );
    const data = fc.array(piece).map((pieces) => pieces.join(""))
      .filter((data) => !`\r\n${data}\r\n--${boundary}`.slice(0, -1).includes(`\r\n--${boundary}`));
    return fc.tuple(fc.constant(boundary), fc.array(data));
  });
  fc.assert(
    fc.property(written, fc.array(fc.nat(30)), ([boundary, all], sizes) => {
      const body = all.map((data) =>
        `--${boundary}\r\nContent-Disposition: form-data; name=a\r\n\r\n${data}\r\n`
      ).join("") + `--${boundary}--\r\n`;
      const parts = form(`multipart/form-data; boundary=${boundary}`);
      assertEquals(
        retval(reading(parts), cutAt(bytes(body), sizes)),
        all.map((data): Seen => ["a", data]),
      );
    }),
    { numRuns: 500 },
  );
});

Deno.test("form() reads urlencoded forms as URLSearchParams does", () => {
  const text = fc.string({ unit: fc.constantFrom(..."aé&=+% 4zF") });
  function* fields(parts: Parts): Coroutine<[string, string][]> {
    const all: [string, string][] = [];
    for (let part; (part = yield* call(parts.next())) !== undefined;) {
      all.push([part.name, yield* call(part.text())]);
    }
    return all;
  }
  fc.assert(fc.property(text, fc.array(fc.nat(10)), (text, sizes) => {
    const chunks = cutAt(new TextEncoder().encode(text), sizes);
    assertEquals(retval(fields(form(URLENCODED)), chunks), [...new URLSearchParams(text)]);
  }));
});

Deno.test("form() ends by an answer or an error of the client, whatever arrives", () => {
  const piece = fc.constantFrom(
    ...'\r\n-b :;="\\',
    "--b",
    "\r\n--b\r\n",
    "--b--",
    DISPOSITION,
    "\r\n\r\n",
    "filename=",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat(10)), (pieces, sizes) => {
      const outcome = (chunks: Uint8Array[]) => {
        try {
          return retval(reading(form(MULTIPART)), chunks);
        } catch (error) {
          if (!(error instanceof RemoteProtocolError)) throw error;
          return error.message;
        }
      };
      const body = bytes(pieces.join(""));
      assertEquals(outcome(cutAt(body, sizes)), outcome([body]));
    }),
    { numRuns: 500 },
  );
});
