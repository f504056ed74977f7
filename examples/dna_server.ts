/**
 * The hello server as DNA: components, and which observes which.
 *
 *     deno run --allow-net examples/dna_server.ts [--port 8000] [--hostname 127.0.0.1]
 */
import type { Coroutine } from "@weightless/io/compose";
import { HttpProtocol, type HttpRequest, ok, Server } from "@weightless/io/http";
import { be, DeclineMessage, Observable } from "@weightless/io/pipeline";
import { options, port, serve } from "./_cli.ts";

/** Answers one path, and declines the others: the next observer is asked. */
class Greeting extends Observable {
  constructor(readonly path: string, readonly greeting: string) {
    super();
  }

  *processRequest(request: HttpRequest): Coroutine {
    if (request.path !== this.path) throw new DeclineMessage();
    yield ok({ "content-type": "text/plain" });
    yield this.greeting;
  }
}

class Anything extends Observable {
  *processRequest(_request: HttpRequest): Coroutine {
    yield ok({ "content-type": "text/plain" });
    yield "Hello!";
  }
}

const given = options("dna_server.ts [--port 8000] [--hostname 127.0.0.1]", {
  port: "8000",
  hostname: "127.0.0.1",
});

await serve(
  {},
  (reactor) => {
    const server = new Server(reactor, { port: port(given.port), hostname: given.hostname });
    be([
      server,
      [new HttpProtocol(), [new Greeting("/nl", "Hallo!")], [new Greeting("/fr", "Salut!")], [
        new Anything(),
      ]],
    ]);
    return server;
  },
);
