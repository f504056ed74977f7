/**
 * Compares what serveHttp() makes of bytes with what llhttp makes of them, the parser of node:http.
 *
 * What both accept they must read as the same. Where one refuses what the other accepts, the tables below say why. Any
 * other difference is an error.
 */
import { assertEquals } from "@std/assert";
import { METHODS } from "node:http";
import { fileURLToPath } from "node:url";
import { output } from "../_peers.ts";
import type { Seen } from "./_corpus.ts";
import { reading } from "./_reading.ts";

/** Why we refuse what llhttp accepts, by the message of our answer. */
const WE_REFUSE: [message: RegExp, reason: string][] = [
  [/ an invalid host | no host and port /, "llhttp leaves authorities to its user"],
  [/ no Host header | more than one Host header /, "llhttp leaves Host to node:http"],
  [/ no proper target | a target in /, "llhttp takes some characters, and forms for other methods"],
  [/ no method /, "9112 2.2: llhttp skips any number of empty lines, also of bare LF"],
  [/ a CR without LF /, "9112 2.2: llhttp skips a bare CR before a request"],
  [/ no HTTP version /, "9112 3: llhttp skips spaces before the version"],
  [/ its version is not HTTP\/1\.1/, "9110 15.6.6: llhttp reads HTTP/0.9 and 2.0 alike"],
  [/ for an https resource/, "9110 7.4: llhttp does not know whether there is TLS"],
  [/ an expectation other than /, "9110 10.1.1: llhttp leaves Expect to node:http"],
  [/ its method is unknown/, "9112 3: the longest method that llhttp knows is shorter"],
  [
    / an invalid chunk extension /,
    "9112 7.1.1: llhttp takes extensions that have no name or value",
  ],
  [/ the chunk extensions? /, "llhttp has another limit for chunk extensions"],
  [/ both Content-Length and /, "9112 6.3: llhttp takes an empty Transfer-Encoding for none"],
  [/ a Transfer-Encoding whose /, "9112 6.3: llhttp takes an empty Transfer-Encoding for none"],
  [/ a Transfer-Encoding in HTTP\/1\.0 /, "9112 6.1: llhttp reads chunks in HTTP/1.0 as well"],
  [/ only chunked is understood /, "9112 6.1: llhttp leaves other codings to its user"],
  [/ a chunk that is too large /, "9112 7.1: we take 12 digits, llhttp 16"],
  [/ (an invalid|more than one) Content-Length /, "9110 8.6: we take 15 digits, llhttp 20"],
];

const OTHER_LENGTH =
  "9112 6.3: the same length more than once; 7.1.2: one in the trailers; 9110 5.5: a tab after it";
const SPACE_IN_EXTENSION = "9112 7.1.1: whitespace in chunk extensions is read, and left out";

/** What llhttp refuses and we need not, by its error: the request that it does not read shows it. */
const LLHTTP_REFUSES: Record<
  string,
  [is: (refused: Seen, text: string) => boolean, reason: string]
> = {
  HPE_INVALID_METHOD: [
    ({ method }) => !METHODS.includes(method),
    "9110 9.1: a method is any token; the handler knows which ones there are",
  ],
  HPE_INVALID_VERSION: [
    (_, text) => / HTTP\/1\.[2-9]\r\n/.test(text),
    "9110 2.5: a later minor version is read as the highest that is known",
  ],
  HPE_INVALID_CONTENT_LENGTH: [
    (refused, text) => isOtherLength(refused) || /^content-length:.*\t\s*$/im.test(text),
    OTHER_LENGTH,
  ],
  HPE_UNEXPECTED_CONTENT_LENGTH: [isOtherLength, OTHER_LENGTH],
  HPE_INVALID_TRANSFER_ENCODING: [
    (refused, text) =>
      trails(refused, "transfer-encoding") || /^transfer-encoding:.*(,|\t\s*$)/im.test(text),
    "9112 7.1.2: one in the trailers; 9110 5.6.1: empty elements; 9110 5.5: a tab after it",
  ],
  HPE_CLOSED_CONNECTION: [
    (_, text) =>
      /\r\n0[^]*\r\nconnection:.*close/i.test(text) ||
      / HTTP\/1\.0\r\n[^]*connection:.*keep-alive\t/i.test(text),
    "9112 7.1.2: a trailer says nothing of the connection; 9110 5.5: a tab after it",
  ],
  HPE_INVALID_CHUNK_SIZE: [hasSpaceInExtension, SPACE_IN_EXTENSION],
  HPE_STRICT: [hasSpaceInExtension, SPACE_IN_EXTENSION],
};

function hasSpaceInExtension(_: Seen, text: string): boolean {
  return /^[\da-f]+([ \t]+;|.*;[ \t]|.*[ \t]=|.*=[ \t])/im.test(text);
}

function isOtherLength(refused: Seen): boolean {
  const lengths = refused.headers.filter(([name]) => name === "content-length");
  return lengths.length > 1 || lengths.some(([, value]) => value.includes(",")) ||
    trails(refused, "content-length");
}

function trails({ trailers }: Seen, field: string): boolean {
  return trailers.some(([name]) => name === field);
}

const AFTER_THE_LAST =
  "9112 9.6: what comes after the last request is ignored; llhttp refuses it, " +
  "or takes close for no option if there is a tab after it, or keep-alive before it";

/** RFC 9112 9.3: whether the connection does not persist after this request. */
function isLast({ version, headers }: Seen): boolean {
  const options = headers.filter(([name]) => name === "connection").map(([, value]) => value).join()
    .toLowerCase().split(",").map((option) => option.trim());
  return options.includes("close") || version === "1.0" && !options.includes("keep-alive");
}

interface Reading {
  messages: Seen[];
  /** What was answered to bytes that are no request, or the error of llhttp. */
  error?: string | undefined;
  /** The request whose body is not complete. */
  begun?: Seen | undefined;
  /** Whether the connection has ended. */
  isOver?: boolean;
}

async function llhttp(texts: string[]): Promise<Reading[]> {
  const script = fileURLToPath(new URL("_llhttp.cjs", import.meta.url));
  const result = await output(
    "node",
    ["--no-deprecation", script],
    new TextEncoder().encode(JSON.stringify(texts)),
  );
  assertEquals(result.code, 0, result.errors);
  return JSON.parse(result.text);
}

function ours(text: string): Reading {
  const { driver, seen, heads } = reading();
  driver.feed(text);
  assertEquals(driver.error, undefined, JSON.stringify(text));
  const [, status, message] = /HTTP\/1\.1 ([45]\d\d) [^]*?\r\n\r\n(.*)$/.exec(driver.output) ?? [];
  // The answer to HEAD has no text.
  const error = message === "" ? ours(text.replaceAll("HEAD", "POST")).error : message;
  return {
    messages: seen,
    begun: heads[seen.length],
    error: status && `${status} ${error}`,
    isOver: driver.done,
  };
}

/** Why the two differ, or undefined if they do not. Throws if there is no reason. */
function difference(text: string, we: Reading, they: Reading): string | undefined {
  const both = Math.min(we.messages.length, they.messages.length);
  assertEquals(we.messages.slice(0, both), they.messages.slice(0, both), JSON.stringify(text));
  const unexplained = () =>
    new Error(
      `No reason for ${we.error} here and ${they.error} of llhttp: ${JSON.stringify(text)}`,
    );
  const next = we.messages[both];
  const refused = next ??
    (they.error !== undefined && we.error === undefined ? we.begun : undefined);
  if (refused !== undefined) {
    const [is, reason] = LLHTTP_REFUSES[they.error ?? ""] ?? [];
    if (is?.(refused, text)) return reason;
    throw unexplained();
  }
  if (we.isOver && we.error === undefined && isLast(we.messages.at(-1)!)) {
    return they.messages.length > both || they.error !== undefined ? AFTER_THE_LAST : undefined;
  }
  if (they.messages.length > both || we.error !== undefined && they.error === undefined) {
    for (const [message, reason] of WE_REFUSE) if (message.test(we.error ?? "")) return reason;
    throw unexplained();
  }
  if (we.error !== undefined || they.error === undefined) return undefined;
  throw unexplained();
}

/** What was compared: how many requests both accept, and the differences. */
export class Differences {
  texts = 0;
  accepted = 0;
  /** How many there are, for each reason. */
  readonly explained: Map<string, number> = new Map();
  /** Those without a reason. */
  readonly unexplained: string[] = [];

  async compare(texts: string[]): Promise<void> {
    const theirs = await llhttp(texts);
    for (const [i, text] of texts.entries()) {
      const we = ours(text);
      const they = theirs[i]!;
      this.texts++;
      this.accepted += Math.min(we.messages.length, they.messages.length);
      try {
        const reason = difference(text, we, they);
        if (reason === undefined) continue;
        this.explained.set(reason, (this.explained.get(reason) ?? 0) + 1);
      } catch (error) {
        this.unexplained.push((error as Error).message);
      }
    }
  }
}
