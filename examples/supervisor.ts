/**
 * Runs programs side by side, merges their output line by line, and starts those that fail again, at most three times.
 * Ctrl-C (SIGINT) or SIGTERM ends them all.
 *
 *     deno run --allow-run examples/supervisor.ts 'sh -c "for i in 1 2 3; do echo $i; sleep 1; done"' 'sh -c "echo no; exit 1"'
 */
import { type Coroutine, EndOfStream } from "@weightless/io/compose";
import { all, asProcess, currentGio, enter, sleep, wait } from "@weightless/io/gio";
import { lines, pipe } from "@weightless/io/pipeline";
import { type Socket, subprocess } from "@weightless/io/reactor";
import { fail } from "./_cli.ts";

const RESTARTS = 3;
const PAUSE_MS = 200;

/** Splits a command line at blanks, except between quotes. */
function words(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) =>
    a ?? b ?? c ?? ""
  );
}

function* print(name: string): Coroutine {
  try {
    for (;;) console.log(`${name} | ${yield}`);
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
  }
}

function* output(name: string, stream: Socket): Coroutine {
  using _ = enter(stream);
  yield pipe(lines(), print(name));
}

function* supervise(command: string): Coroutine<number> {
  const [program, ...args] = words(command);
  const name = `${program}`;
  for (let starts = 0;; starts++) {
    const running = subprocess(currentGio().reactor, program!, { args });
    let code = 1;
    try {
      yield* all(output(name, running.io), output(name, running.stderr));
      ({ code } = yield* wait(running.status));
      console.log(`${name} ended with code ${code}`);
    } finally {
      running.kill();
      yield* wait(running.status);
    }
    if (code === 0 || starts === RESTARTS) return code;
    yield* sleep(PAUSE_MS * 2 ** starts);
  }
}

if (Deno.args.length === 0) {
  fail("Cannot supervise nothing: give one or more commands, each in quotes");
}
const stop = new AbortController();
const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
for (const signal of signals) Deno.addSignalListener(signal, () => stop.abort());
try {
  const codes = await asProcess(
    function* () {
      return yield* all(...Deno.args.map(supervise));
    }(),
    { signal: stop.signal },
  );
  Deno.exit(codes.every((code) => code === 0) ? 0 : 1);
} catch (error) {
  if (stop.signal.aborted) Deno.exit(0);
  fail(`Cannot go on: ${(error as Error).message}`);
}
