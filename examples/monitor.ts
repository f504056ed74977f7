/**
 * Shows what a running program does: its connections, where each of its coroutines waits, its timers, rates, and its components as
 * a picture. Every example that serves can show it, by `--monitor PORT`. This one is a small application to look at.
 *
 *     deno run --allow-net examples/monitor.ts [--port 8008] [--monitor 8009]
 *     curl http://127.0.0.1:8008/slow &
 *     curl http://127.0.0.1:8009/text
 */
import type { Coroutine } from "@weightless/io/compose";
import { sleep, spawn } from "@weightless/io/gio";
import { HttpProtocol, type HttpRequest, ok, Server } from "@weightless/io/http";
import { be, DeclineMessage, Observable } from "@weightless/io/pipeline";
import { options, port, serve } from "./_cli.ts";

/** Answers after some time, and counts meanwhile. */
class Slow extends Observable {
  *processRequest(request: HttpRequest): Coroutine {
    if (request.path !== "/slow") throw new DeclineMessage();
    yield* spawn(this.#work());
    yield* sleep(10_000);
    yield ok();
    yield "at last";
  }

  *#work(): Coroutine {
    for (;;) yield* sleep(100);
  }
}

class Hello extends Observable {
  *processRequest(_request: HttpRequest): Coroutine {
    yield ok({ "content-type": "text/plain" });
    yield "Hello! Now ask for /slow, and look at the monitor.\n";
  }
}

const given = options("monitor.ts [--port 8008] [--hostname 127.0.0.1] [--monitor 8009]", {
  port: "8008",
  hostname: "127.0.0.1",
  monitor: "8009",
});
await serve({}, (reactor) => {
  const server = new Server(reactor, { port: port(given.port), hostname: given.hostname });
  be([server, [new HttpProtocol(), [new Slow()], [new Hello()]]]);
  return server;
});
