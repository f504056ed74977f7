/** The client's side of the wire: responses whole, byte by byte, cut at every place, and cut off. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { Input } from "../../http/_body.ts";
import { CHUNKED, NONE, TUNNEL, UNTIL_CLOSE } from "../../http/h1/_field_values.ts";
import { ResponseBody } from "../../http/h1/_response_body.ts";
import { ResponseHeadParser } from "../../http/h1/_response_head.ts";
import { RemoteProtocolError } from "../../http/protocol/mod.ts";
import { bytes } from "./_drive.ts";
import {
  type Answer,
  large,
  limits,
  malformed,
  MEANINGFUL,
  ok,
  Responses,
  wellFormed,
} from "./_responses.ts";

/** What a client has made of the pieces. */
function outcome(methods: string[], pieces: Iterable<string>) {
  const responses = new Responses(methods);
  for (const piece of pieces) responses.feed(piece);
  return { seen: responses.seen, error: responses.error, end: responses.end() };
}

Deno.test("a client reads each response, wherever it is cut", () => {
  for (const { name, methods, text, seen } of wellFormed) {
    const expected = { seen, error: undefined, end: "" };
    assertEquals(outcome(methods, [text]), expected, name);
    assertEquals(outcome(methods, text), expected, `${name}, byte by byte`);
    for (let at = 1; at < text.length; at++) {
      const pieces = [text.slice(0, at), text.slice(at)];
      assertEquals(outcome(methods, pieces), expected, `${name}, cut at ${at}`);
    }
  }
});

Deno.test("a client takes no response that was cut off for a whole", () => {
  for (const { name, methods, text, seen, untilClose } of wellFormed) {
    const head = text.indexOf("\r\n\r\n") + 4;
    for (let length = 0; length < text.length; length++) {
      for (const pieces of [[text.slice(0, length)], text.slice(0, length)]) {
        const { seen: complete, end, error } = outcome(methods, pieces);
        assertEquals(error, undefined, name);
        if (untilClose && length >= head) {
          const [answer] = seen;
          assertEquals([complete, end], [[{ ...answer!, body: text.slice(head, length) }], ""]);
          continue;
        }
        assert(complete.length < seen.length, `${name}, of which ${length} bytes came`);
        assertEquals(complete, seen.slice(0, complete.length));
        if (seen.length === 1) assertEquals(end === "", length === 0, name);
      }
    }
  }
});

/** What an error tells, wherever it was made. */
function told(error: unknown): unknown {
  return error instanceof RemoteProtocolError ? [String(error), error.status] : error;
}

Deno.test("a client refuses each malformed response at the same byte, wherever it is cut", () => {
  for (const [text, message, rule, method = "GET"] of malformed) {
    const name = `${rule}: ${JSON.stringify(text)}`;
    const byByte = new Responses([method]);
    let length = 0;
    while (byByte.error === undefined && length < text.length) byByte.feed(text[length++]!);
    const { error } = byByte;
    assert(error instanceof RemoteProtocolError, name);
    assertEquals(error.status, 502);
    assertStringIncludes(error.message, message, name);
    assertStringIncludes(error.message, "Cannot read the response: it");
    for (let at = 1; at <= text.length; at++) {
      const responses = new Responses([method]);
      responses.feed(text.slice(0, at));
      assertEquals(told(responses.error), told(at < length ? undefined : error), `cut at ${at}`);
      responses.feed(text.slice(at));
      assertEquals(told(responses.error), told(error), `${name}, cut at ${at}`);
    }
  }
});

Deno.test("ResponseHeadParser.framing() follows RFC 9112 6.3", () => {
  const chunked = "Transfer-Encoding: chunked";
  const cases: [method: string, status: number, line: string, framing: number][] = [];
  for (const line of ["Content-Length: 5", chunked, "A: b"]) {
    const framing = line === chunked ? CHUNKED : line === "A: b" ? UNTIL_CLOSE : 5;
    for (const method of ["GET", "POST", "HEAD", "CONNECT", "OPTIONS"]) {
      for (const status of [100, 102, 103, 101, 200, 201, 204, 205, 206, 301, 304, 404, 500, 999]) {
        const isTunnel = status === 101 || (method === "CONNECT" && status >= 200 && status < 300);
        const isBodiless = method === "HEAD" || status < 200 || status === 204 || status === 304;
        cases.push([method, status, line, isTunnel ? TUNNEL : isBodiless ? 0 : framing]);
      }
    }
  }
  for (const [method, status, line, framing] of cases) {
    const parser = new ResponseHeadParser(limits);
    assert(parser.parse(bytes(`HTTP/1.1 ${status} x\r\n${line}\r\n\r\n`), 0));
    assertEquals(parser.framing(method), framing, `${status} to ${method} with ${line}`);
  }
});

Deno.test("ResponseHeadParser tells what it has found", () => {
  const parser = new ResponseHeadParser(limits);
  const before = bytes("before");
  assert(!parser.parse(before, before.length));
  assertEquals(parser.isBegun, false);
  assert(!parser.resume(bytes("beforeH")));
  assertEquals(parser.isBegun, true);
  const text = `before${ok("Connection: a", "Connection: b", "Content-Length: 3")}abc`;
  assert(parser.resume(bytes(text)));
  assertEquals(
    [parser.end, parser.headersTo, parser.contentLength, parser.codings, parser.isChunked],
    [text.length - 3, text.length - 5, 3, NONE, false],
  );
  assertEquals(parser.connection, " a, b");
  parser.forget();
  assertEquals([parser.isBegun, parser.status, parser.bytes.length], [false, 0, 0]);
  assert(parser.parse(bytes(ok("Transfer-Encoding: gzip", "transfer-encoding: chunked")), 0));
  assertEquals([parser.contentLength, parser.codings, parser.isChunked], [NONE, 2, true]);
  assertEquals(parser.connection, undefined);
});

Deno.test("ResponseBody tells how far it came, and what the kernel may read", () => {
  const input = new Input();
  const body = new ResponseBody(input, limits);
  const state = () => [body.received, body.expected, body.direct, body.done];
  body.start(10);
  assertEquals(state(), [0, 10, 10, false]);
  input.receive("abc");
  assertEquals(state(), [0, 10, 0, false]);
  body.read();
  assertEquals(state(), [3, 10, 7, false]);
  assertEquals(body.end(), false);
  body.moved(7);
  assertEquals(state(), [10, 10, 0, true]);
  assertEquals(body.end(), true);

  body.start(CHUNKED);
  input.receive("4\r\nab");
  body.read();
  assertEquals(state(), [2, undefined, 2, false]);
  body.moved(2);
  assertEquals(state(), [4, undefined, 0, false]);
  assertEquals(body.end(), false);

  body.start(UNTIL_CLOSE);
  assertEquals(state(), [0, undefined, Infinity, false]);
  body.moved(100);
  assertEquals(state(), [100, undefined, Infinity, false]);
  try {
    body.moved(1);
    assert(false);
  } catch (error) {
    assert(error instanceof RemoteProtocolError);
    assertStringIncludes(error.message, "the response: its body has more than 100 bytes");
  }

  body.start(TUNNEL);
  body.moved(1000);
  assertEquals(state(), [1000, undefined, Infinity, false]);
  assertEquals([body.end(), body.done], [true, true]);

  body.start(0);
  assertEquals(state(), [0, 0, 0, true]);
  body.takeOver();
  assertEquals(state(), [0, undefined, Infinity, false]);
});

const ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const characters = (from: string, min = 0, max = 12) =>
  fc.string({ unit: fc.constantFrom(...from), minLength: min, maxLength: max });
const token = characters(`${ALPHANUMERIC}!#$%&'*+-.^_\`|~`, 1);
const latin1 = fc.uint8Array({ max: 255, maxLength: 60 }).map((bytes) =>
  String.fromCharCode(...bytes)
);
const word = characters(`${ALPHANUMERIC}\x80\xff"(),/:;<=>?@[\\]{}!`, 1);
const space = fc.constantFrom("", " ", "\t", "\r\n ", " \r\n\t");

/** A header that says nothing about framing or the connection, as it is written and as it is read. */
const header = fc.record({
  name: token.filter((name) =>
    !/^(connection|content-length|transfer-encoding|keep-alive)$/i.test(name)
  ),
  words: fc.array(word, { maxLength: 3 }),
  between: fc.constantFrom(" ", "\t", " \r\n ", "\r\n\t "),
  before: space,
  after: space,
}).map(({ name, words, between, before, after }) => ({
  line: `${name}:${before}${words.join(between)}${after}\r\n`,
  read: [name.toLowerCase(), words.join(between.replace("\r\n", "  "))] as [string, string],
}));

interface Written {
  method: string;
  text: string;
  answer: Answer;
}

/** Every way in which a body is delimited. */
const response: fc.Arbitrary<Written> = fc.record({
  status: fc.constantFrom(200, 200, 201, 204, 205, 304, 404, 503),
  reason: characters(`${ALPHANUMERIC} \t\xe9`),
  method: fc.constantFrom("GET", "POST", "HEAD"),
  headers: fc.array(header, { maxLength: 4 }),
  framing: fc.constantFrom("length", "chunked", "close"),
  chunks: fc.array(fc.tuple(latin1.filter((chunk) => chunk !== ""), token), { maxLength: 4 }),
  trailers: fc.array(header, { maxLength: 2 }),
}).map(({ status, reason, method, headers, framing, chunks, trailers }) => {
  const isBodiless = method === "HEAD" || status === 204 || status === 304;
  const content = chunks.map(([chunk]) => chunk).join("");
  const answer: Answer = {
    status,
    reason,
    version: "1.1",
    headers: headers.map(({ read }) => read),
    body: isBodiless ? "" : content,
    trailers: [],
    keepAlive: isBodiless || framing !== "close",
    keepAliveMs: undefined,
  };
  let text = `HTTP/1.1 ${status} ${reason}\r\n${headers.map(({ line }) => line).join("")}`;
  let body = content;
  if (framing === "length") {
    const length = status === 204 ? 0 : content.length;
    text += `Content-Length: ${length}\r\n`;
    answer.headers.push(["content-length", `${length}`]);
  } else if (framing === "chunked" && status !== 204) {
    text += "Transfer-Encoding: chunked\r\n";
    answer.headers.push(["transfer-encoding", "chunked"]);
    body = chunks.map(([chunk, extension]) =>
      `${chunk.length.toString(16)};${extension}\r\n${chunk}\r\n`
    ).join("") + `0\r\n${
      trailers.map(({ line }) => line).join("")
    }\r\n`;
    if (!isBodiless) answer.trailers = trailers.map(({ read }) => read);
  }
  return { method, text: `${text}\r\n${isBodiless ? "" : body}`, answer };
});

/** Several responses. Only the last one can end with the connection. */
const responses = fc.array(response, { minLength: 1, maxLength: 4 }).map((list) => {
  const last = list.findIndex(({ answer }) => !answer.keepAlive);
  return last < 0 ? list : list.slice(0, last + 1);
});

/** The text in pieces, some of them empty. */
function cut(text: string, at: number[]): string[] {
  const places = at.map((place) => place % (text.length + 1)).sort((a, b) => a - b);
  return [0, ...places].map((from, i) => text.slice(from, places[i]));
}

Deno.test("a client reads random responses, cut at random, as they were written, or says how far they came", () => {
  const cuts = fc.array(fc.nat(5000), { maxLength: 12 });
  fc.assert(
    fc.property(responses, cuts, fc.nat(5000), (list, at, place) => {
      const text = list.map(({ text }) => text).join("");
      const answers = list.map(({ answer }) => answer);
      const methods = list.map(({ method }) => method);
      const whole = new Responses(methods, large);
      for (const piece of cut(text, at)) whole.feed(piece);
      assertEquals([whole.end(), whole.error, whole.isDrained], ["", undefined, true]);
      assertEquals(whole.seen, answers);

      const length = place % text.length;
      const short = new Responses(methods, large);
      for (const piece of cut(text.slice(0, length), at)) short.feed(piece);
      const isCut = short.end() !== "";
      assertEquals(short.error, undefined);
      const { seen } = short;
      const last = seen.at(-1);
      if (seen.length === list.length) {
        // Only a body that ends with the connection may be shorter.
        assert(!isCut && !last!.keepAlive, JSON.stringify(text));
        assertEquals(seen, [
          ...answers.slice(0, -1),
          { ...answers.at(-1)!, body: last!.body },
        ]);
        assert(answers.at(-1)!.body.startsWith(last!.body));
        return;
      }
      assertEquals(seen, answers.slice(0, seen.length));
      const complete = list.slice(0, seen.length).map(({ text }) => text).join("");
      assertEquals(isCut, complete.length < length);
    }),
    { seed: 9112, numRuns: 1000 },
  );
});

const meaningful = fc.constantFrom(...MEANINGFUL);

const mutated = fc.tuple(
  fc.constantFrom(...wellFormed),
  fc.array(fc.tuple(fc.nat(300), meaningful, fc.boolean()), { maxLength: 3 }),
).map(([{ text, methods }, changes]) => {
  for (const [place, byte, isInserted] of changes) {
    const at = place % text.length;
    text = text.slice(0, at) + byte + text.slice(isInserted ? at : at + 1);
  }
  return { text, methods };
});

Deno.test("a client makes the same of mutated responses, however they are cut", () => {
  const cuts = fc.array(fc.nat(300), { maxLength: 6 });
  fc.assert(
    fc.property(mutated, cuts, ({ text, methods }, at) => {
      const byByte = new Responses(methods);
      const outcomes = [[undefined as unknown, 0]];
      for (const byte of text) {
        byByte.feed(byte);
        outcomes.push([told(byByte.error), byByte.seen.length]);
      }
      const inPieces = new Responses(methods);
      let length = 0;
      for (const piece of cut(text, at)) {
        length += piece.length;
        inPieces.feed(piece);
        assertEquals([told(inPieces.error), inPieces.seen.length], outcomes[length]);
      }
      assertEquals([told(inPieces.end()), inPieces.seen], [told(byByte.end()), byByte.seen]);
    }),
    { seed: 9110, numRuns: 2000 },
  );
});
