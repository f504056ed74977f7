/**
 * The hello server against its peers, with wrk: 64 connections, with and without 16-fold pipelining, and one connection;
 * then its latency at half of the load that Deno.serve can bear, with h2load.
 *
 * Every peer gets its turn in each round, in alternating order; medians and ratios are over the rounds.
 *
 *     deno run -A bench/http.ts [--rounds 5] [--seconds 3]
 */
import { parseArgs } from "node:util";
import { median, printTable, round, type Row, type Table, writeJson } from "./_report.ts";
import { helloServers, REFERENCE } from "./_hello_servers.ts";
import { has, here, processorTime, type Server, start, stop, takeTurns } from "./_servers.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "3" } },
});
const rounds = Number(options.rounds);
const linux = Deno.build.os === "linux";

interface Load {
  title: string;
  connections: number;
  pipelined?: boolean;
}

const loads: Load[] = [
  { title: "Hello server, 64 connections", connections: 64 },
  {
    title: "Hello server, 64 connections, 16 requests pipelined",
    connections: 64,
    pipelined: true,
  },
  { title: "Hello server, 1 connection, ping-pong", connections: 1 },
];
const LATENCY_CONNECTIONS = 64;

/** Requests a second. */
async function wrk({ port }: Server, load: Load, seconds: string): Promise<number> {
  const args = [
    "-t1",
    `-c${load.connections}`,
    `-d${seconds}s`,
    ...(load.pipelined ? ["-s", here("peers/pipeline.lua")] : []),
    `http://127.0.0.1:${port}/`,
  ];
  const { stdout } = await new Deno.Command("wrk", { args }).output();
  const text = new TextDecoder().decode(stdout);
  const rate = text.match(/Requests\/sec:\s+([\d.]+)/)?.[1];
  if (rate === undefined || /Socket errors|Non-2xx/.test(text)) {
    throw new Error(`wrk reports errors: ${text}`);
  }
  return Number(rate);
}

/** Milliseconds that each request took, sorted, at so many a second. */
async function latencies({ port }: Server, rate: number): Promise<number[]> {
  const log = await Deno.makeTempFile();
  try {
    const perClient = Math.max(1, Math.round(rate / LATENCY_CONNECTIONS));
    const args = [
      ...["--h1", "-t1", "-c", String(LATENCY_CONNECTIONS), "-D", options.seconds],
      ...["--warm-up-time=1", `--rps=${perClient}`, `--log-file=${log}`],
      `http://127.0.0.1:${port}/`,
    ];
    await new Deno.Command("h2load", { args, stdout: "null" }).output();
    const lines = (await Deno.readTextFile(log)).trimEnd().split("\n").map((l) => l.split("\t"));
    if (lines.some(([, status]) => status !== "200")) throw new Error("h2load reports errors");
    return lines.map(([, , micros]) => Number(micros) / 1000).sort((a, b) => a - b);
  } finally {
    await Deno.remove(log);
  }
}

async function throughput(servers: Map<string, Server>, load: Load): Promise<Table> {
  const results = await takeTurns(servers, rounds, async (server) => {
    const before = linux ? processorTime(server) : NaN;
    const rate = await wrk(server, load, options.seconds);
    const after = linux ? processorTime(server) : NaN;
    return { rate, cpu: (after - before) * 1000 / (rate * Number(options.seconds)) };
  });
  const reference = results.get(REFERENCE)!;
  const rows = [...results].map(([server, list]): Row => ({
    server,
    "requests/s": round(median(list.map(({ rate }) => rate))),
    lowest: round(Math.min(...list.map(({ rate }) => rate))),
    highest: round(Math.max(...list.map(({ rate }) => rate))),
    [`× ${REFERENCE}`]: round(median(list.map(({ rate }, i) => rate / reference[i]!.rate))),
    ...(linux && { "µs CPU each": round(median(list.map(({ cpu }) => cpu))) }),
  }));
  return { title: load.title, rows };
}

async function latency(servers: Map<string, Server>, rate: number): Promise<Table> {
  const results = await takeTurns(servers, rounds, (server) => latencies(server, rate));
  const rows = [...results].map(([server, list]): Row => {
    const at = (part: number) =>
      round(median(list.map((sorted) => sorted[Math.floor(sorted.length * part)]!)));
    return { server, "median ms": at(0.5), "p90 ms": at(0.9), "p99 ms": at(0.99) };
  });
  const title = `Latency at ${round(rate)} requests/s on ${LATENCY_CONNECTIONS} connections`;
  return { title, rows };
}

if (!await has("wrk")) {
  console.error("This benchmark needs wrk: apt-get install wrk, or brew install wrk");
  Deno.exit(1);
}
const servers = new Map<string, Server>();
const tables: Table[] = [];
try {
  for (const [name, [command, args]] of Object.entries(await helloServers())) {
    servers.set(name, await start(command, args));
  }
  for (const load of loads) {
    tables.push(await throughput(servers, load));
    printTable(tables.at(-1)!);
  }
  if (await has("h2load")) {
    const peak = tables[0]!.rows.find(({ server }) => server === REFERENCE)!["requests/s"];
    tables.push(await latency(servers, Number(peak) / 2));
    printTable(tables.at(-1)!);
  } else console.error("Without h2load there is no latency: apt-get install nghttp2-client");
} finally {
  for (const server of servers.values()) await stop(server);
}
await writeJson("http", tables);
