/** A worker with a reactor that has a connection, which does as it is told. */
import { Acceptor, connect, Reactor, type SelectorName } from "../../reactor/mod.ts";

const scope = globalThis as unknown as {
  postMessage(message: unknown): void;
  onmessage: (event: MessageEvent) => void;
};

const WAYS: Record<string, () => void> = {
  "calls close()": () => globalThis.close(),
  "throws": () => {
    throw new Error("uncaught");
  },
  "throws in a timer": () =>
    setTimeout(() => {
      throw new Error("uncaught");
    }),
  "rejects": () => void Promise.reject(new Error("uncaught")),
  "throws, and catches that": () => {
    globalThis.addEventListener(
      "error",
      (event) => event.defaultPrevented || event.preventDefault(),
    );
    throw new Error("caught");
  },
};

scope.onmessage = async ({ data }) => {
  scope.onmessage = ({ data: way }) => WAYS[way]!();
  const [selector, count] = data as [SelectorName, number];
  const hostname = "127.0.0.1";
  // Some have no thread of their own.
  for (let i = 0; i < count; i++) {
    const reactor = new Reactor({ selector });
    const acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
      reactor.addReader(socket, () => {
        const bytes = socket.recv();
        if (bytes) socket.send(bytes);
      });
    });
    reactor.run();
    await connect(reactor, { hostname, port: acceptor.port });
    scope.postMessage(acceptor.port);
  }
};
