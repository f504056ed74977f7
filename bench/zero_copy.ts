/**
 * Relays of much and of little, and downloads of a file, by `splice` and `sendFile` and by others. Needs Linux and a C
 * compiler.
 *
 *     deno run -A bench/zero_copy.ts [--gib 8] [--rounds 3] [--seconds 1] [relay] [download] [messages]
 *
 * With only some of its parts, nothing is written to bench/results.
 */
import { parseArgs } from "node:util";
import { C, fileServers, LOOP, ours, PIPE_TO, relays, type Start } from "./_ends.ts";
import { median, printTable, round, type Row, type Table, writeJson } from "./_report.ts";
import { compiled, processorTime, type Server, start, stop } from "./_servers.ts";

const { values: options, positionals: chosen } = parseArgs({
  allowPositionals: true,
  args: Deno.args,
  options: {
    gib: { type: "string", default: "8" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "1" },
  },
});
const gib = Number(options.gib);
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const WARM_UP = 256; // MiB

const linux = Deno.build.os === "linux";
const flow = linux ? await compiled("flow.c") : undefined;
const pingPong = linux ? await compiled("ping_pong.c") : undefined;
if (flow === undefined || pingPong === undefined) {
  console.error("Without Linux and a C compiler nothing is measured");
  Deno.exit();
}

/** One measurement: seconds of CPU and of the clock; bytes, as who spliced has counted them. */
interface Measured {
  cpu: number;
  elapsed: number;
  bytes: number;
  spliced: number;
}

async function output(command: string, ...args: (string | number)[]): Promise<string> {
  const { stdout, success } = await new Deno.Command(command, {
    args: args.map(String),
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")} has failed`);
  return new TextDecoder().decode(stdout);
}

/** Starts all, lets each work once for a start, then all in turn, there and back. */
async function alternately<Given, Result>(
  starts: Record<string, Start<Given>>,
  given: Given,
  times: number,
  work: (server: Server, name: string, warmUp: boolean) => Promise<Result>,
): Promise<Map<string, Result[]>> {
  const servers = new Map<string, Server>();
  try {
    for (const [name, start] of Object.entries(starts)) servers.set(name, await start(given));
    const results = new Map<string, Result[]>([...servers.keys()].map((name) => [name, []]));
    for (const [name, server] of servers) await work(server, name, true);
    const order = [...servers];
    for (let i = 0; i < times; i++) {
      for (const [name, server] of order) {
        results.get(name)!.push(await work(server, name, false));
      }
      order.reverse();
    }
    return results;
  } finally {
    for (const server of servers.values()) await stop(server);
  }
}

/** How much CPU a server needs for some work. */
async function measure(server: Server, work: () => Promise<Omit<Measured, "cpu">>) {
  const before = processorTime(server);
  const measured = await work();
  await new Promise((resolve) => setTimeout(resolve, 100)); // its cleaning up
  return { ...measured, cpu: (processorTime(server) - before) / 1000 };
}

/** What a server of ours tells after each connection. */
async function spliced({ stdout }: Server, name: string): Promise<number> {
  return isOurs(name) ? JSON.parse((await stdout.read()).value!).spliced : 0;
}

const isOurs = (name: string) => name.startsWith("weightless");

/** A row for each: CPU and throughput, and their ratios to some, in the same round. */
function rows(
  what: string,
  measured: Map<string, Measured[]>,
  references: string[],
): Row[] {
  const cpu = ({ cpu, bytes }: Measured) => cpu / (bytes / 2 ** 30);
  const rate = ({ elapsed, bytes }: Measured) => bytes / 2 ** 30 / elapsed;
  return [...measured].map(([name, list]) => {
    const ratio = (reference: string, of: (measured: Measured) => number): number =>
      round(median(list.map((m, i) => of(m) / of(measured.get(reference)![i]!))));
    const row: Row = { [what]: name, "CPU s/GiB": round(median(list.map(cpu))) };
    for (const reference of references) {
      if (measured.has(reference)) row[`× ${reference}`] = ratio(reference, cpu);
    }
    row["GiB/s"] = round(median(list.map(rate)));
    row[`× ${PIPE_TO}, GiB/s`] = ratio(PIPE_TO, rate);
    if (isOurs(name)) {
      const share = median(list.map(({ spliced, bytes }) => spliced / bytes));
      row["spliced %"] = (100 * share).toFixed(2);
    }
    return row;
  });
}

function printed(title: string, rows: Row[]): Table {
  const table = { title, rows };
  printTable(table);
  return table;
}

async function relaying(flow: string): Promise<Table[]> {
  const sink = await start(flow, ["sink"]);
  try {
    const measured = await alternately(
      await relays(),
      sink.port,
      rounds,
      (relay, name, warmUp) =>
        measure(relay, async () => {
          const size = warmUp ? WARM_UP : 1024 * gib;
          await output(flow, "send", relay.port, size);
          const line = (await sink.stdout.read()).value!;
          const [bytes, elapsed] = line.split(" ").map(Number) as [number, number];
          if (bytes !== size * 2 ** 20) throw new Error(`${bytes} bytes arrived by ${name}`);
          return { bytes, elapsed, spliced: await spliced(relay, name) };
        }),
    );
    return [printed(`Relay of ${gib} GiB`, rows("relay", measured, [PIPE_TO, LOOP, C]))];
  } finally {
    await stop(sink);
  }
}

async function downloading(flow: string): Promise<Table[]> {
  const MIB = 1024;
  const TIMES = 4; // that one measurement is not too short
  const path = await Deno.makeTempFile();
  try {
    {
      using file = await Deno.open(path, { write: true });
      const part = new Uint8Array(2 ** 20).fill(120);
      for (let i = 0; i < MIB; i++) file.writeSync(part);
    }
    await Deno.chmod(path, 0o644);
    const measured = await alternately(
      await fileServers(),
      path,
      rounds,
      (server, name) =>
        measure(server, async () => {
          const measured = { bytes: 0, elapsed: 0, spliced: 0 };
          for (let i = 0; i < TIMES; i++) {
            measured.elapsed += Number(await output(flow, "download", server.port, "/file", MIB));
            measured.bytes += MIB * 2 ** 20;
            measured.spliced += await spliced(server, name);
          }
          return measured;
        }),
    );
    return [
      printed(`Download of a file of ${MIB} MiB`, rows("server", measured, [PIPE_TO, "nginx"])),
    ];
  } finally {
    await Deno.remove(path);
  }
}

async function littleMessages(flow: string, client: string): Promise<Table[]> {
  const starts = {
    "weightless, epoll": ours("splice", "epoll"),
    "weightless, epoll, copy": ours("copy", "epoll"),
    "weightless, deno": ours("splice"),
    "weightless, deno, copy": ours("copy"),
  };
  const tables: Table[] = [];
  const echo = await start(flow, ["echo"]);
  try {
    for (const size of [64, 4096]) {
      for (const connections of [1, 64]) {
        const work = async (relay: Server) => {
          const before = processorTime(relay);
          const rate = Number(await output(client, relay.port, connections, seconds, size));
          return { rate, cpu: (processorTime(relay) - before) * 1000 / (rate * seconds) };
        };
        const measured = await alternately(starts, echo.port, 2 * rounds + 1, work);
        tables.push(printed(
          `Ping-pong of ${size} bytes through the relay, on ${connections}`,
          [...measured].map(([name, list]): Row => {
            const copying = measured.get(name.replace(/(, copy)?$/, ", copy"))!;
            return {
              relay: name,
              "round trips/s": round(median(list.map(({ rate }) => rate))),
              "× copy": round(median(list.map(({ rate }, i) => rate / copying[i]!.rate))),
              "µs CPU each": round(median(list.map(({ cpu }) => cpu))),
            };
          }),
        ));
      }
    }
  } finally {
    await stop(echo);
  }
  return tables;
}

const parts: Record<string, () => Promise<Table[]>> = {
  relay: () => relaying(flow),
  download: () => downloading(flow),
  messages: () => littleMessages(flow, pingPong),
};
const tables: Table[] = [];
for (const part of chosen.length > 0 ? chosen : Object.keys(parts)) {
  if (parts[part] === undefined) {
    throw new Error(`Cannot measure ${part}: only ${Object.keys(parts).join(", ")}`);
  }
  tables.push(...await parts[part]());
}
if (chosen.length === 0) await writeJson("zero_copy", tables);
