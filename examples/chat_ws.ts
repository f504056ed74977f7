/**
 * A chat in the browser, by WebSocket: who is here, who comes and goes, who types. Open its page twice. The page connects again when
 * the server was restarted. With a certificate, browsers open the WebSocket on their connection of HTTP/2, if they have one.
 *
 *     deno run --allow-net --allow-read examples/chat_ws.ts [--port 8010] [--hostname 127.0.0.1] [--cert cert.pem --key key.pem]
 *
 * How to make a certificate for a trial is told in http2.ts.
 */
import { call, type Coroutine } from "@weightless/io/compose";
import { type HttpRequest, HttpServer, ok, response } from "@weightless/io/http";
import { accept, Broadcast, type WebSocketConnection } from "@weightless/io/http/websocket";
import { options, port, selector, serve } from "./_cli.ts";

/** What the page gets, as JSON. */
type Event =
  | { joins: string; by: string; here: string[] }
  | { leaves: string; here: string[] }
  | { types: string }
  | { says: string; text: string };

class Room {
  readonly #members = new Broadcast();
  readonly #names = new Map<WebSocketConnection, string>();

  join(socket: WebSocketConnection, name: string, by: string): Disposable {
    this.#members.add(socket); // until it is closed
    this.#names.set(socket, name);
    this.tell({ joins: name, by, here: [...this.#names.values()] });
    return {
      [Symbol.dispose]: () => {
        this.#names.delete(socket);
        this.tell({ leaves: name, here: [...this.#names.values()] });
      },
    };
  }

  tell(event: Event, except?: WebSocketConnection): void {
    this.#members.send(JSON.stringify(event), except);
  }
}

/** A page sends what its person says, or an empty message while they type. */
function* member(request: HttpRequest, room: Room): Coroutine {
  const name = request.query.get("name")?.trim() ?? "";
  if (name === "" || name.length > 30) return yield response(400);
  const socket = yield* accept(request, {
    origins: "own", // Pages of others must not speak for who looks at them.
    limits: { maxMessageBytes: 10_000 },
  });
  using _ = room.join(socket, name, `HTTP/${request.version}`);
  for (;;) {
    const text: string | Uint8Array = yield;
    if (typeof text !== "string") return socket.close(1003, "Text only");
    if (text === "") room.tell({ types: name }, socket);
    else room.tell({ says: name, text });
  }
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Chat</title>
<link rel="icon" href="data:,">
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 1rem auto; padding: 0 1rem; }
  #log { min-height: 50vh; overflow-wrap: anywhere; white-space: pre-wrap; }
  #types { color: gray; min-height: 1.5em; }
</style>
<h1>Chat</h1>
<p>Here: <span id="here">nobody</span> <b id="state"></b></p>
<div id="log"></div>
<div id="types"></div>
<form id="join"><input id="name" placeholder="Your name" maxlength="30" required autofocus> <button>Join</button></form>
<form id="say" hidden><input id="text" placeholder="Say something" autocomplete="off"> <button>Say</button></form>
<script>
  const get = (id) => document.getElementById(id);
  const log = (line) => get("log").append(line + "\\n");
  const FIRST_MS = 500, MOST_MS = 30000, TYPES_MS = 3000;
  let socket, waitMs = FIRST_MS, typed = 0, typing;

  function connect() {
    socket = new WebSocket(location.href.replace(/^http/, "ws") + "chat?name=" + encodeURIComponent(get("name").value));
    socket.onmessage = ({ data }) => {
      waitMs = FIRST_MS;
      get("state").textContent = "";
      const { joins, by, leaves, types, says, text, here } = JSON.parse(data);
      if (here) get("here").textContent = here.join(", ");
      if (joins) log("* " + joins + " joins by " + by);
      if (leaves) log("* " + leaves + " leaves");
      if (says) log(says + ": " + text);
      get("types").textContent = types ? types + " types…" : "";
      clearTimeout(typing);
      if (types) typing = setTimeout(() => get("types").textContent = "", TYPES_MS);
    };
    socket.onclose = () => {
      get("state").textContent = "(connecting again)";
      // By chance, so that not all pages come at the same time when the server is back.
      setTimeout(connect, waitMs * (0.5 + Math.random() / 2));
      waitMs = Math.min(2 * waitMs, MOST_MS);
    };
  }

  get("join").onsubmit = (event) => {
    event.preventDefault();
    get("join").hidden = true;
    get("say").hidden = false;
    get("text").focus();
    connect();
  };
  get("text").oninput = () => {
    if (socket.readyState !== WebSocket.OPEN || Date.now() - typed < TYPES_MS / 2) return;
    typed = Date.now();
    socket.send("");
  };
  get("say").onsubmit = (event) => {
    event.preventDefault();
    if (get("text").value === "" || socket.readyState !== WebSocket.OPEN) return;
    socket.send(get("text").value);
    get("text").value = "";
    typed = 0;
  };
</script>
`;

function* handler(request: HttpRequest, room: Room): Coroutine {
  switch (request.path) {
    case "/":
      yield ok({ "content-type": "text/html; charset=utf-8" });
      return yield page;
    case "/chat":
      return yield* call(member(request, room));
    default:
      yield response(404);
  }
}

const given = options(
  "chat_ws.ts [--port 8010] [--hostname 127.0.0.1] [--cert FILE --key FILE] [--selector auto|deno|epoll]",
  { port: "8010", hostname: "127.0.0.1", cert: "", key: "", selector: "auto" },
);
await serve(
  { selector: selector(given.selector) },
  (reactor) => {
    const at = { hostname: given.hostname, port: port(given.port) };
    const tls = given.cert !== "" && {
      cert: Deno.readTextFileSync(given.cert),
      key: Deno.readTextFileSync(given.key),
    };
    const room = new Room();
    return new HttpServer(reactor, { ...at, ...tls, handler: (request) => handler(request, room) });
  },
);
