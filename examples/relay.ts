/**
 * A TCP relay: what arrives goes to another address, and what comes from there goes back. The kernel moves the bytes, if this
 * is Linux and `--allow-ffi` is given; else they are copied.
 *
 *     deno run --allow-net --allow-ffi examples/relay.ts --to localhost:8000 [--port 7003] [--idle SECONDS] [--copy]
 *
 * Prints a line of JSON for each connection that has ended: bytes each way, spliced and copied, seconds, and what cut it.
 */
import type { Coroutine } from "@weightless/io/compose";
import { connectTo, gio } from "@weightless/io/gio";
import { Acceptor, here, splice, type SpliceBothOptions } from "@weightless/io/reactor";
import { address, number, options, port, selector, serve } from "./_cli.ts";
import { name, type Report, reported, sayIfCopied } from "./_reported.ts";

/** Moves bytes between the connection and another one, both ways, until both have ended. */
function* relay(
  report: Report,
  to: ReturnType<typeof address>,
  options: SpliceBothOptions,
): Coroutine {
  report.to = name(to);
  const far = report.far = yield* connectTo(to);
  const transfer = splice.both(here, far, options);
  report.transferred = transfer.transferred;
  yield* transfer;
}

const given = options(
  "relay.ts --to HOST:PORT [--port 7003] [--hostname 127.0.0.1] [--selector auto|deno|epoll] [--idle SECONDS] [--copy]",
  { to: "", port: "7003", hostname: "127.0.0.1", selector: "auto", idle: "600", copy: false },
);
const to = address("--to", given.to);
const at = { hostname: given.hostname, port: port(given.port) };
await serve({ selector: selector(given.selector) }, (reactor) => {
  const acceptor = new Acceptor(reactor, at, (client) => {
    gio(
      reactor,
      client,
      reported(
        client,
        (report) =>
          relay(report, to, {
            copy: given.copy,
            idleMs: 1000 * number("idle", given.idle, 1, 1_000_000),
          }),
      ),
    );
  });
  if (!given.copy) sayIfCopied();
  return name({ hostname: at.hostname, port: acceptor.port });
});
