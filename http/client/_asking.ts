import { Request, type Waiter } from "../../compose/mod.ts";
import { type Driver, isInCoroutine, runningDriver } from "../../gio/_driver.ts";
import type { Owned, Scope } from "../../gio/_scope.ts";
import { TimeoutError } from "../../gio/timeout_error.ts";
import { names, refuseUnknown } from "../../reactor/_known.ts";
import type { Reactor, Timer } from "../../reactor/mod.ts";
import { shown } from "../../reactor/_describe.ts";
import { duration } from "../../reactor/_whole.ts";
import { AVAILABLE } from "../content/_codecs.ts";
import { listed } from "../_head.ts";
import { HttpHeaders } from "../http_headers.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import type { BodyContext } from "./_body_context.ts";
import type { Carrier, Exchange, Repeatable, ResponseHead } from "./_carrier.ts";
import type { RedirectPolicy, RequestOptions } from "./client_options.ts";
import type { ClientTimeouts } from "./client_timeouts.ts";
import { type Content, contentOf, jsonOf } from "./_content.ts";
import { type HttpResponse, ReceivedResponse } from "./http_response.ts";
import type { Asker, Pool } from "./_pool.ts";
import { byHttp1, type Route } from "./_connect.ts";
import { CONTENT, RequestHead } from "./_request_head.ts";
import { type ClientSettings, flagOf, redirectOf, timeoutsOf, totalOf } from "./_settings.ts";
import { type Target, targetOf } from "./_target.ts";

/*
 * One request of a client, from the URL to the end of the body of its response:
 *
 *  1. It gets a connection from the pool, and sends the request on it.
 *  2. If the connection was used before, and nothing of a response has come, the server may have
 *     closed it meanwhile. Then it asks once more, on a new connection, if the request may be repeated
 *     (RFC 9110 9.2.2, RFC 9112 9.3.1). A server of HTTP/2 may tell that it
 *     has done nothing with a request. Then any may be repeated, a few times (RFC 9113 8.7).
 *  3. It follows redirections (RFC 9110 15.4), if it is to.
 *  4. A response whose body has not arrived yet belongs to the coroutine that has asked, and ends with
 *     it.
 *  5. The signal and the time in all count to the end of the body.
 */

/** RFC 9110 9.2.2. */
const IDEMPOTENT = /^(?:GET|HEAD|OPTIONS|TRACE|PUT|DELETE)$/;
/** What another origin must not get (RFC 9110 15.4), and what says something of a body that is dropped. */
const CREDENTIALS = ["authorization", "cookie", "proxy-authorization"];
const OF_CONTENT = ["digest", "last-modified", "trailer", "transfer-encoding"];
/** A server that refuses is asked so often, at once for the first time, then after this time and more. */
const MAX_REFUSALS = 5, REFUSED_MS = 10;
/** How long a client waits for a 100 by itself. */
const CONTINUE_MS = 1000;

const ACCEPTED = AVAILABLE.join(", ");

const OPTIONS = names<RequestOptions>({
  timeouts: 1,
  redirect: 1,
  decompression: 1,
  socketPath: 1,
  headers: 1,
  body: 1,
  json: 1,
  timeoutMs: 1,
  signal: 1,
  expectContinue: 1,
  onInterim: 1,
});

/** A request that has only a method and a URL, ready to be sent. */
interface Plain {
  readonly method: string;
  readonly decompresses: boolean;
  readonly route: Route;
  readonly head: RequestHead;
}

/** What an {@linkcode Asking} needs of its client. */
export interface Client {
  readonly settings: ClientSettings;
  /** The last plain request of each target. Programs ask for the same again and again. */
  readonly plain: WeakMap<Target, Plain>;
  /** The pool for a reactor, or for that of the client itself. */
  poolOf(reactor: Reactor | undefined): Pool;
}

export class Asking extends Request<HttpResponse>
  implements Promise<HttpResponse>, Exchange, Asker, Owned {
  method: string;
  head!: RequestHead;
  content: Content | undefined;
  /** What an extended CONNECT asks for (RFC 8441 4). */
  readonly protocol: string | undefined;
  readonly continueMs: number;
  readonly timeouts: ClientTimeouts;
  route!: Route;
  isAgain = false;
  /** How often a server has told that it has done nothing with it. */
  #refusals = 0;
  scope: Scope | undefined = undefined;
  readonly #client: Client;
  readonly #options: RequestOptions;
  readonly #redirect: RedirectPolicy;
  readonly #decompresses: boolean;
  #target: Target;
  #pool!: Pool;
  #driver: Driver | undefined;
  #waiter: Waiter<HttpResponse> | undefined;
  #state: "fresh" | "asking" | "over" = "fresh";
  /** Ends what it does at the moment. */
  #undo: (() => void) | undefined;
  #carrier: Carrier | undefined;
  #response: ReceivedResponse | undefined;
  #timer: Timer | undefined;
  #forgetSignal: (() => void) | undefined;
  #redirects: readonly string[] = [];
  /** Names of headers that are not sent any more. */
  #without: Set<string> | undefined;
  #promise: Promise<HttpResponse> | undefined;

  constructor(
    client: Client,
    method: string,
    url: string | URL,
    options: RequestOptions,
    protocol?: string,
  ) {
    super();
    refuseUnknown("ask", options, OPTIONS);
    const { settings } = client;
    const { body, json, timeoutMs, expectContinue = false, timeouts, signal, onInterim } = options;
    this.#client = client;
    this.#options = options;
    this.method = method;
    this.protocol = protocol;
    this.#target = targetOf(url);
    const hasBody = body !== undefined && body !== null;
    if (hasBody && json !== undefined) {
      throw new TypeError("Cannot ask: give a body, or json, and not both");
    }
    this.content = json !== undefined ? jsonOf(json) : hasBody ? contentOf(body) : undefined;
    this.#redirect = redirectOf(options.redirect, settings.redirect);
    this.#decompresses = flagOf(options.decompression, settings.decompression);
    this.timeouts = timeoutsOf(totalOf(timeoutMs), timeoutsOf(timeouts, settings.timeouts));
    const ms = duration(
      expectContinue === true ? CONTINUE_MS : expectContinue === false ? 0 : expectContinue,
      "ask: expectContinue",
    );
    this.continueMs = this.content === undefined ? 0 : ms;
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new TypeError(`Cannot ask: signal must be an AbortSignal, not ${shown(signal)}`);
    }
    if (onInterim !== undefined && typeof onInterim !== "function") {
      throw new TypeError(`Cannot ask: onInterim must be a function, not ${shown(onInterim)}`);
    }
    this.#prepare();
    // Outside of coroutines it is a promise, and goes out at once, as one expects of a promise.
    if (!isInCoroutine()) this.#promise = this.#asPromise();
  }

  /** For `await`, as those of a promise. */
  then<A = HttpResponse, B = never>(
    resolve?: ((response: HttpResponse) => A | PromiseLike<A>) | null,
    reject?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#promise ??= this.#asPromise();
    return this.#promise.then(resolve, reject);
  }

  catch<B = never>(
    reject?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<HttpResponse | B> {
    return this.then(undefined, reject);
  }

  finally(act?: (() => void) | null): Promise<HttpResponse> {
    return this.then().finally(act);
  }

  get [Symbol.toStringTag](): string {
    return "Asking";
  }

  #asPromise(): Promise<HttpResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
    this.#begin({ resume: resolve, fail: reject }, undefined);
    const { own } = this.#pool;
    return own === undefined ? promise : own.attend(promise);
  }

  override begin(waiter: Waiter<HttpResponse> & { reactor?: Reactor }): () => void {
    if (this.#promise === undefined) this.#begin(waiter, runningDriver());
    else this.#promise.then((response) => waiter.resume(response), (error) => waiter.fail(error));
    return () => this.#cancel(new DOMException("The request was cancelled", "AbortError"));
  }

  #begin(waiter: Waiter<HttpResponse> & { reactor?: Reactor }, driver: Driver | undefined): void {
    if (this.#state !== "fresh") throw new TypeError("Cannot ask twice: make another request");
    this.#state = "asking";
    this.#waiter = waiter;
    this.#driver = driver;
    this.#pool = this.#client.poolOf(waiter.reactor);
    const { signal } = this.#options;
    if (signal !== undefined) {
      if (signal.aborted) return this.#fail(signal.reason);
      const abort = () => this.#cancel(signal.reason);
      signal.addEventListener("abort", abort);
      this.#forgetSignal = () => signal.removeEventListener("abort", abort);
    }
    const { totalMs } = this.timeouts;
    if (totalMs !== Infinity) {
      this.#timer = this.#pool.reactor.addTimer(totalMs, () => {
        this.#timer = undefined;
        this.#cancel(
          new TimeoutError(
            `Cannot ask ${this.#target.label}: it took longer than ${totalMs} ms`,
          ),
        );
      });
    }
    this.#ask();
  }

  /** Makes the head. What cannot be sent is an error before anything is asked. */
  #prepare(): void {
    if (!this.#isPlain) return this.#make();
    const { plain } = this.#client;
    const { method } = this;
    const decompresses = this.#decompresses;
    const known = plain.get(this.#target);
    if (known?.method === method && known.decompresses === decompresses) {
      this.route = known.route;
      this.head = known.head;
      return;
    }
    this.#make();
    plain.set(this.#target, { method, decompresses, route: this.route, head: this.head });
  }

  /** Whether nothing but the method and the URL matters. */
  get #isPlain(): boolean {
    const { settings: { headers, proxyOf, cookies } } = this.#client;
    const options = this.#options;
    return headers === undefined && proxyOf === undefined && cookies === undefined &&
      options.headers === undefined && options.socketPath === undefined &&
      this.content === undefined && this.#without === undefined;
  }

  #make(): void {
    const { settings } = this.#client;
    const target = this.#target;
    const { isSecure, host } = target;
    const socketPath = this.#options.socketPath ?? settings.socketPath;
    const proxy = socketPath === undefined ? settings.proxyOf?.(new URL(target.href)) : undefined;
    // RFC 9110 7.8: an Upgrade is for the next hop only, so a proxy would not pass it on.
    const switches = this.protocol !== undefined || this.#asksForUpgrade;
    const isTunnelled = proxy !== undefined && (isSecure || switches);
    const isForwarded = proxy !== undefined && !isTunnelled;
    const name = target.origin + (socketPath !== undefined ? ` at ${socketPath}` : "") +
      (proxy !== undefined ? ` through ${proxy.origin}` : "");
    const key = name + (proxy?.authorization === undefined ? "" : ` ${proxy.authorization}`) +
      (isTunnelled ? " by CONNECT" : "");
    // RFC 9112 3.2: what a server gets, a proxy, and CONNECT.
    const requestTarget = this.method === "CONNECT" && this.protocol === undefined
      ? target.authority
      : isForwarded
      ? `http://${host}${target.path}`
      : target.path;
    this.head = new RequestHead({
      method: this.method,
      target: requestTarget,
      protocol: this.protocol,
      host,
      defaults: settings.headers,
      headers: this.#options.headers,
      made: {
        authorization: target.authorization,
        cookie: settings.cookies?.get(new URL(target.href)),
        "accept-encoding": this.#decompresses ? ACCEPTED : undefined,
        "proxy-authorization": isForwarded ? proxy.authorization : undefined,
      },
      without: this.#without,
      content: this.content,
      expects: this.continueMs > 0,
    });
    // RFC 9113 8.2.2: HTTP/2 has no Upgrade and no Connection. A proxy is asked by HTTP/1.1.
    const { http2 } = settings;
    const { upgrade, close } = this.head;
    const isKnown = http2 === "prior-knowledge";
    const needsHttp1 = upgrade !== "" || close || isForwarded;
    const wire = needsHttp1 || !http2 || !isKnown && !isSecure
      ? "HTTP/1.1"
      : isKnown
      ? "HTTP/2"
      : "either";
    const route = { name, key, target, proxy, isTunnelled, socketPath, wire } as const;
    this.route = wire === "HTTP/1.1" ? byHttp1(route) : route;
  }

  get #asksForUpgrade(): boolean {
    return listed(this.#options.headers ?? []).some(([name, value]) =>
      value !== undefined && String(name).toLowerCase() === "upgrade"
    );
  }

  #ask(): void {
    this.#undo = undefined;
    const undo = this.#pool.take(this);
    // It may have got a connection, or an answer, meanwhile.
    if (this.#state === "asking" && this.#carrier === undefined) this.#undo = undo;
  }

  get what(): string {
    return `${this.method} ${this.#target.label}`;
  }

  connected(carrier: Carrier): void {
    this.#undo = undefined;
    if (this.#state === "over") return carrier.close();
    this.#carrier = carrier;
    carrier.ask(this);
  }

  interim({ status, bytes, headersFrom, headersTo }: ResponseHead): void {
    const headers = new HttpHeaders(bytes, headersFrom, headersTo);
    this.#options.onInterim?.({ status, headers });
  }

  answered(head: ResponseHead, body: BodyContext | Uint8Array, carrier: Carrier): void {
    this.#response = new ReceivedResponse({
      head,
      body,
      carrier,
      what: this.what,
      href: this.#target.href,
      redirects: this.#redirects,
      decodes: this.#decompresses && this.method !== "HEAD",
      maxDecodedBytes: this.#client.settings.limits.maxDecodedBytes,
      pool: this.#pool,
    });
  }

  deliver(): void {
    const response = this.#response!;
    this.#response = undefined;
    try {
      const { cookies } = this.#client.settings;
      const setCookie = cookies && response.headers.getAll("set-cookie");
      if (setCookie?.length) cookies!.set(new URL(this.#target.href), setCookie);
      if (this.#redirectsTo(response)) return;
    } catch (error) {
      response.close();
      return this.#fail(error);
    }
    const waiter = this.#waiter!;
    this.#waiter = undefined;
    if (response.isWhole) this.#end();
    else {
      if (this.#carrier!.isClosed) this.#stopTiming(); // It has another protocol now.
      this.context = response.context;
      this.#undo = () => response.close();
      this.#driver?.own.own(this);
    }
    waiter.resume(response);
  }

  /** The context of the response, for the scope that it belongs to. */
  context: object = this;

  /** Something else ends what the response has begun. Returns the pool that it came from. */
  handOver(): Pool {
    this.#undo = undefined;
    this.scope?.disown(this);
    return this.#pool;
  }

  /** Follows a redirection. Returns whether there is one. */
  #redirectsTo(response: HttpResponse): boolean {
    const { status } = response;
    const isRedirect = status === 301 || status === 302 || status === 303 || status === 307 ||
      status === 308;
    const locations = isRedirect && this.#redirect !== "manual"
      ? response.headers.getAll("location")
      : [];
    const location = locations[0];
    if (location === undefined) return false;
    const from = this.#target;
    // RFC 9110 10.2.2: Location is a single value; which one counts, only an attacker knows.
    if (locations.some((other) => other !== location)) {
      throw new RemoteProtocolError(
        `Cannot ask ${from.label}: it redirects to more than one Location`,
        { status: 502 },
      );
    }
    if (this.#redirect === "error") {
      throw new RemoteProtocolError(
        `Cannot ask ${from.label}: it redirects to ${location}, and the option redirect is "error"`,
        { status: 502 },
      );
    }
    const { maxRedirects } = this.#client.settings;
    if (this.#redirects.length >= maxRedirects) {
      throw new RemoteProtocolError(
        `Cannot ask ${from.label}: there are more than ${maxRedirects} redirections`,
        { status: 502 },
      );
    }
    const url = URL.parse(location, from.href);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new RemoteProtocolError(
        `Cannot ask ${from.label}: it redirects to ${location}, which is no URL of http or https`,
        { status: 502 },
      );
    }
    // RFC 9110 17.11, 10.2.2: a fragment stays, and is not sent.
    if (url.hash === "") url.hash = new URL(from.href).hash;
    this.#redirects = [...this.#redirects, from.href];
    const without = new Set(this.#without);
    // RFC 9110 15.4: only 307 and 308 keep the method for sure; 303 changes all but HEAD, and the
    // others change POST, as browsers do.
    const isChanged = status === 303
      ? this.method !== "HEAD" && this.method !== "GET"
      : status < 303 && this.method === "POST";
    if (isChanged) {
      this.method = "GET";
      this.content?.drop();
      this.content = undefined;
      for (const name of OF_CONTENT) without.add(name);
      without.add(CONTENT);
    } else if (this.content?.isRepeatable === false) {
      throw new LocalProtocolError(
        `Cannot follow the redirection of ${from.label}: the body cannot be sent again, give text or bytes`,
      );
    }
    if (url.origin !== from.origin) { for (const name of CREDENTIALS) without.add(name); }
    if (url.host !== from.host) without.add("host");
    this.#without = without;
    this.#target = targetOf(url);
    this.isAgain = false;
    this.#prepare();
    response.close();
    this.#carrier = undefined;
    this.#ask();
    return true;
  }

  lost(error: unknown, isRepeatable: Repeatable = "never"): void {
    const isUnheard = isRepeatable === "if idempotent";
    // As the GET of HTTP/1.1 that opens a WebSocket, a CONNECT for that may be repeated.
    const isIdempotent = IDEMPOTENT.test(this.method) || this.protocol === "websocket";
    const isSafe = isUnheard
      ? !this.isAgain && isIdempotent
      : isRepeatable !== "never" && this.#refusals++ < MAX_REFUSALS;
    const canRepeat = isSafe && this.content?.isRepeatable !== false;
    this.#carrier = undefined;
    if (!canRepeat || this.#state === "over") return this.#fail(error);
    this.isAgain ||= isUnheard;
    if (isRepeatable === "by HTTP/1.1") this.route = byHttp1(this.route);
    if (isUnheard || this.#refusals < 2) return this.#ask();
    const { reactor } = this.#pool;
    const delay = REFUSED_MS * 5 ** (this.#refusals - 2);
    const timer = reactor.addTimer(delay, () => this.#ask());
    this.#undo = () => reactor.removeTimer(timer);
  }

  /** A response that redirected may end later than the one that is given. */
  over(carrier: Carrier): void {
    if (this.#waiter === undefined && carrier === this.#carrier) this.#end();
  }

  /** Its scope has ended: nobody reads the response any more. */
  end(): void {
    this.scope?.disown(this);
    const undo = this.#undo;
    this.#end();
    undo?.();
  }

  /** Gives up. */
  #cancel(error: unknown): void {
    if (this.#state !== "asking") return;
    if (this.#carrier !== undefined) return this.#carrier.fail(error);
    this.#undo?.();
    this.#fail(error);
  }

  #fail(error: unknown): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    this.#end();
    waiter?.fail(error);
  }

  /** Nothing is left to be done. */
  #end(): void {
    this.#state = "over";
    this.#undo = undefined;
    this.#carrier = undefined;
    this.content?.drop();
    this.#stopTiming();
    this.scope?.disown(this);
  }

  #stopTiming(): void {
    this.#forgetSignal?.();
    this.#forgetSignal = undefined;
    if (this.#timer !== undefined) this.#pool.reactor.removeTimer(this.#timer);
    this.#timer = undefined;
  }
}
