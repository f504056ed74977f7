/**
 * A protocol that talks to nobody in particular. `greet_test.ts` tests it without a socket; this runs it on one.
 *
 *     deno run --allow-net examples/greet.ts [--port 7001]      # and: nc 127.0.0.1 7001
 */
import { call, type Coroutine } from "@weightless/io/compose";
import { gio, sleep } from "@weightless/io/gio";
import { lines, pipe } from "@weightless/io/pipeline";
import { Acceptor } from "@weightless/io/reactor";
import { options, port, serve } from "./_cli.ts";

function* ask(question: string): Coroutine<string> {
  yield `${question} `;
  return yield;
}

export function* greet(): Coroutine {
  const name = yield* call(ask("Your name?"));
  const city = yield* call(ask("Your city?"));
  yield* sleep(100);
  yield `Hello, ${name} from ${city}!\n`;
}

if (import.meta.main) {
  const given = options("greet.ts [--port 7001]", { port: "7001" });
  await serve({}, (reactor) => {
    const acceptor = new Acceptor(
      reactor,
      { port: port(given.port), hostname: "127.0.0.1" },
      (socket) => gio(reactor, socket, pipe(lines(), greet())),
    );
    return `127.0.0.1:${acceptor.port}`;
  });
}
