/**
 * An HTTP server: GET answers `Hello!`, POST and PUT send the body back.
 *
 *     deno run --allow-net examples/hello.ts [--port 8000] [--hostname 127.0.0.1] [--selector auto]
 *
 * On all cores of a machine, by as many processes that share the port:
 *
 *     deno run --allow-net --allow-run examples/hello.ts --workers 4
 */
import type { Coroutine } from "@weightless/io/compose";
import { type HttpRequest, HttpServer, methodNotAllowed, ok } from "@weightless/io/http";
import { endWithInput, number, options, port, selector, serve } from "./_cli.ts";
import { serveByWorkers } from "./_workers.ts";

const text = ok({ "content-type": "text/plain" });

export function* hello(request: HttpRequest): Coroutine {
  switch (request.method) {
    case "GET":
    case "HEAD":
      yield text;
      yield "Hello!";
      break;
    case "POST":
    case "PUT":
      yield* echo();
      break;
    default:
      yield methodNotAllowed(request.method, ["GET", "HEAD", "POST", "PUT"]);
  }
}

/**
 * Sends the body back while it arrives: a bare `yield` reads, `yield chunk` writes. The type is not that
 * which the client gives: a page of another site could send a script, which would run as one of this.
 */
function* echo(): Coroutine {
  yield ok({ "content-type": "application/octet-stream" });
  for (;;) yield yield; // until EndOfStream ends it
}

if (import.meta.main) {
  const given = options(
    "hello.ts [--port 8000] [--hostname 127.0.0.1] [--selector auto|deno|epoll] [--workers 1]",
    {
      port: "8000",
      hostname: "127.0.0.1",
      selector: "auto",
      workers: "1",
      "reuse-port": false,
      worker: false,
    },
  );
  const at = { port: port(given.port), hostname: given.hostname, reusePort: given["reuse-port"] };
  const name = selector(given.selector);
  const workers = number("workers", given.workers, 1, 1000);
  if (workers > 1) {
    const shared = ["--worker", "--reuse-port", "--hostname", at.hostname, "--selector", name];
    await serveByWorkers(import.meta.url, workers, at.port, (port) => [
      ...shared,
      "--port",
      String(port),
    ]);
  } else {
    await serve(
      { selector: name },
      (reactor) => {
        if (given.worker) endWithInput(reactor);
        return new HttpServer(reactor, { ...at, handler: hello });
      },
    );
  }
}
