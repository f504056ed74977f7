/**
 * Which TCP ports of a host are open: many connections at once, but never more than a limit, each with a timeout.
 *
 *     deno run --allow-net examples/port_scanner.ts [--host 127.0.0.1] [--ports 1-1024] [--at-once 100] [--timeout 500]
 */
import type { Coroutine } from "@weightless/io/compose";
import { all, asProcess, connectTo, timeout } from "@weightless/io/gio";
import { fail, options, port } from "./_cli.ts";

const given = options(
  "port_scanner.ts [--host 127.0.0.1] [--ports 1-1024] [--at-once 100] [--timeout 500]",
  {
    host: "127.0.0.1",
    ports: "1-1024",
    "at-once": "100",
    timeout: "500",
  },
);
const [first, last] = given.ports.split("-").map(port);
if (first === undefined || last === undefined || first > last) {
  fail(`Cannot scan ports ${given.ports}: give the first and the last, for example 1-1024`);
}
const atOnce = Number(given["at-once"]), timeoutMs = Number(given.timeout);
if (!(atOnce >= 1 && timeoutMs >= 1)) {
  fail("Cannot scan: --at-once and --timeout must be at least 1");
}

const open: number[] = [];
const total = last - first + 1;
let scanned = 0;

function progress(): void {
  scanned++;
  if (!Deno.stderr.isTerminal()) return;
  const done = Math.round(40 * scanned / total);
  const bar = "#".repeat(done).padEnd(40, ".");
  Deno.stderr.writeSync(
    new TextEncoder().encode(`\r[${bar}] ${scanned}/${total}${scanned === total ? "\n" : ""}`),
  );
}

function* isOpen(hostname: string, port: number): Coroutine<boolean> {
  using _ = timeout(timeoutMs);
  try {
    using _peer = yield* connectTo({ hostname, port });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable || /lookup/.test(`${error}`)) throw error;
    return false;
  }
}

/** Each worker takes the next port until there are none left: the number of workers is the limit. */
function* worker(ports: Iterator<number>): Coroutine<void> {
  for (let next; !(next = ports.next()).done;) {
    if (yield* isOpen(given.host, next.value)) open.push(next.value);
    progress();
  }
}

const ports = Iterator.from({
  *[Symbol.iterator]() {
    for (let n = first; n <= last; n++) yield n;
  },
});
try {
  await asProcess(
    function* () {
      yield* all(...Array.from({ length: Math.min(atOnce, total) }, () => worker(ports)));
    }(),
    { onError() {} },
  ); // one of many that fail alike says enough
} catch (error) {
  fail(`Cannot scan ${given.host}: ${(error as Error).message}`);
}
for (const port of open.sort((a, b) => a - b)) console.log(port);
