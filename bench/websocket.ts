/**
 * WebSocket servers, beside ws, uWebSockets.js, Deno.upgradeWebSocket, and websockets of Python. The parts are
 *
 *  - `echo`: messages of 64 bytes on 64 connections, 1 and 16 under way on each;
 *  - `large`: messages of 1 MiB on 8 connections, 1 under way on each;
 *  - `broadcast`: 100 messages of 100 bytes to 5,000 subscribers, one after the other and all at once, with the memory;
 *  - `idle`: what connections cost that have had one message and do nothing, without and with permessage-deflate;
 *  - `stream`: one message of 4 GiB in fragments of 64 KiB, by the servers that send on what has come of it.
 *
 * The load is a program in C, which checks all that comes back. The server has one processor and the load another one, if
 * there are two. Every peer gets its turn in each round, in alternating order; medians and ratios are over the rounds.
 *
 *     deno run -A bench/websocket.ts [echo] [large] [broadcast] [idle] [stream] [--rounds 5] [--seconds 3]
 *         [--subscribers 5000] [--connections 10000] [--gib 4] [--hold 5]
 *
 * With chosen parts nothing is written to bench/results.
 */
import { parseArgs } from "node:util";
import { Client } from "./_client.ts";
import { median, printTable, round, type Row, type Table, writeJson } from "./_report.ts";
import {
  compiled,
  forgetPeak,
  peakMemory,
  processorTime,
  residentMemory,
  type Server,
  stop,
  takeTurns,
} from "./_servers.ts";
import { type Candidate, candidates, type Part, pinned, REFERENCES } from "./_websocket_servers.ts";

const { values: options, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    subscribers: { type: "string", default: "5000" },
    connections: { type: "string", default: "10000" },
    gib: { type: "string", default: "4" },
    hold: { type: "string", default: "5" },
  },
});
const rounds = Number(options.rounds);
const [MIB, GIB] = [2 ** 20, 2 ** 30];
const FRAGMENT = 64 * 1024;
const BROADCAST_MESSAGES = 100;
const BROADCAST_BYTES = 100;
const WARM_UP = 500;
/** The answer, too, is compressed by a server that does not compress short ones. */
const DEFLATED_BYTES = 2048;

/** What a server has done for the load. */
interface Measured {
  messages: number;
  seconds: number;
  /** Milliseconds of its processor time. */
  cpu: number;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
/** For the machine: how many others wanted the processors. */
const load = () => Deno.readTextFileSync("/proc/loadavg").split(" ")[0];

/** Opens so many connections, and closes them when they have been used. */
async function withClients<T>(
  { port }: Server,
  path: string,
  connections: number,
  use: (clients: Client) => Promise<T>,
  ...deflate: "deflate"[]
): Promise<T> {
  const clients = new Client(
    ...pinned(1, program!, String(port), path, String(connections), ...deflate),
  );
  try {
    return await use(await clients.ready());
  } finally {
    await clients.end();
  }
}

/** Starts those that offer a part, and stops them when they have been used. */
async function withServers<T>(
  part: Part,
  use: (servers: Map<string, Server>) => Promise<T>,
): Promise<T> {
  const servers = new Map<string, Server>();
  try {
    for (const [name, { start }] of offering(part)) servers.set(name, await start());
    return await use(servers);
  } finally {
    for (const server of servers.values()) await stop(server);
  }
}

function offering(part: Part): [string, Candidate][] {
  return Object.entries(known).filter(([, { parts }]) => parts.includes(part));
}

async function measure(
  server: Server,
  clients: Client,
  ...order: (string | number)[]
): Promise<Measured> {
  const before = processorTime(server);
  const { messages, seconds } = await clients.order(...order);
  return { messages: messages!, seconds: seconds!, cpu: processorTime(server) - before };
}

/** The rates of servers, their ratios to those of the references, and their processor time. */
function compare(
  title: string,
  results: Map<string, Measured[]>,
  unit: string,
  more: (server: string) => Omit<Row, "server"> = () => ({}),
): Table {
  const rates = (server: string) =>
    results.get(server)!.map(({ messages, seconds }) => messages / seconds);
  const references = REFERENCES.filter((name) => results.has(name));
  const rows = [...results].map(([server, list]): Row => {
    const all = rates(server);
    const ratios = references.map((name): [string, number] => {
      const others = rates(name);
      return [`× ${name}`, round(median(all.map((rate, i) => rate / others[i]!)))];
    });
    return {
      server,
      [`${unit}/s`]: round(median(all)),
      lowest: round(Math.min(...all)),
      highest: round(Math.max(...all)),
      ...Object.fromEntries(ratios),
      "µs CPU each": round(1000 * median(list.map(({ cpu, messages }) => cpu / messages))),
      ...more(server),
    };
  });
  return { title: `${title} (load ${load()})`, rows };
}

function echoing(
  title: string,
  servers: Map<string, Server>,
  connections: number,
  ...order: (string | number)[]
): Promise<Table> {
  return takeTurns(
    servers,
    rounds,
    (server) =>
      withClients(server, "/echo", connections, (clients) => measure(server, clients, ...order)),
  ).then((results) => compare(title, results, "messages"));
}

function echo(): Promise<Table[]> {
  return withServers("echo", async (servers) => {
    const tables: Table[] = [];
    for (const inFlight of [1, 16]) {
      const title = `Echo of 64 bytes of text, 64 connections, ${inFlight} under way on each`;
      const order = ["echo", inFlight, 64, 1, options.seconds, "text"];
      tables.push(await echoing(title, servers, 64, ...order));
    }
    return tables;
  });
}

function large(): Promise<Table[]> {
  return withServers("large", async (servers) => {
    const order = ["echo", 1, MIB, 1, options.seconds, "binary"];
    return [await echoing("Echo of 1 MiB of binary data, 8 connections", servers, 8, ...order)];
  });
}

async function broadcast(): Promise<Table[]> {
  const subscribers = Number(options.subscribers);
  const order = (inFlight: number) => ["broadcast", inFlight, BROADCAST_BYTES, BROADCAST_MESSAGES];
  const results = await withServers(
    "broadcast",
    (servers) =>
      takeTurns(
        servers,
        rounds,
        (server) =>
          withClients(server, "/broadcast", subscribers, async (clients) => {
            const rest = residentMemory(server);
            const oneByOne = await measure(server, clients, ...order(1));
            forgetPeak(server);
            const atOnce = await measure(server, clients, ...order(BROADCAST_MESSAGES));
            return { rest, oneByOne, atOnce, peak: peakMemory(server) };
          }),
      ),
  );
  const of = (how: "oneByOne" | "atOnce") =>
    new Map([...results].map(([name, list]) => [name, list.map((one) => one[how])]));
  const mib = (server: string, what: "rest" | "peak") =>
    round(median(results.get(server)!.map((one) => one[what])) / MIB);
  const title = `${BROADCAST_MESSAGES} messages of ${BROADCAST_BYTES} bytes to ${subscribers}`;
  return [
    compare(`${title}, one after the other`, of("oneByOne"), "deliveries"),
    compare(`${title}, all at once`, of("atOnce"), "deliveries", (server) => ({
      "MiB before": mib(server, "rest"),
      "MiB at most": mib(server, "peak"),
    })),
  ];
}

/** What open connections cost each of the servers. */
async function memory(
  part: Part,
  title: string,
  bytes: number,
  ...deflate: "deflate"[]
): Promise<Table> {
  const connections = Number(options.connections);
  const rows: Row[] = [];
  for (const [server, { start }] of offering(part)) {
    const running = await start();
    try {
      const visit = async (clients: Client) => void await clients.order("visit", bytes);
      await withClients(running, "/echo", WARM_UP, visit, ...deflate);
      await pause(1000);
      const before = residentMemory(running);
      const each = () => Math.round((residentMemory(running) - before) / connections);
      await withClients(running, "/echo", connections, async (clients) => {
        await visit(clients);
        await pause(1000);
        const atOnce = each();
        await pause(1000 * Number(options.hold));
        const settled = each();
        rows.push({
          server,
          "bytes each, at once": atOnce,
          [`after ${options.hold} s`]: settled,
        });
      }, ...deflate);
    } finally {
      await stop(running);
    }
  }
  return { title: `${connections} idle connections${title}`, rows };
}

async function idle(): Promise<Table[]> {
  return [
    await memory("idle", "", 64),
    await memory("deflate", ", permessage-deflate", DEFLATED_BYTES, "deflate"),
  ];
}

async function stream(): Promise<Table[]> {
  const gib = Number(options.gib);
  const order = ["echo", 1, FRAGMENT, gib * GIB / FRAGMENT, 0, "binary"];
  const results = await withServers(
    "stream",
    (servers) =>
      takeTurns(servers, rounds, (server) =>
        withClients(server, "/stream", 1, async (clients) => {
          forgetPeak(server);
          const before = residentMemory(server);
          const { seconds, cpu } = await measure(server, clients, ...order);
          return { rate: gib / seconds, cpu: cpu / 1000 / gib, before, peak: peakMemory(server) };
        })),
  );
  const rows = [...results].map(([server, list]): Row => ({
    server,
    "GiB/s": round(median(list.map(({ rate }) => rate))),
    "s CPU/GiB": round(median(list.map(({ cpu }) => cpu))),
    "MiB before": round(Math.max(...list.map(({ before }) => before)) / MIB),
    "MiB at most": round(Math.max(...list.map(({ peak }) => peak)) / MIB),
  }));
  return [{ title: `Echo of one message of ${gib} GiB (load ${load()})`, rows }];
}

const PARTS: Record<string, () => Promise<Table[]>> = { echo, large, broadcast, idle, stream };
const chosen = positionals.length > 0 ? positionals : Object.keys(PARTS);
const unknown = chosen.find((name) => PARTS[name] === undefined);
if (unknown !== undefined) {
  console.error(`There is no part ${unknown}: the parts are ${Object.keys(PARTS).join(", ")}`);
  Deno.exit(1);
}
const program = Deno.build.os === "linux" ? await compiled("websocket_load.c") : undefined;
if (program === undefined) {
  console.error("Without Linux and a C compiler nothing is measured");
  Deno.exit();
}
const known = await candidates();
const tables: Table[] = [];
for (const name of chosen) {
  for (const table of await PARTS[name]!()) {
    if (table.rows.length === 0) continue; // nobody offers it
    printTable(table);
    tables.push(table);
  }
}
if (positionals.length === 0) await writeJson("websocket", tables);
