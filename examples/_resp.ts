/** RESP2, what Redis and its clients say to each other: readers and writers for both sides. */
import { Buffer } from "node:buffer";
import { call, type Coroutine, readExactly, readUntil } from "@weightless/io/compose";

/** What a server answers: a status, a value, a number, nothing, an error, or several of them. */
export type Reply = string | Uint8Array | number | bigint | null | RedisError | Reply[];

/** The server could not do what it was asked. Its message begins with a word that programs understand. */
export class RedisError extends Error {
  override readonly name = "RedisError";
}

/** The peer does not speak RESP, or too much of it at once. */
export class ProtocolError extends Error {}

const CRLF = Buffer.from("\r\n");
const [ARRAY, BULK] = Buffer.from("*$");
const MAX_ARGUMENTS = 1024;
const MAX_DEPTH = 8;

/** How many bytes, or how many parts, there are: digits, or -1 for none at all. */
function size(digits: Uint8Array, most: number): number {
  if (digits.length === 2 && digits[0] === 45 && digits[1] === 49) return -1;
  let n = 0;
  for (const digit of digits) n = 10 * n + (digit >= 48 && digit <= 57 ? digit - 48 : NaN);
  if (digits.length > 0 && n <= most) return n;
  throw new ProtocolError("invalid length");
}

function* readBulk(length: number): Coroutine<Uint8Array> {
  const bytes = yield* call(readExactly(length + CRLF.length, Infinity));
  return bytes.subarray(0, length);
}

/** Reads a command: its name and arguments, `max` bytes in all. It may also be a line of words, as a person types. */
export function* readCommand(max: number): Coroutine<Uint8Array[]> {
  const head = yield* call(readUntil(CRLF, max));
  if (head[0] !== ARRAY) {
    return String(Buffer.from(head)).split(" ").filter(Boolean).map((word) => Buffer.from(word));
  }
  const parts: Uint8Array[] = [];
  for (let left = size(head.subarray(1), MAX_ARGUMENTS); left > 0; left--) {
    const head = yield* call(readUntil(CRLF, 16));
    if (head[0] !== BULK) throw new ProtocolError("expected '$'");
    const length = size(head.subarray(1), max);
    if (length < 0) throw new ProtocolError("invalid bulk length");
    max -= length;
    parts.push(yield* call(readBulk(length)));
  }
  return parts;
}
/** Reads a reply of at most so many bytes and parts. */
export function* readReply(max: number, depth = 0): Coroutine<Reply> {
  const head = yield* call(readUntil(CRLF, 65_536));
  const kind = String.fromCharCode(head[0] ?? 32);
  const rest = head.subarray(1);
  switch (kind) {
    case "+":
      return String(Buffer.from(rest));
    case "-":
      return new RedisError(String(Buffer.from(rest)));
    case ":": {
      const digits = String(Buffer.from(rest));
      return Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits);
    }
    case "$": {
      const length = size(rest, max);
      return length < 0 ? null : yield* call(readBulk(length));
    }
    case "*": {
      const count = size(rest, max);
      if (count < 0) return null;
      if (depth === MAX_DEPTH) throw new ProtocolError("too many arrays in each other");
      const replies: Reply[] = [];
      while (replies.length < count) {
        const reply = yield* call(readReply(max, depth + 1));
        max -= reply instanceof Uint8Array ? reply.length : 1;
        replies.push(reply);
      }
      return replies;
    }
    default:
      throw new ProtocolError(`expected a reply, got '${kind}'`);
  }
}

/** A command as it is sent. */
export function encodeCommand(words: readonly (string | Uint8Array)[]): Uint8Array {
  const bulks = words.map((word) => typeof word === "string" ? Buffer.from(word) : word);
  return encodeArray(bulks);
}

/** A reply as it is sent. */
export function encodeReply(reply: Reply): string | Uint8Array {
  if (typeof reply === "string") return `+${reply}\r\n`;
  if (reply instanceof RedisError) return `-${reply.message.replace(/[\r\n]/g, " ")}\r\n`;
  if (reply === null) return "$-1\r\n";
  if (reply instanceof Uint8Array) {
    return Buffer.concat([Buffer.from(`$${reply.length}\r\n`), reply, CRLF]);
  }
  return Array.isArray(reply) ? encodeArray(reply) : `:${reply}\r\n`;
}

export function encodeArray(reply: Reply[]): Uint8Array {
  const parts = [`*${reply.length}\r\n`, ...reply.map(encodeReply)];
  return Buffer.concat(parts.map((part) => typeof part === "string" ? Buffer.from(part) : part));
}
