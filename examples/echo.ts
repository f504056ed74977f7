/**
 * A TCP line echo: every line comes back.
 *
 *     deno run --allow-net examples/echo.ts [--port 7000] [--hostname 127.0.0.1]
 */
import type { Coroutine } from "@weightless/io/compose";
import { gio } from "@weightless/io/gio";
import { lines, pipe } from "@weightless/io/pipeline";
import { Acceptor } from "@weightless/io/reactor";
import { options, port, selector, serve } from "./_cli.ts";

export function* echo(): Coroutine {
  for (;;) {
    const line: string = yield;
    yield `${line}\n`;
  }
}

if (import.meta.main) {
  const given = options(
    "echo.ts [--port 7000] [--hostname 127.0.0.1] [--selector auto|deno|epoll]",
    {
      port: "7000",
      hostname: "127.0.0.1",
      selector: "auto",
    },
  );
  await serve(
    { selector: selector(given.selector) },
    (reactor) => {
      const acceptor = new Acceptor(
        reactor,
        { port: port(given.port), hostname: given.hostname },
        (socket) => gio(reactor, socket, pipe(lines(), echo())),
      );
      return `${given.hostname}:${acceptor.port}`;
    },
  );
}
