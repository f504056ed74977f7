/**
 * A server on the descriptor that a supervisor has passed. It answers each connection with its number
 * and which descriptors a program has that it starts, and ends on SIGTERM.
 */
import { Acceptor, listenDescriptors, Reactor } from "../../reactor/mod.ts";

const [name, other] = Deno.args;
const [descriptor] = listenDescriptors(name);
if (listenDescriptors(other).length !== 0) throw new Error(`There is one by the name of ${other}`);
using reactor = new Reactor({ selector: "epoll" });
using acceptor = new Acceptor(reactor, { descriptor: descriptor! }, (socket) => {
  const { stdout } = new Deno.Command("ls", { args: ["-l", "/proc/self/fd"] }).outputSync();
  const inherited = new TextDecoder().decode(stdout).includes(`${descriptor} -> socket`);
  socket.send(new TextEncoder().encode(`${Deno.pid} ${inherited}`));
  socket.close();
});
console.log(JSON.stringify(acceptor.addr));
const stop = () => reactor.requestShutdown();
Deno.addSignalListener("SIGTERM", stop);
await reactor.run();
Deno.removeSignalListener("SIGTERM", stop);
