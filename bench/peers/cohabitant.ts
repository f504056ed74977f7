// A server in a program that does other things as well; GET /measure tells how those fare.
import { parseArgs } from "node:util";
import type { Coroutine } from "../../compose/mod.ts";
import { wait } from "../../gio/mod.ts";
import { HttpServer, ok } from "../../http/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { here } from "../_servers.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { server: { type: "string", default: "deno" } },
});

// Who is fetched lives in a process of its own.
const other = new Deno.Command(Deno.execPath(), {
  args: ["run", "--allow-net", here("peers/deno_serve.ts")],
  stdout: "piped",
}).spawn();
const { value } = await other.stdout.pipeThrough(new TextDecoderStream()).getReader().read();
const url = value!.match(/http:\S+/)![0];

interface Measured {
  lateMs: number;
  worstMs: number;
  fetches: number;
  signalMs: number;
}

async function measure(ms: number): Promise<Measured> {
  const late: number[] = [];
  let last = performance.now();
  const interval = setInterval(() => {
    const now = performance.now();
    late.push(Math.max(0, now - last - 10));
    last = now;
  }, 10);
  let signalSent = 0;
  const signals: number[] = [];
  const onSignal = () => signals.push(performance.now() - signalSent);
  Deno.addSignalListener("SIGUSR2", onSignal);
  let fetches = 0;
  const end = performance.now() + ms;
  while (performance.now() < end) {
    await (await fetch(url)).text();
    fetches++;
    if (fetches % 10 === 1) {
      signalSent = performance.now();
      Deno.kill(Deno.pid, "SIGUSR2");
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  clearInterval(interval);
  Deno.removeSignalListener("SIGUSR2", onSignal);
  late.sort((a, b) => a - b);
  signals.sort((a, b) => a - b);
  return {
    lateMs: late[late.length >> 1] ?? Infinity,
    worstMs: late[Math.floor(0.99 * late.length)] ?? Infinity,
    fetches: fetches * 1000 / ms,
    signalMs: signals[signals.length >> 1] ?? Infinity,
  };
}

const duration = (query: URLSearchParams) => Number(query.get("ms") ?? 1000);
const head = ok({ "content-type": "text/plain" });

if (values.server === "Deno.serve") {
  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen: ({ port }) => console.log(`Listening on 127.0.0.1:${port}`),
  }, async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/measure") return Response.json(await measure(duration(searchParams)));
    return new Response("Hello!", { headers: { "content-type": "text/plain" } });
  });
  Deno.addSignalListener("SIGTERM", () => server.shutdown());
  await server.finished;
} else {
  const reactor = new Reactor({ selector: values.server as "deno" | "epoll" });
  const server = new HttpServer(reactor, {
    port: 0,
    hostname: "127.0.0.1",
    *handler(request): Coroutine {
      yield head;
      if (request.path === "/measure") {
        yield JSON.stringify(yield* wait(measure(duration(request.query))));
      } else yield "Hello!";
    },
  });
  console.log(`Listening on 127.0.0.1:${server.port}`);
  Deno.addSignalListener("SIGTERM", () => reactor.requestShutdown());
  await reactor.run();
}
other.kill("SIGTERM");
Deno.exit();
