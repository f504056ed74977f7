/**
 * A reverse proxy over HTTP/1.1: each request goes to another server, and its answer comes back, over connections that are
 * kept. Bodies go both ways at once. The kernel moves those that have a Content-Length, if this is Linux and `--allow-ffi` is
 * given; else they are copied, as chunks are.
 *
 *     deno run --allow-net --allow-ffi examples/reverse_proxy.ts --to localhost:8000 [--port 8002] [--timeout SECONDS]
 *
 * It answers 502 if the other server cannot be reached or answers nonsense, and 504 if it takes too long to begin.
 */
import type { Coroutine } from "@weightless/io/compose";
import { TimeoutError } from "@weightless/io/gio";
import {
  HttpClient,
  type HttpHeaders,
  type HttpRequest,
  HttpServer,
  RemoteProtocolError,
  response,
  type ResponseHead,
} from "@weightless/io/http";
import { here, splice } from "@weightless/io/reactor";
import { address, number, options, port, selector, serve } from "./_cli.ts";
import { name, sayIfCopied } from "./_reported.ts";

type Fields = [name: string, value: string][];

/** A client that changes nothing, for a server that may take so long to connect, to begin and to go on. */
export function proxyClient(ms: number): HttpClient {
  const timeouts = { connectMs: ms, headMs: ms, bodyMs: ms };
  return new HttpClient({ timeouts, decompression: false, redirect: "manual" });
}

/** Answers a request, which has come from a client at `from`, by asking the server at `to`: HOST:PORT. */
export function* proxy(
  request: HttpRequest,
  from: Deno.Addr,
  to: string,
  client: HttpClient,
): Coroutine {
  const { method, target, path, search, signal } = request;
  if (method === "CONNECT") return yield response(501);
  if (target === "*") return yield response(204); // It is about this server (RFC 9110 9.3.7).
  const headers = [...forwarded(request, from), ...endToEnd(request.headers)];
  let head: ResponseHead;
  let answer;
  try {
    const body = request.hasBody && { body: bodyOf(request) };
    answer = yield* client.request(method, `http://${to}${path}${search}`, {
      headers,
      signal,
      ...body,
    });
    if (answer.status > 599) throw new RemoteProtocolError("No such status", { status: 502 });
    head = response(answer.status, [...endToEnd(answer.headers), ["via", "1.1 weightless"]]);
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    yield response(status, { "content-type": "text/plain" });
    return yield status === 504 ? "The server took too long\n" : "The server failed\n";
  }
  yield head;
  const hasNoBody = [204, 205, 304].includes(answer.status);
  if (!hasNoBody) yield* splice(answer, here);
}

/** The body for the other server, which is sent while the answer comes. */
function* bodyOf(request: HttpRequest): Coroutine {
  yield* splice(request, here);
}

/** What to tell the client of an error: undefined if the other server is not at fault. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof TimeoutError) return 504;
  if (error instanceof RemoteProtocolError) return error.status === 502 ? 502 : undefined;
  const isOfSystem = error instanceof Error && error.name in Deno.errors;
  return isOfSystem ? 502 : undefined;
}

/** RFC 9110 7.6.1: what is for the connection only. */
const FOR_CONNECTION =
  /^(?:connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/;
/** What a proxy says itself. The server that runs this program has sent the 100. */
const OURS = /^(?:host|expect|forwarded|x-forwarded-(?:for|host|proto))$/;

/** The headers that are passed on. */
function endToEnd(headers: HttpHeaders): Fields {
  const named = headers.getAll("connection").join().toLowerCase().split(/[\s,]+/);
  return [...headers].filter(([field]) =>
    // Content-Length tells the framing, whatever Connection says.
    field === "content-length" ||
    !FOR_CONNECTION.test(field) && !OURS.test(field) && !named.includes(field)
  );
}

/** Tells the server who asks (RFC 7239). What other proxies have told comes first. */
function forwarded({ headers, host, version }: HttpRequest, client: Deno.Addr): Fields {
  const from = "hostname" in client ? client.hostname : "unknown";
  const node = from.includes(":") ? `"[${from}]"` : from;
  const after = (field: string, value: string): Fields[0] => [
    field,
    [...headers.getAll(field), value].join(", "),
  ];
  return [
    ["host", host],
    after("forwarded", `for=${node};host="${host}";proto=http`),
    after("x-forwarded-for", from),
    ["x-forwarded-host", host],
    ["x-forwarded-proto", "http"],
    ["via", `${version} weightless`],
  ];
}

if (import.meta.main) {
  const given = options(
    "reverse_proxy.ts --to HOST:PORT [--port 8002] [--hostname 127.0.0.1] [--selector auto|deno|epoll] [--timeout SECONDS]",
    { to: "", port: "8002", hostname: "127.0.0.1", selector: "auto", timeout: "30" },
  );
  const to = name(address("--to", given.to));
  const client = proxyClient(1000 * number("timeout", given.timeout, 1, 1_000_000));
  const at = { hostname: given.hostname, port: port(given.port) };
  await serve({ selector: selector(given.selector) }, (reactor) => {
    sayIfCopied();
    const handler = (request: HttpRequest) =>
      proxy(request, request.connection.remoteAddr!, to, client);
    return new HttpServer(reactor, { ...at, handler });
  });
}
