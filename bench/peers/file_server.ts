/**
 * Serves one file to whoever asks by HTTP/1.0 for anything, by one of two means.
 *
 *     deno run -A bench/peers/file_server.ts PATH sendFile|pipeTo [epoll]
 *
 * Prints where it listens. `epoll` is for `sendFile`: by sockets of a reactor instead of Deno's.
 */
import { Acceptor, Reactor, sendFile, type TransferTarget } from "../../reactor/mod.ts";

const hostname = "127.0.0.1";
const [path, means, selector] = Deno.args as [string, string, string?];
const { size } = await Deno.stat(path);
const head = new TextEncoder().encode(
  `HTTP/1.0 200 OK\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`,
);

if (selector === "epoll") await ofReactor();
else await ofDeno();

async function ofReactor(): Promise<void> {
  using reactor = new Reactor({ selector: "epoll" });
  using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
    reactor.addReader(socket, async () => {
      const request = socket.recv();
      if (request === undefined) return;
      reactor.removeReader(socket);
      if (request !== null) {
        socket.send(head);
        await send(socket);
      }
      socket.close();
    });
  });
  console.log(`Listening on ${hostname}:${acceptor.port}`);
  await reactor.run();
}

async function ofDeno(): Promise<void> {
  const listener = Deno.listen({ hostname, port: 0 });
  console.log(`Listening on ${hostname}:${listener.addr.port}`);
  for await (const conn of listener) serve(conn);
}

async function serve(conn: Deno.TcpConn): Promise<void> {
  const request = await conn.read(new Uint8Array(1024));
  if (request === null) return conn.close();
  await conn.write(head);
  if (means === "pipeTo") {
    using file = await Deno.open(path);
    await file.readable.pipeTo(conn.writable).catch(() => {});
  } else {
    await send(conn);
    conn.close();
  }
}

async function send(to: TransferTarget): Promise<void> {
  try {
    const { bytes, spliced } = await sendFile(to, path);
    console.log(JSON.stringify({ bytes, spliced }));
  } catch {
    // The client is gone.
  }
}
