/*
 * Random protocols of readers, one after the other, against a model that has the whole input in one piece. However the
 * input is cut, between and within characters, with empty pieces, as text or as bytes: same results, same error, same rest.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  call,
  consume,
  copyBytes,
  type Coroutine,
  readAll,
  readExactly,
  readLine,
  readRe,
  readUntil,
} from "@weightless/io/compose";

type Step =
  | { read: "line"; max: number }
  | { read: "until"; delimiter: string; max: number }
  | { read: "re"; regexp: RegExp; max: number }
  | { read: "exactly"; n: number }
  | { read: "copy"; n: number };
type Input = string | Uint8Array;

/** What does not depend on how much is there: each says where it ends. */
const REGEXPS = [/[^\n]*\n/, /(a|b)*c/, /b*€/, /[^x]x/];

const bytes = (text: string) => new TextEncoder().encode(text);
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const latin1 = (input: Input) =>
  typeof input === "string" ? input : Array.from(input, (b) => String.fromCharCode(b)).join("");
/** No bytes are what readers give that read nothing, also of text. */
const shown = (read: Input) => read.length === 0 ? "" : read;

function* reality(steps: Step[], events: unknown[]): Coroutine<void> {
  try {
    for (const step of steps) {
      if (step.read === "line") events.push(yield* call(readLine(step.max)));
      else if (step.read === "until") {
        events.push(yield* call(readUntil(step.delimiter, step.max)));
      } else if (step.read === "re") events.push((yield* call(readRe(step.regexp, step.max)))[0]);
      else if (step.read === "exactly") {
        events.push(shown(yield* call(readExactly<Input>(step.n))));
      } else {
        const pieces: Input[] = [];
        yield* call(copyBytes(step.n, (piece) => void pieces.push(piece)));
        events.push(
          pieces.every((piece) => typeof piece === "string")
            ? pieces.join("")
            : Uint8Array.from((pieces as Uint8Array[]).flatMap((piece) => [...piece])),
        );
      }
    }
    events.push(shown(yield* call(readAll<Input>())));
  } catch (error) {
    events.push((error as Error).name);
  }
}

function theory(steps: Step[], input: Input): unknown[] {
  const events: unknown[] = [];
  const whole = latin1(input);
  let at = 0;
  const taken = (end: number): Input => {
    const part = input.slice(at, end);
    at = end;
    return part;
  };
  const text = (part: Input) => typeof part === "string" ? part : decoder.decode(part);
  for (const step of steps) {
    if (step.read === "exactly" || step.read === "copy") {
      if (at + step.n > whole.length) return [...events, "EndOfStream"];
      events.push(shown(taken(at + step.n)));
    } else if (step.read === "re") {
      const sticky = new RegExp(step.regexp, "y");
      sticky.lastIndex = at;
      const match = sticky.exec(whole)?.[0];
      if ((match ?? whole.slice(at)).length > step.max) return [...events, "RangeError"];
      if (match === undefined) return [...events, "EndOfStream"];
      events.push(match);
      at += match.length;
    } else {
      const delimiter = step.read === "line" ? "\n" : step.delimiter;
      const sought = typeof input === "string" ? delimiter : latin1(bytes(delimiter));
      const end = whole.indexOf(sought, at);
      // Without it, it may still begin at the end.
      const before = (end === -1 ? whole.length - sought.length + 1 : end) - at;
      if (before > step.max) return [...events, "RangeError"];
      if (end === -1) return [...events, "EndOfStream"];
      const read = text(taken(end));
      events.push(step.read === "line" ? read.replace(/\r$/, "") : read);
      at += sought.length;
    }
  }
  return [...events, shown(taken(whole.length))];
}

function cut(input: Input, places: number[]): Input[] {
  const ends = places.map((place) => place % (input.length + 1)).sort((a, b) => a - b);
  return [...ends, input.length].map((end, i) => input.slice(ends[i - 1] ?? 0, end));
}

const characters = (size: { minLength?: number; maxLength: number }) =>
  fc.string({
    unit: fc.constantFrom("a", "b", "c", "x", "\r", "\n", "é", "€", "😀", "\ufeff"),
    ...size,
  });
const max = fc.nat(12);
const n = fc.nat(5);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ read: fc.constant("line" as const), max }),
  fc.record({
    read: fc.constant("until" as const),
    delimiter: characters({ minLength: 1, maxLength: 3 }),
    max,
  }),
  fc.record({ read: fc.constant("re" as const), regexp: fc.constantFrom(...REGEXPS), max }),
  fc.record({ read: fc.constant("exactly" as const), n }),
  fc.record({ read: fc.constant("copy" as const), n }),
);

Deno.test("readers do what they would do with the whole input, for any protocol, input and cuts", () => {
  const seen = new Set<unknown>();
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 5 }),
      characters({ maxLength: 25 }),
      fc.boolean(),
      fc.array(fc.nat(100), { maxLength: 8 }),
      (steps, text, asBytes, places) => {
        const input = asBytes ? bytes(text) : text;
        const events: unknown[] = [];
        consume(reality(steps, events), cut(input, places));
        assertEquals(events, theory(steps, input));
        seen.add(events.at(-1));
      },
    ),
    { numRuns: 3000, seed: 7 },
  );
  for (const error of ["EndOfStream", "RangeError"]) assert(seen.has(error), error);
});
