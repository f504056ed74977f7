import type { Receiver } from "../reactor/mod.ts";
import { call, type Coroutine } from "../compose/mod.ts";
import { latin1, latin1Bytes, PATH } from "./_characters.ts";
import { gather, MAX_BYTES } from "./_gather.ts";
import type { Answered } from "./answered.ts";
import { form } from "./content/form.ts";
import type { FormLimits } from "./content/form_limits.ts";
import type { Parts } from "./content/parts.ts";
import { HttpHeaders } from "./http_headers.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import { ended } from "./_faults.ts";
import type { HttpTimeouts } from "./http_timeouts.ts";
import { LocalProtocolError } from "./local_protocol_error.ts";
import { RemoteProtocolError } from "./remote_protocol_error.ts";

const decoder = new TextDecoder();

/** Where the parts of a request's head are in its bytes. */
export interface HttpRequestParts {
  /** The bytes that were received. They may contain more than the head. */
  bytes: Uint8Array;
  /** The method. */
  method: string;
  /** The request target, if it is a text already. */
  target?: string;
  /** Where it begins. */
  targetFrom: number;
  /** Where it ends. */
  targetTo: number;
  /** The scheme of a target that does not tell it. */
  scheme: "http" | "https";
  /** The version, as far as it matters. */
  version: "1.0" | "1.1" | "2";
  /** Where the header lines begin. */
  headersFrom: number;
  /** Where the header lines end. */
  headersTo: number;
  /** Whether the connection may stay open after this request. */
  keepAlive: boolean;
  /** The length of the body. It is 0 if there is none, and negative if it is not known. */
  contentLength: number;
  /** The protocol that an extended CONNECT asks for. */
  protocol?: string | undefined;
}

/** For which host and by which scheme a client has asked. */
export interface Asked {
  readonly host: string;
  readonly scheme: "http" | "https";
}

/** Where a request has come. */
export interface RequestContext {
  /** The body, for transfers in other coroutines. */
  readonly body: Receiver;
  readonly connection: ConnectionInfo;
  get timeouts(): Readonly<HttpTimeouts>;
  set timeouts(timeouts: Partial<HttpTimeouts>);
  readonly signal: AbortSignal;
  /** Whether its handler has not ended. */
  readonly isRunning: boolean;
  onAnswered(tell: (answered: Answered) => void, request: HttpRequest): void;
}

/**
 * A request, as a handler gets it.
 *
 * It is a view of the bytes that were received. Text is made of a part only when it is asked for.
 * The body is read by bare `yield`s, or by {@linkcode HttpRequest.text} and the like.
 *
 * @example In a handler
 * ```ts
 * import { type Coroutine } from "@weightless/io/compose";
 * import { serveHttp, type HttpRequest, ok } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * function* handler(request: HttpRequest): Coroutine {
 *   assertEquals([request.method, request.path], ["GET", "/search"]);
 *   assertEquals(request.query.get("q"), "jackson pipelines");
 *   assertEquals(request.headers.get("accept"), "text/plain");
 *   assertEquals(request.url.href, "http://example.org/search?q=jackson+pipelines");
 *   yield ok();
 * }
 *
 * const protocol = serveHttp(handler);
 * protocol.next();
 * protocol.next(new TextEncoder().encode(
 *   "GET /search?q=jackson+pipelines HTTP/1.1\r\nHost: example.org\r\nAccept: text/plain\r\n\r\n",
 * ));
 * ```
 *
 * @category Requests
 */
export interface HttpRequest {
  /** The method, as it was sent. Methods are case-sensitive (RFC 9110 9.1). */
  readonly method: string;
  /** The version of HTTP. A later minor version than 1.1 counts as 1.1 (RFC 9110 2.5); 2 has none. */
  readonly version: "1.0" | "1.1" | "2";
  /**
   * The protocol that the client wants to speak after an extended CONNECT, such as `websocket`. It is
   * undefined for all other requests (RFC 8441 4). A 2xx that does not name it, as in
   * `response(200, { upgrade: request.protocol })`, is no answer to that: the client gets a 501.
   */
  readonly protocol: string | undefined;
  /** Whether the client lets the connection stay open after this request (RFC 9112 9.3). */
  readonly keepAlive: boolean;
  /** Whether a body comes with it, by its framing. It may be empty (RFC 9112 6). */
  readonly hasBody: boolean;
  /** The connection on which it has come. */
  readonly connection: ConnectionInfo;
  /**
   * The timeouts that count for this request, all of them when they are read. You may set some of
   * them, as in `request.timeouts = { bodyMs: Infinity }`; the others stay as they are. What you change
   * counts at once, also for what is waited for just now.
   *
   * @throws {RangeError} If one is set that is not a number of milliseconds above 0.
   * @throws {TypeError} If there is no timeout of that name.
   */
  timeouts: Readonly<Partial<HttpTimeouts>>;
  /**
   * What a transfer in another coroutine than the handler reads the body from: `splice(request, to)`.
   * So a proxy can send it to the next server, and read the answer meanwhile. The handler itself must
   * not read then, and the transfer ends with it.
   *
   * @example A proxy
   * ```ts
   * import { type Coroutine } from "@weightless/io/compose";
   * import { HttpClient, type HttpRequest, HttpServer, ok } from "@weightless/io/http";
   * import { here, Reactor, splice } from "@weightless/io/reactor";
   * import { assertEquals } from "@std/assert";
   *
   * await using behind = Deno.serve({ port: 0, onListen() {} }, (request) => new Response(request.body));
   * using reactor = new Reactor();
   * using client = new HttpClient({ reactor });
   *
   * function* body(request: HttpRequest): Coroutine {
   *   yield* splice(request, here);
   * }
   *
   * function* handler(request: HttpRequest): Coroutine {
   *   const url = `http://127.0.0.1:${behind.addr.port}${request.target}`;
   *   const response = yield* client.post(url, { body: body(request) });
   *   yield ok();
   *   yield* splice(response, here);
   * }
   *
   * const server = new HttpServer(reactor, { hostname: "127.0.0.1", port: 0, handler });
   * const running = reactor.run();
   * const answer = await fetch(server.url, { method: "POST", body: "hello" });
   * assertEquals(await answer.text(), "hello");
   * reactor.requestShutdown();
   * await running;
   * ```
   */
  readonly context: Receiver;
  /**
   * Aborts when the client has gone before it has got the whole answer, and only then. As long as
   * the handler waits for something else, that is noticed if the handler has asked for this signal.
   * A client that sends no more, but may still read, has gone as well.
   */
  readonly signal: AbortSignal;
  /**
   * The trailers, when the whole body has been read. It is undefined if there are none (RFC 9112
   * 7.1.2).
   */
  readonly trailers: HttpHeaders | undefined;
  /** The header lines. */
  readonly headers: HttpHeaders;
  /** The request target as it was sent, mostly a path with a query (RFC 9112 3.2). */
  readonly target: string;
  /** The path without the query, not decoded. It is `*` in `OPTIONS *`, and empty in CONNECT. */
  readonly path: string;
  /** The query with its question mark, not decoded; empty if there is none. */
  readonly search: string;
  /** The query, decoded as forms encode it. */
  readonly query: URLSearchParams;
  /**
   * The host and port that were asked for, from the target or from the Host header (RFC 9112 3.3);
   * empty if unknown.
   */
  readonly host: string;
  /**
   * The target URI (RFC 9112 3.3). Its scheme is https over TLS, and where
   * {@linkcode HttpProtocolOptions.scheme} says so.
   *
   * @throws {RemoteProtocolError} If the client gave no host, or one that no URL can have, as
   * `1.2.3.999`.
   */
  readonly url: URL;
  /**
   * The same request with another path, as a component gives it to those behind it. All else is
   * shared, the query and the host included.
   *
   * @param path The path, encoded as it would be sent, without a query. It begins with a slash.
   * @returns Another view of this request.
   * @throws {LocalProtocolError} If that is no path, or the request has none, as `OPTIONS *`.
   *
   * @example A path that was another one formerly
   * ```ts
   * import { type Coroutine } from "@weightless/io/compose";
   * import { serveHttp, type HttpRequest, ok } from "@weightless/io/http";
   * import { assertEquals } from "@std/assert";
   *
   * function* handler(request: HttpRequest): Coroutine {
   *   assertEquals(request.withPath("/news").target, "/news?page=2");
   *   yield ok();
   * }
   *
   * const protocol = serveHttp(handler);
   * protocol.next();
   * protocol.next(new TextEncoder().encode("GET /blog?page=2 HTTP/1.1\r\nHost: example.org\r\n\r\n"));
   * ```
   */
  withPath(path: string): HttpRequest;
  /**
   * Calls a function when this request has been answered, or its client has gone. The time is
   * measured from now on.
   *
   * @param tell Is told of the answer. It must be quick. An error that it throws is reported.
   *
   * @example Measuring
   * ```ts
   * import { type Coroutine } from "@weightless/io/compose";
   * import { serveHttp, type HttpRequest, response } from "@weightless/io/http";
   * import { assertEquals } from "@std/assert";
   *
   * const statuses: number[] = [];
   * function* handler(request: HttpRequest): Coroutine {
   *   request.onAnswered(({ status }) => statuses.push(status));
   *   yield response(204);
   * }
   *
   * const protocol = serveHttp(handler);
   * protocol.next();
   * protocol.next(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"));
   * assertEquals(statuses, [204]);
   * ```
   */
  onAnswered(tell: (answered: Answered) => void): void;
  /**
   * Reads the rest of the body: `const bytes = yield* call(request.bytes())`.
   *
   * @param maxBytes How many bytes it reads at most: 16 MiB unless given. More is an error with status
   * 413. `Infinity` turns the limit off.
   * @returns A coroutine that gives the bytes. You may keep them.
   * @throws {RemoteProtocolError} If there is more, or the body is malformed or ends too early.
   * @throws {LocalProtocolError} If the handler of this request has ended.
   * @throws {RangeError} If `maxBytes` is no whole number, or Infinity.
   */
  bytes(maxBytes?: number): Coroutine<Uint8Array<ArrayBuffer>>;
  /**
   * Reads the rest of the body as text in UTF-8: `const text = yield* call(request.text())`.
   *
   * @param maxBytes How many bytes it reads at most: 16 MiB unless given. More is an error with status
   * 413. `Infinity` turns the limit off.
   * @returns A coroutine that gives the text. What is not UTF-8 becomes U+FFFD.
   * @throws {RemoteProtocolError} If there is more, or the body is malformed or ends too early.
   * @throws {LocalProtocolError} If the handler of this request has ended.
   * @throws {RangeError} If `maxBytes` is no whole number, or Infinity.
   */
  text(maxBytes?: number): Coroutine<string>;
  /**
   * Reads the rest of the body as JSON: `const order: Order = yield* call(request.json())`.
   *
   * @param maxBytes How many bytes it reads at most: 16 MiB unless given. More is an error with status
   * 413. `Infinity` turns the limit off.
   * @returns A coroutine that gives the value. Its type is not checked.
   * @throws {RemoteProtocolError} If it is no JSON, if there is more, or the body is malformed or
   * ends too early.
   * @throws {LocalProtocolError} If the handler of this request has ended.
   * @throws {RangeError} If `maxBytes` is no whole number, or Infinity.
   */
  // deno-lint-ignore no-explicit-any
  json(maxBytes?: number): Coroutine<any>;
  /**
   * Reads the body as a form, part by part, while it arrives: multipart/form-data as well as
   * application/x-www-form-urlencoded. Nothing of it is kept, so it may be of any size.
   *
   * @param limits How much the form may have. Those that are missing are the defaults.
   * @returns The parts, one after the other.
   * @throws {RemoteProtocolError} With status 415 if the body is no form, with 400 if its type is
   * malformed.
   * @throws {LocalProtocolError} If the handler of this request has ended.
   * @throws {RangeError} If a limit is no whole number, or Infinity.
   * @throws {TypeError} If there is no such limit.
   *
   * @example An upload
   * ```ts
   * import { call, type Coroutine } from "@weightless/io/compose";
   * import { serveHttp, type HttpRequest, ok } from "@weightless/io/http";
   * import { assertStringIncludes } from "@std/assert";
   *
   * function* upload(request: HttpRequest): Coroutine {
   *   const form = request.form({ maxParts: 10 });
   *   let size = 0;
   *   for (let part; (part = yield* call(form.next())) !== undefined;) {
   *     for (let piece; (piece = yield* call(part.read())) !== undefined;) size += piece.length;
   *   }
   *   yield ok();
   *   yield `Got ${size} bytes`;
   * }
   *
   * const body = `--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n` +
   *   "Hello!\r\n--x--\r\n";
   * const protocol = serveHttp(upload);
   * protocol.next();
   * const answer = protocol.next(new TextEncoder().encode(
   *   `POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: ${body.length}\r\n` +
   *     `Content-Type: multipart/form-data; boundary=x\r\n\r\n${body}`,
   * ));
   * assertStringIncludes(String(answer.value), "Got 6 bytes");
   * ```
   */
  form(limits?: Partial<FormLimits>): Parts;
  /**
   * Reads the body as a form, and gathers it: `const form = yield* call(request.formData())`. Files
   * have the names that {@linkcode Part.filename} gives.
   *
   * @param limits How much the form may have: 16 MiB in all unless another `maxBytes` is given.
   * @returns A coroutine that gives the form: a string for each field, a `File` for each file.
   * @throws {RemoteProtocolError} With status 415 if the body is no form, with 413 if there is more,
   * with 400 if it is malformed or ends too early.
   * @throws {LocalProtocolError} If the handler of this request has ended.
   * @throws {RangeError} If a limit is no whole number, or Infinity.
   * @throws {TypeError} If there is no such limit.
   */
  formData(limits?: Partial<FormLimits>): Coroutine<FormData>;
}

/** What {@linkcode HttpRequest} is for the server. */
export class ReceivedRequest implements HttpRequest {
  #context: RequestContext;
  /** What the head is in. It is text when it is to be kept for long. */
  #head: Uint8Array | string;
  readonly #targetFrom: number;
  readonly #targetTo: number;
  readonly #headersFrom: number;
  readonly #headersTo: number;
  #target: string | undefined;
  #headers: HttpHeaders | undefined;
  #trailers: HttpHeaders | undefined = undefined;
  /** The request that was received, of which this may be another view. */
  #received: ReceivedRequest = this;
  readonly #scheme: "http" | "https";
  /** Where a gateway has received it, as far as it tells that. */
  #asked: Partial<Asked> | undefined = undefined;
  readonly method: string;
  readonly version: "1.0" | "1.1" | "2";
  readonly protocol: string | undefined;
  readonly keepAlive: boolean;
  readonly hasBody: boolean;

  constructor(
    parts: HttpRequestParts,
    context: RequestContext,
    hasBody: boolean = parts.contentLength !== 0,
  ) {
    this.#context = context;
    this.#head = parts.bytes;
    this.method = parts.method;
    this.#targetFrom = parts.targetFrom;
    this.#targetTo = parts.targetTo;
    this.#target = parts.target;
    this.#scheme = parts.scheme;
    this.version = parts.version;
    this.protocol = parts.protocol;
    this.#headersFrom = parts.headersFrom;
    this.#headersTo = parts.headersTo;
    this.keepAlive = parts.keepAlive;
    this.hasBody = hasBody;
  }

  get connection(): ConnectionInfo {
    return this.#context.connection;
  }

  get timeouts(): Readonly<HttpTimeouts> {
    return this.#context.timeouts;
  }

  set timeouts(timeouts: Partial<HttpTimeouts>) {
    this.#context.timeouts = timeouts;
  }

  get context(): Receiver {
    return this.#context.body;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  get trailers(): HttpHeaders | undefined {
    return this.#received.#trailers;
  }

  set trailers(trailers: HttpHeaders | undefined) {
    this.#received.#trailers = trailers;
  }

  get headers(): HttpHeaders {
    return this.#headers ??= new HttpHeaders(this.#bytes, this.#headersFrom, this.#headersTo);
  }

  get target(): string {
    return this.#target ??= latin1(this.#bytes, this.#targetFrom, this.#targetTo);
  }

  get path(): string {
    const { target } = this;
    const from = this.#pathFrom();
    const to = target.indexOf("?", from);
    const path = to < 0 ? (from === 0 ? target : target.slice(from)) : target.slice(from, to);
    // RFC 9110 4.2.3: an empty path is equivalent to "/".
    return path === "" && this.method !== "CONNECT" ? "/" : path;
  }

  get search(): string {
    const { target } = this;
    const from = target.indexOf("?", this.#pathFrom());
    return from < 0 ? "" : target.slice(from);
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.search);
  }

  get host(): string {
    const { target } = this;
    if (this.#asked?.host !== undefined) return this.#asked.host;
    // An extended CONNECT has a path (RFC 8441 4).
    if (target.charCodeAt(0) === 0x2f || target === "*") return this.headers.get("host") ?? "";
    if (this.method === "CONNECT") return target;
    return target.slice(target.indexOf("://") + 3, this.#pathFrom());
  }

  get url(): URL {
    const { target, host } = this;
    const path = this.path === "*" ? "" : this.path;
    const scheme = this.#asked?.scheme ?? /^https?(?=:\/\/)/i.exec(target)?.[0] ?? this.#scheme;
    // Without a host, URL would take the beginning of the path for one.
    const url = host === "" ? null : URL.parse(`${scheme}://${host}${path}${this.search}`);
    if (url === null) {
      throw new RemoteProtocolError(
        host === ""
          ? "Cannot tell the URL of the request: it names no host"
          : `Cannot tell the URL of the request: no URL has the host ${host}`,
      );
    }
    return url;
  }

  withPath(path: string): HttpRequest {
    const { target, method } = this;
    if (target === "*" || method === "CONNECT") {
      throw new LocalProtocolError(`Cannot change the path of ${method} ${target}: it has none`);
    }
    if (!isPath(path)) {
      throw new LocalProtocolError(
        `Cannot change the path to ${
          JSON.stringify(path)
        }: a path begins with a slash, and what is not allowed in it is encoded, as in /a%20b`,
      );
    }
    const request = this.#view(this.#context);
    request.#target = target.slice(0, this.#pathFrom()) + path + this.search;
    return request;
  }

  get #bytes(): Uint8Array {
    return typeof this.#head === "string" ? latin1Bytes(this.#head) : this.#head;
  }

  /** It belongs to something else from now on, which lasts long, and seldom wants to know the headers. */
  moveTo(context: RequestContext): void {
    this.#context = context;
    this.#headers = undefined;
    // Text takes less than bytes, which are a view of all that was received together, from others as well.
    this.#head = latin1(this.#bytes, 0, this.#headersTo);
  }

  /** The same request, as a gateway has received it. */
  forwarded(connection: ConnectionInfo, asked: Partial<Asked>): HttpRequest {
    const request = this.#view(new Forwarded(this.#context, connection));
    request.#asked = { ...this.#asked, ...asked };
    return request;
  }

  #view(context: RequestContext): ReceivedRequest {
    const request = new ReceivedRequest({
      bytes: this.#bytes,
      method: this.method,
      target: this.target,
      targetFrom: this.#targetFrom,
      targetTo: this.#targetTo,
      scheme: this.#scheme,
      version: this.version,
      protocol: this.protocol,
      headersFrom: this.#headersFrom,
      headersTo: this.#headersTo,
      keepAlive: this.keepAlive,
      contentLength: this.hasBody ? -1 : 0,
    }, context);
    request.#asked = this.#asked;
    request.#headers = this.headers;
    request.#received = this.#received;
    return request;
  }

  onAnswered(tell: (answered: Answered) => void): void {
    this.#context.onAnswered(tell, this);
  }

  *bytes(maxBytes?: number): Coroutine<Uint8Array<ArrayBuffer>> {
    const bytes = yield* this.#gather(maxBytes);
    // A view would keep everything that was received with it.
    return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
  }

  *text(maxBytes?: number): Coroutine<string> {
    return decoder.decode(yield* this.#gather(maxBytes));
  }

  // deno-lint-ignore no-explicit-any
  *json(maxBytes?: number): Coroutine<any> {
    const text: string = yield this.text(maxBytes);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new RemoteProtocolError("Cannot read the body: it is not JSON", { cause });
    }
  }

  form(limits?: Partial<FormLimits>): Parts {
    this.#expectHandler();
    return form(this.headers.get("content-type"), limits);
  }

  *formData(limits: Partial<FormLimits> = {}): Coroutine<FormData> {
    const form = this.form({ ...limits, maxBytes: limits.maxBytes ?? MAX_BYTES });
    const data = new FormData();
    for (let part; (part = yield* call(form.next())) !== undefined;) {
      const { name, filename } = part;
      if (filename === undefined) data.append(name, yield* call(part.text()));
      else {
        const type = part.headers.get("content-type") ?? "text/plain";
        data.append(name, new File([yield* call(part.bytes(Infinity))], filename, { type }));
      }
    }
    return data;
  }

  /** Reads the rest of the body. It may be a view of what was received. */
  *#gather(maxBytes?: number): Coroutine<Uint8Array<ArrayBuffer>> {
    this.#expectHandler();
    return yield* gather(maxBytes);
  }

  /** A bare `yield` would read the body of another request. */
  #expectHandler(): void {
    if (!this.#context.isRunning) throw ended();
  }

  /**
   * Where the path begins in the target: at 0, unless the target is in absolute-form or
   * authority-form.
   */
  #pathFrom(): number {
    const { target } = this;
    if (target.charCodeAt(0) === 0x2f || target === "*") return 0;
    if (this.method === "CONNECT") return target.length;
    const from = target.slice(target.indexOf("://") + 3).search(/[/?]/);
    return from < 0 ? target.length : target.indexOf("://") + 3 + from;
  }
}

function isPath(path: unknown): boolean {
  if (typeof path !== "string" || path[0] !== "/") return false;
  for (let i = 0; i < path.length; i++) if (PATH[path.charCodeAt(i)] !== 1) return false;
  return true;
}

/** Where a request has come, but with what a gateway tells of the connection. */
class Forwarded implements RequestContext {
  readonly #context: RequestContext;
  readonly connection: ConnectionInfo;

  constructor(context: RequestContext, connection: ConnectionInfo) {
    this.#context = context;
    this.connection = connection;
  }

  get timeouts(): Readonly<HttpTimeouts> {
    return this.#context.timeouts;
  }

  set timeouts(timeouts: Partial<HttpTimeouts>) {
    this.#context.timeouts = timeouts;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  get body(): Receiver {
    return this.#context.body;
  }

  get isRunning(): boolean {
    return this.#context.isRunning;
  }

  onAnswered(tell: (answered: Answered) => void, request: HttpRequest): void {
    this.#context.onAnswered(tell, request);
  }
}
