/** A server that answers by a script, whatever it is asked. */
import { CERT, KEY } from "../reactor/_tls.ts";
import { turns } from "../_leaks.ts";
import { listening } from "../_sockets.ts";
import { bytes, text } from "./_drive.ts";

/** Stands for leaving the connection open until the client closes it. */
export const HOLD: unique symbol = Symbol("hold");

/** What is sent for one request: a piece at a time. */
export type Answer = string | readonly (string | typeof HOLD)[];

/** For each connection the answers to its requests; it is closed after the last. */
export type Script = readonly (readonly Answer[])[];

export class ScriptedServer implements AsyncDisposable {
  readonly #listener: Deno.Listener;
  readonly #serving: Promise<unknown>;
  readonly #script: Script;
  readonly #conns = new Set<Deno.Conn>();
  /** The requests, as they were received. */
  readonly requests: string[] = [];
  /** How many connections were made. */
  connections = 0;
  /** How many of them were closed by the client before the server did. */
  left = 0;

  constructor(script: Script, tls = false) {
    this.#script = script;
    this.#listener = tls
      ? Deno.listenTls({ ...listening, cert: CERT, key: KEY })
      : Deno.listen(listening);
    this.#serving = this.#serve();
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#conns) conn.close();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const talks: Promise<void>[] = [];
    try {
      for await (const conn of this.#listener) {
        this.#conns.add(conn);
        talks.push(this.#talk(conn, this.#script[this.connections++] ?? []).catch(() => {}));
      }
    } catch {
      // It was closed.
    }
    await Promise.all(talks);
  }

  async #talk(conn: Deno.Conn, answers: readonly Answer[]): Promise<void> {
    try {
      let rest = "";
      for (const answer of answers) {
        let received = rest;
        for (let end; (end = endOf(received)) === undefined || end > received.length;) {
          const more = await read(conn);
          if (more === undefined) return void this.left++;
          received += more;
        }
        const end = endOf(received)!;
        this.requests.push(received.slice(0, end));
        rest = received.slice(end);
        for (const piece of typeof answer === "string" ? [answer] : answer) {
          if (piece === HOLD) {
            while (await read(conn) !== undefined);
            return void this.left++;
          }
          for (let data = bytes(piece); data.length > 0;) {
            data = data.subarray(await conn.write(data));
          }
          await turns(10);
        }
      }
    } finally {
      if (this.#conns.delete(conn)) conn.close();
    }
  }
}

/** What comes; undefined if the client has closed the connection, or reset it. */
async function read(conn: Deno.Conn): Promise<string | undefined> {
  const buffer = new Uint8Array(65536);
  const length = await conn.read(buffer).catch(() => null);
  return length === null ? undefined : text(buffer.subarray(0, length));
}

/** Where the first request ends; undefined if that is not known yet. */
function endOf(received: string): number | undefined {
  const head = received.indexOf("\r\n\r\n") + 4;
  if (head < 4) return undefined;
  const length = /^content-length: (\d+)/mi.exec(received.slice(0, head))?.[1];
  if (length !== undefined) return head + Number(length);
  if (!/^transfer-encoding: chunked/mi.test(received.slice(0, head))) return head;
  const end = received.indexOf("\r\n0\r\n\r\n", head - 2);
  return end < 0 ? undefined : end + 7;
}
