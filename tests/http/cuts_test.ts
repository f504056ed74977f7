/** Each request of the tests, whole, byte by byte, and cut at every place: the outcome is the same. */
import { assertEquals } from "@std/assert";
import { type HttpLimits, HttpServer } from "../../http/mod.ts";
import { turns } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { corpus } from "./_corpus.ts";
import { bytes, text } from "./_drive.ts";
import { serverTest } from "./_live.ts";
import { limits as small, malformed } from "./_malformed.ts";
import { reading } from "./_reading.ts";
import { rules as rfc9110 } from "./_rfc9110.ts";
import { rules as rfc9112 } from "./_rfc9112.ts";
import { handler } from "./_rule_tests.ts";

/** The last request, for connections that stay open. */
const LAST = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

interface Sent {
  text: string;
  limits: Partial<HttpLimits>;
}

const ofRules = [...rfc9112, ...rfc9110].flatMap((rule) =>
  "sent" in rule && typeof rule.sent === "string" && !rule.tls && rule.options === undefined
    ? [rule.sent]
    : []
);
/** An expectation, with a body that is empty and may have come. */
const EXPECTING =
  "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
const requests: Sent[] = [
  ...[EXPECTING, ...corpus.map(({ text }) => text), ...ofRules].map((text) => ({
    text,
    limits: {},
  })),
  ...malformed.map(([text]) => ({ text, limits: small })),
];

/** The places where a text is cut: all, unless there are too many. */
function* places({ length }: string): Generator<number> {
  const step = length < 2000 ? 1 : length >> 5;
  for (let at = 1; at < length; at += at < 80 || at > length - 80 ? 1 : step) yield at;
}

/** RFC 9110 10.1.1: whether there is a 100 depends on what has come of the body. */
function withoutContinue(answer: string): string {
  return answer.replaceAll("HTTP/1.1 100 Continue\r\n\r\n", "");
}

Deno.test("serveHttp() makes the same of each request of the tests, wherever it is cut", () => {
  for (const { text, limits } of requests) {
    const outcome = (pieces: Iterable<string>) => {
      const { driver, seen } = reading(limits);
      for (const piece of pieces) driver.feed(piece);
      const { output, done, error } = driver;
      return JSON.stringify([withoutContinue(output), done, error, seen]);
    };
    const sent = text + LAST;
    const whole = outcome([sent]);
    assertEquals(outcome(sent), whole, `byte by byte: ${JSON.stringify(text)}`);
    for (const at of places(sent)) {
      const cut = outcome([sent.slice(0, at), sent.slice(at)]);
      if (cut !== whole) assertEquals(cut, whole, `cut at ${at}: ${JSON.stringify(text)}`);
    }
  }
});

/** What is answered to pieces, each of which is sent when the one before has had time to arrive. */
async function answerTo(port: number, pieces: Iterable<string>): Promise<string> {
  using conn = await Deno.connect({ hostname, port });
  conn.setNoDelay(true);
  let answer = "";
  const answered = (async () => {
    const buffer = new Uint8Array(65536);
    for (let n; (n = await conn.read(buffer)) !== null;) answer += text(buffer.subarray(0, n));
  })();
  answered.catch(() => {}); // It is waited for below.
  try {
    for (const piece of pieces) {
      for (let rest = bytes(piece); rest.length > 0;) rest = rest.subarray(await conn.write(rest));
      await turns();
    }
  } catch {
    // The server has closed the connection: the request was refused.
  }
  await answered;
  return withoutContinue(answer).replaceAll(/\r\ndate: [^\r]*GMT/g, "");
}

/** So many connections are open together. */
const TOGETHER = 16;

serverTest(
  "HttpServer answers each request of the tests alike, wherever it is cut",
  async (reactor) => {
    for (const limits of [{}, small]) {
      const texts = requests.filter((request) => (request.limits === small) === (limits === small))
        .map(({ text }) => text + LAST)
        // What comes after a CONNECT is not one request more, but a stream.
        .filter((text) => limits === small || !text.startsWith("CONNECT"));
      const onError = () => {};
      using server = new HttpServer(reactor, { ...listening, limits, handler, onError });
      const { port } = server;
      const check = async (sent: string) => {
        const whole = await answerTo(port, [sent]);
        const { length } = sent;
        for (const at of [1, length >> 2, length >> 1, length - LAST.length, length - 1]) {
          const answer = await answerTo(port, [sent.slice(0, at), sent.slice(at)]);
          assertEquals(answer, whole, `cut at ${at}: ${JSON.stringify(sent)}`);
        }
        if (length > 2000) return;
        assertEquals(await answerTo(port, sent), whole, `byte by byte: ${JSON.stringify(sent)}`);
      };
      const queue = texts.values();
      await Promise.all(Array.from({ length: TOGETHER }, async () => {
        for (const sent of queue) await check(sent);
      }));
    }
  },
);
