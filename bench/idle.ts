/**
 * What idle keep-alive HTTP connections cost a server, in memory and processor time, and how soon it answers on them. Linux.
 *
 * Each connection has had one answer. Memory is what the server has more than after it has been warmed up: at once, and when
 * it has had some time to tidy up.
 *
 *     deno run -A bench/idle.ts [--connections 10000] [--hold 40]     # seconds
 */
import { parseArgs } from "node:util";
import { printTable, round, type Row, type Table, writeJson } from "./_report.ts";
import { helloServers, REFERENCE } from "./_hello_servers.ts";
import { processorTime, residentMemory, type Server, start, stop } from "./_servers.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    connections: { type: "string", default: "10000" },
    hold: { type: "string", default: "40" },
  },
});
const hold = Number(options.hold);
/** The last part of the time, in which the processor time is taken. */
const CPU_SECONDS = Math.min(10, hold);
const AT_ONCE = 100;
const SPARE = 500;

const REQUEST = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
const buffer = new Uint8Array(1024);

async function connect({ port }: Server): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await ask(conn);
  return conn;
}

async function ask(conn: Deno.TcpConn): Promise<void> {
  await conn.write(REQUEST);
  const length = await conn.read(buffer);
  const answer = new TextDecoder().decode(buffer.subarray(0, length ?? 0));
  if (!/^HTTP\/1.1 200 .*Hello!/s.test(answer)) throw new Error(`The answer was ${answer}`);
}

async function warmUp(server: Server): Promise<void> {
  const conns = await Promise.all(Array.from({ length: 64 }, () => connect(server)));
  for (const conn of conns) {
    for (let i = 0; i < 200; i++) await ask(conn);
    conn.close();
  }
}

const seconds = (n: number) => new Promise((resolve) => setTimeout(resolve, 1000 * n));

async function measure(server: Server, count: number): Promise<Omit<Row, "server">> {
  await warmUp(server);
  await seconds(1);
  const before = residentMemory(server);
  const conns: Deno.TcpConn[] = [];
  while (conns.length < count) {
    const some = Math.min(AT_ONCE, count - conns.length);
    conns.push(...await Promise.all(Array.from({ length: some }, () => connect(server))));
  }
  await seconds(1);
  const atOnce = residentMemory(server);
  await seconds(hold - CPU_SECONDS);
  const settled = residentMemory(server);
  const cpu = processorTime(server);
  await seconds(CPU_SECONDS);
  const idleCpu = processorTime(server) - cpu;
  let slowest = 0;
  for (let i = 0; i < count; i += 10) {
    const begin = performance.now();
    await ask(conns[i]!);
    slowest = Math.max(slowest, performance.now() - begin);
  }
  for (const conn of conns) conn.close();
  return {
    "KB each, at once": round((atOnce - before) / count / 1024),
    [`KB each, after ${hold} s`]: round((settled - before) / count / 1024),
    [`ms CPU in ${CPU_SECONDS} s`]: idleCpu,
    "slowest answer ms": round(slowest),
  };
}

/** As many as this process, and each server, may have open, and as there are ports for. */
function possible(wanted: number): number {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const files = Number(/Max open files\s+\d+\s+(\d+)/.exec(limits)?.[1] ?? Infinity) - SPARE;
  const range = Deno.readTextFileSync("/proc/sys/net/ipv4/ip_local_port_range");
  const [first, last] = range.trim().split(/\s+/).map(Number);
  const ports = last! - first! + 1 - SPARE;
  const most = Math.min(files, ports);
  if (wanted <= most) return wanted;
  const limit = files < ports
    ? "limit of open files (ulimit -Hn)"
    : "range of ports (sysctl net.ipv4.ip_local_port_range)";
  console.error(`The ${limit} allows only ${most} connections`);
  return most;
}

if (Deno.build.os !== "linux") {
  console.error("This benchmark needs Linux, which tells the memory of other processes");
  Deno.exit(1);
}
const count = possible(Number(options.connections));
const rows: Row[] = [];
for (const [name, [command, args]] of Object.entries(await helloServers())) {
  const server = await start(command, args, count + SPARE);
  try {
    rows.push({ server: name, ...await measure(server, count) } as Row);
  } finally {
    await stop(server);
  }
}
const settled = `KB each, after ${hold} s`;
const reference = Number(rows.find(({ server }) => server === REFERENCE)![settled]);
const table: Table = {
  title: `${count} idle keep-alive connections`,
  rows: rows.map((row) => ({
    ...row,
    [`× ${REFERENCE}`]: round(Number(row[settled]) / reference),
  })),
};
printTable(table);
await writeJson("idle", [table]);
