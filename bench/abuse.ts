/**
 * What clients can do to a server that mean no good, on both back ends. Linux; slow clients need slowhttptest.
 *
 * For each attack it shows how long another client had to wait at most, which makes a connection for each request; the
 * memory of the server before, at most, and after; and how long the attackers' connections lasted. `--large` moves a
 * GiB to and ten from the server instead; `--mixed SECONDS` lets clients of all kinds come, half of which go away in the
 * middle of something, and shows what the server holds before and after.
 *
 *     deno run -A bench/abuse.ts [--connections 1000] [--timeout-ms 5000] [--large | --mixed 300] [--only echo]
 */
import { parseArgs } from "node:util";
import { printTable, round, type Row, writeJson } from "./_report.ts";
import {
  has,
  held,
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
    connections: { type: "string", default: "1000" },
    "timeout-ms": { type: "string", default: "5000" },
    only: { type: "string", default: "" },
    large: { type: "boolean", default: false },
    mixed: { type: "string", default: "0" },
  },
});
const connections = Number(options.connections);
const timeoutMs = Number(options["timeout-ms"]);
const isMixed = Number(options.mixed) > 0;
const WARM_UP_S = 15;
const GIB = 2 ** 30;
const REQUEST = new TextEncoder().encode(
  "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
);

/** A program that is run against the server. */
interface Attack {
  name: string;
  command: string;
  args: (port: number) => string[];
  /** How many connections the server takes. */
  max?: number;
}

function slow(name: string, path: string, ...args: string[]): Attack {
  return {
    name,
    command: "slowhttptest",
    args: (port) => [
      ...["-c", String(connections), "-r", String(connections), "-i", "1", "-p", "1"],
      ...["-l", String(Math.ceil(3 * timeoutMs / 1000)), "-v", "0"],
      ...["-u", `http://127.0.0.1:${port}${path}`, ...args],
    ],
  };
}

function ours(name: string, kind: string, number: number, path = "", max?: number): Attack {
  return {
    name,
    command: Deno.execPath(),
    args: (port) => [
      ...["run", "-A", here("peers/abuser.ts"), String(port), kind, String(number), path],
    ],
    ...(max !== undefined && { max }),
  };
}

const ATTACKS: Attack[] = [
  slow("slow headers", "/", "-H"),
  slow("slow body", "/upload", "-B", "-s", "8192"),
  slow("slow read", "/download?size=10000000", "-X", "-n", "1", "-z", "32"),
  slow("ranges", "/file", "-R", "-t", "GET"),
  ours("500 silent, of 600", "silent", 500, "", 600),
  ours("500 that never read an echo", "echo", 500),
];
const LARGE: Attack[] = [
  ours("upload of 1 GiB", "upload", GIB, "/upload"),
  ours("upload of 1 GiB, chunked", "chunked", GIB, "/upload"),
  ours("upload of 1 GiB, fetchHandler", "upload", GIB, "/web"),
  ours("upload of 1 GiB, fetchHandler, chunked", "chunked", GIB, "/web"),
  ours("download of 10 GiB", "download", 10 * GIB, "/download"),
  ours("download of 10 GiB, chunked", "download", 10 * GIB, "/chunked"),
  ours("download of 10 GiB, fetchHandler", "download", 10 * GIB, "/web"),
];
const MIXED: Attack[] = [
  ours(`${options.mixed} s of clients of all kinds`, "mixed", Number(options.mixed)),
];

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function ask(port: number): Promise<number> {
  const begin = performance.now();
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(REQUEST);
  const answer = await new Response(conn.readable).text();
  if (!answer.endsWith("Hello!")) throw new Error(`The answer was ${answer}`);
  return performance.now() - begin;
}

function descriptors({ process }: Server): number {
  return [...Deno.readDirSync(`/proc/${process.pid}/fd`)].length;
}

const mib = (bytes: number) => round(bytes / 2 ** 20);

function run({ command, args }: Attack, port: number): Deno.ChildProcess {
  return new Deno.Command(command, { args: args(port), stdout: "piped", stderr: "inherit" })
    .spawn();
}

async function measure(attack: Attack, selector: string): Promise<Row> {
  const { max = 2 * connections } = attack;
  const args = ["run", "-A", here("peers/abused.ts"), selector, String(max), String(timeoutMs)];
  const server = await start(Deno.execPath(), args);
  try {
    for (let i = 0; i < 1000; i++) await ask(server.port);
    // What is left of many clients is to be compared with what was left of some.
    if (isMixed) await run(ours("", "mixed", WARM_UP_S), server.port).output();
    const before = residentMemory(server);
    const cpu = processorTime(server);
    const [heldBefore, descriptorsBefore] = [await held(server), descriptors(server)];
    let most = before;
    const waits: number[] = [];
    let state: "under attack" | "after" = "under attack";
    const watching = (async () => {
      while (state === "under attack") {
        waits.push(await ask(server.port));
        most = Math.max(most, residentMemory(server));
        await pause(20);
      }
    })();
    const begin = performance.now();
    const ended = run(attack, server.port).output();
    let left = Infinity;
    let isOver = false;
    ended.then(() => isOver = true);
    let mostOpen = 0;
    while (!isOver || left > 1) {
      await pause(100);
      left = (await held(server)).connections;
      mostOpen = Math.max(mostOpen, left);
      if (isOver && performance.now() - begin > 5 * timeoutMs + 1000 * Number(options.mixed)) break;
    }
    const seconds = (performance.now() - begin) / 1000;
    state = "after";
    await watching;
    const { code, stdout } = await ended;
    if (code !== 0 && attack.command !== "slowhttptest") throw new Error(`${attack.name} failed`);
    const [heldAfter, descriptorsAfter] = [await held(server), descriptors(server)];
    waits.sort((a, b) => a - b);
    return {
      attack: attack.name,
      "back end": selector,
      "open at most": mostOpen,
      "left": heldAfter.connections,
      "seconds": round(seconds),
      "server's CPU s": round((processorTime(server) - cpu) / 1000),
      "median wait ms": round(waits[waits.length >> 1]!),
      "p99 ms": round(waits[Math.floor(waits.length * 0.99)]!),
      "longest ms": round(waits.at(-1)!),
      "MiB before": mib(before),
      "at most": mib(most),
      "after": mib(residentMemory(server)),
      ...(isMixed && {
        clients: new TextDecoder().decode(stdout).trim(),
        descriptors: `${descriptorsBefore} to ${descriptorsAfter}`,
        handlers: `${heldBefore.handlers} to ${heldAfter.handlers}`,
        timers: `${heldBefore.timers} to ${heldAfter.timers}`,
        registered: `${heldBefore.registered} to ${heldAfter.registered}`,
      }),
    };
  } finally {
    await stop(server);
  }
}

if (Deno.build.os !== "linux" || !await has("slowhttptest")) {
  console.error("Without Linux and slowhttptest nothing is shown: apt-get install slowhttptest");
  Deno.exit();
}
const attacks = isMixed ? MIXED : options.large ? LARGE : ATTACKS;
const rows: Row[] = [];
for (const attack of attacks) {
  if (!attack.name.includes(options.only)) continue;
  for (const selector of ["epoll", "deno"]) {
    const row = await measure(attack, selector);
    console.log(Object.entries(row).map(([name, value]) => `${name}: ${value}`).join(", "));
    rows.push(row);
  }
}
const title = `Attacks; all timeouts are ${timeoutMs} ms`;
printTable({ title, rows });
await writeJson("abuse", [{ title, rows }]);
