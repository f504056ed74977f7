// What echo_loop.ts does, by gio: chunks come back as they are.
import type { Coroutine } from "../../compose/mod.ts";
import { gio } from "../../gio/mod.ts";
import { Acceptor, Reactor } from "../../reactor/mod.ts";

function* echo(): Coroutine {
  for (;;) yield yield;
}

const reactor = new Reactor({ selector: Deno.args[0] as "deno" | "epoll" });
const { port } = new Acceptor(
  reactor,
  { port: 0, hostname: "127.0.0.1" },
  (socket) => gio(reactor, socket, echo()),
);
console.log(`Listening on 127.0.0.1:${port}`);
await reactor.run();
