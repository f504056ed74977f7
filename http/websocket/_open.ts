/** Opens a WebSocket as a client. */
import type { Coroutine } from "../../compose/mod.ts";
import { Channel } from "../../gio/_channel.ts";
import { currentDriver } from "../../gio/_driver.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { names, refuseUnknown } from "../../reactor/_known.ts";
import { shown } from "../../reactor/_describe.ts";
import { Asking, type Client } from "../client/_asking.ts";
import { listed } from "../_head.ts";
import type { HttpResponse } from "../client/http_response.ts";
import type { RequestOptions } from "../client/client_options.ts";
import type { Pool } from "../client/_pool.ts";
import { checkResponse, openingOf } from "./_handshake.ts";
import { endpointOf, settingsOf, type WebSocketSettings } from "./_settings.ts";
import type { WebSocketClientOptions } from "./web_socket_client_options.ts";
import { OpenWebSocket } from "./web_socket_connection.ts";

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

/**
 * Checks the options, and gives the coroutine that opens it.
 *
 * @throws {TypeError} If the URL or an option makes no sense.
 */
export function openWebSocket(
  client: Client,
  given: string | URL,
  options: WebSocketClientOptions,
): { opening: Coroutine<OpenWebSocket>; pool: () => Pool } {
  refuseUnknown("open a WebSocket", options, OPTIONS);
  const url = httpUrl(given);
  const settings = settingsOf(options);
  return { opening: open(client, url, settings, options), pool: () => client.poolOf(undefined) };
}

function* open(
  client: Client,
  url: URL,
  settings: WebSocketSettings,
  { headers = [], timeoutMs, signal, socketPath }: WebSocketClientOptions,
): Coroutine<OpenWebSocket> {
  const driver = currentDriver("webSocket()");
  const request = (version: "1.1" | "2") => {
    const opening = openingOf(version, settings);
    const more: RequestOptions = {
      headers: [...listed(headers), ...Object.entries(opening.headers)],
      redirect: "manual",
      decompression: false,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(signal !== undefined && { signal }),
      ...(socketPath !== undefined && { socketPath }),
    };
    const asking = version === "2"
      ? new Asking(client, "CONNECT", url, more, "websocket")
      : new Asking(client, "GET", url, more);
    return { opening, asking };
  };
  const { opening, asking } = request(versionFor(client, url, driver.reactor, socketPath));
  const response = yield* asking;
  const opened = checked(response, opening);
  const { reactor, own, webSockets } = asking.handOver();
  const raw = response.context;
  const endpoint = endpointOf("client", raw, reactor, settings, opened.compression);
  const place = driver.enterPlace(endpoint);
  driver.own.own(endpoint);
  if (own !== undefined) endpoint.whenOver(own.hold());
  webSockets.add(endpoint);
  endpoint.whenOver(() => webSockets.delete(endpoint));
  endpoint.start(Channel.of(raw).takeRest() as Uint8Array[]);
  endpoint.heed(signal);
  return new OpenWebSocket(endpoint, opened, response.connection, {
    leave: () => void driver.leavePlace(place),
  });
}

function checked(response: HttpResponse, opening: ReturnType<typeof openingOf>) {
  try {
    return checkResponse(response, opening);
  } catch (error) {
    response.close();
    throw error;
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
