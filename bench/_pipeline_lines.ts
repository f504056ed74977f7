/**
 * Counts the lines of a file that contain a word, in one of several ways, and prints the count, the time it took, the
 * processor time, and the most memory the process has used, as JSON. `pipeline.ts` runs it, each time in a process of its own.
 */
import { createReadStream } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { type Coroutine, EndOfStream } from "../compose/mod.ts";
import { filter, fromIterable, lines, pipe } from "../pipeline/mod.ts";

const WORD = "status=4";
const wanted = (line: string) => line.includes(WORD);

function* count(): Coroutine<void> {
  let n = 0;
  try {
    for (;; n++) yield;
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
    yield n;
  }
}

/** What TextLineStream of @std/streams is documented to do: lines end with `\n` or `\r\n`. */
class LineStream extends TransformStream<string, string> {
  constructor() {
    let begun = "";
    super({
      transform(chunk, controller) {
        let text = begun + chunk;
        for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
          controller.enqueue(text.slice(0, text[end - 1] === "\r" ? end - 1 : end));
          text = text.slice(end + 1);
        }
        begun = text;
      },
      flush(controller) {
        if (begun !== "") controller.enqueue(begun);
      },
    });
  }
}

function* chunks(file: Deno.FsFile): Generator<Uint8Array> {
  const buffer = new Uint8Array(65536);
  for (let n; (n = file.readSync(buffer)) !== null;) yield buffer.subarray(0, n);
}

const ways: Record<string, (file: string) => Promise<number>> = {
  async pipe(file) {
    using opened = await Deno.open(file);
    const counting = pipe(lines(), filter(wanted), count());
    for await (const n of fromIterable<number>(opened.readable, counting)) return n;
    throw new Error("count() yielded nothing");
  },
  async sync(file) {
    using opened = await Deno.open(file);
    const [n] = fromIterable<number>(chunks(opened), pipe(lines(), filter(wanted), count()));
    return n!;
  },
  async streams(file) {
    using opened = await Deno.open(file);
    const read = opened.readable
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new LineStream());
    let n = 0;
    for await (const line of read) if (wanted(line)) n++;
    return n;
  },
  async readline(file) {
    let n = 0;
    for await (const line of createInterface({ input: createReadStream(file) })) {
      if (wanted(line)) n++;
    }
    return n;
  },
};

/** Kilobytes: what the system says, where it does, else what is in use now. */
function peakMemory(): number {
  try {
    return Number(Deno.readTextFileSync("/proc/self/status").match(/VmHWM:\s+(\d+)/)![1]);
  } catch {
    return Deno.memoryUsage().rss / 1024;
  }
}

const [way, file] = Deno.args;
const start = performance.now();
const n = await ways[way!]!(file!);
const ms = performance.now() - start;
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ n, ms, cpu: (user + system) / 1000, peak: peakMemory() }));
