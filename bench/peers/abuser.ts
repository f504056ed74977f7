/**
 * Clients that do harm, until their server has closed the connections:
 *
 *     deno run -A bench/peers/abuser.ts PORT silent|echo|mixed|upload|chunked|download NUMBER
 *
 * `silent` connects and says nothing. `echo` sends what comes back and never reads it. `mixed` takes NUMBER seconds.
 * The others move NUMBER bytes, to or from `PATH`, once.
 */
import { mixedLoad } from "../_mixed.ts";

const [port, kind, number, path = ""] = Deno.args as [string, string, string, string?];
const at = { hostname: "127.0.0.1", port: Number(port) };
const encoder = new TextEncoder();
const piece = new Uint8Array(64 * 1024);

/** Writes until the server closes the connection. */
async function write(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  while (bytes.length > 0) bytes = bytes.subarray(await conn.write(bytes));
}

async function connections(use: (conn: Deno.Conn) => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: Number(number) }, async () => {
    using conn = await Deno.connect(at);
    try {
      await use(conn);
    } catch {
      // It was reset.
    }
  }));
}

async function echo(conn: Deno.Conn): Promise<void> {
  await write(conn, head("POST /echo", "Transfer-Encoding: chunked"));
  for (;;) await write(conn, chunk);
}

function head(line: string, field: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${field}\r\n\r\n`);
}

const chunk = new Uint8Array([
  ...encoder.encode(`${piece.length.toString(16)}\r\n`),
  ...piece,
  13,
  10,
]);

async function upload(size: number, isChunked: boolean): Promise<void> {
  using conn = await Deno.connect(at);
  const framing = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${size}`;
  await write(conn, head(`POST ${path}`, framing));
  const sent = isChunked ? chunk : piece;
  for (let left = size; left > 0; left -= piece.length) await write(conn, sent);
  if (isChunked) await write(conn, encoder.encode("0\r\n\r\n"));
  const answer = await new Response(conn.readable).text();
  if (!answer.includes(String(size))) throw new Error(`The answer was ${answer}`);
}

async function download(size: number): Promise<void> {
  using conn = await Deno.connect(at);
  await write(conn, head(`GET ${path}?size=${size}`, "Accept: */*"));
  let length = 0;
  const buffer = new Uint8Array(1024 * 1024);
  for (let n; (n = await conn.read(buffer)) !== null;) length += n;
  if (length < size) throw new Error(`Only ${length} bytes of ${size} have come`);
}

switch (kind) {
  case "silent":
    await connections((conn) => conn.read(piece));
    break;
  case "echo":
    await connections(echo);
    break;
  case "upload":
    await upload(Number(number), false);
    break;
  case "chunked":
    await upload(Number(number), true);
    break;
  case "download":
    await download(Number(number));
    break;
  case "mixed": {
    const end = performance.now() + 1000 * Number(number);
    const goesOn = () => performance.now() < end;
    console.log(JSON.stringify(await mixedLoad(at.port, { clients: 32, seed: 1, goesOn })));
  }
}
