/**
 * A TCP relay that records what clients send: a file for each connection, written by tee while the bytes pass.
 *
 *     deno run --allow-net --allow-ffi --allow-write=DIR examples/tap.ts --to localhost:8000 --record DIR [--port 7004]
 *
 * Prints what relay.ts prints, and which file it is.
 */
import type { Coroutine } from "@weightless/io/compose";
import { all, connectTo, gio, open } from "@weightless/io/gio";
import { Acceptor, type Socket, splice, type Transfer } from "@weightless/io/reactor";
import { address, fail, options, port, selector, serve } from "./_cli.ts";
import { name, type Report, reported, sayIfCopied } from "./_reported.ts";

const given = options(
  "tap.ts --to HOST:PORT --record DIR [--port 7004] [--hostname 127.0.0.1] [--selector auto|deno|epoll]",
  { to: "", record: "", port: "7004", hostname: "127.0.0.1", selector: "auto" },
);
const to = address("--to", given.to);
const at = { hostname: given.hostname, port: port(given.port) };
if (given.record === "") fail("Cannot record without --record DIR");
const began = new Date().toISOString().replace(/\W/g, "");
let count = 0;

/** Both ways at once, of which one is recorded. */
function* tap(client: Socket, report: Report): Coroutine {
  report.to = name(to);
  const far = report.far = yield* connectTo(to);
  report.record = `${given.record}/${began}-${++count}`;
  const record = open(report.record, { write: true, createNew: true });
  const forth = splice.tee(client, far, record);
  const back = splice(far, client);
  report.transferred = { forth: forth.transferred, back: back.transferred };
  yield* all(wholly(forth), wholly(back));
}

function* wholly(transfer: Transfer): Coroutine {
  yield* transfer;
}

await serve({ selector: selector(given.selector) }, (reactor) => {
  const acceptor = new Acceptor(reactor, at, (client) => {
    gio(reactor, client, reported(client, (report) => tap(client, report)));
  });
  sayIfCopied();
  return name({ hostname: at.hostname, port: acceptor.port });
});
