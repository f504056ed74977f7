/** A page that shows what a running program does; see monitor.ts. */
import { call, type Coroutine } from "@weightless/io/compose";
import { sleep, wait } from "@weightless/io/gio";
import {
  events,
  eventStream,
  type HttpRequest,
  HttpServer,
  ok,
  response,
} from "@weightless/io/http";
import { Observable, pipe, toDot } from "@weightless/io/pipeline";
import {
  type Inspected,
  inspectedText,
  type Reactor,
  type ReactorEvents,
  type Socket,
} from "@weightless/io/reactor";

const INTERVAL_MS = 1000;

/** Counts what a reactor does: give it as the `events` of the reactor. */
export class Meter implements ReactorEvents {
  readonly counts = { accepted: 0, closed: 0, received: 0, sent: 0, steps: 0, busyMs: 0 };
  /** The port whose connections are not counted: that of the monitor. */
  own: number | undefined;

  readonly accepted = (socket: Socket): void => this.#count(socket, "accepted", 1);
  readonly closed = (socket: Socket): void => this.#count(socket, "closed", 1);
  readonly received = (socket: Socket, length: number): void =>
    this.#count(socket, "received", length);
  readonly sent = (socket: Socket, length: number): void => this.#count(socket, "sent", length);
  readonly step = (ms: number): void => {
    this.counts.steps++;
    this.counts.busyMs += ms;
  };

  #count({ localAddr }: Socket, name: keyof Meter["counts"], count: number): void {
    const isOwn = localAddr?.transport === "tcp" && localAddr.port === this.own;
    if (!isOwn) this.counts[name] += count;
  }
}

/** What the page shows. */
interface Snapshot {
  /** How much of each there was in a second. */
  readonly rates: Record<string, number>;
  /** All but timers and the connections of the monitor itself. */
  readonly connections: Inspected[];
  readonly coroutines: Inspected[];
  readonly timers: Inspected[];
}

/** Serves the page of a reactor on a port of its own. `root` is drawn if it is a component. */
export function monitor(
  reactor: Reactor,
  meter: Meter,
  at: { hostname: string; port: number },
  root: unknown,
): HttpServer {
  const server = new HttpServer(reactor, {
    ...at,
    *handler(request: HttpRequest): Coroutine {
      switch (request.path) {
        case "/":
          yield ok({ "content-type": "text/html; charset=utf-8" });
          return yield page;
        case "/text":
          yield ok({ "content-type": "text/plain; charset=utf-8" });
          return yield inspectedText(inspected());
        case "/dna.svg":
          if (!(root instanceof Observable)) return yield response(404);
          yield ok({ "content-type": "image/svg+xml" });
          return yield (yield* wait(graphviz())).renderString(toDot(root), { format: "svg" });
        case "/events":
          yield eventStream();
          return yield* call(pipe(snapshots(), events({ retry: INTERVAL_MS })));
        default:
          yield response(404);
      }
    },
  });
  meter.own = server.port;
  const own = `:${server.port}`;
  const inspected = () =>
    reactor.inspect().filter(({ what }) => !what.includes(`${own} <-`) && !what.endsWith(own));

  function* snapshots(): Coroutine {
    let last = { ...meter.counts }, lastAt = performance.now();
    for (;;) {
      const begin = performance.now();
      yield { event: "snapshot", data: JSON.stringify(snapshot(inspected(), last, lastAt)) };
      last = { ...meter.counts };
      lastAt = performance.now();
      // To look takes time, of which the program must not notice much.
      yield* sleep(Math.max(INTERVAL_MS, 20 * (lastAt - begin)));
    }
  }

  function snapshot(all: Inspected[], last: Meter["counts"], lastAt: number): Snapshot {
    const seconds = Math.max(performance.now() - lastAt, 1) / 1000;
    const rates = Object.entries(meter.counts).map(([name, count]) =>
      [name, (count - last[name as keyof typeof last]) / seconds] as const
    );
    return {
      rates: Object.fromEntries(rates),
      connections: all.filter(({ kind }) => kind !== "coroutine" && kind !== "timer"),
      coroutines: all.filter(({ kind }) => kind === "coroutine"),
      timers: all.filter(({ kind }) => kind === "timer"),
    };
  }
  return server;
}

/** Draws graphs. Deno would load it at the start of each example, if its name stood in the `import()`. */
const GRAPHVIZ: string = "npm:@viz-js/viz@^3";

async function graphviz(): Promise<{ renderString(dot: string, options: object): string }> {
  const { instance } = await import(GRAPHVIZ);
  return await instance();
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Monitor</title>
<style>
  body { font: 15px/1.4 system-ui, sans-serif; margin: 1rem; }
  table { border-collapse: collapse; display: block; overflow-x: auto; }
  td, th { text-align: left; vertical-align: top; padding: 0.1rem 0.8rem 0.1rem 0; white-space: pre-line; }
  #dna { max-width: 100%; }
  .stale { opacity: 0.4; }
</style>
<h1>Monitor</h1>
<div id="all">
<h2>Rates, in a second</h2><table id="rates"></table>
<h2>Coroutines</h2><table id="coroutines"></table>
<h2>Connections</h2><table id="connections"></table>
<h2>Timers</h2><table id="timers"></table>
</div>
<img id="dna" src="/dna.svg" alt="The components" onerror="this.hidden = true">
<script>
  const fill = (id, rows) => document.getElementById(id).replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    for (const cell of cells) row.insertCell().textContent = cell ?? "";
    return row;
  }));
  const ms = (value) => value === undefined ? "" : Math.round(value) + " ms";
  const source = new EventSource("/events");
  source.addEventListener("snapshot", ({ data }) => {
    const { rates, coroutines, connections, timers } = JSON.parse(data);
    fill("rates", Object.entries(rates).map(([name, rate]) => [name, rate.toFixed(1)]));
    fill("coroutines", coroutines.map(({ what, waits, where }) => [what, waits, where?.replaceAll(", ", "\\n")]));
    fill("connections", connections.map(({ kind, what, ageMs }) => [kind, what, ms(ageMs)]));
    fill("timers", timers.map(({ what, dueMs }) => [what, "due in " + ms(dueMs)]));
    document.getElementById("all").className = "";
  });
  source.onerror = () => document.getElementById("all").className = "stale";
</script>
`;
