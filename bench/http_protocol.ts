/**
 * serveHttp() in memory: requests per second from bytes to bytes, with no socket.
 *
 * A handler that says hello, composed as gio does it; the output is encoded as UTF-8. Each case is one request for each
 * chunk, or 16 pipelined; medians over the rounds.
 *
 *     deno run -A bench/http_protocol.ts [--rounds 7]
 */
import { parseArgs } from "node:util";
import { compose, type Coroutine } from "../compose/mod.ts";
import { type HttpRequest, ok, serveHttp } from "../http/mod.ts";
import { median, printTable, round, type Row, type Table, writeJson } from "./_report.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: { rounds: { type: "string", default: "7" } },
});

const head = ok({ "content-type": "text/plain" });

/** Knows its head and its body beforehand. */
function* constant(request: HttpRequest): Coroutine {
  if (request.method === "GET") {
    yield head;
    yield "Hello!";
  }
}

let count = 0;
/** Looks at the request and makes everything anew. */
function* varying(request: HttpRequest): Coroutine {
  const agent = request.headers.get("user-agent") ?? "";
  yield ok({ "content-type": "text/plain", "x-path": request.path });
  yield `Hello ${agent.length}, ${count++}!`;
}

/** Sends the body back. */
function* echo(): Coroutine {
  yield head;
  for (;;) yield yield;
}

const requests = {
  "wrk (1 header)": "GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n",
  "curl (3 headers)":
    "GET /index.html HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n",
  "browser (10 headers)": "GET /articles/2024/coroutines?page=2 HTTP/1.1\r\n" +
    "Host: www.example.org\r\n" +
    "Connection: keep-alive\r\n" +
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n" +
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
    "Accept-Encoding: gzip, deflate, br, zstd\r\n" +
    "Accept-Language: nl-NL,nl;q=0.9,en-US;q=0.8,en;q=0.7\r\n" +
    "Cache-Control: max-age=0\r\n" +
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=1\r\n" +
    "Referer: https://www.example.org/articles/2024\r\n" +
    "Upgrade-Insecure-Requests: 1\r\n\r\n",
  "POST (11 bytes)":
    "POST / HTTP/1.1\r\nHost: localhost:8000\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nHello there",
};

const DURATION_MS = 150;
const encoder = new TextEncoder();
const sink = new Uint8Array(1 << 20);

/** Nanoseconds per request. */
function measure(handler: (request: HttpRequest) => Coroutine, request: string, pipelined: number) {
  const connection = compose(serveHttp(handler));
  connection.next();
  const chunk = encoder.encode(request.repeat(pipelined));
  let served = 0;
  let bytes = 0;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < DURATION_MS) {
    for (let i = 0; i < 200; i++) {
      let { value } = connection.next(chunk);
      while (value !== undefined) {
        bytes += typeof value === "string"
          ? encoder.encodeInto(value, sink).written
          : (value as Uint8Array).length;
        value = connection.next().value;
      }
      served += pipelined;
    }
    elapsed = performance.now() - start;
  }
  if (bytes < served * 50) throw new Error(`${bytes} bytes are no answer to ${served} requests`);
  return elapsed * 1e6 / served;
}

const cases: [string, (request: HttpRequest) => Coroutine, keyof typeof requests][] = [
  ["constant", constant, "wrk (1 header)"],
  ["constant", constant, "curl (3 headers)"],
  ["constant", constant, "browser (10 headers)"],
  ["varying", varying, "wrk (1 header)"],
  ["varying", varying, "browser (10 headers)"],
  ["echo", echo, "POST (11 bytes)"],
];

const rows: Row[] = [];
for (const pipelined of [1, 16]) {
  for (const [name, handler, request] of cases) {
    const times: number[] = [];
    measure(handler, requests[request], pipelined);
    for (let i = 0; i < Number(options.rounds); i++) {
      times.push(measure(handler, requests[request], pipelined));
    }
    rows.push({
      request,
      answer: name,
      pipelined,
      "µs/request": round(median(times) / 1000),
      "requests/s": round(1e9 / median(times)),
    });
  }
}
const table: Table = { title: "serveHttp() in memory", rows };
printTable(table);
await writeJson("http_protocol", [table]);
