/**
 * A reverse proxy over HTTP/1.1: each request goes to another server, and its answer comes back. Heads go through this
 * program. The kernel moves the bodies that have a Content-Length, if this is Linux and `--allow-ffi` is given; else they
 * are copied, as chunks are.
 *
 *     deno run --allow-net --allow-ffi examples/reverse_proxy.ts --to localhost:8000 [--port 8002] [--timeout SECONDS]
 *
 * It answers 502 if the other server cannot be reached or answers nonsense, and 504 if it takes too long to begin. Each
 * request has a connection of its own to that server.
 */
import { call, type Coroutine, EndOfStream, readUntil } from "@weightless/io/compose";
import { connectTo, enter, type Opened, timeout, TimeoutError } from "@weightless/io/gio";
import {
  type HttpRequest,
  HttpServer,
  RemoteProtocolError,
  response,
  type ResponseHead,
} from "@weightless/io/http";
import { here, Reactor, type Socket, splice, TransferError } from "@weightless/io/reactor";
import { address, number, options, port, selector, serve } from "./_cli.ts";
import { sayIfCopied } from "./_reported.ts";

type Upstream = Opened<Socket>;
type Fields = [name: string, value: string][];

/** Where requests go, and how long the other server may take to connect or to begin its answer. */
interface Route {
  to: { hostname: string; port: number };
  timeoutMs: number;
}

interface Answer {
  status: number;
  fields: Fields;
}

/** Answers a request by asking the upstream server. */
export function* proxy(request: HttpRequest, client: Deno.Addr, route: Route): Coroutine {
  if (request.method === "CONNECT") return yield response(501);
  let upstream: Upstream | undefined;
  let answer: Answer;
  let head: ResponseHead;
  try {
    {
      using _ = timeout(route.timeoutMs);
      upstream = yield* connectTo(route.to);
    }
    yield* ask(upstream, request, client);
    using _ = timeout(route.timeoutMs);
    answer = yield* call(readAnswer(upstream));
    head = response(answer.status, [...endToEnd(answer.fields), ["via", "1.1 weightless"]]);
  } catch (error) {
    upstream?.context.abort();
    const status = statusOf(error);
    if (status === undefined) throw error;
    yield response(status, { "content-type": "text/plain" });
    return yield status === 504 ? "The server took too long\n" : "The server failed\n";
  }
  using _ = upstream;
  yield head;
  yield* relayBody(upstream, request.method, answer, route);
}

/** What to tell the client of an error: undefined if the upstream server is not at fault. */
function statusOf(error: unknown): 502 | 504 | undefined {
  if (error instanceof TimeoutError) return 504;
  // A TypeError is a mistake in this program.
  return error instanceof RemoteProtocolError || error instanceof TypeError ? undefined : 502;
}

/** Sends the request, with its body. */
function* ask(upstream: Upstream, request: HttpRequest, client: Deno.Addr): Coroutine {
  const { method, target, headers, hasBody } = request;
  const length = headers.get("content-length");
  const path = /^[/*]/.test(target) ? target : request.path + request.search;
  const fields = endToEnd([...headers]).filter(([field]) =>
    // The server that runs this program has sent the 100.
    !/^(?:host|expect|x-forwarded-(?:for|host|proto)|forwarded|via)$/.test(field)
  );
  fields.unshift(["host", request.host], ...forwarded(request, client));
  fields.push(["connection", "close"]);
  if (hasBody && length === undefined) fields.push(["transfer-encoding", "chunked"]);
  const lines = fields.map(([field, value]) => `${field}: ${value}\r\n`);
  {
    using _ = enter(upstream);
    yield latin1(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  }
  if (!hasBody) return;
  try {
    if (length === undefined) yield* sendChunks(upstream);
    else yield* splice(here, upstream, { limit: Number(length) });
  } catch (error) {
    // It may have answered before the end of the body, and reads no more.
    if (!(error instanceof TransferError && error.side === "to")) throw error;
  }
}

/** Sends a body of unknown length. */
function* sendChunks(upstream: Upstream): Coroutine {
  for (let isOver = false; !isOver;) {
    let chunk: Uint8Array = new Uint8Array(0); // The last one is empty.
    try {
      chunk = yield;
    } catch (error) {
      if (!(error instanceof EndOfStream)) throw error;
      isOver = true;
    }
    using _ = enter(upstream);
    yield `${chunk.length.toString(16)}\r\n`;
    yield chunk;
    yield "\r\n";
  }
}

/** Reads the head of the answer, and drops those before it, such as 100 (RFC 9110 15.2). */
function* readAnswer(upstream: Upstream): Coroutine<Answer> {
  using _ = enter(upstream);
  for (;;) {
    const head = text(yield* call(readUntil(HEAD_END, 64 * 1024)));
    const [first, ...lines] = head.split("\r\n");
    const status = Number(/^HTTP\/1\.[01] ([1-5]\d\d)(?: |$)/.exec(first!)?.[1]);
    const fields = lines.map((line): Fields[0] => {
      // RFC 9112 5: field-line = field-name ":" OWS field-value OWS
      const [, field, value] = /^([!#$%&'*+.^`|~\w-]+):[\t ]*(.*?)[\t ]*$/.exec(line) ?? [];
      if (field === undefined) throw new Error("A field of the answer is malformed");
      return [field.toLowerCase(), value!];
    });
    if (Number.isNaN(status) || status === 101) throw new Error("The answer is malformed");
    if (status < 200) continue;
    const answer = { status, fields };
    framing(answer); // It must be clear before anything is passed on.
    return answer;
  }
}

/** How the body of an answer is framed: its length, in chunks, or up to the end (RFC 9112 6.3). */
function framing({ fields }: Answer): number | "chunked" | "until the end" {
  const values = (field: string) =>
    fields.filter(([one]) => one === field).map(([, value]) => value);
  const [coding, ...codings] = values("transfer-encoding");
  const [length, ...lengths] = values("content-length");
  const isClear = codings.length === 0 && lengths.length === 0 &&
    (coding === undefined || (coding.toLowerCase() === "chunked" && length === undefined)) &&
    (length === undefined || /^\d{1,15}$/.test(length));
  if (!isClear) throw new Error("The framing of the answer is not clear");
  return coding !== undefined ? "chunked" : length !== undefined ? Number(length) : "until the end";
}

/** Sends the body of the answer to the client. */
function* relayBody(
  upstream: Upstream,
  method: string,
  answer: Answer,
  { timeoutMs }: Route,
): Coroutine {
  if (method === "HEAD" || answer.status === 204 || answer.status === 304) return;
  const framed = framing(answer);
  const options = { idleMs: timeoutMs };
  if (framed === "until the end") return yield* splice(upstream, here, options);
  if (framed !== "chunked") return yield* splice(upstream, here, { ...options, limit: framed });
  for (let size; (size = Number(`0x${yield* call(readPart(upstream, CHUNK_SIZE))}`)) > 0;) {
    const { bytes } = yield* splice(upstream, here, { ...options, limit: size });
    if (bytes < size) throw new Error("The server has ended within a chunk");
    yield* call(readPart(upstream, CHUNK_END));
  }
}

const CHUNK_SIZE = /^([\da-f]{1,12})[\t ]*(?:;|$)/i;
const CHUNK_END = /^()$/;

/** Reads a line between the data of chunks. */
function* readPart(upstream: Upstream, expected: RegExp): Coroutine<string> {
  using _ = enter(upstream);
  try {
    const [, part] = expected.exec(text(yield* call(readUntil(LINE_END, 4096)))) ?? [];
    if (part === undefined) throw new Error("The server has sent a malformed chunk");
    return part;
  } catch (error) {
    // EndOfStream would end the answer as if it were complete.
    throw error instanceof EndOfStream ? new Error("The server has ended between chunks") : error;
  }
}

/** Takes out what is for the connection only (RFC 9110 7.6.1). */
function endToEnd(fields: Fields): Fields {
  const named = fields.filter(([field]) => field.toLowerCase() === "connection")
    .flatMap(([, value]) => value.toLowerCase().split(",").map((one) => one.trim()));
  const dropped = new Set([
    ...named,
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
  ]);
  dropped.delete("content-length"); // It tells the framing, whatever Connection says.
  return fields.map(([field, value]): Fields[0] => [field.toLowerCase(), value])
    .filter(([field]) => !dropped.has(field));
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
    after("forwarded", `for=${node};host="${host}";proto=http`),
    after("x-forwarded-for", from),
    ["x-forwarded-host", host],
    ["x-forwarded-proto", "http"],
    after("via", `${version} weightless`),
  ];
}

const HEAD_END = latin1("\r\n\r\n");
const LINE_END = latin1("\r\n");

/** A byte for each character: what fields consist of. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function text(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("").replace(/(\r\n)+$/, "");
}

if (import.meta.main) {
  const given = options(
    "reverse_proxy.ts --to HOST:PORT [--port 8002] [--hostname 127.0.0.1] [--selector auto|deno|epoll] [--timeout SECONDS]",
    { to: "", port: "8002", hostname: "127.0.0.1", selector: "auto", timeout: "30" },
  );
  const route = {
    to: address("--to", given.to),
    timeoutMs: 1000 * number("timeout", given.timeout, 1, 1_000_000),
  };
  const at = { hostname: given.hostname, port: port(given.port) };
  await serve(() => new Reactor({ selector: selector(given.selector) }), (reactor) => {
    sayIfCopied();
    const handler = (request: HttpRequest) => proxy(request, request.connection.remoteAddr!, route);
    return new HttpServer(reactor, { ...at, handler });
  });
}
