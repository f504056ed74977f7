/** What is not allowed, each with the message that it gets. Run it without permissions. */
import { asProcess, memory, open } from "../gio/mod.ts";
import { HttpClient, HttpServer, ok } from "../http/mod.ts";
import {
  Acceptor,
  connect,
  DatagramSocket,
  here,
  listenDescriptors,
  Reactor,
  sendFile,
  subprocess,
  zeroCopy,
} from "../reactor/mod.ts";

using reactor = new Reactor();
const local = { hostname: "127.0.0.1", port: 1 };

const uses: Record<string, () => unknown> = {
  listen: () => new Acceptor(reactor, local, () => {}),
  *serve() {
    new HttpServer(reactor, {
      ...local,
      *handler() {
        yield ok();
      },
    });
  },
  connect: () => connect(reactor, local),
  ask: () => asProcess(ask()),
  bind: () => DatagramSocket.bind(reactor, local),
  path: () => new Acceptor(reactor, { path: "./a.sock" }, () => {}),
  *open() {
    open("./a.txt");
  },
  *sendFile() {
    yield* sendFile(here, "./a.txt");
  },
  epoll: () => new Reactor({ selector: "epoll" }),
  zeroCopy: () => zeroCopy.pipe(),
  subprocess: () => subprocess(reactor, "ls"),
  listenDescriptors,
};

function* ask() {
  using client = new HttpClient();
  yield* client.get("http://127.0.0.1:1/");
}

const messages: Record<string, string> = {};
for (const [name, use] of Object.entries(uses)) {
  try {
    const made = use();
    const isCoroutine = typeof (made as Generator | undefined)?.next === "function";
    await (isCoroutine ? asProcess(made as Generator, { connection: memory("") }) : made);
  } catch (error) {
    messages[name] = (error as Error).message;
  }
}
console.log(JSON.stringify(messages));
