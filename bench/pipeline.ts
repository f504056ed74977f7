/**
 * Pipelines against Web streams, and messages between components against plain calls.
 *
 *     deno run -A bench/pipeline.ts [--size 1024] [--rounds 3]      # size of the file in MiB
 */
import { parseArgs } from "node:util";
import { call, compose, type Coroutine } from "../compose/mod.ts";
import { be, Observable } from "../pipeline/mod.ts";
import { median, printTable, round, type Row, type Table, writeJson } from "./_report.ts";
import { here } from "./_servers.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    size: { type: "string", default: "1024" },
    rounds: { type: "string", default: "3" },
  },
});

/** A log of so many MiB. */
async function makeLog(mebibytes: number): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".log" });
  using output = await Deno.open(file, { write: true });
  const writer = output.writable.getWriter();
  let text = "";
  for (let i = 0; text.length < 1 << 20; i++) {
    text += `2024-05-01T12:00:${String(i % 60).padStart(2, "0")}Z host-${i % 7} request ${i} ` +
      `path=/items/${"x".repeat(i % 40)} status=${[200, 200, 304, 404][i % 4]}\n`;
  }
  const chunk = new TextEncoder().encode(text.slice(0, 1 << 20));
  for (let i = 0; i < mebibytes; i++) await writer.write(chunk);
  await writer.close();
  return file;
}

/** The lines, milliseconds of time and of processor time, kilobytes. */
interface Count {
  n: number;
  ms: number;
  cpu: number;
  peak: number;
}

/** What one way of counting took, in a process of its own. */
async function count(way: string, file: string): Promise<Count> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", here("_pipeline_lines.ts"), way, file],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Counting by ${way} failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function linesTable(): Promise<Table> {
  const names: Record<string, string> = {
    pipe: "pipe(lines, filter, count) of file.readable",
    sync: "pipe(lines, filter, count) of file.readSync()",
    streams: "file.readable, TextDecoderStream, line stream, for await",
    readline: "node:readline, for await",
  };
  const size = Number(options.size);
  const file = await makeLog(size);
  try {
    const ways = Object.keys(names);
    const results = new Map(ways.map((way) => [way, [] as Count[]]));
    const counts = new Set<number>();
    for (let i = 0; i < Number(options.rounds); i++) {
      for (const way of ways) {
        const result = await count(way, file);
        counts.add(result.n);
        results.get(way)!.push(result);
      }
      ways.reverse();
    }
    if (counts.size !== 1) throw new Error(`The ways disagree: they counted ${[...counts]}`);
    const streams = median(results.get("streams")!.map(({ ms }) => ms));
    const rows: Row[] = [...results].map(([way, list]) => {
      const ms = median(list.map(({ ms }) => ms));
      return {
        way: names[way]!,
        seconds: round(ms / 1000),
        "CPU seconds": round(median(list.map(({ cpu }) => cpu)) / 1000),
        "MiB/s": round(size / (ms / 1000)),
        "peak RSS (MiB)": round(Math.max(...list.map(({ peak }) => peak)) / 1024),
        "× Web streams": round(streams / ms),
      };
    });
    return { title: `Counting lines in a log of ${size} MiB`, rows };
  } finally {
    await Deno.remove(file);
  }
}

class Sink {
  total = 0;
  add(n: number): void {
    this.total += n;
  }
  *next(n: number): Coroutine<number> {
    return n + 1;
  }
}

class Source extends Observable<{ add(n: number): void; next(n: number): Coroutine<number> }> {
  constructor(readonly sink: Sink) {
    super();
  }
  direct(times: number): void {
    for (let i = 0; i < times; i++) this.sink.add(i);
  }
  sent(times: number): void {
    for (let i = 0; i < times; i++) this.do.add(i);
  }
  *called(times: number): Coroutine {
    for (let i = 0, n = 0; i < times; i++) n = yield* call(this.sink.next(n));
  }
  *asked(times: number): Coroutine {
    for (let i = 0, n = 0; i < times; i++) n = yield* call(this.any.next(n));
  }
}

function dispatchTable(): Table {
  const sink = new Sink();
  const source = be([new Source(sink), [sink]]);
  const ways: Record<string, [times: number, run: (times: number) => void]> = {
    "direct method call": [20_000_000, (times) => source.direct(times)],
    "this.do to one observer": [20_000_000, (times) => source.sent(times)],
    "yield* call(coroutine)": [1_000_000, (times) => compose(source.called(times)).next()],
    "yield* call(this.any), one observer": [
      1_000_000,
      (times) => compose(source.asked(times)).next(),
    ],
  };
  const nanoseconds = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
  for (let i = 0; i < 9; i++) {
    for (const [name, [times, run]] of Object.entries(ways)) {
      const start = performance.now();
      run(times);
      if (i > 1) nanoseconds.get(name)!.push((performance.now() - start) / times * 1e6);
    }
  }
  const rows: Row[] = [];
  let bare = 0;
  for (const [name, list] of nanoseconds) {
    const ns = median(list);
    if (rows.length % 2 === 0) bare = ns;
    rows.push({ message: name, "ns": round(ns), "× the bare call": round(ns / bare) });
  }
  return { title: "Messages to one observer", rows };
}

const tables: Table[] = [];
tables.push(dispatchTable());
printTable(tables[0]!);
tables.push(await linesTable());
printTable(tables[1]!);
await writeJson("pipeline", tables);
