/**
 * A client that floods a server by some connections, and makes new ones when they are cut:
 *
 *     deno run -A bench/peers/h2_flooder.ts PORT SECONDS CONNECTIONS FLOOD
 *
 * It prints how its connections have ended, and what was sent, as JSON.
 */
import { type Flooded, FLOODS } from "../_h2_floods.ts";
import * as h2 from "../_h2_frames.ts";

const [port, seconds, connections, name] = Deno.args as [string, string, string, string];
const flood = FLOODS[name];
if (flood === undefined) throw new Error(`There is no flood ${name}`);
const { settings, isDeaf, isMute } = flood;
const end = performance.now() + 1000 * Number(seconds);
const flooded: Flooded = { connections: 0, bytes: 0, endings: {}, resets: {} };

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function count(counts: Record<string, number>, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** One connection. The first reason why it ended counts. */
class Client implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #timer: ReturnType<typeof setTimeout>;
  #goAway = "";
  #ending = "";
  /** The write that was begun last: frames must not be mixed. */
  #written: Promise<void> = Promise.resolve();

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    // What waits for the connection goes on then.
    this.#timer = setTimeout(() => this.#over("open"), end - performance.now());
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    count(flooded.endings, this.#goAway + this.#ending);
  }

  #over(how: string): void {
    if (this.#ending !== "") return;
    this.#ending = how;
    this.#conn.close();
  }

  #write(bytes: Uint8Array): Promise<void> {
    return this.#written = this.#written.then(() => h2.write(this.#conn, bytes));
  }

  async read(): Promise<void> {
    try {
      for await (const { type, flags, payload } of h2.frames(this.#conn)) {
        if (type === h2.GOAWAY) this.#goAway = `GOAWAY ${h2.errorName(payload, 4)}, `;
        if (type === h2.RST_STREAM) count(flooded.resets, h2.errorName(payload, 0));
        // A client that does not answer these would be cut for that.
        if (!isMute && (type === h2.SETTINGS || type === h2.PING) && flags !== h2.ACK) {
          const answer = type === h2.PING ? payload.slice() : h2.NOTHING;
          this.#write(h2.frame(type, h2.ACK, 0, answer)).catch(() => {});
        }
      }
      this.#over("FIN");
    } catch {
      this.#over("RST");
    }
  }

  async send(parts: Iterable<Uint8Array | number>): Promise<void> {
    try {
      for (const part of parts) {
        if (this.#ending !== "") return;
        if (typeof part === "number") await pause(part);
        else {
          await this.#write(part);
          flooded.bytes += part.length;
          await pause(0); // Writes that need not wait would leave the others no time.
        }
      }
    } catch {
      // The server has closed the connection. What it has said before is still to be read.
      if (isDeaf) this.#over("RST");
    }
  }
}

async function connect(): Promise<Deno.TcpConn | undefined> {
  try {
    return await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  } catch {
    count(flooded.endings, "refused");
    await pause(100);
  }
}

async function attack(): Promise<void> {
  while (performance.now() < end) {
    const conn = await connect();
    if (conn === undefined) continue;
    flooded.connections++;
    using client = new Client(conn);
    const sending = (async () => {
      await client.send([h2.preface(settings)]);
      await client.send(flood!.send());
    })();
    await Promise.all(isDeaf ? [sending] : [client.read(), sending]);
  }
}

await Promise.all(Array.from({ length: Number(connections) }, attack));
console.log(JSON.stringify(flooded));
