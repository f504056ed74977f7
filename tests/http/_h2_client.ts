/** The client over HTTP/2 and a server that does what it is told, as a test. */
import { assertEquals } from "@std/assert";
import { HttpClient, type HttpClientOptions } from "../../http/mod.ts";
import { REFUSED_STREAM } from "../../http/h2/_codes.ts";
import type { SessionLimits } from "../../http/h2/_session.ts";
import type { H2Stream } from "../../http/h2/_stream.ts";
import { Reactor, TestClock } from "../../reactor/mod.ts";
import { leakTest, turnsUntil } from "../_leaks.ts";
import { SELECTORS } from "../_sockets.ts";
import type { Peer } from "./_h2_peer.ts";
import { Puppet, type Script } from "./_h2_puppet.ts";
import { serverTest } from "./_live.ts";

export interface World {
  client: HttpClient;
  puppet: Puppet;
  url: string;
  reactor: Reactor;
}

export interface Options extends HttpClientOptions {
  /** Those of the server. */
  server?: Partial<SessionLimits>;
  isSilent?: boolean;
}

export const CLIENT = { http2: "prior-knowledge" } as const;

/** A test with a server that does this with each request. Nothing may be left in the client. */
export function puppetTest(
  name: string,
  script: Script,
  fn: (world: World) => Promise<void>,
  { server, isSilent = false, ...options }: Options = {},
): void {
  serverTest(name, async (reactor, errors) => {
    await using puppet = new Puppet(script, server, isSilent);
    const client = new HttpClient({ ...CLIENT, ...options, reactor });
    try {
      await fn({ client, puppet, url: puppet.url, reactor });
      client.close();
      await turnsUntil(() => client.inspect().length === 0);
    } finally {
      client.close();
    }
    assertEquals(errors, []);
  });
}

/** The same with a clock of the test. */
export function clockTest(
  name: string,
  script: Script,
  fn: (world: World & { clock: TestClock }) => Promise<void>,
  { server, isSilent = false, ...options }: Options = {},
): void {
  for (const selector of SELECTORS) {
    leakTest(`${name} (${selector})`, async () => {
      const errors: unknown[] = [];
      const clock = new TestClock();
      using reactor = new Reactor({ selector, clock, onError: (error) => errors.push(error) });
      const running = reactor.run();
      await using puppet = new Puppet(script, server, isSilent);
      const client = new HttpClient({ ...CLIENT, ...options, reactor });
      try {
        await fn({ client, puppet, url: puppet.url, reactor, clock });
      } finally {
        client.close();
        reactor.requestShutdown();
        await running;
      }
      assertEquals(errors, []);
    });
  }
}

/** What a request comes to: the text of its response, or its error. */
export async function outcome(asking: PromiseLike<{ text(): Promise<string> }>): Promise<string> {
  try {
    return await (await asking).text();
  } catch (error) {
    return (error as Error).message.replaceAll(/http:\/\/[\d.:]+/g, "URL");
  }
}

export function refuse(peer: Peer, stream: H2Stream, code: number = REFUSED_STREAM): void {
  stream.reset(code, new Error("refused"));
  peer.send();
}
