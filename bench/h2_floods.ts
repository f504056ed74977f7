/**
 * Floods of HTTP/2 against a server: what it costs in memory, how long another client waits, and how the flood is ended.
 * Linux.
 *
 * For each flood a new server is started, if none is given by its port and process. A client in another process floods it
 * by some connections, and makes new ones when they are cut. Meanwhile this process asks each 50 ms, by a new connection
 * each time. It should be answered within 100 ms (99 % of its requests), and the server should not take more than some MiB.
 *
 * The flooder has a low priority and this process a high one, if that is allowed, so that it is the server that others wait
 * for. What is left of the machine's part is told twice: by the flood "none, but as busy", whose clients only burn processor
 * time; and by "without", which is the time less that in which the server, or this process, waited for a core.
 *
 *     deno run -A bench/h2_floods.ts [--seconds 30] [--connections 10] [--only PING] [--timeout-ms 5000] [--mib 200]
 *         [--server weightless|Deno.serve|nghttpd|h2o] [--port PORT --pid PID]
 */
import { parseArgs } from "node:util";
import { type Flooded, FLOODS } from "./_h2_floods.ts";
import * as h2 from "./_h2_frames.ts";
import { denoServe, others, ours } from "./_h2_servers.ts";
import { printTable, round, type Row, type Table, writeJson } from "./_report.ts";
import {
  held,
  here,
  processorTime,
  residentMemory,
  type Running,
  type Server,
  stop,
  waitedForCore,
} from "./_servers.ts";

const OURS = "weightless";
const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    seconds: { type: "string", default: "30" },
    connections: { type: "string", default: "10" },
    only: { type: "string", default: "" },
    server: { type: "string", default: OURS },
    "timeout-ms": { type: "string", default: "5000" },
    mib: { type: "string", default: "200" },
    port: { type: "string" },
    pid: { type: "string" },
  },
});
const { seconds, connections } = options;
const mib = Number(options.mib);

/** The priority of who asks, of the server, and of the flooder, less that of who asks: children inherit it. */
const EAGER = -5, USUAL = 0, NICE = 15;
const ASK_MS = 50;
const SAMPLE_MS = 20;
const MAX_WAIT_MS = 100;
const GIVE_UP_MS = 5000;
const WARM_UP = 1000;
/** More than a connection lingers after its end. */
const REST_MS = 2500;
const MIB = 2 ** 20;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Milliseconds until an answer has come; Infinity if none does. */
async function ask(port: number): Promise<number> {
  const begin = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    timer = setTimeout(() => conn.close(), GIVE_UP_MS);
    await h2.write(conn, h2.together(h2.preface(), h2.head(1, "GET", "/")));
    for await (const { type, flags, id } of h2.frames(conn)) {
      const isOfAnswer = type === h2.DATA || type === h2.HEADERS;
      if (id === 1 && isOfAnswer && (flags & h2.END_STREAM) !== 0) return performance.now() - begin;
    }
  } catch {
    // It was refused, reset or closed.
  } finally {
    clearTimeout(timer);
  }
  return Infinity;
}

function most(counts: Record<string, number>): string {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => `${count} ${name}`).join("; ") || "none";
}

/** Sets the priority of this process, if that is allowed. */
async function setPriority(priority: number): Promise<void> {
  await new Deno.Command("renice", { args: ["-n", String(priority), "-p", String(Deno.pid)] })
    .output();
}

/** Floods a server, and watches it. */
async function flood(name: string, port: number, server: Running): Promise<Row> {
  for (let i = 0; i < WARM_UP; i++) await ask(port);
  const [before, cpu] = [residentMemory(server), processorTime(server)];
  let [early, highest] = [before, before];
  const half = performance.now() + 500 * Number(seconds);
  const sampling = setInterval(() => {
    highest = Math.max(highest, residentMemory(server));
    if (performance.now() < half) early = highest;
  }, SAMPLE_MS);
  const waits: number[] = [];
  const alone: number[] = [];
  const waited = () => waitedForCore(server) + waitedForCore({ process: Deno });
  const args = [here("peers/h2_flooder.ts"), String(port), seconds, connections, name];
  const command = new Deno.Command("nice", {
    args: ["-n", String(NICE), Deno.execPath(), "run", "-A", ...args],
  });
  let isOver = false;
  await setPriority(EAGER);
  const flooding = command.output().finally(() => isOver = true);
  while (!isOver) {
    const begin = waited();
    const wait = await ask(port);
    waits.push(wait);
    alone.push(Math.max(0, wait - (waited() - begin)));
    await pause(Math.max(0, ASK_MS - wait));
  }
  clearInterval(sampling);
  await setPriority(USUAL);
  const { success, stdout, stderr } = await flooding;
  if (!success) throw new Error(`${name}: ${new TextDecoder().decode(stderr)}`);
  const cpuSeconds = (processorTime(server) - cpu) / 1000;
  await pause(REST_MS);
  const flooded: Flooded = JSON.parse(new TextDecoder().decode(stdout));
  for (const times of [waits, alone]) times.sort((a, b) => a - b);
  const at = (part: number, times = waits) => times[Math.floor(times.length * part)]!;
  const more = (highest - before) / MIB;
  const verdicts = [
    more > mib ? `takes ${round(more)} MiB` : "memory bounded",
    at(0.99, alone) > MAX_WAIT_MS ? "others wait" : "others are answered",
  ];
  return {
    flood: name,
    verdict: verdicts.join(", "),
    "p50 ms": round(at(0.5)),
    "p99 ms": round(at(0.99)),
    "longest ms": round(waits.at(-1)!),
    "p99 without": round(at(0.99, alone)),
    "longest without": round(alone.at(-1)!),
    "MiB before": round(before / MIB),
    "first half": round(early / MIB),
    "at most": round(highest / MIB),
    after: round(residentMemory(server) / MIB),
    "server's CPU s": round(cpuSeconds),
    "MiB sent": round(flooded.bytes / MIB),
    connections: flooded.connections,
    ended: most(flooded.endings),
    "streams reset": most(flooded.resets),
  };
}

/** The same, by a new server. What one of ours still holds at the end is shown. */
async function floodNew(name: string, startServer: () => Promise<Server>): Promise<Row> {
  const server = await startServer();
  try {
    const row = await flood(name, server.port, server);
    if (options.server !== OURS) return row;
    const { connections, handlers } = await held(server);
    return { ...row, left: `${connections} connections, ${handlers} handlers` };
  } finally {
    await stop(server);
  }
}

const servers: Record<string, () => Promise<Server>> = {
  [OURS]: () => ours(Number(options["timeout-ms"])),
  "Deno.serve": () => denoServe(),
  ...await others(),
};
const startServer = servers[options.server];
if (Deno.build.os !== "linux" || startServer === undefined) {
  console.error(`This needs Linux, and a server of: ${Object.keys(servers).join(", ")}`);
  Deno.exit(1);
}
const { port, pid } = options;
const rows: Row[] = [];
for (const name of Object.keys(FLOODS)) {
  if (!name.includes(options.only)) continue;
  const row = await (port === undefined
    ? floodNew(name, startServer)
    : flood(name, Number(port), { process: { pid: Number(pid) } }));
  console.log(
    Object.entries(row).map(([name, value]) =>
      `${name}: ${value}`
    ).join(", "),
  );
  rows.push(row);
}
const of = port === undefined ? options.server : `the server at port ${port}`;
const table: Table = { title: `Floods of HTTP/2 against ${of}, ${seconds} s each`, rows };
printTable(table);
if (port === undefined && options.only === "") {
  await writeJson(`h2_floods_${options.server}`, [table]);
}
