/** A peer of a WebSocket over HTTP/1.1 that sends what it is told to, and vanishes. */
import { concat } from "../../compose/_bytes.ts";
import { acceptKey } from "../../http/websocket/_handshake.ts";
import { resetTcp } from "../../reactor/linux/_tcp.ts";
import { turnsUntil } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { framesOf } from "./_websocket.ts";

const encoder = new TextEncoder();
const EXTENSION = "Sec-WebSocket-Extensions: permessage-deflate" +
  "; server_no_context_takeover; client_no_context_takeover";

/** What a client asks by. */
export function requestHead(isCompressed = false): Uint8Array {
  return encoder.encode([
    "GET / HTTP/1.1",
    "Host: x",
    "Connection: upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...isCompressed ? [EXTENSION] : [],
    "\r\n",
  ].join("\r\n"));
}

/** What a server answers to a request. */
export function answerHead(request: string, isCompressed = false): Uint8Array {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(request)![1]!;
  return encoder.encode([
    "HTTP/1.1 101 Switching Protocols",
    "Connection: upgrade",
    "Upgrade: websocket",
    `Sec-WebSocket-Accept: ${acceptKey(key)}`,
    ...isCompressed ? [EXTENSION] : [],
    "\r\n",
  ].join("\r\n"));
}

/** How a peer vanishes. Nobody can reset a connection without the libc of Linux. */
export type Way = "FIN" | "RST";
export const WAYS: readonly Way[] = Deno.build.os === "linux" ? ["FIN", "RST"] : ["FIN"];

export class Peer implements Disposable {
  end: "open" | "closed" | "reset" = "open";
  readonly #conn: Deno.Conn;
  #received: Uint8Array = new Uint8Array(0);

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    this.#read();
  }

  static async connect(url: string): Promise<Peer> {
    return new Peer(await Deno.connect({ hostname, port: Number(new URL(url).port) }));
  }

  /** What has come, as text. */
  get text(): string {
    return new TextDecoder().decode(this.#received);
  }

  /** One line for each frame behind the head that has come. */
  get frames(): string[] {
    const end = this.text.indexOf("\r\n\r\n") + 4;
    return framesOf(this.#received.slice(end)).map(({ first, payload }) =>
      `${first.toString(16)} ${
        first === 0x88 ? payload[0]! << 8 | payload[1]! : new TextDecoder().decode(payload)
      }`
    );
  }

  get payloads(): Uint8Array[] {
    const end = this.text.indexOf("\r\n\r\n") + 4;
    return framesOf(this.#received.slice(end)).map(({ payload }) => payload);
  }

  /** Waits for the end of a head. */
  async head(): Promise<string> {
    await turnsUntil(() => this.text.includes("\r\n\r\n"));
    return this.text;
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.#conn.write(rest));
  }

  /** Sends no more, or neither sends nor takes any more. */
  async vanish(way: Way): Promise<void> {
    if (way === "FIN") await this.#conn.closeWrite();
    else this.reset();
  }

  reset(): void {
    resetTcp(this.#conn);
    this[Symbol.dispose]();
  }

  async untilEnd(): Promise<void> {
    await turnsUntil(() => this.end !== "open");
  }

  [Symbol.dispose](): void {
    try {
      this.#conn.close();
    } catch { // It is closed.
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      for (let n; (n = await this.#conn.read(buffer)) !== null;) {
        this.#received = concat([this.#received, buffer.subarray(0, n)]);
      }
      this.end = "closed";
    } catch {
      this.end = "reset";
    }
  }
}

/** Waits for connections, one after the other. */
export class PeerListener implements Disposable {
  readonly #listener: Deno.TcpListener = Deno.listen(listening);

  get url(): string {
    return `ws://${hostname}:${(this.#listener.addr as Deno.NetAddr).port}/`;
  }

  async next(): Promise<Peer> {
    return new Peer(await this.#listener.accept());
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}
