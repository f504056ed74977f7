/**
 * HTTP/2: our server on epoll beside Deno.serve, nghttpd and h2o, which have one thread each. The parts are
 *
 *  - `hello`: a small answer by plain TCP (prior knowledge), by h2load; nghttpd and h2o serve the same 6 bytes from a file;
 *  - `tls`: the same by TLS, ours and Deno.serve;
 *  - `browser`: the same with the 12 header fields of a browser, for one URL and for 100 in turn;
 *  - `download`: of some GiB to curl, in pieces of 64 KiB, ours and Deno.serve;
 *  - `idle`: what connections cost that have exchanged their settings and do nothing;
 *  - `waiting`: what 100 streams on each of 100 connections cost whose handlers wait for a promise.
 *
 * Every peer gets its turn in each round, in alternating order; medians and ratios are over the rounds. Linux.
 *
 *     deno run -A bench/h2.ts [hello] [tls] [browser] [download] [idle] [waiting] [--rounds 5] [--seconds 3]
 *         [--connections 10000] [--gib 1] [--hold 5]
 *
 * With chosen parts nothing is written to bench/results.
 */
import { parseArgs } from "node:util";
import { REFERENCE } from "./_hello_servers.ts";
import { denoHello, denoServe, DESCRIPTORS, others, ours, oursHello } from "./_h2_servers.ts";
import { median, printTable, round, type Row, type Table, writeJson } from "./_report.ts";
import {
  has,
  here,
  processorTime,
  residentMemory,
  type Server,
  start,
  stop,
  takeTurns,
} from "./_servers.ts";

const { values: options, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    connections: { type: "string", default: "10000" },
    gib: { type: "string", default: "1" },
    hold: { type: "string", default: "5" },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const GIB = 2 ** 30;
const URLS = 100;
const WARM_UP = "500";

const SETTLED = `KB each, after ${options.hold} s`;

const OURS = "weightless, epoll";
const LOADS = [[8, 32], [64, 10], [1, 100]] as const;
const BROWSER = [
  "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " +
  "Chrome/137.0.0.0 Safari/537.36",
  "accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
  "accept-encoding: gzip, deflate, br, zstd",
  "accept-language: en-GB,en;q=0.9,nl;q=0.8",
  'sec-ch-ua: "Chromium";v="137", "Not/A)Brand";v="24"',
  "sec-ch-ua-mobile: ?0",
  'sec-ch-ua-platform: "Linux"',
  "sec-fetch-dest: document",
  "sec-fetch-mode: navigate",
  "sec-fetch-site: none",
  "upgrade-insecure-requests: 1",
  "cookie: session=4f1a9c0b7e; theme=dark",
];

type Starts = Record<string, () => Promise<Server>>;

interface Measured {
  rate: number;
  /** Milliseconds of processor time for each thing that is counted by the rate. */
  cpu: number;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
/** For the machine: how many others wanted the processors. */
const load = () => Deno.readTextFileSync("/proc/loadavg").split(" ")[0];

async function output(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`${command} failed: ${text}${new TextDecoder().decode(stderr)}`);
  return text;
}

/** Starts all, and stops them when they have been used. */
async function withServers<T>(
  starts: Starts,
  use: (servers: Map<string, Server>) => Promise<T>,
): Promise<T> {
  const servers = new Map<string, Server>();
  try {
    for (const [name, start] of Object.entries(starts)) servers.set(name, await start());
    return await use(servers);
  } finally {
    for (const server of servers.values()) await stop(server);
  }
}

/** Requests a second. */
async function h2load(args: string[]): Promise<number> {
  const text = await output("h2load", ["-t1", "-D", options.seconds, ...args]);
  const rate = text.match(/finished in [^,]+, ([\d.]+) req\/s/)?.[1];
  const isGood = /protocol: h2/.test(text) && / 0 failed, 0 errored/.test(text) &&
    / 0 3xx, 0 4xx, 0 5xx/.test(text);
  if (rate === undefined || !isGood) throw new Error(`h2load reports errors: ${text}`);
  return Number(rate);
}

/** The rates of servers, and their ratios to those of the others. */
async function compare(
  title: string,
  servers: Map<string, Server>,
  unit: string,
  measure: (server: Server) => Promise<number>,
  count: (rate: number) => number,
): Promise<Table> {
  const results = await takeTurns(servers, rounds, async (server): Promise<Measured> => {
    const before = processorTime(server);
    const rate = await measure(server);
    return { rate, cpu: (processorTime(server) - before) / count(rate) };
  });
  const names = [...results.keys()].filter((name) => name !== OURS);
  const rows = [...results].map(([server, list]): Row => {
    const rates = list.map(({ rate }) => rate);
    const ratio = (other: string) =>
      round(median(rates.map((rate, i) => rate / results.get(other)![i]!.rate)));
    const ratios = names.map((name): [string, number] => [`× ${name}`, ratio(name)]);
    return {
      server,
      [`${unit}/s`]: round(median(rates)),
      lowest: round(Math.min(...rates)),
      highest: round(Math.max(...rates)),
      ...Object.fromEntries(ratios),
      ...(unit === "requests"
        ? { "µs CPU each": round(1000 * median(list.map(({ cpu }) => cpu))) }
        : { [`s CPU/${unit}`]: round(median(list.map(({ cpu }) => cpu)) / 1000) }),
    };
  });
  return { title: `${title} (load ${load()})`, rows };
}

function requests(
  title: string,
  servers: Map<string, Server>,
  args: (server: Server) => string[],
): Promise<Table> {
  const measure = (server: Server) => h2load(args(server));
  return compare(title, servers, "requests", measure, (rate) => rate * seconds);
}

async function hellos(): Promise<Starts> {
  return { [OURS]: oursHello, [REFERENCE]: denoHello, ...await others() };
}

async function hello(): Promise<Table[]> {
  return await withServers(await hellos(), async (servers) => {
    const tables: Table[] = [];
    for (const [c, m] of LOADS) {
      const args = ["-c", String(c), "-m", String(m)];
      const title = `Hello, ${c} connections, ${m} requests at once on each`;
      tables.push(
        await requests(title, servers, ({ port }) => [...args, `http://127.0.0.1:${port}/`]),
      );
    }
    return tables;
  });
}

async function tls(): Promise<Table[]> {
  const folder = await Deno.makeTempDir();
  try {
    const [cert, key] = [`${folder}/cert.pem`, `${folder}/key.pem`];
    await output("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-days", "1", "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
    ]);
    const starts: Starts = {
      [OURS]: () => ours(Infinity, cert, key),
      [REFERENCE]: () => denoServe(cert, key),
    };
    return await withServers(starts, async (servers) => [
      await requests("Hello by TLS, 8 connections, 32 requests at once on each", servers, (
        { port },
      ) => ["-c8", "-m32", `https://127.0.0.1:${port}/`]),
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function browser(): Promise<Table[]> {
  const folder = await Deno.makeTempDir();
  try {
    return await withServers(await hellos(), async (servers) => {
      const tables: Table[] = [];
      for (const urls of [1, URLS]) {
        const title = `A browser's request, 8 connections, 32 requests at once, ${urls} URLs`;
        tables.push(
          await requests(title, servers, ({ port }) => {
            const list = Array.from({ length: urls }, (_, i) => `http://127.0.0.1:${port}/?n=${i}`);
            Deno.writeTextFileSync(`${folder}/urls`, list.join("\n") + "\n");
            return ["-c8", "-m32", "-i", `${folder}/urls`, ...BROWSER.flatMap((h) => ["-H", h])];
          }),
        );
      }
      return tables;
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function download(): Promise<Table[]> {
  const gib = Number(options.gib);
  const size = gib * GIB;
  const starts: Starts = { [OURS]: () => ours(Infinity), [REFERENCE]: () => denoServe() };
  return await withServers(starts, async (servers) => {
    const measure = async ({ port }: Server) => {
      const text = await output("curl", [
        ...["-sS", "--http2-prior-knowledge", "-o", "/dev/null"],
        ...["-w", "%{http_version} %{size_download} %{time_total}"],
        `http://127.0.0.1:${port}/download?size=${size}`,
      ]);
      const [version, came, time] = text.split(" ");
      if (version !== "2" || Number(came) !== size) throw new Error(`curl had ${text}`);
      return gib / Number(time);
    };
    return [await compare(`Download of ${gib} GiB`, servers, "GiB", measure, () => gib)];
  });
}

/** What open connections, or streams, cost each of the servers. */
async function memory(
  title: string,
  starts: Starts,
  connections: number,
  streams: number,
): Promise<Table> {
  const rows: Row[] = [];
  const open = (port: number, ...numbers: string[]) =>
    start(
      Deno.execPath(),
      ["run", "-A", here("peers/h2_opener.ts"), String(port), ...numbers, "/never"],
      DESCRIPTORS,
    );
  for (const [name, startServer] of Object.entries(starts)) {
    const server = await startServer();
    try {
      await stop(await open(server.port, WARM_UP, "0"));
      await pause(1000);
      const before = residentMemory(server);
      const opener = await open(server.port, String(connections), String(streams));
      const more = () => {
        const count = connections * Math.max(streams, 1);
        return round((residentMemory(server) - before) / count / 1024);
      };
      await pause(1000);
      const atOnce = more();
      await pause(1000 * Number(options.hold));
      const settled = more();
      const sockets = [...Deno.readDirSync(`/proc/${server.process.pid}/fd`)].length;
      if (sockets < connections) throw new Error(`${name} has only ${sockets} descriptors open`);
      await stop(opener);
      rows.push({ server: name, "KB each, at once": atOnce, [SETTLED]: settled });
    } finally {
      await stop(server);
    }
  }
  const reference = Number(rows.find(({ server }) => server === REFERENCE)![SETTLED]);
  return {
    title,
    rows: rows.map((row) => ({
      ...row,
      [`× ${REFERENCE}`]: round(Number(row[SETTLED]) / reference),
    })),
  };
}
async function idle(): Promise<Table[]> {
  const connections = Number(options.connections);
  const starts: Starts = {
    [OURS]: () => ours(Infinity),
    [REFERENCE]: () => denoServe(),
    ...await others(),
  };
  return [await memory(`${connections} idle connections`, starts, connections, 0)];
}

async function waiting(): Promise<Table[]> {
  const starts: Starts = { [OURS]: () => ours(Infinity), [REFERENCE]: () => denoServe() };
  return [await memory("Streams that wait, 100 on each of 100 connections", starts, 100, 100)];
}

const PARTS: Record<string, () => Promise<Table[]>> = {
  hello,
  tls,
  browser,
  download,
  idle,
  waiting,
};
const chosen = positionals.length > 0 ? positionals : Object.keys(PARTS);
const unknown = chosen.find((name) => PARTS[name] === undefined);
if (unknown !== undefined) {
  console.error(`There is no part ${unknown}: the parts are ${Object.keys(PARTS).join(", ")}`);
  Deno.exit(1);
}
if (Deno.build.os !== "linux" || !await has("h2load")) {
  console.error("Without Linux and h2load nothing is measured: apt-get install nghttp2-client");
  Deno.exit();
}
const tables: Table[] = [];
for (const name of chosen) {
  for (const table of await PARTS[name]!()) {
    printTable(table);
    tables.push(table);
  }
}
if (positionals.length === 0) await writeJson("h2", tables);
