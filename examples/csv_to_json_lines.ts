/**
 * Reads CSV (RFC 4180) with a header from standard input, and writes a line of JSON for each record.
 *
 *     deno run examples/csv_to_json_lines.ts < table.csv > table.jsonl
 */
import { type Coroutine, EndOfStream } from "@weightless/io/compose";
import { batch, decode, encode, map, pipe, toTransformStream } from "@weightless/io/pipeline";
import { fail } from "./_cli.ts";

/** A field and what ends it: in quotes, where a quote is doubled, or without any. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n)/y;
/** What may become a field when more is read. */
const BEGUN = /(?:"(?:[^"]|"")*(?:"\r?)?|[^",\r\n]*\r?)$/y;

/** Reads text in any pieces, and yields records: arrays of fields. */
function* records(): Coroutine<void> {
  let text = "";
  let position = 0;
  let ended = false;
  let fields: string[] = [];
  for (let number = 1;;) {
    FIELD.lastIndex = BEGUN.lastIndex = position;
    const [all, quoted, plain, end] = FIELD.exec(text) ?? [];
    if (all !== undefined) {
      position += all.length;
      fields.push(quoted?.replaceAll('""', '"') ?? plain!);
      if (end === ",") continue;
      if (fields.length > 1 || fields[0] !== "") yield fields; // a record, not an empty line
      fields = [];
      number++;
    } else if (ended && position === text.length) return;
    else if (ended || !BEGUN.test(text)) {
      throw new SyntaxError(`record ${number} has a quote that does not begin or end a field`);
    } else {
      text = text.slice(position);
      position = 0;
      try {
        text += yield;
      } catch (error) {
        if (!(error instanceof EndOfStream)) throw error;
        ended = true;
        if (text !== "" || fields.length > 0) text += "\n";
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
