/** A program that sends itself five bytes by means of a reactor, and tells what its selector was. */
import { Acceptor, connect, Reactor, type SelectorName } from "../../reactor/mod.ts";

try {
  using reactor = new Reactor({ selector: Deno.args[0] as SelectorName });
  using acceptor = new Acceptor(reactor, { hostname: "127.0.0.1", port: 0 }, (socket) => {
    reactor.addReader(socket, () => {
      console.log(
        reactor.selector,
        socket.recv()!.length,
        (socket.remoteAddr as Deno.NetAddr).hostname,
      );
      reactor.requestShutdown();
    });
  });
  const connecting = connect(reactor, { hostname: "127.0.0.1", port: acceptor.port })
    .then((socket) => socket.send(new Uint8Array(5)));
  await reactor.run();
  await connecting;
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`);
}
