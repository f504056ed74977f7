/**
 * How long the words and the lines of a text are, counted in one pass by a pipeline that splits in two.
 *
 *     deno run --allow-read examples/word_lengths.ts FILE
 */
import { type Coroutine, EndOfStream } from "@weightless/io/compose";
import { flatMap, fromIterable, lines, pipe, tee } from "@weightless/io/pipeline";
import { fail } from "./_cli.ts";

/** Reads texts; when there are no more, yields how many there were of each length, in steps. */
function* lengths(title: string, step: number): Coroutine<void> {
  const counts: number[] = [];
  let total = 0;
  try {
    for (;; total++) {
      const text: string = yield;
      const n = Math.floor(text.length / step);
      counts[n] = (counts[n] ?? 0) + 1;
    }
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
    yield `${total} ${title}`;
    const most = Math.max(...counts.filter(Boolean));
    for (const [n, count = 0] of counts.entries()) {
      if (count === 0) continue;
      const range = step === 1 ? `${n}` : `${n * step}-${(n + 1) * step - 1}`;
      const bar = "#".repeat(Math.ceil(count / most * 40));
      yield `${range.padStart(9)} ${String(count).padStart(9)} ${bar}`;
    }
  }
}

const [path, ...more] = Deno.args;
if (path === undefined || more.length > 0) fail("Usage: word_lengths.ts FILE");

const words = flatMap((line: string) => line.match(/[\p{L}\p{N}'’]+/gu) ?? []);
const counting = pipe(
  lines(),
  tee(pipe(words, lengths("words", 1)), lengths("lines", 20)),
);
try {
  using file = await Deno.open(path);
  for await (const line of fromIterable<string>(file.readable, counting)) console.log(line);
} catch (error) {
  fail(`Cannot count ${path}: ${(error as Error).message}`);
}
