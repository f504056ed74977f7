import { type Coroutine, Request as Asking, type Waiter, Yield } from "../compose/mod.ts";
import { currentGio } from "../gio/mod.ts";
import { shown } from "../reactor/_describe.ts";
import { forgive } from "./_forgiven.ts";
import { END_OF_BODY } from "./_good_end.ts";
import { type RequestSource, webRequest } from "./_web_request.ts";
import { partsOf } from "./_web_response.ts";
import type { HttpHandler } from "./http_handler.ts";
import type { HttpRequest } from "./http_request.ts";
import { response } from "./response.ts";

/**
 * What a {@linkcode FetchHandler} is told beside the request.
 *
 * @category Server
 */
export interface FetchInfo {
  /** The far address. */
  readonly remoteAddr: Deno.Addr | undefined;
  /** The near address. */
  readonly localAddr: Deno.Addr | undefined;
  /**
   * Resolves when all is over: the whole answer has been given to the connection, which sends it, or the
   * handler or the client has ended before. `request.signal` tells that the client has gone. As that
   * of `Deno.serve`, it does not reject: a client that leaves would end the program if nobody catches it.
   */
  readonly completed: Promise<void>;
}

/**
 * A handler of the Web platform, as `Deno.serve` takes it.
 *
 * @category Server
 */
export type FetchHandler = (request: Request, info: FetchInfo) => Response | PromiseLike<Response>;

type Outcome<T> = { value: T } | { error: unknown };

/** After so many pieces of an answer others have their turn, although the next one may be there. */
const PIECES_PER_TURN = 64;

/** Thrown at the `yield` that reads the body, if there is something else to do first. */
const AWOKEN = Object.freeze(new Error("Not waiting any more"));

/** What the handler waits for: the next piece of the body, or all of it. */
interface Wanted {
  readonly isWhole: boolean;
  /** What has come of it. */
  readonly pieces: Uint8Array<ArrayBuffer>[];
  /** Gives it; undefined if nothing was left. */
  resolve(bytes: Uint8Array<ArrayBuffer> | undefined): void;
  reject(error: unknown): void;
}

/**
 * One request that a handler of the Web platform answers. The coroutine does all reading and
 * writing. It stands still, as a request to its driver, until the handler has something for it.
 */
class Served extends Asking<void> implements RequestSource, FetchInfo {
  readonly request: HttpRequest;
  readonly hasBody: boolean;
  #gio: ReturnType<typeof currentGio> | undefined;
  #state: "running" | "standing" | "reading" | "ended" = "running";
  #waiter: Waiter<void> | undefined;
  /** Whether there is something that the coroutine has not looked at. */
  #isAwake = false;
  #wanted: Wanted | undefined;
  /** Whether all of the body has been read. */
  #hasEnded = false;
  #completed: PromiseWithResolvers<void> | undefined;

  constructor(request: HttpRequest) {
    super();
    this.request = request;
    this.hasBody = request.hasBody;
  }

  get signal(): AbortSignal {
    return this.request.signal;
  }

  get remoteAddr(): Deno.Addr | undefined {
    return this.request.connection.remoteAddr;
  }

  get localAddr(): Deno.Addr | undefined {
    return this.request.connection.localAddr;
  }

  get completed(): Promise<void> {
    this.#completed ??= Promise.withResolvers();
    if (this.#state === "ended") this.#completed.resolve();
    return this.#completed.promise;
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    if (this.#isTooLate) return new ReadableStream({ start: (to) => to.error(tooLate()) });
    return new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        const piece = await this.#ask(false);
        if (piece !== undefined) return controller.enqueue(piece);
        controller.close();
        controller.byobRequest?.respond(0);
      },
    });
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#isTooLate) throw tooLate();
    return await this.#ask(true) ?? new Uint8Array();
  }

  override begin(waiter: Waiter<void>): () => void {
    this.#state = "standing";
    this.#waiter = waiter;
    if (this.#isAwake) waiter.resume(); // The driver had to send something first.
    return () => this.#waiter = undefined;
  }

  /** Waits for a promise, and reads the body meanwhile when the handler wants it. */
  *until<T>(promise: PromiseLike<T>): Coroutine<T> {
    let outcome: Outcome<T> | undefined;
    promise.then((value) => {
      outcome = { value };
      this.#wake();
    }, (error) => {
      outcome = { error };
      this.#wake();
    });
    while (outcome === undefined) {
      this.#isAwake = false;
      if (this.#wanted !== undefined) yield* this.#read();
      else yield this;
      this.#state = "running";
    }
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  /** All is over. */
  end(): void {
    this.#state = "ended";
    this.#completed?.resolve();
    if (this.#wanted !== undefined) this.#fail(tooLate());
  }

  get #isTooLate(): boolean {
    return this.#state === "ended" && !this.#hasEnded;
  }

  /**
   * A read fails. Perhaps nobody waits for it, and nobody catches the error: then a client could end the
   * program.
   */
  #fail(error: unknown): void {
    forgive(error);
    this.#wanted!.reject(error);
    this.#wanted = undefined;
  }

  /** Lets the coroutine look what there is to do. */
  #wake(): void {
    this.#isAwake = true;
    if (this.#state === "standing") this.#waiter?.resume();
    else if (this.#state === "reading") this.#gio!.throw(AWOKEN);
  }

  /** Asks the coroutine for the next piece of the body, or for all of it. */
  #ask(isWhole: boolean): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#hasEnded) return Promise.resolve(undefined);
    const { promise, resolve, reject } = Promise.withResolvers<
      Uint8Array<ArrayBuffer> | undefined
    >();
    this.#wanted = { isWhole, pieces: [], resolve, reject };
    if (this.#state === "ended") this.#fail(tooLate());
    else if (this.#state !== "reading") this.#wake(); // It may read at once.
    return promise;
  }

  /** Reads what is wanted, unless there is something else to do before it has come. */
  *#read(): Coroutine<void> {
    const wanted = this.#wanted!;
    this.#gio ??= currentGio("fetchHandler()");
    this.#state = "reading";
    try {
      do {
        const piece: Uint8Array<ArrayBuffer> = yield;
        // It is a view of what was received. The handler may transfer its buffer.
        wanted.pieces.push(piece.slice());
      } while (wanted.isWhole);
    } catch (error) {
      if (error === AWOKEN && this.#isAwake) return;
      if (error !== END_OF_BODY) {
        this.#fail(error);
        throw error;
      }
      this.#hasEnded = true;
    }
    this.#wanted = undefined;
    wanted.resolve(joined(wanted.pieces));
  }
}

function joined([first, ...others]: Uint8Array<ArrayBuffer>[]): typeof first {
  if (first === undefined || others.length === 0) return first;
  const bytes = new Uint8Array(others.reduce((sum, { length }) => sum + length, first.length));
  bytes.set(first);
  let at = first.length;
  for (const piece of others) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function tooLate(): TypeError {
  return new TypeError(
    "Cannot read the body: the request has been answered, or its client has gone; read it before",
  );
}

/** What the answer is to requests that a `Request` cannot carry. */
function refused({ method, target, hasBody }: HttpRequest): number | undefined {
  // https://fetch.spec.whatwg.org/#forbidden-method
  if (method === "CONNECT" || method === "TRACE" || method === "TRACK") return 501;
  // RFC 9110 9.3.7: OPTIONS * is about the server itself.
  if (target === "*") return 204;
  // RFC 9110 9.3.1: a GET with content may be rejected, since it can be an attempt to smuggle.
  return hasBody && (method === "GET" || method === "HEAD") ? 400 : undefined;
}

/**
 * Makes a handler of one that has the form of the Web platform: `(request) => Response`, as
 * `Deno.serve` takes it, and frameworks such as hono have it.
 *
 * Bodies are streamed both ways, with back-pressure: the request's body is read when the handler
 * reads it, and the next piece of the answer is taken when the client has taken the last one.
 * `request.signal` aborts when the client has gone before the end of the answer, and only then. If
 * the handler throws, the client gets a 500, and the error is reported. When the answer is complete,
 * the body cannot be read any more: that rejects with a `TypeError`. A read that was begun before, and
 * fails because the answer is complete or the client has gone, rejects as well, but does not end the
 * program if nobody catches it: a client could do that at will.
 *
 * A `Request` cannot carry everything. The server itself answers CONNECT and TRACE with 501, a
 * target of `*` with 204, and GET or HEAD with a body with 400.
 *
 * @param handler Answers a request, at once or by a promise. It is called for each one.
 * @returns The handler for `HttpServer`, `serveHttp()` or a component.
 * @throws {TypeError} If the handler is not a function.
 *
 * @example A handler of the Web platform
 * ```ts
 * import { fetchHandler, HttpServer } from "@weightless/io/http";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const server = new HttpServer(reactor, {
 *   hostname: "127.0.0.1",
 *   port: 0,
 *   handler: fetchHandler(async (request) => Response.json({ got: await request.text() })),
 * });
 * const running = reactor.run();
 * const answer = await fetch(server.url, { method: "POST", body: "hello" });
 * assertEquals(await answer.json(), { got: "hello" });
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category Server
 */
export function fetchHandler(handler: FetchHandler): HttpHandler {
  if (typeof handler !== "function") {
    throw new TypeError(
      `Cannot serve with the handler ${shown(handler)}: give a function, (request) => Response`,
    );
  }
  return function* (request: HttpRequest): Coroutine {
    const refusal = refused(request);
    if (refusal !== undefined) {
      yield response(refusal);
      return;
    }
    const served = new Served(request);
    try {
      const given = handler(webRequest(served), served);
      const answer = isPromise(given) ? yield* served.until(given) : given;
      check(answer);
      const { headers, whole } = partsOf(answer);
      yield response(answer.status, headers);
      if (whole !== undefined) yield whole;
      else yield* sendStream(answer, served);
    } finally {
      served.end();
    }
  };
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | undefined)?.then === "function";
}

function check(answer: Response): void {
  if (!(answer instanceof Response)) {
    throw new TypeError(`Cannot answer with ${shown(answer)}: the handler must give a Response`);
  }
  if (answer.bodyUsed) {
    throw new TypeError("Cannot answer with this Response: its body has been used");
  }
}

/** Sends the stream of an answer, if it has one. */
function* sendStream(answer: Response, served: Served): Coroutine {
  const reader = answer.body?.getReader();
  if (reader === undefined) return;
  let isDone = false;
  try {
    for (let pieces = 1; !isDone; pieces++) {
      // Promises that resolve at once would never let others have their turn.
      if (pieces % PIECES_PER_TURN === 0) yield Yield;
      const { done, value } = yield* served.until(reader.read());
      isDone = done;
      if (done) return;
      if (!(value instanceof Uint8Array)) {
        throw new TypeError(
          `Cannot answer with this Response: a piece of its body is ${shown(value)}, and not bytes`,
        );
      }
      yield value;
    }
  } finally {
    if (!isDone) reader.cancel().catch(() => {});
  }
}
