/** A connection that is closed behind the reactor's back leaves alone who has the number of its descriptor now. */
import { assertEquals } from "@std/assert";
import { Acceptor, Reactor, type Socket } from "../../reactor/mod.ts";
import { leakTest } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { hostname } from "../_sockets.ts";

const LINUX = Deno.build.os === "linux";

interface Numbered extends Socket {
  readonly descriptor: number;
}

const ENDS: Record<string, (socket: Socket) => void> = {
  "abort()": (socket) => socket.abort(),
  "close()": (socket) => socket.close(),
  "shutdown()": (socket) => socket.shutdown(),
  "shutdown() and abort()": (socket) => {
    socket.shutdown();
    socket.abort();
  },
};

for (const [name, end] of LINUX ? Object.entries(ENDS) : []) {
  for (const watched of [false, true]) {
    leakTest(
      `${name} of a socket${watched ? " with a reader" : ""} spares another with its number`,
      async () => {
        using reactor = new Reactor({ selector: "epoll" });
        using listener = Deno.listen({ hostname, port: 0 });
        const conn = await Deno.connect({ hostname, port: listener.addr.port });
        using _far = await listener.accept();
        const stale = reactor.adopt(conn) as Numbered;
        const number = stale.descriptor;
        const accepted: Numbered[] = [];
        using acceptor = new Acceptor(
          reactor,
          { hostname, port: 0 },
          (socket) => void accepted.push(socket as Numbered),
        );
        if (watched) {
          reactor.addReader(stale, () => {});
          reactor.step();
        }
        const peers: Deno.Conn[] = [];
        const make = async (count: number) => {
          for (let i = 0; i < count; i++) {
            peers.push(await Deno.connect({ hostname, port: acceptor.port }));
          }
        };
        await make(2);
        conn.close();
        await drive(reactor, () => accepted.length === 2, "connections");
        const other = accepted.find(({ descriptor }) => descriptor === number)!;
        let received = "";
        reactor.addReader(
          other,
          () => received += new TextDecoder().decode(other.recv() ?? undefined),
        );
        reactor.step();
        end(stale);
        const peer = peers[accepted.indexOf(other)]!;
        await peer.write(new TextEncoder().encode("ping"));
        await drive(reactor, () => received !== "", "what was sent");
        other.send(new TextEncoder().encode("pong"));
        const buffer = new Uint8Array(10);
        const length = await peer.read(buffer);
        assertEquals([received, new TextDecoder().decode(buffer.subarray(0, length!))], [
          "ping",
          "pong",
        ]);
        for (const peer of peers) peer.close();
        if (watched) reactor.removeReader(stale);
      },
    );
  }
}
