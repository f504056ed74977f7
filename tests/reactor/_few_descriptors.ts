/** An echo that prints its port, and reports errors as a reactor does by default. */
import { Acceptor, Reactor, type SelectorName } from "../../reactor/mod.ts";

using reactor = new Reactor({ selector: Deno.args[0] as SelectorName });
using acceptor = new Acceptor(reactor, { hostname: "127.0.0.1", port: 0 }, (socket) => {
  reactor.addReader(socket, () => {
    const bytes = socket.recv();
    if (bytes) socket.send(bytes);
    else if (bytes === null) socket.close();
  });
});
console.log(acceptor.port);
await reactor.run();
