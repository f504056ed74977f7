import { machinery } from "./_machinery.ts";
import { onlyToBeCalled } from "./_only_to_be_called.ts";
import { latin1 } from "./_bytes.ts";
import { checkSize, type Chunk, Chunks, DEFAULT_MAX } from "./_chunks.ts";
import type { Coroutine } from "./coroutine.ts";
import { PushBack } from "./push_back.ts";

/**
 * Reads what a regular expression matches, from where the input is. What came after the match is
 * pushed back.
 *
 * It reads until there is a match, so the expression must say where it ends: `/(\d+) /`, not
 * `/(\d+)/`, which already matches the first digit that arrives. In bytes, each byte is one
 * character, `\x00` to `\xff`.
 *
 * The expression is tried again when more arrives. If it ends in a certain character, as `/…\r\n/`
 * does, it is tried only when that character has arrived; so input in very small pieces is cheap.
 *
 * @param regexp What to match; it matches at the beginning of the input, with or without `^`.
 * @param max How long the match may be, in characters (UTF-16 code units) or bytes as the input is;
 * 65,536 unless given, `Infinity` for no limit.
 * @returns A coroutine that returns the match, as `regexp.exec()` does: `match.groups` has the
 * named groups.
 * @throws {RangeError} If `max` is not a size; from the coroutine, if it is exceeded. What was read
 * is dropped then.
 * @throws {EndOfStream} If the stream ends before there is a match, from the coroutine. What was
 * read is in its `partial`.
 *
 * @example The first line of a request
 * ```ts
 * import { call, type Coroutine, readRe, retval } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* request(): Coroutine {
 *   const { groups } = yield* call(readRe(/(?<method>[A-Z]+) (?<path>\S+) HTTP\/1\.1\r\n/, 8192));
 *   return { ...groups };
 * }
 *
 * const input = ["GET /index.ht", "ml HTTP/1.1\r\n"];
 * assertEquals(retval(request(), input), { method: "GET", path: "/index.html" });
 * ```
 *
 * @category Readers
 */
export function readRe(regexp: RegExp, max: number = DEFAULT_MAX): Coroutine<RegExpExecArray> {
  checkSize("max", max);
  return matching(regexp, max);
}

function* matching(regexp: RegExp, max: number): Coroutine<RegExpExecArray> {
  const sticky = new RegExp(regexp.source, regexp.flags.replace(/[gy]/g, "") + "y");
  const end = lastCharacter(regexp);
  const chunks = new Chunks(`read ${regexp}`, "max of readRe()");
  let text = "";
  for (;;) {
    let arrived;
    try {
      arrived = yield;
    } catch (error) {
      throw chunks.ended(error);
    }
    const chunk = chunks.add(arrived);
    const more = characters(chunk);
    text += more;
    if (end === undefined || more.includes(end)) {
      sticky.lastIndex = 0;
      const match = sticky.exec(text);
      if (match !== null) {
        const length = match[0].length;
        if (length > max) throw chunks.tooLong(max);
        return new PushBack(match, chunks.from(length)) as unknown as RegExpExecArray;
      }
    }
    if (chunks.length > max) throw chunks.tooLong(max);
  }
}

function characters(chunk: Chunk): string {
  return typeof chunk === "string" ? chunk : latin1(chunk, 0, chunk.length);
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t" };
/**
 * The last character of an expression, if it is an escaped one or one that means itself, and no
 * backslash belongs to it.
 */
const PLAIN_END = /(?:^|[^\\])(?:\\\\)*(?:\\([nrt]|\W)|([ :;,"'=#&%@~!`<-]))$/;

/** The character that every match ends in, if the expression plainly says so. */
function lastCharacter({ source, flags }: RegExp): string | undefined {
  // With alternatives, lookaround or ignored case, a match may end in another character.
  if (/[iv]/.test(flags) || /\||\(\?<?[=!]/.test(source)) return undefined;
  const [, escaped, plain] = PLAIN_END.exec(source) ?? [];
  return escaped === undefined ? plain : ESCAPES[escaped] ?? escaped;
}

machinery(import.meta.url, onlyToBeCalled(matching));
