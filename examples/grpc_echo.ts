/**
 * A service of gRPC: each message comes back as it is. So the program need not know what is in a message. It has two methods:
 * `/echo.Echo/Say` takes one message, `/echo.Echo/Chat` takes many, and answers each one when it comes.
 *
 *     deno run --allow-net examples/grpc_echo.ts [--port 50051] [--hostname 127.0.0.1]
 *     printf '\0\0\0\0\5hello' | curl --http2-prior-knowledge -H 'content-type: application/grpc' --data-binary @- \
 *         http://127.0.0.1:50051/echo.Echo/Say --output - -D -
 *
 * A call is a request of HTTP/2, which ends by trailers: they tell what came of it. See
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import { call, type Coroutine, EndOfStream, readExactly } from "@weightless/io/compose";
import { timeout, TimeoutError } from "@weightless/io/gio";
import { type HttpRequest, HttpServer, ok, response, trailers } from "@weightless/io/http";
import { options, port, selector, serve } from "./_cli.ts";

const TYPE = "application/grpc";
const MAX_MESSAGE = 4 * 1024 * 1024;

/** What comes of a call, by the numbers of gRPC. */
const OK = 0, DEADLINE_EXCEEDED = 4, RESOURCE_EXHAUSTED = 8, UNIMPLEMENTED = 12, INTERNAL = 13;

/** A call that fails, and why. */
class GrpcError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** Sends the one message back. */
function* say(): Coroutine {
  const message = yield* call(read());
  if (message === undefined) throw new GrpcError(INTERNAL, "There is no message");
  yield* call(write(message));
  if ((yield* call(read())) !== undefined) throw new GrpcError(INTERNAL, "There are two messages");
}

/** Sends each message back when it comes. */
function* chat(): Coroutine {
  for (let message; (message = yield* call(read())) !== undefined;) yield* call(write(message));
}

const methods = new Map([["/echo.Echo/Say", say], ["/echo.Echo/Chat", chat]]);

/** Reads the next message. Returns undefined if there is no other. */
function* read(): Coroutine<Uint8Array | undefined> {
  let prefix;
  try {
    prefix = yield* call(readExactly(5));
  } catch (error) {
    if (error instanceof EndOfStream && error.partial.length === 0) return undefined;
    throw error;
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset).getUint32(1);
  if (prefix[0] !== 0) throw new GrpcError(UNIMPLEMENTED, "Messages must not be compressed");
  if (length > MAX_MESSAGE) {
    throw new GrpcError(RESOURCE_EXHAUSTED, `${length} bytes are more than ${MAX_MESSAGE}`);
  }
  return yield* call(readExactly(length, MAX_MESSAGE));
}

/** Writes a message. */
function* write(message: Uint8Array): Coroutine {
  const prefix = new Uint8Array(5);
  new DataView(prefix.buffer).setUint32(1, message.length);
  yield prefix;
  yield message;
}

/** Answers a call. */
function* handler(request: HttpRequest): Coroutine {
  const { method, path, headers } = request;
  const type = headers.get("content-type") ?? "";
  if (method !== "POST" || !/^application\/grpc(?:$|[+;])/.test(type)) return yield response(415);
  const called = methods.get(path);
  if (called === undefined) {
    return yield ok({ "content-type": TYPE, ...status(UNIMPLEMENTED, `There is no ${path}`) });
  }
  // A client may be silent for long between its messages. It says itself how long the call may take.
  request.timeouts = { bodyMs: Infinity };
  yield ok({ "content-type": TYPE });
  try {
    using _ = limit(headers.get("grpc-timeout"));
    yield* call(called());
    yield trailers(status(OK));
  } catch (error) {
    yield trailers(whatCameOf(error));
  }
}

/** The trailers that tell of an error. */
function whatCameOf(error: unknown): Record<string, string> {
  if (error instanceof GrpcError) return status(error.status, error.message);
  if (error instanceof TimeoutError) return status(DEADLINE_EXCEEDED, "It took too long");
  if (error instanceof EndOfStream) return status(INTERNAL, "A message is not complete");
  throw error;
}

function status(number: number, message = ""): Record<string, string> {
  const told = message && { "grpc-message": encodeURI(message) };
  return { "grpc-status": String(number), ...told };
}

/** A timeout, if the client sets one: a number and its unit, as in `100m`, which is 100 ms. */
function limit(given: string | undefined): Disposable | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(given ?? "") ?? [];
  if (unit === undefined) return undefined;
  const ms = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }[unit]!;
  return timeout(Number(digits) * ms);
}

const given = options(
  "grpc_echo.ts [--port 50051] [--hostname 127.0.0.1] [--selector auto|deno|epoll]",
  { port: "50051", hostname: "127.0.0.1", selector: "auto" },
);
const at = { hostname: given.hostname, port: port(given.port) };
await serve(
  { selector: selector(given.selector) },
  (reactor) => new HttpServer(reactor, { ...at, handler }),
);
