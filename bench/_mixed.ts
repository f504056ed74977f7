/** Clients of an {@linkcode Abused} server, many of which go away in the middle of something. */

const hostname = "127.0.0.1";
const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** What a client sends, how the answer ends, and how many times at least it has an x, if that matters. */
interface Asked {
  readonly sent: Uint8Array<ArrayBuffer>;
  readonly end: string;
  readonly least?: number;
}

/** How clients ended, by number. */
export interface Ended {
  /** They got all of their answer, and it was right. */
  whole: number;
  /** They went away. */
  aborted: number;
}

/** Numbers from 0 to less than 1, the same for each seed. */
function random(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

/**
 * Lets clients ask for all that there is, as long as `goesOn()`; half of them go away: before, in the middle of or after
 * their head, their body, the answer.
 *
 * @throws If a client that stays gets a wrong answer.
 */
export async function mixedLoad(
  port: number,
  { clients, seed, goesOn }: { clients: number; seed: number; goesOn: () => boolean },
): Promise<Ended> {
  const ended: Ended = { whole: 0, aborted: 0 };
  await Promise.all(Array.from({ length: clients }, async (_, i) => {
    const next = random(seed + i);
    while (goesOn()) {
      if (next() < 0.5) {
        await stay(port, ask(next));
        ended.whole++;
      } else {
        await leave(port, ask(next), next);
        ended.aborted++;
      }
    }
  }));
  return ended;
}

function ask(next: () => number): Asked {
  const size = Math.floor(10 ** (6 * next()));
  const body = new Uint8Array(size).fill(120);
  const tail = "x".repeat(Math.min(size, 10));
  const few = () => Math.floor(4 * next());
  switch (Math.floor(9 * next())) {
    case 0: // Several requests on one connection.
      return {
        sent: head(`GET / HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(few()), "GET /"),
        end: "Hello!",
      };
    case 1:
      return { sent: head("", "GET /later"), end: "later" };
    case 2:
      return { sent: head("", `GET /download?size=${size}`), end: tail };
    case 3:
      return { sent: head("", `GET /chunked?size=${size}`), end: "", least: size };
    case 4:
      return { sent: head("", `GET /web?size=${size}`), end: tail };
    case 5:
      return { sent: post("/upload", body), end: String(size) };
    case 6:
      return { sent: chunked("/upload", body), end: String(size) };
    case 7:
      return { sent: post("/web", body), end: String(size) };
    default:
      return { sent: chunked("/echo", body), end: "", least: size };
  }
}

function head(before: string, line: string, fields = ""): Uint8Array<ArrayBuffer> {
  return encoder.encode(
    `${before}${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${fields}\r\n`,
  );
}

function post(path: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  return joined(head("", `POST ${path}`, `Content-Length: ${body.length}\r\n`), body);
}

function chunked(path: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const half = body.length >> 1;
  const pieces = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0)
    .flatMap((piece) => [encoder.encode(`${piece.length.toString(16)}\r\n`), piece, CRLF]);
  const end = encoder.encode("0\r\n\r\n");
  return joined(head("", `POST ${path}`, "Transfer-Encoding: chunked\r\n"), ...pieces, end);
}

const CRLF = encoder.encode("\r\n");

function joined(...pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

async function write(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  while (bytes.length > 0) bytes = bytes.subarray(await conn.write(bytes));
}

async function stay(port: number, { sent, end, least = 0 }: Asked): Promise<void> {
  using conn = await Deno.connect({ hostname, port });
  const writing = write(conn, sent);
  const buffer = new Uint8Array(64 * 1024);
  let tail = "";
  let count = 0;
  for (let length; (length = await conn.read(buffer)) !== null;) {
    if (least > 0) { for (const byte of buffer.subarray(0, length)) if (byte === 120) count++; }
    tail = (tail + decoder.decode(buffer.subarray(0, length))).slice(-50);
  }
  await writing;
  if (!tail.endsWith(end) || count < least) {
    const request = decoder.decode(sent.subarray(0, 60));
    throw new Error(`The answer to ${request} ends with ${tail}, and not with ${end}`);
  }
}

/** Sends a part, reads a part, and goes away. */
async function leave(port: number, { sent }: Asked, next: () => number): Promise<void> {
  const conn = await Deno.connect({ hostname, port });
  // The head is short: it is cut as often as the rest.
  const part = Math.floor(next() < 0.3 ? 80 * next() : sent.length * Math.min(1, 1.5 * next()));
  const writing = write(conn, sent.subarray(0, part)).catch(() => {});
  const buffer = new Uint8Array(16 * 1024);
  let reads = next() < 0.5 ? 0 : Math.floor(10 * next());
  if (part < sent.length && next() < 0.8) reads = 0; // Mostly there is no answer.
  const how = next();
  if (reads === 0 && how < 0.5) await writing;
  else if (reads === 0 && how < 0.7) await conn.closeWrite().catch(() => {});
  try {
    const isAnswered = part === sent.length;
    while (isAnswered && reads-- > 0 && await conn.read(buffer) !== null);
  } catch {
    // It was reset.
  }
  conn.close();
  await writing;
}
