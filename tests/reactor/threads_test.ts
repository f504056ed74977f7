/** What a reactor does when all of Deno's threads are taken, as by many slow names or files. */
import { assertEquals } from "@std/assert";
import { Acceptor, connect, Reactor, type Socket } from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { hostname } from "../_sockets.ts";

/** As many as there are. */
const THREADS = 32;

/** Takes all threads until it is disposed of. */
function takeThreads(): AsyncDisposable {
  const libc = Deno.dlopen("libc.so.6", {
    poll: { parameters: ["buffer", "i32", "i32"], result: "i32", nonblocking: true },
    eventfd: { parameters: ["i32", "i32"], result: "i32" },
    eventfd_write: { parameters: ["i32", "u64"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const { poll, eventfd, eventfd_write, close } = libc.symbols;
  const fd = eventfd(0, 0);
  const jobs = Array.from({ length: THREADS }, () => poll(Int32Array.of(fd, 1), 1, -1));
  return {
    async [Symbol.asyncDispose]() {
      eventfd_write(fd, 1n);
      await Promise.all(jobs);
      close(fd);
      libc.close();
    },
  };
}

for (const selector of Deno.build.os === "linux" ? ["deno", "epoll"] as const : []) {
  for (const others of selector === "epoll" ? [0, 5] : [0]) {
    leakTest(
      `Reactor (${selector}, of ${others + 1}) goes on when all threads are taken`,
      async () => {
        using stack = new DisposableStack();
        for (let i = 0; i < others; i++) stack.use(new Reactor({ selector }));
        const reactor = new Reactor({ selector });
        const acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
          reactor.addReader(socket, () => {
            const bytes = socket.recv();
            if (bytes) socket.send(bytes);
          });
        });
        const running = reactor.run();
        const connected: Socket = await connect(reactor, { hostname, port: acceptor.port });
        let echoes = 0;
        reactor.addReader(connected, () => {
          connected.recv();
          echoes++;
          if (echoes % 300 !== 0) connected.send(new Uint8Array(1));
        });
        {
          await using _ = takeThreads();
          for (let i = 1; i <= 3; i++) {
            connected.send(new Uint8Array(1));
            await turnsUntil(() => echoes === 300 * i); // which is long enough to be busy
            await turns(20);
          }
        }
        assertEquals(echoes, 900);
        reactor.requestShutdown();
        await running;
      },
    );
  }
}
