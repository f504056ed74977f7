/** A client that tells how an answer has ended, and what becomes of its connection. */
import { hostname } from "../_sockets.ts";
import { bytes, text } from "./_drive.ts";

/** How the answer to a request has come. */
export interface Outcome {
  /** The status; 0 if not even the head has come whole. */
  status: number;
  body: string;
  /** All that has come. */
  received: string;
  /** Whether the answer has come whole, as far as the client can tell. */
  isWhole: boolean;
  /** What became of the connection: another request was answered on it, or it has ended. */
  connection: "open" | "closed" | "reset" | "gone";
}

export const NEXT = "GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/** Splits what has come into the first answer and the rest; undefined if more must come. */
function split(
  received: string,
  isHead: boolean,
  isOver: boolean,
): { status: number; body: string; rest: string } | undefined {
  for (let from = 0;;) {
    const end = received.indexOf("\r\n\r\n", from);
    if (end < 0) return undefined;
    const head = received.slice(from, end + 2);
    const at = end + 4;
    const status = Number(head.slice(9, 12));
    if (status < 200 && status !== 101) {
      from = at;
      continue;
    }
    const given = /\r\ncontent-length: (\d+)\r\n/.exec(head)?.[1];
    if (isHead || status === 204 || status === 304) {
      return { status, body: "", rest: received.slice(at) };
    }
    if (given !== undefined) {
      const to = at + Number(given);
      if (received.length < to) return undefined;
      return { status, body: received.slice(at, to), rest: received.slice(to) };
    }
    if (!head.includes("\r\ntransfer-encoding: chunked\r\n")) {
      return isOver ? { status, body: received.slice(at), rest: "" } : undefined;
    }
    let body = "";
    for (let chunk = at;;) {
      const line = received.indexOf("\r\n", chunk);
      if (line < 0) return undefined;
      const size = parseInt(received.slice(chunk, line), 16);
      if (size === 0) {
        const last = received.indexOf("\r\n\r\n", line);
        return last < 0 ? undefined : { status, body, rest: received.slice(last + 4) };
      }
      if (received.length < line + size + 4) return undefined;
      body += received.slice(line + 2, line + 2 + size);
      chunk = line + size + 4;
    }
  }
}

/**
 * Sends a request, and then another one if the connection stays open; or `leaves` as soon as something
 * has come, or `ends` what it sends.
 */
export async function outcomeOf(
  port: number,
  request: string,
  { leaves = false, ends = false }: { leaves?: boolean; ends?: boolean } = {},
): Promise<Outcome> {
  using conn = await Deno.connect({ hostname, port });
  await conn.write(bytes(request));
  if (ends) await conn.closeWrite();
  const isHead = request.startsWith("HEAD");
  const buffer = new Uint8Array(65536);
  let received = "";
  let end: "closed" | "reset" | undefined;
  const read = async () => {
    try {
      const n = await conn.read(buffer);
      if (n === null) end = "closed";
      else received += text(buffer.subarray(0, n));
    } catch {
      end = "reset";
    }
  };
  let answer;
  if (leaves) {
    await read();
    const status = Number(received.slice(9, 12));
    return { status, body: "", isWhole: false, received, connection: "gone" };
  }
  while (end === undefined && (answer = split(received, isHead, false)) === undefined) await read();
  if (end === "closed") answer ??= split(received, isHead, true);
  const status = answer?.status ?? Number(/^HTTP\/1.1 (\d+)/.exec(received)?.[1] ?? 0);
  const isWhole = answer !== undefined;
  const outcome = { status, body: answer?.body ?? received, isWhole };
  if (end === undefined) {
    // The server may close the connection now.
    await conn.write(bytes(NEXT)).catch(() => {});
    while (end === undefined) await read();
  }
  const rest = split(received, isHead, true)?.rest ?? "";
  const isOpen = rest.startsWith("HTTP/1.1 200 OK") && rest.endsWith("\r\n\r\nnext");
  if (isWhole && !isOpen && rest !== "") throw new Error(`More than one answer: ${received}`);
  return { ...outcome, received, connection: isOpen ? "open" : end! };
}
