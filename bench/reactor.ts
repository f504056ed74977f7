/**
 * The reactor and gio against plain Deno: timers, a line echo, 10,000 idle connections, and what becomes of the rest of the
 * program while a reactor serves at full load.
 *
 *     deno run -A bench/reactor.ts [--rounds 5] [--seconds 2] [--idle 10000] [--hold 10]
 */
import { parseArgs } from "node:util";
import { Reactor } from "../reactor/mod.ts";
import { median, printTable, round, type Row, type Table, writeJson } from "./_report.ts";
import {
  compiled,
  has,
  here,
  processorTime,
  residentMemory,
  type Server,
  start,
  stop,
} from "./_servers.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    idle: { type: "string", default: "10000" },
    hold: { type: "string", default: "10" },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);

const deno = Deno.execPath();
const PLAIN = "plain Deno";
const linux = Deno.build.os === "linux";
const example = ["run", "-A", here("../examples/echo.ts"), "--port", "0", "--selector"];
const bytes = ["run", "-A", here("peers/bytes_echo.ts")];
/** By what comes back: lines, which are decoded and encoded, or bytes as they are. */
const echoServers: Record<"line" | "bytes", Record<string, string[]>> = {
  line: {
    [PLAIN]: ["run", "-A", here("peers/echo_loop.ts")],
    "weightless, deno": [...example, "deno"],
    ...(linux && { "weightless, epoll": [...example, "epoll"] }),
  },
  bytes: {
    [PLAIN]: ["run", "-A", here("peers/echo_loop.ts"), "--bytes"],
    "weightless, deno": [...bytes, "deno"],
    ...(linux && { "weightless, epoll": [...bytes, "epoll"] }),
  },
};

/** Re-arms one of 100,000 live timers again and again. */
function timers(): Table {
  const LIVE = 100_000;
  const TIMES = 300_000;
  const rates: Record<string, number[]> = { "setTimeout": [], "weightless": [] };
  for (let i = 0; i < rounds; i++) {
    {
      using reactor = new Reactor({ selector: "deno" });
      const live = Array.from({ length: LIVE }, (_, n) => reactor.addTimer(60_000 + n, () => {}));
      const begin = performance.now();
      for (let n = 0; n < TIMES; n++) {
        reactor.removeTimer(live[n % LIVE]!);
        live[n % LIVE] = reactor.addTimer(60_000, () => {});
      }
      rates["weightless"]!.push((performance.now() - begin) * 1e6 / TIMES);
    }
    const live = Array.from({ length: LIVE }, (_, n) => setTimeout(() => {}, 60_000 + n));
    const begin = performance.now();
    for (let n = 0; n < TIMES; n++) {
      clearTimeout(live[n % LIVE]);
      live[n % LIVE] = setTimeout(() => {}, 60_000);
    }
    rates["setTimeout"]!.push((performance.now() - begin) * 1e6 / TIMES);
    for (const id of live) clearTimeout(id);
  }
  const reference = median(rates["setTimeout"]!);
  return {
    title: `Timers: re-arming one of ${LIVE} live ones`,
    rows: Object.entries(rates).map(([name, list]) => ({
      timers: name,
      "ns each": round(median(list)),
      "M/s": round(1000 / median(list)),
      "× setTimeout": round(reference / median(list)),
    })),
  };
}

/** A client that costs little, if there is a C compiler. */
const client = await compiled("ping_pong.c");

/** Ping-pong of a line on so many connections; returns round trips a second. */
async function pingPong(port: number, connections: number): Promise<number> {
  if (client === undefined) return await pingPongByDeno(port, connections);
  const { stdout, success } = await new Deno.Command(client, {
    args: [String(port), String(connections), String(seconds)],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("The ping-pong has failed");
  return Number(new TextDecoder().decode(stdout));
}

async function pingPongByDeno(port: number, connections: number): Promise<number> {
  const line = new TextEncoder().encode("the quick brown fox\n");
  let trips = 0;
  const end = performance.now() + 1000 * seconds;
  await Promise.all(Array.from({ length: connections }, async () => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    const buffer = new Uint8Array(1024);
    while (performance.now() < end) {
      await conn.write(line);
      for (let read = 0; read < line.length;) read += await conn.read(buffer) ?? 0;
      trips++;
    }
  }));
  return trips / seconds;
}

async function echo(kind: "line" | "bytes"): Promise<Table[]> {
  const servers = new Map<string, Server>();
  for (const [name, args] of Object.entries(echoServers[kind])) {
    servers.set(name, await start(deno, args));
  }
  const tables: Table[] = [];
  try {
    for (const connections of [1, 64]) {
      const rates = new Map<string, number[]>([...servers.keys()].map((name) => [name, []]));
      const cpu = new Map<string, number[]>([...servers.keys()].map((name) => [name, []]));
      const order = [...servers.keys()];
      for (let i = -1; i < rounds; i++) {
        for (const name of order) {
          const server = servers.get(name)!;
          const before = linux ? processorTime(server) : NaN;
          const rate = await pingPong(server.port, connections);
          if (i < 0) continue; // warm up
          rates.get(name)!.push(rate);
          const after = linux ? processorTime(server) : NaN;
          cpu.get(name)!.push((after - before) * 1000 / (rate * seconds));
        }
        order.reverse();
      }
      tables.push({
        title: `Echo of ${kind === "line" ? "lines" : "bytes"}, ping-pong on ${connections}`,
        rows: [...rates].map(([name, list]): Row => ({
          server: name,
          "round trips/s": round(median(list)),
          [`× ${PLAIN}`]: round(median(list.map((rate, i) => rate / rates.get(PLAIN)![i]!))),
          "µs CPU each": round(median(cpu.get(name)!)),
        })),
      });
      printTable(tables.at(-1)!);
    }
  } finally {
    for (const server of servers.values()) await stop(server);
  }
  return tables;
}

/** Holds idle connections, then says something on some of them. */
async function idle(): Promise<Table> {
  const count = Number(options.idle);
  const hold = Number(options.hold);
  const rows: Row[] = [];
  for (const [name, args] of Object.entries(echoServers.line)) {
    const server = await start(deno, args, count + 1000);
    try {
      await pingPong(server.port, 64); // warm up
      const before = residentMemory(server);
      const conns: Deno.TcpConn[] = [];
      while (conns.length < count) {
        conns.push(
          ...await Promise.all(
            Array.from(
              { length: 100 },
              () => Deno.connect({ hostname: "127.0.0.1", port: server.port }),
            ),
          ),
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const memory = residentMemory(server);
      const cpu = processorTime(server);
      await new Promise((resolve) => setTimeout(resolve, 1000 * hold));
      const idleCpu = processorTime(server) - cpu;
      const times: number[] = [];
      let asked = 0;
      let answered = 0;
      const line = new TextEncoder().encode("still there?\n");
      for (let i = 0; i < conns.length; i += Math.max(1, Math.floor(count / 1000))) {
        asked++;
        const buffer = new Uint8Array(100);
        const begin = performance.now();
        await conns[i]!.write(line);
        if (await conns[i]!.read(buffer) === line.length) answered++;
        times.push(performance.now() - begin);
      }
      for (const conn of conns) conn.close();
      rows.push({
        server: name,
        connections: count,
        "KB each": round((memory - before) / count / 1024),
        [`ms CPU in ${hold} s`]: idleCpu,
        answered: `${answered}/${asked}`,
        "p99 ms": round(times.sort((a, b) => a - b)[Math.floor(0.99 * times.length)]!),
        "slowest ms": round(times.at(-1)!),
      });
    } finally {
      await stop(server);
    }
  }
  return { title: "Idle connections", rows };
}

/** How late a 10 ms setInterval is, and how many fetches a second get through, in a process that serves at full load. */
async function restOfTheProgram(): Promise<Table> {
  const rows: Row[] = [];
  for (const [name, args] of Object.entries(cohabitants)) {
    const server = await start(deno, ["run", "-A", here("peers/cohabitant.ts"), ...args]);
    try {
      for (const loaded of [false, true]) {
        const load = loaded
          ? new Deno.Command("wrk", {
            args: ["-t1", "-c64", `-d${seconds + 1}s`, `http://127.0.0.1:${server.port}/`],
            stdout: "null",
          }).spawn()
          : undefined;
        await new Promise((resolve) => setTimeout(resolve, 500));
        const response = await fetch(`http://127.0.0.1:${server.port}/measure?ms=${500 * seconds}`);
        const { lateMs, worstMs, fetches, signalMs } = await response.json();
        await load?.status;
        rows.push({
          server: name,
          load: loaded ? "wrk, 64" : "none",
          "interval late, median ms": round(lateMs),
          "p99 ms": round(worstMs),
          "signal ms": round(signalMs),
          "fetches/s": round(fetches),
        });
      }
    } finally {
      await stop(server);
    }
  }
  return {
    title: "The rest of the program: setInterval(10), signals and fetch beside a busy server",
    rows,
  };
}

const cohabitants: Record<string, string[]> = {
  "Deno.serve": ["--server", "Deno.serve"],
  "weightless, deno": ["--server", "deno"],
};
if (linux) cohabitants["weightless, epoll"] = ["--server", "epoll"];

const tables: Table[] = [timers()];
printTable(tables[0]!);
tables.push(...await echo("line"), ...await echo("bytes"));
if (linux) {
  tables.push(await idle());
  printTable(tables.at(-1)!);
}
if (await has("wrk")) {
  tables.push(await restOfTheProgram());
  printTable(tables.at(-1)!);
} else console.error("Without wrk there is no load: apt-get install wrk, or brew install wrk");
await writeJson("reactor", tables);
