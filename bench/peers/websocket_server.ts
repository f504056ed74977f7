/**
 * Our WebSocket server: what comes to `/echo` goes back, to `/stream` piece by piece, and what comes to `/broadcast` goes to
 * all that are there.
 *
 *     deno run -A bench/peers/websocket_server.ts epoll|deno
 */
import type { Coroutine } from "../../compose/mod.ts";
import { splice } from "../../reactor/mod.ts";
import { Reactor, type ReactorOptions } from "../../reactor/mod.ts";
import { type HttpRequest, HttpServer } from "../../http/mod.ts";
import { accept, Broadcast } from "../../http/websocket/mod.ts";

const selector = Deno.args[0] as NonNullable<ReactorOptions["selector"]>;
const room = new Broadcast({ maxWaitingBytes: 2 ** 20 });

function* handler(request: HttpRequest): Coroutine {
  const socket = yield* accept(request, { compression: true });
  if (request.path === "/echo") { for (;;) yield (yield); }
  if (request.path === "/broadcast") {
    using _ = room.add(socket);
    for (;;) room.send(yield);
  }
  for (;;) {
    using message = yield* socket.receive();
    using answer = socket.stream(message.type);
    yield* splice(message, answer);
  }
}

const reactor = new Reactor({ selector });
const server = new HttpServer(reactor, { port: 0, hostname: "127.0.0.1", handler });
console.log(`Listening on http://127.0.0.1:${server.port}/`);
await reactor.run();
