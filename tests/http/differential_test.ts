/** The same bytes, read by serveHttp() and by llhttp, the parser of Node: what both accept they must read as the same. */
import { assert, assertEquals } from "@std/assert";
import { hasCommand, output } from "../_peers.ts";
import { corpus, type Seen } from "./_corpus.ts";
import { reading } from "./_reading.ts";
import { fileURLToPath } from "node:url";

async function llhttp(texts: string[]): Promise<{ messages: Seen[]; error?: string }[]> {
  const script = fileURLToPath(new URL("_llhttp.cjs", import.meta.url));
  const result = await output(
    "node",
    ["--no-deprecation", script],
    new TextEncoder().encode(JSON.stringify(texts)),
  );
  assertEquals(result.code, 0, result.errors);
  return JSON.parse(result.text);
}

function ours(text: string): { messages: Seen[]; refused: boolean } {
  const { driver, seen } = reading();
  driver.feed(text);
  assertEquals(driver.error, undefined);
  return { messages: seen, refused: /HTTP\/1\.1 [45]/.test(driver.output) };
}

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

const KNOWN = ["GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "M-SEARCH"];

/** What llhttp may refuse and we need not, beside methods it does not know. */
const OURS_ALONE = [
  / HTTP\/1\.[2-9]\r\n/, // RFC 9110 2.5: later minor versions
  /^content-length:.*(,|\r\ncontent-length:)/im, // RFC 9112 6.3: the same length more than once
  /^[\da-f]+([ \t]+;|.*;[ \t]|.*[ \t]=|.*=[ \t])/im, // RFC 9112 7.1.1: space in chunk extensions
];

const NEXT = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";

Deno.test({
  name: "serveHttp() reads what it accepts as llhttp does",
  ignore: !hasCommand("node"),
}, async () => {
  const texts = corpus.flatMap(({ text }) => [text, ...mutations(text)]).map((text) => text + NEXT);
  const theirs = await llhttp(texts);
  let compared = 0;
  for (const [i, text] of texts.entries()) {
    const { messages, refused } = ours(text);
    const { messages: expected, error } = theirs[i]!;
    const both = Math.min(messages.length, expected.length);
    compared += both;
    assertEquals(messages.slice(0, both), expected.slice(0, both), JSON.stringify(text));
    if (error !== undefined && !refused && messages.length > both) {
      const explained = !KNOWN.includes(messages[both]!.method) ||
        OURS_ALONE.some((kind) => kind.test(text));
      assert(explained, `${error}: ${JSON.stringify(text)}`);
    }
  }
  assert(compared > 7900, `only ${compared} of ${texts.length} were accepted`);
});
