/** The client's side of the wire, against the parser of Node. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { hasCommand, output } from "../_peers.ts";
import { type Answer, large, MEANINGFUL, Responses, wellFormed } from "./_responses.ts";

/** Why one refuses what the other accepts: by our error, or by that of llhttp. */
const REASONS: [error: RegExp, reason: string][] = [
  [/ an invalid status /, "9110 15: llhttp takes a status below 100"],
  [/ a control character in its status line /, "9112 4: llhttp takes any byte in a reason"],
  [/ a CR without LF /, "9112 4: llhttp takes two CR for the end of the status line"],
  [/ no HTTP version /, "9112 2.2: llhttp skips empty lines, also of bare LF"],
  [/ a Transfer-Encoding in HTTP\/1\.0 /, "9112 6.1: llhttp reads chunks in HTTP/1.0 as well"],
  [/ a Transfer-Encoding whose /, "9112 6.3, 4: llhttp leaves other codings to its user"],
  [/ an invalid chunk extension /, "9112 7.1.1: llhttp takes extensions without a name or value"],
  [/^HPE_INVALID_VERSION$/, "9110 2.5: a later minor version is read as the highest that is known"],
  [/^HPE_INVALID_CONTENT_LENGTH$/, "9112 6.3: the same length more than once"],
  [/^HPE_INVALID_HEADER_TOKEN$/, "9112 5.2: a client MUST replace line folding"],
  [/^HPE_CLOSED_CONNECTION$/, "9112 9.6: what comes after the last response is not its business"],
  [
    /^HPE_INVALID_EOF_STATE$/,
    "9112 6.3, 1: a 1xx has no body",
  ],
];

/** The text with each byte left out, doubled, or replaced by a meaningful one. */
function* mutations(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    const before = text.slice(0, at);
    const after = text.slice(at + 1);
    yield before + after;
    yield before + text[at] + text[at] + after;
    for (const byte of MEANINGFUL) if (byte !== text[at]) yield before + byte + after;
  }
}

type Message = Omit<Answer, "keepAlive" | "keepAliveMs">;

function asText({ status, reason, version, headers, body, trailers }: Message): string {
  return JSON.stringify([status, reason, version, headers, body, trailers]);
}

/** RFC 9112 6.3, 1: a 1xx ends with its head. llhttp reads a body if there is a length. */
function isInterimWithLength({ status, headers }: Message): boolean {
  return status < 200 && headers.some(([name]) => name === "content-length");
}

Deno.test({
  name: "a client reads what it accepts as llhttp does, the parser of Node",
  ignore: !hasCommand("node"),
}, async () => {
  // It gets no 101, and no list of codings with empty elements, which llhttp does not read.
  const samples = wellFormed.filter(({ methods, text }) =>
    methods[0] === "GET" && !text.includes(", CHUNKED")
  ).map(({ text }) => text);
  const texts = [...samples, ...samples.flatMap((text) => [...mutations(text)])]
    .filter((text) => !text.includes(" 101 "));
  const script = fileURLToPath(new URL("_llhttp.cjs", import.meta.url));
  const input = new TextEncoder().encode(JSON.stringify(texts));
  const result = await output("node", ["--no-deprecation", script, "responses"], input);
  assertEquals(result.code, 0, result.errors);
  const theirs: { messages: Message[]; error?: string }[] = JSON.parse(result.text);
  let accepted = 0;
  for (const [i, text] of texts.entries()) {
    const { messages, error } = theirs[i]!;
    const responses = new Responses(Array(9).fill("GET"), large);
    responses.feed(text);
    const fault = responses.end();
    const { seen } = responses;
    if (!seen.some(isInterimWithLength)) {
      const both = Math.min(seen.length, messages.length);
      assertEquals(seen.slice(0, both).map(asText), messages.slice(0, both).map(asText));
      accepted += both;
    }
    if ((fault === "") === (error === undefined)) continue;
    const isKnown = REASONS.some(([pattern]) => pattern.test(error ?? fault));
    assert(isKnown, `${fault} here, ${error} of llhttp: ${JSON.stringify(text)}`);
  }
  assert(accepted > 12000, `only ${accepted} of ${texts.length} were accepted`);
});
