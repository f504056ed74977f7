/** WebSockets of other people, as clients and as servers, and what both ends talk about. */
import { fileURLToPath } from "node:url";
import { type Server, start, stop } from "../../bench/_servers.ts";
import { call, type Coroutine } from "../../compose/mod.ts";
import { gio, sleep, wait } from "../../gio/mod.ts";
import {
  type HttpClient,
  type HttpRequest,
  HttpServer,
  type HttpServerOptions,
  ok,
} from "../../http/mod.ts";
import {
  accept,
  type IncomingMessage,
  type WebSocketClientOptions,
  type WebSocketCompression,
  type WebSocketConnection,
  WebSocketEnd,
  WebSocketFault,
} from "../../http/websocket/mod.ts";
import { type Reactor, splice } from "../../reactor/mod.ts";
import { Browser } from "../_browser.ts";
import { PATIENCE_MS } from "../_leaks.ts";
import { output } from "../_peers.ts";
import { hostname, listening } from "../_sockets.ts";
import { pattern } from "./_client_peers.ts";
import { PYTHON } from "./_h2_servers.ts";

/** The parameters of permessage-deflate (RFC 7692 7.1), as peers ask for them. */
export interface Parameters {
  server_no_context_takeover?: boolean;
  client_no_context_takeover?: boolean;
  server_max_window_bits?: number;
  client_max_window_bits?: number;
}

/** What we can be asked to do, by name. All messages are compressed, where any is. */
export const COMPRESSIONS: Record<string, false | WebSocketCompression> = {
  none: false,
  alone: { minBytes: 0 },
  takeover: { minBytes: 0, contextTakeover: true, peerContextTakeover: true },
  "our takeover, small windows": {
    minBytes: 0,
    contextTakeover: true,
    maxWindowBits: 9,
    peerMaxWindowBits: 10,
  },
  "the peer's takeover, small windows": {
    minBytes: 0,
    peerContextTakeover: true,
    maxWindowBits: 10,
    peerMaxWindowBits: 9,
  },
};

/** What peers are told to ask for. */
export const PARAMETERS: Parameters[] = [
  { server_no_context_takeover: true },
  { client_no_context_takeover: true },
  { server_no_context_takeover: true, client_no_context_takeover: true },
  { server_max_window_bits: 8 },
  { server_max_window_bits: 9 },
  { client_max_window_bits: 8 },
  { client_max_window_bits: 9 },
  { server_max_window_bits: 12, client_max_window_bits: 10, server_no_context_takeover: true },
  { server_max_window_bits: 10, client_max_window_bits: 12, client_no_context_takeover: true },
  { server_max_window_bits: 15, client_max_window_bits: 15 },
];

/** What a client tells of its talk with a server. */
export interface Talk {
  protocol: string;
  isCompressed: boolean;
  /** Which messages did not come back as they were. */
  different: number[];
  /** What came back to a Close: the code, the reason, and for some clients whether it was clean. */
  closed: unknown[];
  /** The same when the server closed first. */
  told: unknown[];
  /** What was said after a Ping was answered. */
  pinged: unknown;
  /** The code when a message was larger than the server takes. */
  tooBig: unknown;
}

/**
 * Talks to a server as any client by the interface of browsers can. Its text is run in other programs too, together
 * with that of {@linkcode pattern}.
 */
export async function converse(
  Socket: new (url: string, protocols: string[]) => WebSocket,
  base: string,
  query: string,
  size: number,
): Promise<Talk> {
  const open = (path: string, protocols: string[] = []): WebSocket => {
    const socket = new Socket(base + path + query, protocols);
    socket.binaryType = "arraybuffer";
    return socket;
  };
  const next = (socket: WebSocket) =>
    new Promise<unknown>((resolve, reject) => {
      socket.onmessage = ({ data }) => resolve(data);
      socket.onclose = ({ code, reason }) => reject(new Error(`closed: ${code} ${reason}`));
    });
  const end = (socket: WebSocket) =>
    new Promise<unknown[]>((resolve) => {
      socket.onclose = ({ code, reason, wasClean }) => resolve([code, reason, wasClean]);
    });
  const text = "All work and no play makes Jack a dull boy.\n".repeat(250);
  const large = pattern(size);
  const messages = [
    ...["Hello!", "", "Grüße, 世界 😀", "x".repeat(size), text, text, text],
    ...[new Uint8Array(0), Uint8Array.of(0, 127, 128, 255), large, large],
  ];
  const isSame = (message: string | Uint8Array, data: unknown) => {
    if (typeof message === "string" || !(data instanceof ArrayBuffer)) return data === message;
    const bytes = new Uint8Array(data);
    return bytes.length === message.length && bytes.every((byte, at) => byte === message[at]);
  };
  const different: number[] = [];
  let protocol = "";
  let isCompressed = false;
  let closed: unknown[] = [];
  for (const path of ["/echo", "/pieces"]) {
    const socket = open(path, ["a", "b"]);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onclose = ({ code, reason }) => reject(new Error(`not opened: ${code} ${reason}`));
    });
    protocol = socket.protocol;
    isCompressed = /^permessage-deflate/.test(socket.extensions);
    for (const [i, message] of messages.entries()) {
      socket.send(message);
      if (!isSame(message, await next(socket))) different.push(i);
    }
    let at = 0;
    const all = new Promise<void>((resolve, reject) => {
      socket.onclose = ({ code, reason }) => reject(new Error(`closed: ${code} ${reason}`));
      socket.onmessage = ({ data }) => {
        if (!isSame(messages[at]!, data)) different.push(at);
        if (++at === messages.length) resolve();
      };
    });
    for (const message of messages) socket.send(message);
    await all;
    const over = end(socket);
    socket.close(3001, "Grüße");
    closed = await over;
  }
  const told = await end(open("/close"));
  const pinging = open("/ping");
  const pinged = await next(pinging);
  const over = end(pinging);
  pinging.close();
  await over;
  const small = open("/small");
  small.onopen = () => small.send("x".repeat(2000));
  const [tooBig] = await end(small);
  return { protocol, isCompressed, different, closed, told, pinged, tooBig };
}

/** The folder of a project of npm with the packages that Node runs. */
async function makeProject(): Promise<string> {
  const folder = await Deno.makeTempDir();
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const dependencies = { ws: "^8.0.0", undici: "^7.0.0" };
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify({ dependencies }));
  const args = ["install", "--quiet"];
  const { success } = await new Deno.Command(Deno.execPath(), { args, cwd: folder }).output();
  if (!success) throw new Error("Cannot install ws and undici");
  return folder;
}

let project: Promise<string> | undefined;

/** Writes a program for Node, once. */
async function program(name: string, text: string): Promise<string> {
  const path = `${await (project ??= makeProject())}/${name}.cjs`;
  await Deno.writeTextFile(path, text);
  return path;
}

/** The names that the options of ws have for the parameters. */
const WS_OPTIONS = `
const [, , base, query, size, given] = process.argv;
const parameters = JSON.parse(given);
const perMessageDeflate = parameters !== null && { threshold: 0 };
for (const [name, value] of Object.entries(parameters ?? {})) {
  perMessageDeflate[name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())] = value;
}
`;

/** What ws can do as a client that others cannot: fragments, empty ones too, and Pings between them. */
const WS_CLIENT = `
const { WebSocket } = require("ws");
const { once } = require("node:events");
${WS_OPTIONS}
class Socket extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { perMessageDeflate, maxPayload: 0 });
  }
}
${pattern}
${converse}
async function fragments(path) {
  const socket = new Socket(base + path + query);
  const pongs = [];
  socket.on("pong", (data) => pongs.push(String(data)));
  await once(socket, "open");
  let count = 0;
  for (const compress of [true, false]) {
    for (const binary of [true, false]) {
      const bytes = Buffer.from("Grüße, 世界 😀".repeat(1000));
      for (let at = 0; at < bytes.length; at += 1 + at * 7) {
        socket.send(bytes.subarray(at, at + 1 + at * 7), { binary, compress, fin: false });
        socket.send("", { fin: false });
        socket.ping(String(count++));
      }
      socket.send("", { fin: true });
      const [data, isBinary] = await once(socket, "message");
      if (!bytes.equals(data) || isBinary !== binary) throw new Error("It came back otherwise");
    }
  }
  while (pongs.length < count) await once(socket, "pong");
  if (pongs.some((pong, at) => pong !== String(at))) throw new Error("Wrong Pongs " + pongs);
  socket.close();
  await once(socket, "close");
}
(async () => {
  const talk = await converse(Socket, base, query, Number(size));
  for (const path of ["/echo", "/pieces"]) await fragments(path);
  const vanishing = new Socket(base + "/echo" + query);
  await once(vanishing, "open");
  vanishing.terminate();
  console.log(JSON.stringify(talk));
})();
`;

const UNDICI_CLIENT = `
const { WebSocket } = require("undici");
const [, , base, query, size] = process.argv;
${pattern}
${converse}
converse(WebSocket, base, query, Number(size)).then((talk) => console.log(JSON.stringify(talk)));
`;

const WS_SERVER = `
const { WebSocketServer } = require("ws");
${WS_OPTIONS}
const server = new WebSocketServer({
  host: "${hostname}",
  port: 0,
  maxPayload: 0,
  perMessageDeflate,
  handleProtocols: (offered) => offered.has("b") && "b",
});
const ends = [];
server.on("connection", (socket, request) => {
  socket.on("error", () => {});
  const path = request.url.split("?")[0];
  switch (path) {
    case "/close":
      return socket.close(4001, "Grüße");
    case "/ping":
      socket.ping("abc");
      return socket.on("pong", () => socket.send("answered"));
    case "/last":
      return (function look() {
        if (ends.length > 0) socket.send(JSON.stringify(ends.shift()));
        else setTimeout(look, 5);
      })();
    case "/vanish":
      return socket.terminate();
  }
  socket.on("message", (data, binary) => {
    if (path === "/echo") return socket.send(data, { binary });
    for (let at = 0; at < data.length; at += 1 + at * 7) {
      socket.send(data.subarray(at, at + 1 + at * 7), { binary, fin: false });
      socket.send("", { fin: false });
      socket.ping();
    }
    socket.send("", { binary, fin: true });
  });
  if (path === "/echo") socket.on("close", (code, reason) => ends.push([code, String(reason)]));
});
server.on("listening", () => console.log(\`:\${server.address().port} \`));
`;

/** A talk that stops is a failure. */
async function inTime<T>(talk: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("The talk has stopped")), PATIENCE_MS);
  try {
    return await Promise.race([talk, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a client is told. */
export interface Task {
  /** Where the server is, without a slash at the end. */
  base: string;
  query: string;
  /** How large the largest messages are. */
  size: number;
  /** What compression it offers, if it can; `null` for none. */
  parameters: Parameters | null;
}

/** A client of other people. */
export type Client = (task: Task) => Promise<Talk>;

async function printed(command: string, ...args: string[]): Promise<Talk> {
  const { code, text, errors } = await inTime(output(command, args));
  if (code !== 0 || errors !== "") throw new Error(`${command} failed: ${errors}${text}`);
  return JSON.parse(text);
}

export const denoClient: Client = ({ base, query, size }) =>
  inTime(converse(WebSocket, base, query, size));

export const wsClient: Client = async ({ base, query, size, parameters }) => {
  const path = await program("ws_client", WS_CLIENT);
  return await printed("node", path, base, query, String(size), JSON.stringify(parameters));
};

export const undiciClient: Client = async ({ base, query, size }) =>
  await printed("node", await program("undici_client", UNDICI_CLIENT), base, query, String(size));

/** The text of what a page does to talk. */
export function talkOfPage({ base, query, size }: Omit<Task, "parameters">): string {
  return `(() => {
    ${pattern}
    ${converse}
    return converse(WebSocket, ${JSON.stringify(base)}, ${JSON.stringify(query)}, ${size});
  })()`;
}

export const chromium: Client = async (task) => {
  await using browser = await Browser.start();
  return await browser.evaluate(talkOfPage(task)) as Talk;
};

const script = fileURLToPath(new URL("_websocket_peer.py", import.meta.url));

export const pythonClient: Client = ({ base, query, size, parameters }) =>
  printed(PYTHON, script, "client", base, query, String(size), JSON.stringify(parameters));

/** A server of other people that runs. */
export interface Peer extends AsyncDisposable {
  port: number;
}

function peer(server: Server): Peer {
  return { port: server.port, [Symbol.asyncDispose]: () => stop(server) };
}

/** Starts a server, which accepts compression with these parameters, or without any; `null` for none. */
export type StartServer = (parameters: Parameters | null) => Promise<Peer>;

export const wsServer: StartServer = async (parameters) => {
  const path = await program("ws_server", WS_SERVER);
  return peer(await start("node", [path, "", "", "", JSON.stringify(parameters)]));
};

export const pythonServer: StartServer = async (parameters) =>
  peer(await start(PYTHON, [script, "server", JSON.stringify(parameters)]));

/** Deno.upgradeWebSocket, which knows neither compression, nor Pings that are asked for, nor fragments. */
export const denoServer: StartServer = () => {
  const ends: [number, string][] = [];
  const server = Deno.serve({ ...listening, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    const { socket, response } = Deno.upgradeWebSocket(request, {
      ...(request.headers.has("sec-websocket-protocol") && { protocol: "b" }),
    });
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (pathname === "/close") socket.close(4001, "Grüße");
      else if (pathname === "/last") look();
    };
    const look = () => {
      if (ends.length > 0) socket.send(JSON.stringify(ends.shift()));
      else setTimeout(look, 5);
    };
    socket.onmessage = ({ data }) => socket.send(data);
    if (pathname === "/echo") socket.onclose = ({ code, reason }) => ends.push([code, reason]);
    return response;
  });
  const { port } = server.addr;
  return Promise.resolve({ port, [Symbol.asyncDispose]: () => server.shutdown() });
};

/** Our server that all of them talk to. */
export class Served {
  readonly server: HttpServer;
  /** The versions of the requests that opened a WebSocket. */
  readonly versions: Set<string> = new Set();
  /** What each client said at last, in `/echo`. */
  readonly ends: [code: number, reason: string][] = [];
  /** How many of them `/last` has told. */
  #told = 0;

  constructor(reactor: Reactor, options: Partial<HttpServerOptions> = {}) {
    this.server = new HttpServer(reactor, {
      ...listening,
      ...options,
      handler: (request) => this.#handle(request),
    });
  }

  /** Where it is, without a slash at the end. */
  get base(): string {
    return `ws://${hostname}:${this.server.port}`;
  }

  *#handle(request: HttpRequest): Coroutine {
    if (request.path === "/") {
      yield ok({ "content-type": "text/html" });
      return yield "<!doctype html><link rel=icon href=data:,><title>A page</title>";
    }
    const name = new URL(request.url).searchParams.get("compression") ?? "none";
    const compression = COMPRESSIONS[name]!;
    const limits = request.path === "/small" ? { maxMessageBytes: 1000 } : {};
    const socket = yield* accept(request, { protocols: ["b", "c"], compression, limits });
    this.versions.add(request.version);
    try {
      if (request.path === "/last") return yield* this.#tellLast();
      yield* talkOfServer(socket, request.path);
    } catch (error) {
      if (!(error instanceof WebSocketEnd)) throw error;
      if (request.path === "/echo") this.ends.push([error.code, error.reason]);
    }
  }

  *#tellLast(): Coroutine {
    while (this.#told === this.ends.length) yield* sleep(1);
    yield JSON.stringify(this.ends[this.#told++]);
  }
}

function* talkOfServer(socket: WebSocketConnection, path: string): Coroutine {
  switch (path) {
    case "/close":
      return socket.close(4001, "Grüße");
    case "/vanish":
      return socket.abort();
    case "/ping":
      yield* socket.ping();
      yield "answered";
      return yield;
    case "/pieces":
      for (;;) {
        const message = yield* socket.receive();
        using reply = socket.stream(message.type);
        if (message.type === "binary") yield* splice(message, reply);
        else yield* wait(message.stream().pipeTo(reply.writable));
      }
    default:
      for (;;) yield yield;
  }
}

/** The query with which a client asks our server for a compression. */
export function queryOf(compression: string): string {
  return `?compression=${encodeURIComponent(compression)}`;
}

/** What our client tells besides. */
export interface Seen {
  /** What it was told when the server vanished. */
  lost: unknown[];
  /** What the server saw when the client closed. */
  seen: unknown[];
  /** The same when it had sent more than the client takes. */
  seenTooBig: unknown;
}

export interface TalkOptions extends WebSocketClientOptions {
  query?: string;
  /** How large the largest messages are. */
  size?: number;
  /** Whether the server can send a Ping, and vanish, when it should. */
  canAll?: boolean;
}

/** Talks as a client of ours, in a coroutine. */
export function ourTalk(
  reactor: Reactor,
  client: HttpClient,
  base: string,
  options: TalkOptions = {},
): Promise<Talk & Seen> {
  return inTime(gio(reactor, undefined, talkOfClient(client, base, options)).result);
}

/** As those of {@linkcode converse}. */
function messagesOf(size: number): (string | Uint8Array)[] {
  const text = "All work and no play makes Jack a dull boy.\n".repeat(250);
  return [
    ...["Hello!", "", "Grüße, 世界 😀", "x".repeat(size), text, text, text],
    ...[new Uint8Array(0), Uint8Array.of(0, 127, 128, 255), pattern(size), pattern(size)],
  ];
}

function isSame(message: string | Uint8Array, data: unknown): boolean {
  if (typeof message === "string" || !(data instanceof Uint8Array)) return data === message;
  return data.length === message.length && data.every((byte, at) => byte === message[at]);
}

function* talkOfClient(
  client: HttpClient,
  base: string,
  { query = "", size = 1 << 20, canAll = true, ...options }: TalkOptions,
): Coroutine<Talk & Seen> {
  const open = (path: string, more: WebSocketClientOptions = {}) =>
    client.webSocket(base + path + query, { ...options, ...more });
  const messages = messagesOf(size);
  const different: number[] = [];
  let protocol: string | undefined;
  let isCompressed = false;
  let closed: unknown[] = [];
  for (const path of ["/echo", "/pieces"]) {
    using socket = yield* open(path, { protocols: ["a", "b"] });
    ({ protocol, isCompressed } = socket);
    for (const [i, message] of messages.entries()) {
      yield message;
      if (!isSame(message, yield)) different.push(i);
    }
    // All at once, in pieces, by somebody else.
    const sending = sendInPieces(socket, messages);
    for (const [i, message] of messages.entries()) {
      const back = yield* socket.receive();
      if (!isSame(message, yield* wait(wholeOf(back)))) different.push(i);
    }
    yield* wait(sending);
    yield* socket.ping();
    socket.close(3001, "Grüße");
    const { code, reason } = yield* wait(socket.closed);
    closed = [code, reason];
  }
  const seen = JSON.parse(yield* call(firstOf(open("/last"))));
  const limited = open("/echo", { limits: { maxMessageBytes: 1000 } });
  const tooBig = yield* call(faultOf(limited, "x".repeat(2000)));
  const [seenTooBig] = JSON.parse(yield* call(firstOf(open("/last"))));
  const told = yield* call(endOf(open("/close")));
  const lost = canAll ? yield* call(endOf(open("/vanish"))) : [];
  const pinged = canAll ? yield* call(firstOf(open("/ping"))) : "nothing";
  return {
    ...{ protocol: protocol ?? "", isCompressed, different, closed, told, pinged },
    ...{ tooBig, lost, seen, seenTooBig },
  };
}

type Opening = ReturnType<HttpClient["webSocket"]>;

function* firstOf(opening: Opening): Coroutine<string> {
  using _ = yield* opening;
  return (yield) as string;
}

function* faultOf(opening: Opening, message: string): Coroutine<number> {
  using _ = yield* opening;
  yield message;
  try {
    throw new Error(`There is a message: ${yield}`);
  } catch (error) {
    if (!(error instanceof WebSocketFault)) throw error;
    return error.code;
  }
}

function* endOf(opening: Opening): Coroutine<[code: number, reason: string]> {
  try {
    using _ = yield* opening;
    throw new Error(`There is a message: ${yield}`);
  } catch (error) {
    if (!(error instanceof WebSocketEnd)) throw error;
    return [error.code, error.reason];
  }
}

async function sendInPieces(
  socket: WebSocketConnection,
  messages: (string | Uint8Array)[],
): Promise<void> {
  const encoder = new TextEncoder();
  for (const message of messages) {
    const out = socket.stream(typeof message === "string" ? "text" : "binary");
    const writer = out.writable.getWriter();
    // A character may be cut.
    const bytes = typeof message === "string" ? encoder.encode(message) : message;
    for (let at = 0; at < bytes.length; at += 1 + at * 7) {
      await writer.write(bytes.subarray(at, at + 1 + at * 7));
    }
    await writer.close();
  }
}

async function wholeOf(message: IncomingMessage): Promise<string | Uint8Array> {
  const pieces = await Array.fromAsync(message.stream());
  if (message.type === "text") return pieces.join("");
  return await new Blob(pieces as Uint8Array<ArrayBuffer>[]).bytes();
}
