/**
 * Server-sent events: a clock, and a page that shows it. A client that connects again gets the ticks that it has missed.
 *
 *     deno run --allow-net examples/events.ts [--port 8004] [--every-ms 1000]
 *     curl -N http://127.0.0.1:8004/events
 */
import { call, type Coroutine } from "@weightless/io/compose";
import { sleep } from "@weightless/io/gio";
import {
  events,
  eventStream,
  type EventToSend,
  type HttpRequest,
  HttpServer,
  lastEventId,
  ok,
  response,
} from "@weightless/io/http";
import { pipe } from "@weightless/io/pipeline";
import { number, options, port, selector, serve } from "./_cli.ts";

/** How many ticks a client gets at most that it has missed. */
const MAX_MISSED = 60;

const html = ok({ "content-type": "text/html; charset=utf-8" });

const page = `<!doctype html>
<meta charset="utf-8">
<title>Clock</title>
<h1 id="time">…</h1>
<p>Tick <span id="tick">…</span>. Restart the server: the clock goes on where it was.</p>
<script>
  new EventSource("/events").addEventListener("tick", ({ data, lastEventId }) => {
    document.getElementById("time").textContent = data;
    document.getElementById("tick").textContent = lastEventId;
  });
</script>
`;

/** Ticks are counted since 1970. So the next one is known without remembering any client. */
function* clock(everyMs: number, last: number): Coroutine {
  const now = Math.floor(Date.now() / everyMs);
  // What a client tells may be anything, NaN too.
  let tick = last < now ? Math.max(last + 1, now - MAX_MISSED) : now;
  for (;; tick++) {
    yield* sleep(Math.max(0, tick * everyMs - Date.now()));
    const data = new Date(tick * everyMs).toISOString();
    yield { id: String(tick), event: "tick", data } satisfies EventToSend;
  }
}

function* handler(request: HttpRequest, everyMs: number): Coroutine {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return yield response(405, { allow: "GET, HEAD" });
  }
  switch (request.path) {
    case "/":
      yield html;
      yield page;
      break;
    case "/events": {
      const last = Number(lastEventId(request));
      yield eventStream();
      yield* call(pipe(clock(everyMs, last), events({ retry: 1000 })));
      break;
    }
    default:
      yield response(404);
  }
}

const given = options(
  "events.ts [--port 8004] [--hostname 127.0.0.1] [--every-ms 1000] [--selector auto|deno|epoll]",
  { port: "8004", hostname: "127.0.0.1", "every-ms": "1000", selector: "auto" },
);
const everyMs = number("every-ms", given["every-ms"], 1, 3_600_000);
const at = { hostname: given.hostname, port: port(given.port) };
await serve(
  { selector: selector(given.selector) },
  (reactor) => new HttpServer(reactor, { ...at, handler: (request) => handler(request, everyMs) }),
);
