/**
 * Follows logs, as `tail -F` does: several files, through truncation and rotation, and only the lines that match. While it catches up
 * with a big file it shows how far it is, and then how fast that was.
 *
 *     deno run --allow-read examples/tail.ts [--match REGEXP] [--from start|end] [--once] FILE…
 *
 * With `--once` it ends at the end of the files.
 */
import { parseArgs } from "node:util";
import { call, type Coroutine } from "@weightless/io/compose";
import { all, asProcess, sleep, wait } from "@weightless/io/gio";
import { filter, lines, pipe } from "@weightless/io/pipeline";
import { Bars } from "./_bars.ts";
import { fail } from "./_cli.ts";

const MIB = 1024 * 1024;
/** A longer line is cut. */
const MAX_LINE = 64 * 1024, NEWLINE = 10;
/** How often files are looked at that have been read to their end. */
const LOOK_MS = 200;

interface Settings {
  match: RegExp;
  from: "start" | "end";
  once: boolean;
  bars: Bars;
  /** Whether there are several files, so that each line is told of which it is. */
  isNamed: boolean;
}

/** The bytes of a file, and of those that take its place. */
function* contents(path: string, { from, once, bars }: Settings): Coroutine<void> {
  for (let isFirst = true;; isFirst = false) {
    const file = yield* call(opened(path, once));
    const { ino, size } = file.statSync();
    const begun = performance.now();
    const start = isFirst && from === "end" ? file.seekSync(0, Deno.SeekMode.End) : 0;
    let position = start, last = NEWLINE, isCatchingUp = size > start;
    const buffer = new Uint8Array(MAX_LINE);
    using _ = file;
    for (let isOver = once;;) {
      // Not as a context: that has an end, and this file goes on after it.
      for (let n; (n = yield* wait(file.read(buffer))) !== null;) {
        position += n;
        last = buffer[n - 1]!;
        if (isCatchingUp) bars.show(path, position, Math.max(size, position));
        yield buffer.subarray(0, n); // It is split into lines before the next read.
      }
      if (isCatchingUp && (once || position - start >= MIB)) {
        report(path, position - start, begun, bars);
      }
      isCatchingUp = false;
      if (isOver) break;
      yield* sleep(LOOK_MS);
      const now = stat(path);
      if (now === undefined) continue; // It was moved, and there is no new one yet.
      if (now.ino === ino && now.size < position) break; // It was truncated.
      // When there is something in the new one, nobody writes to the old one any more. It is read to its end.
      isOver = now.ino !== ino && now.size > 0;
    }
    if (once) return;
    if (last !== NEWLINE) yield Uint8Array.of(NEWLINE); // The line does not go on in another file.
  }
}

/** Opens a file, as soon as there is one. */
function* opened(path: string, once: boolean): Coroutine<Deno.FsFile> {
  for (;;) {
    try {
      return Deno.openSync(path);
    } catch (error) {
      if (once || !(error instanceof Deno.errors.NotFound)) throw error;
    }
    yield* sleep(LOOK_MS);
  }
}

function stat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function report(path: string, bytes: number, begun: number, bars: Bars): void {
  bars.draw();
  const mib = bytes / MIB, seconds = (performance.now() - begun) / 1000;
  console.error(`${path}: ${mib.toFixed(1)} MiB, ${(mib / seconds).toFixed(1)} MiB/s`);
}

/** A stage that ends a line that is too long. What comes of it then is another line. */
export function* cut(max: number): Coroutine<void> {
  for (let length = 0;;) {
    const chunk: Uint8Array = yield;
    const newline = chunk.indexOf(NEWLINE);
    if (length > 0 && length + (newline < 0 ? chunk.length : newline) > max) {
      yield Uint8Array.of(NEWLINE);
      length = 0;
    }
    yield chunk;
    length = newline < 0 ? length + chunk.length : chunk.length - 1 - chunk.lastIndexOf(NEWLINE);
  }
}

function* print(path: string, isNamed: boolean): Coroutine<void> {
  for (;;) {
    const line: string = yield;
    console.log(isNamed ? `${path}: ${line}` : line);
  }
}

function follow(path: string, settings: Settings): Coroutine<unknown> {
  const { match, isNamed } = settings;
  const splitting = lines({ maxLength: 2 * MAX_LINE }); // Chunks are at most as long as a line.
  const matching = filter((line: string) => match.test(line));
  return pipe(contents(path, settings), cut(MAX_LINE), splitting, matching, print(path, isNamed));
}

function given(): { settings: Settings; paths: string[] } {
  try {
    const { values, positionals: paths } = parseArgs({
      args: Deno.args,
      allowPositionals: true,
      options: {
        match: { type: "string", default: "" },
        from: { type: "string", default: "start" },
        once: { type: "boolean", default: false },
      },
    });
    const { from, once } = values;
    if (paths.length === 0) throw new Error("Give a file");
    if (from !== "start" && from !== "end") throw new Error(`Cannot use --from ${from}`);
    const settings = { match: new RegExp(values.match, "u"), from, once } as const;
    return { settings: { ...settings, bars: new Bars(paths), isNamed: paths.length > 1 }, paths };
  } catch (error) {
    fail(
      `${
        (error as Error).message.split("\n")[0]
      }. Usage: tail.ts [--match REGEXP] [--from start|end] [--once] FILE…`,
    );
  }
}

if (import.meta.main) {
  const { settings, paths } = given();
  const stop = new AbortController();
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, () => stop.abort());
  try {
    const following = function* () {
      yield* all(...paths.map((path) => follow(path, settings)));
    };
    await asProcess(following(), { signal: stop.signal });
  } catch (error) {
    if (!stop.signal.aborted) {
      fail(`Cannot follow ${paths.join(", ")}: ${(error as Error).message}`);
    }
  }
  Deno.exit();
}
