/** A server of HTTP that answers when the test says so, and what it says. */
import { turnsUntil } from "../_leaks.ts";
import { listening } from "../_sockets.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The head of a response with this body. */
export function whole(body: string, ...lines: string[]): string {
  return `${headOf(200, body.length, ...lines)}${body}`;
}

/** A head that announces a body of `length` bytes. */
export function headOf(status: number, length: number, ...lines: string[]): string {
  return [`HTTP/1.1 ${status} Said`, `Content-Length: ${length}`, ...lines, "\r\n"].join("\r\n");
}

/** A request that has come, and was not answered to its end. */
export interface Held {
  readonly method: string;
  readonly target: string;
  /** All lines of the head. */
  readonly head: string;
  /** What has come of its body, and of what else is behind its head. */
  readonly body: string;
  /** The number of the connection that it came on. */
  readonly connection: number;
  /** Sends as it is. */
  send(text: string): void;
  /** Sends the whole answer, or the rest of it. */
  answer(text: string): void;
  /** Closes the connection. */
  close(): void;
}

interface Line {
  readonly conn: Deno.TcpConn;
  request: (Held & { body: string }) | undefined;
  isUsed: boolean;
}

export class Puppet implements AsyncDisposable {
  /** Those that were not answered to their end, the oldest first. */
  readonly held: Held[] = [];
  /** The targets of all requests. */
  readonly seen: string[] = [];
  /** How many connections there were. */
  connections = 0;
  readonly #listener: Deno.TcpListener;
  readonly #lines = new Set<Line>();
  readonly #whenHeld: ((request: Held) => void) | undefined;
  readonly #serving: Promise<void>;

  /** @param whenHeld Is called with each request when it comes. */
  constructor(whenHeld?: (request: Held) => void) {
    this.#whenHeld = whenHeld;
    this.#listener = Deno.listen(listening);
    this.#serving = this.#serve();
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  get url(): string {
    return `http://${listening.hostname}:${this.port}`;
  }

  /** The request for this target, when it has come. */
  async asked(target: string): Promise<Held> {
    const find = () => this.held.find((request) => request.target === target);
    await turnsUntil(() => find() !== undefined);
    return find()!;
  }

  /** Closes the connections that had a request, and have none now. */
  closeIdle(): void {
    for (const line of [...this.#lines]) {
      if (line.isUsed && line.request === undefined) this.#close(line);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const line of [...this.#lines]) this.#close(line);
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const reading: Promise<void>[] = [];
    for await (const conn of this.#listener) {
      const line: Line = { conn, request: undefined, isUsed: false };
      this.#lines.add(line);
      reading.push(this.#read(line, ++this.connections));
    }
    await Promise.all(reading);
  }

  async #read(line: Line, connection: number): Promise<void> {
    const { conn } = line;
    const buffer = new Uint8Array(65536);
    let text = "";
    try {
      for (let n; (n = await conn.read(buffer)) !== null;) {
        text += decoder.decode(buffer.subarray(0, n));
        if (line.request !== undefined) line.request.body += text;
        else {
          const end = text.indexOf("\r\n\r\n") + 4;
          if (end < 4) continue;
          this.#hold(line, connection, text.slice(0, end), text.slice(end));
        }
        text = "";
      }
    } catch {
      // It was closed meanwhile.
    }
    this.#close(line);
  }

  #hold(line: Line, connection: number, head: string, body: string): void {
    const [method = "", target = ""] = head.split(" ");
    const send = (text: string) => void line.conn.write(encoder.encode(text)).catch(() => {});
    const request: Held & { body: string } = line.request = {
      method,
      target,
      head,
      body,
      connection,
      send,
      answer: (text) => {
        this.#forget(line);
        send(text);
      },
      close: () => this.#close(line),
    };
    line.isUsed = true;
    this.held.push(request);
    this.seen.push(target);
    this.#whenHeld?.(request);
  }

  #forget(line: Line): void {
    const at = line.request === undefined ? -1 : this.held.indexOf(line.request);
    if (at >= 0) this.held.splice(at, 1);
    line.request = undefined;
  }

  #close(line: Line): void {
    this.#forget(line);
    if (this.#lines.delete(line)) line.conn.close();
  }
}
