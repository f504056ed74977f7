/** Functions that nobody waits for, but which give promises that reject: that is reported, no more. */
import { assertEquals } from "@std/assert";
import { HttpServer, type HttpServerOptions, ok } from "../../http/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { listening, SELECTORS } from "../_sockets.ts";
import { answerTo, serverTest } from "./_live.ts";

const failure = new Error("later");

// deno-lint-ignore no-explicit-any
const rejects = (): any => turns(1).then(() => Promise.reject(failure));

const GET = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

const CASES: Record<string, Partial<HttpServerOptions> & { sent?: string; told?: string[] }> = {
  "accessLog": { accessLog: rejects },
  "accessLog, told to onError": { accessLog: rejects, onError: rejects },
  "onAnswered": {
    *handler(request) {
      request.onAnswered(rejects);
      yield ok();
    },
  },
  "onError": {
    *handler() {
      throw new Error("now");
    },
    onError: rejects,
  },
  "errorHandler": {
    errorHandler: rejects,
    sent: "bad\r\n\r\n",
    told: [
      "TypeError: Cannot answer an error by Promise { <pending> }: the errorHandler gives { headers, body }, with text or bytes",
    ],
  },
};

for (const [name, { sent = GET, told = ["Error: later"], ...options }] of Object.entries(CASES)) {
  serverTest(`a promise of ${name} that rejects is reported`, async (reactor, errors) => {
    const { port } = new HttpServer(reactor, {
      ...listening,
      *handler() {
        yield ok();
      },
      ...options,
    });
    await answerTo(port, sent);
    await turnsUntil(() => errors.length >= told.length);
    await turns(20);
    assertEquals(errors.map(String), told);
  });
}

for (const selector of SELECTORS) {
  leakTest(`a promise of an event that rejects is reported (${selector})`, async () => {
    const errors: unknown[] = [];
    using reactor = new Reactor({
      selector,
      events: { accepted: rejects, closed: rejects },
      onError: (error, where) => errors.push([error, where]),
    });
    const server = new HttpServer(reactor, {
      ...listening,
      *handler() {
        yield ok();
      },
    });
    const running = reactor.run();
    await answerTo(server.port, GET);
    await turnsUntil(() => errors.length === 2);
    assertEquals(errors, [[failure, "event accepted"], [failure, "event closed"]]);
    reactor.requestShutdown();
    await running;
  });
}
