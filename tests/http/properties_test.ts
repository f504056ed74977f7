/** Requests and answers made at random, and cut at random: what is read is what was written. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Coroutine, Request } from "../../compose/mod.ts";
import { ok, RemoteProtocolError, response, serveHttp } from "../../http/mod.ts";
import { corpus, type Seen } from "./_corpus.ts";
import { bytes, Driver, text } from "./_drive.ts";
import { reading } from "./_reading.ts";

const characters = (from: string, min = 0, max = 12) =>
  fc.string({ unit: fc.constantFrom(...from), minLength: min, maxLength: max });

const ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const latin1 = fc.uint8Array({ max: 255, maxLength: 60 }).map(text);
const token = characters(`${ALPHANUMERIC}!#$%&'*+-.^_\`|~`, 1);
const value = fc.array(characters(`${ALPHANUMERIC}\x80\xff"(),/:;<=>?@[\\]{}!`, 1), {
  maxLength: 3,
})
  .chain((words) => fc.constantFrom(" ", "\t", "  ").map((space) => words.join(space)));
const space = characters(" \t", 0, 2);

/** A header that says nothing about framing. */
const header = fc.tuple(
  token.filter((name) =>
    !/^(host|connection|content-length|transfer-encoding|expect)$/i.test(name)
  ),
  value,
);

const target = fc.oneof(
  characters(`${ALPHANUMERIC}/-._~%!$&'()*+,;=:@`, 0, 30).map((path) => `/${path}`),
  fc.tuple(characters(ALPHANUMERIC), characters(`${ALPHANUMERIC}/?&=%{}|^`, 0, 30)).map((
    [path, query],
  ) => `/${path}?${query}`),
);

interface Written {
  text: string;
  seen: Seen;
}

const request: fc.Arbitrary<Written> = fc.record({
  method: fc.oneof(
    fc.constantFrom("GET", "POST", "PUT", "DELETE"),
    token.filter((method) => method !== "CONNECT" && method.length <= 32),
  ),
  target,
  headers: fc.array(fc.tuple(header, space, space), { maxLength: 6 }),
  body: fc.oneof(
    fc.constant(undefined),
    latin1,
    fc.record({
      chunks: fc.array(fc.tuple(latin1.filter((chunk) => chunk !== ""), token), { maxLength: 4 }),
      trailers: fc.array(header, { maxLength: 2 }),
    }),
  ),
}).map(({ method, target, headers, body }) => {
  const lines = [`${method} ${target} HTTP/1.1`, "Host: x"];
  const seen: Seen = {
    method,
    target,
    version: "1.1",
    headers: [["host", "x"]],
    body: "",
    trailers: [],
  };
  for (const [[name, value], before, after] of headers) {
    lines.push(`${name}:${before}${value}${after}`);
    seen.headers.push([name.toLowerCase(), value]);
  }
  let rest = "";
  if (typeof body === "string") {
    lines.push(`Content-Length: ${body.length}`);
    seen.headers.push(["content-length", `${body.length}`]);
    rest = seen.body = body;
  } else if (body !== undefined) {
    lines.push("Transfer-Encoding: chunked");
    seen.headers.push(["transfer-encoding", "chunked"]);
    for (const [chunk, extension] of body.chunks) {
      rest += `${chunk.length.toString(16)};${extension}\r\n${chunk}\r\n`;
      seen.body += chunk;
    }
    rest += "0\r\n";
    for (const [name, value] of body.trailers) {
      rest += `${name}: ${value}\r\n`;
      seen.trailers.push([name.toLowerCase(), value]);
    }
    rest += "\r\n";
  }
  return { text: [...lines, "", rest].join("\r\n"), seen };
});

/** The text in pieces, some of them empty. */
function cut(text: string, at: number[]): string[] {
  const places = at.map((place) => place % (text.length + 1)).sort((a, b) => a - b);
  return [0, ...places].map((from, i) => text.slice(from, places[i]));
}

const cuts = fc.array(fc.nat(5000), { maxLength: 12 });

Deno.test("serveHttp() reads random requests, cut at random, as they were written", () => {
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 4 }), cuts, (requests, at) => {
      const { driver, seen } = reading();
      driver.feed(...cut(requests.map(({ text }) => text).join(""), at));
      assertEquals(seen, requests.map(({ seen }) => seen));
      assert(!driver.done);
    }),
    { seed: 9112, numRuns: 500 },
  );
});

Deno.test("serveHttp() survives whatever arrives", () => {
  const noise = fc.oneof(
    latin1,
    fc.constantFrom("\r\n", "\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n"),
  );
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 8 }), (pieces) => {
      const { driver } = reading();
      driver.feed(...pieces).end();
      assertEquals([driver.done, driver.error], [true, undefined]);
    }),
    { seed: 9110, numRuns: 500 },
  );
});

/** Bytes that mean something to a parser. */
const meaningful = fc.constantFrom(..."\r\n \t:;,?/%[]01aG\0\x7f\xe9");

/** A request in which some bytes were replaced, and another after it. */
const mutated = fc.tuple(
  fc.constantFrom(...corpus.filter(({ text }) => !text.includes("Expect"))),
  fc.array(fc.tuple(fc.nat(300), meaningful, fc.boolean()), { maxLength: 3 }),
).map(([{ text }, changes]) => {
  for (const [place, byte, isInserted] of changes) {
    const at = place % text.length;
    text = text.slice(0, at) + byte + text.slice(isInserted ? at : at + 1);
  }
  return `${text}GET /next HTTP/1.1\r\nHost: x\r\n\r\n`;
});

Deno.test("serveHttp() answers what is malformed at the same byte, however it is cut", () => {
  fc.assert(
    fc.property(mutated, cuts, (text, at) => {
      const byByte = reading();
      const outputs: [string, boolean][] = [["", false]];
      for (const byte of text) {
        byByte.driver.feed(byte);
        outputs.push([byByte.driver.output, byByte.driver.done]);
      }
      const inPieces = reading();
      let length = 0;
      for (const piece of cut(text, at)) {
        length += piece.length;
        inPieces.driver.feed(piece);
        assertEquals([inPieces.driver.output, inPieces.driver.done], outputs[length]);
      }
      assertEquals(inPieces.seen, byByte.seen);
    }),
    { seed: 3986, numRuns: 500 },
  );
});

/** Takes an answer apart again, by the rules of RFC 9112 6.3 for clients. */
function bodyOf(answer: string): string {
  const end = answer.indexOf("\r\n\r\n") + 4;
  const head = answer.slice(0, end);
  const body = answer.slice(end);
  const length = /\r\ncontent-length: (\d+)\r\n/.exec(head)?.[1];
  if (length !== undefined) {
    assertEquals(body.length, Number(length));
    return body;
  }
  if (!head.includes("\r\ntransfer-encoding: chunked\r\n")) {
    assert(head.includes("\r\nconnection: close\r\n"));
    return body;
  }
  let content = "";
  for (let at = 0;;) {
    const line = body.indexOf("\r\n", at);
    const size = parseInt(body.slice(at, line), 16);
    content += body.slice(line + 2, line + 2 + size);
    assertEquals(body.slice(line + 2 + size, line + 4 + size), "\r\n");
    at = line + 4 + size;
    if (size > 0) continue;
    assertEquals(at, body.length);
    return content;
  }
}

Deno.test("serveHttp() frames random answers so that they can be read", () => {
  const piece = fc.oneof(fc.string({ unit: "binary", maxLength: 30 }), latin1.map(bytes));
  const version = fc.constantFrom("1.0", "1.1");
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 5 }),
      version,
      fc.boolean(),
      (pieces, version, known) => {
        const encoder = new TextEncoder();
        const content = pieces.map((piece) =>
          text(typeof piece === "string" ? encoder.encode(piece) : piece)
        ).join("");
        const driver = new Driver(serveHttp(function* (): Coroutine {
          yield ok(known ? { "content-length": content.length } : {});
          for (const piece of pieces) yield piece;
        }, { onError: (error) => console.error(error) }));
        driver.feed(`GET / HTTP/${version}\r\nHost: x\r\n\r\n`);
        assertEquals(driver.error, undefined);
        assertEquals(bodyOf(driver.output), content);
        assertEquals(driver.done, version === "1.0");
      },
    ),
    { seed: 9111, numRuns: 200 },
  );
});

/** What a handler does at random; `careful` ones catch what their reading throws. */
interface Script {
  careful: boolean;
  steps: ("read" | "head" | "hint" | "data" | "empty" | "wait" | "fail" | "refuse" | "misuse")[];
  status: number;
  /** The Content-Length it promises. */
  promise: number | undefined;
}

const script: fc.Arbitrary<Script> = fc.record({
  careful: fc.boolean(),
  steps: fc.array(
    fc.constantFrom(
      ...["read", "read", "head", "head", "hint", "data", "data", "empty", "wait"] as const,
      ...["fail", "refuse", "misuse"] as const,
    ),
    { maxLength: 7 },
  ),
  status: fc.constantFrom(200, 200, 200, 204, 205, 304, 404),
  promise: fc.constantFrom(undefined, undefined, 0, 4, 8),
});

class Wait extends Request {
  override begin(): void {}
}

function* performing({ careful, steps, status, promise }: Script, headers: Record<string, string>) {
  for (const step of steps) {
    try {
      if (step === "read") yield;
      else if (step === "head") {
        const length = status === 204 ? undefined : promise;
        yield response(status, { ...headers, "content-length": length });
      } else if (step === "hint") yield response(103, { link: "<a>" });
      else if (step === "data") yield "data";
      else if (step === "empty") yield "";
      else if (step === "wait") yield* new Wait();
      else if (step === "fail") throw new Error("failed");
      else if (step === "refuse") throw new RemoteProtocolError("refused", { status: 403 });
      else yield 42;
    } catch (error) {
      if (!careful || step === "fail" || step === "refuse") throw error;
    }
  }
}

/** Framing and body of requests. */
const faultless = [
  "\r\n",
  "Content-Length: 5\r\n\r\n12345",
  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
];
const faulty = [
  'Transfer-Encoding: chunked\r\n\r\n5;a="\r\n12345\r\n0\r\n\r\n',
  "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
  "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nno trailer\r\n\r\n",
];

const conversation = fc.array(
  fc.record({
    script,
    method: fc.constantFrom("GET", "POST", "HEAD"),
    old: fc.constantFrom(false, false, false, true),
    headers: fc.subarray(["Expect: 100-continue", "Connection: close", "Connection: keep-alive"]),
    body: fc.oneof(fc.constantFrom(...faultless), fc.constantFrom(...faulty)),
  }),
  { minLength: 1, maxLength: 4 },
);

Deno.test("serveHttp() stays in step with its client, whatever its handlers do", () => {
  fc.assert(
    fc.property(conversation, cuts, (requests, at) => {
      const handled: number[] = [];
      const driver = new Driver(serveHttp(function* (request): Coroutine {
        const index = Number(request.path.slice(1));
        handled.push(index);
        yield performing(requests[index]!.script, { index: `${index}` });
      }, { onError: () => {} }));
      const texts = requests.map(({ method, old, headers, body }, i) =>
        [
          `${method} /${i} HTTP/1.${old && !body.startsWith("T") ? 0 : 1}`,
          "Host: x",
          ...headers,
          body,
        ].join("\r\n")
      );
      driver.feed(...cut(texts.join(""), at)).end();
      assert(driver.done);
      // No request is left out, answered twice, or made up of what is a body.
      assertEquals(handled, handled.map((_, i) => i));
      // Nothing is taken for a request that comes after a faulty body.
      const fault = requests.findIndex(({ body }) => faulty.includes(body));
      assert(fault < 0 || handled.length <= fault + 1, `${handled}`);

      let rest = driver.output;
      let answered = 0;
      while (rest !== "") {
        const end = rest.indexOf("\r\n\r\n") + 4;
        const head = rest.slice(0, end);
        const status = Number(/^HTTP\/1\.1 (\d{3}) [^\r]*\r\n/.exec(head)?.[1]);
        assert(status >= 100, JSON.stringify(driver.output));
        rest = rest.slice(end);
        if (status < 200) continue;
        const index = /\r\nindex: (\d)\r\n/.exec(head)?.[1];
        assert(index === undefined ? status >= 400 : Number(index) === answered, head);
        const last = head.includes("\r\nconnection: close\r\n");
        const bodiless = requests[answered]?.method === "HEAD" || status === 204 || status === 304;
        answered++;
        const length = Number(/\r\ncontent-length: (\d+)\r\n/.exec(head)?.[1] ?? NaN);
        if (bodiless) {
          // Nothing follows but another answer.
        } else if (!isNaN(length)) {
          assert(rest.length >= length || driver.error !== undefined, driver.output);
          rest = rest.slice(length);
        } else if (head.includes("\r\ntransfer-encoding: chunked\r\n")) {
          const [chunks] = /^(?:4\r\ndata\r\n)*(?:0\r\n\r\n)?/.exec(rest)!;
          assert(chunks.endsWith("0\r\n\r\n") || driver.error !== undefined, driver.output);
          rest = rest.slice(chunks.length);
        } else {
          assert(last, head);
          rest = "";
        }
        assert(!last || rest === "", `after the last answer: ${driver.output}`);
      }
      assertEquals(answered, handled.length);
    }),
    { seed: 9113, numRuns: 2000 },
  );
});
