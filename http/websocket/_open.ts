/** Opens a WebSocket as a client. */
import { call, type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { Channel } from "../../gio/_channel.ts";
import { currentDriver, isInCoroutine } from "../../gio/_driver.ts";
import { gio, wait } from "../../gio/mod.ts";
import { shown } from "../../reactor/_describe.ts";
import { ignore } from "../../reactor/_ignore.ts";
import { names, refuseUnknown } from "../../reactor/_known.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { Asking, type Client } from "../client/_asking.ts";
import type { BodyContext } from "../client/_body_context.ts";
import { totalOf } from "../client/_settings.ts";
import type { WholeResponse } from "../client/whole_response.ts";
import type { RequestOptions } from "../client/client_options.ts";
import { type Awaitable, awaitable, type HttpResponse } from "../client/http_response.ts";
import type { HttpHeaders } from "../http_headers.ts";
import type { Endpoint } from "./_endpoint.ts";
import {
  checkResponse,
  isYes,
  NONE_OF_OWN,
  type Opened,
  type Opening,
  openingOf,
  ownHeaders,
} from "./_handshake.ts";
import { endpointOf, settingsOf, type WebSocketSettings } from "./_settings.ts";
import type { ClientWebSocket } from "./client_web_socket.ts";
import type { WebSocketClientOptions } from "./web_socket_client_options.ts";
import { OpenWebSocket } from "./web_socket_connection.ts";
import { WebSocketRefused } from "./web_socket_refused.ts";

const OPTIONS = names<WebSocketClientOptions>({
  protocols: 1,
  compression: 1,
  limits: 1,
  timeouts: 1,
  headers: 1,
  timeoutMs: 1,
  signal: 1,
  socketPath: 1,
});

const WHAT = "open a WebSocket";
/** So much of the answer of a server that refuses is read, and for so long. */
const MAX_REFUSAL = 16 * 1024, REFUSAL_MS = 1000;

/**
 * Checks the options, and opens it: in a coroutine when that yields it, elsewhere at once.
 *
 * @throws {TypeError} If the URL or an option makes no sense.
 * @throws {LocalProtocolError} If a subprotocol or a header cannot be given.
 */
export function openWebSocket(
  client: Client,
  given: string | URL,
  options: WebSocketClientOptions,
): Awaitable<ClientWebSocket> {
  refuseUnknown(WHAT, options, OPTIONS);
  const url = httpUrl(given);
  const settings = settingsOf(options);
  const headers = ownHeaders(WHAT, options.headers ?? []);
  totalOf(options.timeoutMs); // so that it fails at once
  const opening = open(client, url, settings, { ...options, headers });
  const begin = () => {
    const { reactor, own } = client.poolOf(undefined);
    const task = gio(reactor, undefined, opening);
    return { task, opened: own === undefined ? task.result : own.attend(task.result) };
  };
  if (isInCoroutine()) return awaitable(entered(opening), () => begin().opened);
  const { task, opened } = begin();
  return awaitable(entered(awaited(task, opened)), () => opened);
}

/** The coroutine that yields it is in it from then on. */
function* entered(opening: Coroutine<OpenedWebSocket>): Coroutine<OpenedWebSocket> {
  const socket = yield* call(opening);
  socket.enterHere();
  return socket;
}

/** Waits for what was begun outside of coroutines, and gives it up if nobody waits any more. */
function* awaited(
  task: { cancel(): void },
  opened: Promise<OpenedWebSocket>,
): Coroutine<OpenedWebSocket> {
  try {
    return yield* wait(opened);
  } finally {
    task.cancel();
  }
}

function* open(
  client: Client,
  url: URL,
  settings: WebSocketSettings,
  options: WebSocketClientOptions & { readonly headers: ReturnType<typeof ownHeaders> },
): Coroutine<OpenedWebSocket> {
  const { timeoutMs, signal, socketPath } = options;
  const version = versionFor(client, url, currentDriver("webSocket()").reactor, socketPath);
  const opening = openingOf(version, settings);
  const more: RequestOptions = {
    headers: [...NONE_OF_OWN, ...options.headers, ...Object.entries(opening.headers)],
    redirect: "manual",
    decompression: false,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(signal !== undefined && { signal }),
    ...(socketPath !== undefined && { socketPath }),
  };
  const asking = version === "2"
    ? new Asking(client, "CONNECT", url, more, "websocket")
    : new Asking(client, "GET", url, more);
  const response = yield* asking;
  if (!isYes(response.status, opening)) {
    const refusal = yield* call(beginningOf(response));
    signal?.throwIfAborted();
    throw new WebSocketRefused(refusal);
  }
  const opened = checked(response, opening);
  const pool = asking.handOver();
  const raw = response.context;
  const endpoint = endpointOf("client", raw, pool.reactor, settings, opened.compression);
  endpoint.start(Channel.of(raw).takeRest() as Uint8Array[]);
  endpoint.heed(signal);
  pool.keep(endpoint);
  return new OpenedWebSocket(endpoint, opened, response);
}

/** Of the body of a response, the text at the beginning that comes in time. */
function* beginningOf(response: HttpResponse): Coroutine<WholeResponse> {
  const { status, headers } = response;
  const body = response.context as BodyContext;
  const bytes = new Uint8Array(MAX_REFUSAL);
  let length = 0;
  const { reactor } = body;
  const timer = reactor.addTimer(REFUSAL_MS, () => body.fail(new Error("It takes too long")));
  using _ = response.enter();
  try {
    while (length < MAX_REFUSAL) {
      const piece: Uint8Array = (yield).subarray(0, MAX_REFUSAL - length);
      bytes.set(piece, length);
      length += piece.length;
    }
  } catch (error) {
    if (!(error instanceof EndOfStream) && error !== body.fault) throw error;
  } finally {
    reactor.removeTimer(timer);
  }
  // What is not whole at the end is part of a character.
  const text = new TextDecoder().decode(bytes.subarray(0, length), { stream: true });
  return { status, headers, body: text };
}

function checked(response: HttpResponse, opening: Opening): Opened {
  try {
    return checkResponse(response.headers, opening);
  } catch (error) {
    response.close();
    throw error;
  }
}

/** What a client has opened. No coroutine is in it before one has yielded it. */
class OpenedWebSocket extends OpenWebSocket implements ClientWebSocket {
  readonly headers: HttpHeaders;
  readonly #entered: { leave: () => void };

  constructor(endpoint: Endpoint, opened: Opened, { connection, headers }: HttpResponse) {
    const entered = { leave: ignore };
    super(endpoint, opened, connection, entered);
    this.#entered = entered;
    this.headers = headers;
  }

  /** The coroutine that is running is in it from now on, and it ends with that. */
  enterHere(): void {
    const driver = currentDriver("webSocket()");
    const place = driver.enterPlace(this.context);
    driver.own.own(this.context);
    this.#entered.leave = () => void driver.leavePlace(place);
  }
}

/** An own connection is made, unless there is one that carries other requests as well. */
function versionFor(
  client: Client,
  url: URL,
  reactor: Reactor,
  socketPath: string | undefined,
): "1.1" | "2" {
  const { http2 } = client.settings;
  if (http2 === "prior-knowledge") return "2";
  if (http2 === false || url.protocol !== "https:") return "1.1";
  const { route } = new Asking(client, "CONNECT", url, {
    ...(socketPath !== undefined && { socketPath }),
  }, "websocket");
  return client.poolOf(reactor).canConnect(route) ? "2" : "1.1";
}

/** RFC 6455 3: ws and wss are http and https, and a fragment is not sent. */
function httpUrl(given: string | URL): URL {
  const url = URL.parse(String(given));
  if (url === null || !/^(?:ws|http)s?:$/.test(url.protocol)) {
    throw new TypeError(
      `Cannot open a WebSocket at ${shown(given)}: give a URL of ws or wss, as in ` +
        'client.webSocket("ws://127.0.0.1:8000/")',
    );
  }
  return new URL(url.href.replace(/^ws/, "http"));
}
