/** A client, or a server, of HTTP/2 for tests: a session on a connection of Deno. */
import type { H2Stream } from "../../http/h2/_stream.ts";
import type { SessionLimits } from "../../http/h2/_session.ts";
import { turnsUntil } from "../_leaks.ts";
import { hostname } from "../_sockets.ts";
import { Side } from "./_h2_sessions.ts";

const LARGE: Partial<SessionLimits> = { streamWindow: 1 << 20, connectionWindow: 1 << 24 };

export class Peer extends Side {
  readonly #conn: Deno.TcpConn;
  #reading: Promise<void> | undefined;
  #sending: Promise<void> = Promise.resolve();
  #hasEnded = false;
  /** Whether nothing is sent for now. */
  isSilent = false;
  /** Whether the other side has closed the connection. */
  isClosed = false;

  private constructor(conn: Deno.TcpConn, limits: Partial<SessionLimits>, isServer = false) {
    super(isServer, limits);
    this.#conn = conn;
  }

  /** The server's side of a connection. */
  static accept(conn: Deno.TcpConn, limits: Partial<SessionLimits> = LARGE): Peer {
    return new Peer(conn, limits, true);
  }

  /** Begins to talk, for a server. */
  async start(isSilent: boolean): Promise<void> {
    this.isSilent = isSilent;
    this.#reading = this.#read();
    await this.send();
  }

  /** Closes the connection. */
  close(): void {
    if (!this.isClosed) this.#conn.close();
    this.isClosed = true;
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

  /** Sends bytes, or all that the session has to send; what was given before goes first. */
  send(bytes?: Uint8Array): Promise<void> {
    return this.#sending = this.#sending.then(() => this.#write(bytes));
  }

  async #write(bytes?: Uint8Array): Promise<void> {
    if (this.#hasEnded || this.isSilent || this.isClosed) return;
    try {
      for (let rest = bytes ?? this.take(); rest.length > 0;) {
        rest = rest.subarray(await this.#conn.write(rest));
        if (rest.length === 0 && bytes === undefined) rest = this.take();
      }
    } catch (error) {
      if (!this.isClosed && !isCut(error)) throw error;
      this.close();
    }
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
    this.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      for (let n; (n = await this.#conn.read(buffer)) !== null;) {
        this.session.receive(buffer.slice(0, n));
        await this.send();
      }
      this.close();
    } catch (error) {
      // It was closed here, or reset there.
      if (isCut(error)) this.close();
    }
  }
}

function request(method: string, path: string): string[] {
  return [":method", method, ":scheme", "http", ":authority", "x", ":path", path];
}

/** Whether the other side has cut the connection. */
function isCut(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
}
