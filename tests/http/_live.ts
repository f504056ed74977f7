/** Servers on real sockets, of both kinds, and what they answer. */
import { Reactor } from "../../reactor/mod.ts";
import { leakTest, turns } from "../_leaks.ts";
import { hostname, SELECTORS } from "../_sockets.ts";
import { bytes, text } from "./_drive.ts";

/** Registers a test for each kind of socket; `errors` are what the reactor was told. */
export function serverTest(
  name: string,
  fn: (reactor: Reactor, errors: unknown[]) => Promise<void>,
): void {
  for (const selector of SELECTORS) {
    leakTest(`${name} (${selector})`, async () => {
      const errors: unknown[] = [];
      using reactor = new Reactor({ selector, onError: (error) => errors.push(error) });
      const running = reactor.run();
      try {
        await fn(reactor, errors);
      } finally {
        reactor.requestShutdown();
        await running;
      }
    });
  }
}

/** What comes back until the server closes the connection; undefined if it is reset. */
export async function exchange(port: number, sent: string): Promise<string | undefined> {
  try {
    return await answerTo(port, sent);
  } catch {
    return undefined;
  }
}

/** Stands for waiting until the server has sent something. */
export const ANSWERED: unique symbol = Symbol("answered");
/** Stands for the end of what the client sends. */
export const ENDED: unique symbol = Symbol("ended");

export type Sent = string | typeof ANSWERED | typeof ENDED;

/** What comes back to these bytes, one for each character, until the server closes the connection. */
export async function answerTo(port: number, ...sent: Sent[]): Promise<string> {
  using conn = await Deno.connect({ hostname, port });
  return await answerOf(conn, ...sent);
}

/** As answerTo(), on a connection. */
export async function answerOf(
  conn: Deno.TcpConn | Deno.TlsConn,
  ...sent: Sent[]
): Promise<string> {
  const buffer = new Uint8Array(65536);
  let answer = "";
  for (const [i, part] of sent.entries()) {
    if (part === ENDED) await conn.closeWrite();
    else if (part === ANSWERED) answer += text(buffer.slice(0, (await conn.read(buffer)) ?? 0));
    else {
      // The server has read what came before.
      if (i > 0) await turns(20);
      for (let rest = bytes(part); rest.length > 0;) rest = rest.subarray(await conn.write(rest));
    }
  }
  for (let n; (n = await conn.read(buffer)) !== null;) answer += text(buffer.subarray(0, n));
  return answer;
}
