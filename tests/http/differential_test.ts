/** The same bytes, read by serveHttp() and by llhttp, the parser of Node: what both accept they must read as the same. */
import { assert, assertEquals } from "@std/assert";
import { hasCommand } from "../_peers.ts";
import { corpus } from "./_corpus.ts";
import { Differences } from "./_differential.ts";
import { generated } from "./_generated.ts";

/** Bytes that mean something to a parser. */
const MEANINGFUL = ["\r", "\n", " ", "\t", ":", ";", ",", "0", "1", "a", "G", "\0", "\x7f", "\xe9"];

/** Each text with each byte left out, doubled, or replaced by a meaningful one. */
function* mutations(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    const before = text.slice(0, at);
    const after = text.slice(at + 1);
    yield before + after;
    yield before + text[at] + text[at] + after;
    for (const byte of MEANINGFUL) if (byte !== text[at]) yield before + byte + after;
  }
}

const NEXT = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";
const ignore = !hasCommand("node");

Deno.test({ name: "serveHttp() reads what it accepts as llhttp does", ignore }, async () => {
  const differences = new Differences();
  await differences.compare(
    corpus.flatMap(({ text }) => [text, ...mutations(text)]).map((text) => text + NEXT),
  );
  const { accepted, texts, unexplained } = differences;
  assertEquals(unexplained, []);
  assert(accepted > 7900, `only ${accepted} of ${texts} were accepted`);
});

/**
 * For how many seconds requests are generated, and from which number on they are: another number makes others.
 *
 *     DIFFERENTIAL_SECONDS=600 DIFFERENTIAL_SEED=2 deno task test tests/http/differential_test.ts
 */
const seconds = Number(Deno.env.get("DIFFERENTIAL_SECONDS") ?? (Deno.env.get("CI") ? 30 : 1));
const seed = Number(Deno.env.get("DIFFERENTIAL_SEED") ?? 2027);

Deno.test({ name: "serveHttp() and llhttp differ for known reasons only", ignore }, async () => {
  const differences = new Differences();
  const texts = generated(seed);
  const end = performance.now() + seconds * 1000;
  do {
    await differences.compare(Array.from({ length: 2000 }, () => texts.next().value + NEXT));
  } while (performance.now() < end);
  if (Deno.env.has("DIFFERENTIAL_SECONDS")) console.log(differences);
  assertEquals(differences.unexplained, []);
  assert(differences.accepted > differences.texts / 5);
});
