/**
 * Reads CSV (RFC 4180) with a header from standard input, and writes a line of JSON for each record.
 *
 *     deno run examples/csv_to_json_lines.ts < table.csv > table.jsonl
 */
import { type Coroutine, EndOfStream } from "@weightless/io/compose";
import { batch, decode, encode, map, pipe, toTransformStream } from "@weightless/io/pipeline";
import { fail } from "./_cli.ts";

const SPECIAL = /[",\r\n]/g;

/** Reads text in any pieces, and yields records: arrays of fields. */
function* records(): Coroutine<void> {
  let number = 1;
  let fields: string[] = [];
  let field = "";
  let quoted = false;
  // "quote": after one in quotes, which ends the field or is the first of two; "cr": before the \n that must follow
  let where: "begin" | "plain" | "quotes" | "quote" | "cr" = "begin";
  const wrong = (what: string) => new SyntaxError(`record ${number} has a ${what}`);
  const wrongQuote = () => wrong("quote that does not begin or end a field");
  const wrongReturn = () => wrong("carriage return that is not part of the end of a line");

  for (let ended = false; !ended;) {
    let text: string;
    try {
      text = yield;
    } catch (error) {
      if (!(error instanceof EndOfStream)) throw error;
      if (where === "begin" && fields.length === 0) return;
      if (where === "quotes") throw wrong("quote that is never closed");
      text = "\n"; // the last line need not have an end
      ended = true;
    }
    for (let at = 0; at < text.length;) {
      SPECIAL.lastIndex = at;
      let end = where === "quotes" ? text.indexOf('"', at) : SPECIAL.exec(text)?.index ?? -1;
      if (end < 0) end = text.length;
      if (end > at) {
        if (where === "quote") throw wrongQuote();
        if (where === "cr") throw wrongReturn();
        if (where === "begin") where = "plain";
        field += text.slice(at, end);
      }
      const special = text[end];
      at = end + 1;
      if (special === undefined) break;
      if (where === "cr" && special !== "\n") throw wrongReturn();
      if (special === '"') {
        if (where === "plain") throw wrongQuote();
        if (where === "begin") quoted = true;
        if (where === "quote") field += '"';
        where = where === "quotes" ? "quote" : "quotes";
      } else if (special === "\r") where = "cr";
      else {
        fields.push(field);
        if (special === "\n") {
          if (fields.length > 1 || field !== "" || quoted) { // a record, not an empty line
            yield fields;
            number++;
          }
          fields = [];
        }
        field = "";
        quoted = false;
        where = "begin";
      }
    }
  }
}

/** Reads records, of which the first is the header, and yields objects. */
function* objects(): Coroutine<void> {
  const names: string[] = yield;
  for (let number = 2;; number++) {
    const values: string[] = yield;
    if (values.length !== names.length) {
      throw new SyntaxError(
        `record ${number} has ${values.length} fields where the header has ${names.length}`,
      );
    }
    yield Object.fromEntries(names.map((name, i) => [name, values[i]]));
  }
}

if (import.meta.main) {
  const toJson = map((object: unknown) => `${JSON.stringify(object)}\n`);
  const conversion = pipe(
    decode(),
    records(),
    objects(),
    toJson,
    batch(256),
    map((some: string[]) => some.join("")),
    encode(),
  );
  try {
    await Deno.stdin.readable.pipeThrough(toTransformStream(conversion)).pipeTo(
      Deno.stdout.writable,
    );
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0); // whoever reads has had enough
    fail(`Cannot convert: ${(error as Error).message}`);
  }
}
