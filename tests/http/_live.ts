/** Servers on real sockets, of both kinds, and what they answer. */
import { Reactor } from "../../reactor/mod.ts";
import { leakTest, turns } from "../_leaks.ts";
import { hostname, SELECTORS } from "../_sockets.ts";
import { bytes } from "./_drive.ts";

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
export async function exchange(port: number, text: string): Promise<string | undefined> {
  try {
    return await answerTo(port, text);
  } catch {
    return undefined;
  }
}

/** What comes back to these bytes, one for each character, until the server closes the connection. */
export async function answerTo(port: number, text: string, ...more: string[]): Promise<string> {
  using conn = await Deno.connect({ hostname, port });
  const buffer = new Uint8Array(65536);
  let answer = "";
  for (const part of [text, ...more]) {
    for (let rest = bytes(part); rest.length > 0;) rest = rest.subarray(await conn.write(rest));
    // The server has read it before the rest comes.
    if (more.length > 0) await turns(20);
  }
  for (let n; (n = await conn.read(buffer)) !== null;) {
    answer += new TextDecoder().decode(buffer.subarray(0, n));
  }
  return answer;
}
