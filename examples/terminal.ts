/**
 * A shell in the browser: its stdio goes over a WebSocket. It prints a URL with a token. Open that.
 *
 *     deno run --allow-net=127.0.0.1 --allow-run examples/terminal.ts [--port 8012] [--shell sh]
 *
 * Whoever opens the WebSocket can do all that you can. So it listens on 127.0.0.1 only, but that is not enough: any page that you
 * visit may open a WebSocket to 127.0.0.1, and so may other users of the machine. Browsers tell by Origin whose page it is, other
 * programs write there what they like. The token is a secret that neither knows. It stands behind the `#` of the URL, which
 * browsers do not send.
 */
import { call, type Coroutine, EndOfStream } from "@weightless/io/compose";
import { all, currentGio, enter, race, wait } from "@weightless/io/gio";
import { type HttpRequest, HttpServer, ok, response } from "@weightless/io/http";
import { accept, type WebSocketConnection } from "@weightless/io/http/websocket";
import { type Socket, subprocess } from "@weightless/io/reactor";
import { options, port, selector, serve } from "./_cli.ts";

const given = options("terminal.ts [--port 8012] [--shell sh] [--selector auto|deno|epoll]", {
  port: "8012",
  shell: "sh",
  selector: "auto",
});
const token = crypto.randomUUID();

function* input(socket: WebSocketConnection, to: Socket): Coroutine {
  for (;;) {
    const typed = yield* socket.next();
    using _ = enter(to);
    yield typed;
  }
}

function* output(from: Socket, socket: WebSocketConnection): Coroutine {
  using _ = enter(from);
  try {
    for (;;) yield* socket.send(yield); // waits while the page does not read
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
  }
}

function* shell(request: HttpRequest): Coroutine {
  if (request.query.get("token") !== token) return yield response(403);
  const socket = yield* accept(request, { limits: { maxMessageBytes: 100_000 } });
  using running = subprocess(currentGio().reactor, given.shell, { args: ["-i"] });
  const { io, stderr } = running;
  try {
    yield* race(input(socket, io), all(output(io, socket), output(stderr, socket)));
  } finally {
    running.kill("SIGHUP"); // as when a terminal is closed
  }
  const { code } = yield* wait(running.status);
  socket.close(1000, `The shell has ended with code ${code}`);
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Terminal</title>
<link rel="icon" href="data:,">
<style>
  body, input { background: #111; color: #ddd; font: 14px/1.4 monospace; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
  input { width: 100%; border: 0; border-top: 1px solid #444; padding: 0.3rem 0; outline: 0; }
</style>
<pre id="screen"></pre>
<form id="form"><input id="line" autocomplete="off" spellcheck="false" autofocus></form>
<script>
  const screen = document.getElementById("screen"), line = document.getElementById("line");
  const MOST = 100000, decoder = new TextDecoder();
  function show(text) {
    screen.textContent = (screen.textContent + text).slice(-MOST);
    scrollTo(0, document.body.scrollHeight);
  }
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/shell?token=" + location.hash.slice(1));
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => show(decoder.decode(data, { stream: true }));
  socket.onclose = ({ code, reason }) => {
    show("\\n" + (reason || "The connection was lost (" + code + ")") + "\\n");
    line.disabled = true;
  };
  document.getElementById("form").onsubmit = (event) => {
    event.preventDefault();
    show(line.value + "\\n");
    socket.send(line.value + "\\n");
    line.value = "";
  };
</script>
`;

function* handler(request: HttpRequest): Coroutine {
  switch (request.path) {
    case "/":
      yield ok({ "content-type": "text/html; charset=utf-8" });
      return yield page;
    case "/shell":
      return yield* call(shell(request));
    default:
      yield response(404);
  }
}

await serve({ selector: selector(given.selector) }, (reactor) => {
  const at = { hostname: "127.0.0.1", port: port(given.port) };
  const server = new HttpServer(reactor, { ...at, handler });
  return { url: `${server.url}#${token}`, shutdown: (options) => server.shutdown(options) };
});
