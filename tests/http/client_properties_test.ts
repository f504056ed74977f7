/**
 * Responses made at random, sent in random pieces, and cut at random: what is read is what was sent, or an error. And
 * requests with random bodies, given in all ways.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { call, type Coroutine } from "../../compose/mod.ts";
import { EndOfStream, gio, wait } from "../../gio/mod.ts";
import {
  encodeWhole,
  HttpClient,
  type HttpResponse,
  HttpServer,
  ok,
  response,
} from "../../http/mod.ts";
import { here, type Reactor, sendFile } from "../../reactor/mod.ts";
import { turns, turnsUntil } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { CA_CERT, CERT, KEY } from "../reactor/_tls.ts";
import { bytes, text } from "./_drive.ts";
import { serverTest } from "./_live.ts";
import { type Act, CLOSE, Misbehaving, RESET } from "./_misbehaving.ts";

const CODINGS = ["gzip", "deflate", "br"] as const;

interface Sent {
  interims: string[];
  status: number;
  /** What the body is, a character for each byte. */
  body: string;
  coding: (typeof CODINGS)[number] | undefined;
  framing: "length" | "chunked" | "until close";
  /** How many bytes each chunk has; the last one has all that are left. */
  chunks: number[];
  trailer: boolean;
  /** Whether the connection ends with the response. */
  closes: boolean;
  /** Where in the response it is cut, from 0 to 1, and how. */
  cut: { at: number; resets: boolean } | undefined;
  /** How long the pieces are in which it is sent, and whether time passes after each. */
  pieces: { length: number; rests: boolean }[];
  /** How it is read. */
  reading: keyof typeof readings;
}

/** The response as it is sent: the whole, where its body begins, and what the body is in the coding. */
function written(sent: Sent): { whole: string; bodyFrom: number; coded: string } {
  const { interims, status, body, coding, framing, chunks, trailer, closes } = sent;
  const coded = coding === undefined ? body : text(encodeWhole(coding, bytes(body)));
  const lines = [
    ...interims.map((status) => `HTTP/1.1 ${status} Wait\r\nX: y\r\n`),
    `HTTP/1.1 ${status} Said`,
    ...(coding === undefined ? [] : [`Content-Encoding: ${coding}`]),
    ...(framing === "length" ? [`Content-Length: ${coded.length}`] : []),
    ...(framing === "chunked" ? ["Transfer-Encoding: chunked"] : []),
    ...(closes ? ["Connection: close"] : []),
  ];
  const head = `${lines.join("\r\n")}\r\n\r\n`;
  if (framing !== "chunked") return { whole: head + coded, bodyFrom: head.length, coded };
  let framed = "";
  let at = 0;
  for (const length of [...chunks, coded.length]) {
    const chunk = coded.slice(at, at + length);
    at += length;
    if (chunk !== "") framed += `${chunk.length.toString(16)};a=b\r\n${chunk}\r\n`;
  }
  const whole = `${head}${framed}0\r\n${trailer ? "X: y\r\n" : ""}\r\n`;
  return { whole, bodyFrom: head.length, coded };
}

/** The ways to read a response. Each gives what it has read, or undefined if that is not of interest. */
const readings = {
  async whole(response: HttpResponse) {
    return text(await response.bytes());
  },
  async stream(response: HttpResponse) {
    let read = "";
    for await (const piece of response.stream()) read += text(piece);
    return read;
  },
  async file(response: HttpResponse) {
    const path = await Deno.makeTempFile();
    try {
      await response.saveTo(path);
      return text(await Deno.readFile(path));
    } finally {
      await Deno.remove(path);
    }
  },
  yields(response: HttpResponse, reactor: Reactor) {
    return gio(
      reactor,
      undefined,
      function* () {
        let read = "";
        try {
          using _ = response.enter();
          for (;;) read += text(yield);
        } catch (error) {
          if (!(error instanceof EndOfStream)) throw error;
        }
        return read;
      }(),
    ).result;
  },
  call(response: HttpResponse, reactor: Reactor) {
    return gio(
      reactor,
      undefined,
      function* () {
        return text(yield* call(response.bytes()));
      }(),
    ).result;
  },
  "nothing"(response: HttpResponse) {
    response.close();
    return Promise.resolve(undefined);
  },
  "a piece"(response: HttpResponse, reactor: Reactor) {
    return gio(
      reactor,
      undefined,
      function* () {
        try {
          using _ = response.enter();
          yield;
        } catch (error) {
          if (!(error instanceof EndOfStream)) throw error;
        }
        return undefined;
      }(),
    ).result;
  },
};

const sent: fc.Arbitrary<Sent> = fc.record({
  interims: fc.array(fc.constantFrom("100", "102", "103"), { maxLength: 2 })
    .map((statuses) => statuses.filter((_, i) => i < 2)),
  status: fc.constantFrom(200, 203, 404, 503),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 100 }).map(text),
    fc.tuple(fc.uint8Array({ maxLength: 100 }), fc.nat(2000))
      .map(([piece, times]) => text(piece).repeat(times)),
  ),
  coding: fc.option(fc.constantFrom(...CODINGS), { nil: undefined, freq: 1 }),
  framing: fc.constantFrom("length", "chunked", "until close"),
  chunks: fc.array(fc.nat(1000), { maxLength: 6 }),
  trailer: fc.boolean(),
  closes: fc.boolean(),
  cut: fc.option(
    fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), resets: fc.boolean() }),
    { nil: undefined, freq: 1 },
  ),
  pieces: fc.array(fc.record({ length: fc.nat(300), rests: fc.boolean() }), { maxLength: 8 }),
  reading: fc.constantFrom(...Object.keys(readings) as (keyof typeof readings)[]),
});

/** Answers each request with the response that its path tells. */
function answering(all: Sent[]): Act {
  return function* (talk) {
    for (;;) {
      const [, index] = /^GET \/(\d+) /.exec(yield* talk.request())!;
      const one = all[Number(index)]!;
      let { whole } = written(one);
      if (one.cut) whole = whole.slice(0, Math.floor(one.cut.at * whole.length));
      for (const { length, rests } of one.pieces) {
        yield bytes(whole.slice(0, length));
        if (rests) yield* wait(turns(3));
        whole = whole.slice(length);
      }
      yield bytes(whole);
      if (one.cut?.resets) yield RESET(talk);
      if (one.cut || one.closes || one.framing === "until close") yield CLOSE(talk);
    }
  };
}

/** Checks what has come of a response: its status and its body, or an error. */
function check(one: Sent, result: { status: number; body: string | undefined } | Error): void {
  const { whole, bodyFrom, coded } = written(one);
  const length = one.cut === undefined ? whole.length : Math.floor(one.cut.at * whole.length);
  const isUntilClose = one.framing === "until close";
  const ends = !one.cut?.resets;
  const isWhole = length === whole.length && (!isUntilClose || ends);
  if (!(result instanceof Error)) {
    assertEquals(result.status, one.status);
    assert(length >= bodyFrom, "the head had not come");
    if (result.body === undefined) return; // Nobody has looked at the end.
    if (isWhole) return assertEquals(result.body, one.body);
    // Nothing tells a part from the whole.
    const part = coded.slice(0, length - bodyFrom);
    assert(isUntilClose && ends && (one.coding === undefined || part === ""), "it was cut");
    return assertEquals(result.body, part);
  }
  const { name, message } = result;
  const told = `${name}: ${message}`;
  assert(!isWhole || one.cut?.resets, told);
  assertMatch(
    told,
    length === 0 ? /^(RemoteProtocolError|ConnectionReset): / : /^RemoteProtocolError: /,
  );
}

for (const scheme of ["http", "https"]) {
  const name =
    `HttpClient reads what was sent by ${scheme}, or fails, however it is sent, cut and read`;
  serverTest(name, async (reactor, errors) => {
    const property = fc.asyncProperty(
      fc.array(sent, { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      async (all, isTogether) => {
        const certificate = scheme === "https" ? { cert: CERT, key: KEY } : {};
        using server = new Misbehaving(reactor, [[answering(all)]], certificate);
        const client = new HttpClient({ reactor, tls: { caCerts: [CA_CERT] } });
        const ask = async (one: Sent, index: number) => {
          let result: Parameters<typeof check>[1];
          try {
            const response = await client.get(`${scheme}://${hostname}:${server.port}/${index}`);
            const body = await readings[one.reading](response, reactor);
            result = { status: response.status, body };
          } catch (error) {
            result = error as Error;
          }
          check(one, result);
        };
        if (isTogether) await Promise.all(all.map(ask));
        else for (const [index, one] of all.entries()) await ask(one, index);
        client.close();
        await turnsUntil(() => client.inspect().length === 0);
        assertEquals(errors, []);
      },
    );
    await fc.assert(property, { numRuns: scheme === "http" ? 150 : 50 });
  });
}

/** How a body is given. */
const contents = {
  text: (body: string) => body,
  bytes: (body: string) => bytes(body) as Uint8Array<ArrayBuffer>,
  blob: (body: string) => new Blob([bytes(body) as Uint8Array<ArrayBuffer>]),
  pieces: (body: string) => pieces(body).map(bytes),
  stream: (body: string) => ReadableStream.from(pieces(body).map(bytes)),
  async *"asynchronous pieces"(body: string) {
    for (const piece of pieces(body)) {
      yield bytes(piece);
      await turns();
    }
  },
  *coroutine(body: string): Coroutine {
    for (const piece of pieces(body)) {
      yield bytes(piece);
      yield* wait(turns());
    }
  },
  *"a coroutine that sends a file"(body: string): Coroutine {
    const path = Deno.makeTempFileSync();
    try {
      Deno.writeFileSync(path, bytes(body));
      yield* sendFile(here, path);
    } finally {
      Deno.removeSync(path);
    }
  },
};

function pieces(text: string): string[] {
  return text.match(/[^]{1,20000}/g) ?? [];
}

interface Upload {
  body: string;
  content: keyof typeof contents;
  isLengthGiven: boolean;
  expectContinue: boolean;
  /** What the server does with it. */
  server: "echoes" | "is slow" | "answers at once" | "closes" | "resets";
  /** How many bytes it reads before. */
  after: number;
}

const upload: fc.Arbitrary<Upload> = fc.record({
  body: fc.oneof(
    fc.string({ unit: fc.constantFrom(..."abc"), maxLength: 100 }),
    fc.tuple(fc.string({ unit: fc.constantFrom(..."abc"), maxLength: 100 }), fc.nat(10_000))
      .map(([piece, times]) => piece.repeat(times)),
  ),
  content: fc.constantFrom(...Object.keys(contents) as (keyof typeof contents)[]),
  isLengthGiven: fc.boolean(),
  expectContinue: fc.boolean(),
  server: fc.constantFrom("echoes", "is slow", "answers at once", "closes", "resets"),
  after: fc.nat(20_000),
});

serverTest(
  "HttpClient sends what was given, and gets each answer, however it is taken",
  async (reactor, errors) => {
    const property = fc.asyncProperty(
      fc.array(upload, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (all, isTogether) => {
        using server = new HttpServer(reactor, {
          ...listening,
          onError() {}, // of those that are to be reset
          *handler(request) {
            const { server, after } = all[Number(request.path.slice(1))]!;
            if (server === "answers at once") return yield response(413, { "content-length": 0 });
            let body = "";
            try {
              for (;;) {
                body += text(yield);
                if (server === "is slow") yield* wait(turns(2));
                if (body.length > after && (server === "closes" || server === "resets")) break;
              }
            } catch (error) {
              if (!(error instanceof EndOfStream)) throw error;
            }
            if (server === "closes") return yield response(503, { connection: "close" });
            yield server === "resets" ? ok({ "content-length": body.length + 1 }) : ok();
            // If one byte is missing, it is a 500 if nothing was sent, and else the connection is aborted.
            yield body;
          },
        });
        const client = new HttpClient({ reactor });
        const ask = async (one: Upload, index: number) => {
          const { body, content, isLengthGiven, expectContinue } = one;
          const given = contents[content](body);
          const headers = isLengthGiven ? { "content-length": body.length } : {};
          const url = `http://${hostname}:${server.port}/${index}`;
          let result: string;
          try {
            const answer = await client.put(url, { body: given, headers, expectContinue });
            result = `${answer.status} ${await answer.text(Infinity)}`;
          } catch (error) {
            result = String(error);
          }
          if (one.server === "answers at once") assertEquals(result, "413 ");
          else if (one.server === "closes") assertEquals(result, "503 ");
          else if (one.server === "resets") {
            assertMatch(result, /^500 |^(RemoteProtocolError|ConnectionReset|BrokenPipe): /);
          } else assertEquals(result, `200 ${body}`);
        };
        if (isTogether) await Promise.all(all.map(ask));
        else for (const [index, one] of all.entries()) await ask(one, index);
        client.close();
        await turnsUntil(() => client.inspect().length === 0);
        assertEquals(errors, []);
      },
    );
    await fc.assert(property, { numRuns: 100 });
  },
);

interface Abort {
  size: number;
  /** How often the server waits before its answer, and in it. */
  waits: number;
  isPut: boolean;
  /** Who gives up; nobody if it is undefined. */
  by: "the signal" | "cancelling" | "closing" | undefined;
  /** How many turns of the event loop later. */
  after: number;
}

const abort: fc.Arbitrary<Abort> = fc.record({
  size: fc.oneof(fc.nat(100), fc.nat(200_000)),
  waits: fc.nat(3),
  isPut: fc.boolean(),
  by: fc.constantFrom("the signal", "cancelling", "closing", undefined, undefined),
  after: fc.nat(30),
});

serverTest(
  "HttpClient gives each its answer, whoever gives up meanwhile, with few connections",
  async (reactor, errors) => {
    const property = fc.asyncProperty(
      fc.array(abort, { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 1, max: 3 }),
      async (all, maxConnectionsPerOrigin) => {
        using server = new HttpServer(reactor, {
          ...listening,
          *handler(request) {
            const index = Number(request.path.slice(1));
            const { size, waits } = all[index]!;
            const body = yield* call(request.bytes());
            for (let i = 0; i < waits; i++) yield* wait(turns(3));
            yield ok({ "content-length": size + body.length });
            for (const piece of pieces(String(index).repeat(size))) {
              yield piece;
              if (waits > 0) yield* wait(turns());
            }
            yield body;
          },
        });
        const client = new HttpClient({ reactor, maxConnectionsPerOrigin });
        const ask = async ({ size, isPut, by, after }: Abort, index: number) => {
          const url = `http://${hostname}:${server.port}/${index}`;
          const controller = new AbortController();
          const options = {
            ...(by === "the signal" && { signal: controller.signal }),
            ...(isPut && { body: "p".repeat(size) }),
          };
          const reason = new Error("given up");
          const running = gio(
            reactor,
            undefined,
            function* () {
              const response = yield* client.request(isPut ? "PUT" : "GET", url, options);
              if (by !== "closing") return text(yield* call(response.bytes()));
              response.close();
              return "closed";
            }(),
          );
          const result = running.result.catch((error) => error);
          if (by === "the signal" || by === "cancelling") {
            await turns(after);
            if (by === "the signal") controller.abort(reason);
            else running.cancel(reason);
          }
          const got = await result;
          if (got instanceof Error) assertEquals([by !== undefined, got], [true, reason]);
          else if (by === "closing") assertEquals(got, "closed");
          else assertEquals(got, String(index).repeat(size) + (isPut ? "p".repeat(size) : ""));
        };
        await Promise.all(all.map(ask));
        assert(client.inspect().every(({ waiting }) => waiting === 0));
        client.close();
        await turnsUntil(() => client.inspect().length === 0);
        server.close();
        await turnsUntil(() => reactor.inspect().length === 0);
        assertEquals(errors, []);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  },
);
