/** A client of HTTP/2 for tests: a session on a connection of Deno. */
import type { H2Stream } from "../../http/h2/_stream.ts";
import type { SessionLimits } from "../../http/h2/_session.ts";
import { turnsUntil } from "../_leaks.ts";
import { hostname } from "../_sockets.ts";
import { Side } from "./_h2_sessions.ts";

const LARGE: Partial<SessionLimits> = { streamWindow: 1 << 20, connectionWindow: 1 << 24 };

export class Peer extends Side {
  readonly #conn: Deno.TcpConn;
  #reading: Promise<void> | undefined;
  #hasEnded = false;
  /** Whether the server has closed the connection. */
  isClosed = false;

  private constructor(conn: Deno.TcpConn, limits: Partial<SessionLimits>) {
    super(false, limits);
    this.#conn = conn;
  }

  static async connect(port: number, limits: Partial<SessionLimits> = LARGE): Promise<Peer> {
    const peer = new Peer(await Deno.connect({ hostname, port }), limits);
    peer.#reading = peer.#read();
    await peer.send();
    return peer;
  }

  /** Asks for a path. */
  async get(path: string, ...fields: string[]): Promise<H2Stream> {
    const stream = this.open([...request("GET", path), ...fields]);
    await this.send();
    return stream;
  }

  /** Begins a request with a body. */
  async post(path: string, ...fields: string[]): Promise<H2Stream> {
    const stream = this.open([...request("POST", path), ...fields], false);
    await this.send();
    return stream;
  }

  /** Sends what the session has to send. */
  async send(bytes: Uint8Array = this.take()): Promise<void> {
    if (this.#hasEnded) return;
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.#conn.write(rest));
  }

  /** Waits until something of this text was noted. */
  async until(text: string): Promise<void> {
    await turnsUntil(() => this.log.some((line) => line.includes(text)));
  }

  /** Waits until the server has closed the connection. */
  async ended(): Promise<void> {
    await this.#reading;
  }

  /** Ends its side of the connection. */
  closeWrite(): Promise<void> {
    this.#hasEnded = true;
    return this.#conn.closeWrite();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isClosed) this.#conn.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      for (let n; (n = await this.#conn.read(buffer)) !== null;) {
        this.session.receive(buffer.slice(0, n));
        await this.send();
      }
      this.isClosed = true;
      this.#conn.close();
    } catch (error) {
      // It was closed here, or reset there.
      if (error instanceof Deno.errors.ConnectionReset) {
        this.isClosed = true;
        this.#conn.close();
      }
    }
  }
}

function request(method: string, path: string): string[] {
  return [":method", method, ":scheme", "http", ":authority", "x", ":path", path];
}
