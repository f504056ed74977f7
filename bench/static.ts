/**
 * Files of 16 KiB and of 1 MiB over 32 connections that stay open, with wrk: `files()` on both back ends, a stream of
 * Deno.serve, and nginx.
 *
 * Every peer gets its turn in each round, in alternating order; medians and ratios are over the rounds. The processor time
 * of the servers is more reliable than the rates, where wrk shares the processors with them.
 *
 *     deno run -A bench/static.ts [--rounds 3] [--seconds 1]
 */
import { parseArgs } from "node:util";
import { startNginx } from "./_ends.ts";
import { median, printTable, round, type Row, type Table, writeJson } from "./_report.ts";
import { has, here, processorTime, type Server, start, stop } from "./_servers.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: { rounds: { type: "string", default: "3" }, seconds: { type: "string", default: "1" } },
});
const rounds = Number(options.rounds);
const CONNECTIONS = 32;
const SIZES = { "16 KiB": 16 * 1024, "1 MiB": 1024 * 1024 };
const STREAM = "Deno.serve, stream";
const NGINX = "nginx, 1 process";

if (Deno.build.os !== "linux" || !await has("wrk")) {
  console.error("Without Linux and wrk nothing is measured: apt-get install wrk nginx");
  Deno.exit();
}

const root = await Deno.makeTempDir();
for (const [name, size] of Object.entries(SIZES)) {
  await Deno.writeFile(`${root}/${name.replace(" ", "")}`, new Uint8Array(size).fill(7));
}

const ours = (...means: string[]) => () =>
  start(Deno.execPath(), ["run", "-A", here("peers/static_server.ts"), root, ...means]);

function nginx(): Promise<Server> {
  return startNginx((port) => [
    "sendfile on; tcp_nopush on; keepalive_requests 1000000000;",
    "default_type application/octet-stream;",
    `server { listen 127.0.0.1:${port}; root ${root}; }`,
  ], ["user root;"]);
}

const starts: Record<string, () => Promise<Server>> = {
  "weightless, epoll": ours("weightless", "epoll"),
  "weightless, deno": ours("weightless", "deno"),
  [STREAM]: ours("Deno.serve"),
  ...(await has("nginx") && { [NGINX]: nginx }),
};

interface Measured {
  rate: number;
  /** Microseconds of processor time for each request. */
  cpu: number;
}

async function measure(server: Server, path: string): Promise<Measured> {
  const before = processorTime(server);
  const { stdout } = await new Deno.Command("wrk", {
    args: [
      "-t1",
      `-c${CONNECTIONS}`,
      `-d${options.seconds}s`,
      `http://127.0.0.1:${server.port}${path}`,
    ],
  }).output();
  const text = new TextDecoder().decode(stdout);
  const [, rate] = /Requests\/sec:\s+([\d.]+)/.exec(text) ?? [];
  const [, requests] = /(\d+) requests in/.exec(text) ?? [];
  if (rate === undefined || /Socket errors|Non-2xx/.test(text)) {
    throw new Error(`wrk reports errors: ${text}`);
  }
  return { rate: Number(rate), cpu: 1000 * (processorTime(server) - before) / Number(requests) };
}

const servers = new Map<string, Server>();
const tables: Table[] = [];
try {
  for (const [name, start] of Object.entries(starts)) servers.set(name, await start());
  for (const size of Object.keys(SIZES)) {
    const path = `/${size.replace(" ", "")}`;
    const results = new Map<string, Measured[]>([...servers.keys()].map((name) => [name, []]));
    const order = [...servers];
    for (const [, server] of order) await measure(server, path);
    for (let i = 0; i < rounds; i++) {
      for (const [name, server] of order) results.get(name)!.push(await measure(server, path));
      order.reverse();
    }
    const of = (name: string, what: keyof Measured) =>
      median((results.get(name) ?? []).map((one) => one[what]));
    const rows: Row[] = [...results.keys()].map((name) => ({
      server: name,
      "requests/s": Math.round(of(name, "rate")),
      "CPU µs/request": round(of(name, "cpu")),
      [`× ${STREAM}`]: round(of(name, "rate") / of(STREAM, "rate")),
      ...(results.has(NGINX) && { [`× nginx`]: round(of(name, "rate") / of(NGINX, "rate")) }),
    }));
    tables.push({ title: `Static files of ${size}, ${CONNECTIONS} connections`, rows });
    printTable(tables.at(-1)!);
  }
} finally {
  for (const server of servers.values()) await stop(server);
  await Deno.remove(root, { recursive: true });
}
await writeJson("static", tables);
