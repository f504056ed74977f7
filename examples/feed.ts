/**
 * A feed: each message goes to 10,000 subscribers, encoded once. One that does not read fast enough misses messages, or is closed,
 * and holds up nobody. With `--subscribe N` it is N subscribers, which count what they get, and how late.
 *
 *     ulimit -n 20000      # each subscriber takes a descriptor on both sides
 *     deno run --allow-net examples/feed.ts [--port 8011] [--every-ms 1000] [--bytes 100] [--slow skip|close]
 *     deno run --allow-net examples/feed.ts --subscribe 10000 [--port 8011] [--messages 10]
 *     curl http://127.0.0.1:8011/
 */
import type { Coroutine } from "@weightless/io/compose";
import { all, asProcess, gio, Queue, sleep } from "@weightless/io/gio";
import { HttpClient, type HttpRequest, HttpServer, ok } from "@weightless/io/http";
import { accept, Broadcast } from "@weightless/io/http/websocket";
import { fail, number, options, port, selector, serve } from "./_cli.ts";

const given = options(
  "feed.ts [--port 8011] [--hostname 127.0.0.1] [--every-ms 1000] [--bytes 100] [--slow skip|close] " +
    "[--selector auto|deno|epoll], or feed.ts --subscribe N [--port 8011] [--messages 10]",
  {
    ...{ port: "8011", hostname: "127.0.0.1", selector: "auto", subscribe: "0" },
    ...{ "every-ms": "1000", bytes: "100", slow: "skip", messages: "10" },
  },
);
const at = { hostname: given.hostname, port: port(given.port) };
const subscribers = number("subscribe", given.subscribe, 0, 60_000);
const everyMs = number("every-ms", given["every-ms"], 1, 3_600_000);
const bytes = number("bytes", given.bytes, 0, 1_000_000);
const messages = number("messages", given.messages, 1, 1_000_000);
const { slow } = given;
if (slow !== "skip" && slow !== "close") fail(`Cannot use slow ${slow}: it must be skip or close`);
const back = { selector: selector(given.selector) };

// The server:

const feed = new Broadcast({ slow: slow as "skip" | "close" });
let sent = 0;

function* publish(): Coroutine {
  const data = "x".repeat(bytes);
  for (;; sent++) {
    yield* sleep(everyMs);
    feed.send(JSON.stringify({ n: sent, at: Date.now(), data }));
  }
}

function* handler(request: HttpRequest): Coroutine {
  if (request.path !== "/feed") {
    yield ok({ "content-type": "text/plain" });
    return yield `${feed.size} subscribers, ${sent} messages, ${feed.skipped} skipped\n`;
  }
  const socket = yield* accept(request, { limits: { maxMessageBytes: 0 } });
  using _ = feed.add(socket);
  yield; // until it is closed, or says anything
}

// The subscribers:

/** Those that are opening. The system lets only a few hundred wait to be accepted. */
const opening = new Queue<true>({ capacity: 100 });
const latencies: number[] = [];
let missed = 0;

function* subscriber(client: HttpClient): Coroutine {
  yield* opening.put(true);
  yield* client.webSocket(`ws://${at.hostname}:${at.port}/feed`);
  yield* opening.get();
  for (let i = 0, next: number | undefined; i < messages; i++) {
    const { n, at } = JSON.parse(yield);
    latencies.push(Date.now() - at);
    missed += n - (next ?? n);
    next = n + 1;
  }
}

if (subscribers === 0) {
  await serve(back, (reactor) => {
    gio(reactor, undefined, publish());
    return new HttpServer(reactor, { ...at, handler });
  });
} else {
  using client = new HttpClient({
    maxConnections: subscribers,
    maxConnectionsPerOrigin: subscribers,
  });
  await asProcess(
    function* () {
      yield* all(...Array.from({ length: subscribers }, () => subscriber(client)));
    }(),
    back,
  );
  latencies.sort((a, b) => a - b);
  const [half, most] = [0.5, 0.99].map((part) => latencies[Math.floor(part * latencies.length)]);
  console.log(`${subscribers} subscribers, ${latencies.length} messages, ${missed} missed`);
  console.log(`Half came within ${half} ms, 99 % within ${most} ms`);
}
