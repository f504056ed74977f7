/** Who runs the protocol of a connection: all that http knows of gio and of the reactor's requests is here and in _serve.ts. */
import { EndOfStream, isRequest, type Request, Yield } from "../compose/mod.ts";
import { type Driver, runningDriver } from "../gio/_driver.ts";
import { type Scope, ScopeEnd } from "../gio/_scope.ts";
import { Transfer } from "../reactor/mod.ts";
import type { HttpRequest } from "./http_request.ts";

/** What a connection needs of who runs it; there is none when it is fed by hand. */
export interface Host {
  /** Whether the handler has entered a context of its own: what it yields is not for the client then. */
  readonly isElsewhere: boolean;
  /** Set at the start: where the handler pushes back what it has read too far. */
  inner: { rest: unknown[] };
  /** Takes back what was received, before a transfer that reads the connection itself; the last given is read first. */
  unread(bytes: Uint8Array): void;
  /** Is told of errors for which nobody else was named. */
  report(error: unknown, request: HttpRequest): void;
  /** Aborts the connection for an error that has been told; returns what ends who speaks on it quietly. */
  cut(error: unknown): unknown;
  /** A handler is about to start. */
  beginRequest(): void;
  /** A handler has ended, whatever the way out: what it left behind ends by the request that this returns, if there is any. */
  endRequest(isCut: boolean): Request<void> | undefined;
}

/** The host of the coroutine that is running: gio's, or none if that is fed by hand. */
export function hostOf(): Host | undefined {
  const driver = runningDriver();
  return driver === undefined ? undefined : new GioHost(driver);
}

/** Whether a handler yielded something for who drives it, which is none of HTTP's business. */
export function isForDriver(value: unknown): boolean {
  return value === Yield || isRequest(value);
}

/** Whether it is a transfer, which reads and writes the connection itself. */
export function isTransfer(value: unknown): boolean {
  return value instanceof Transfer;
}

class GioHost implements Host {
  readonly #driver: Driver;
  /** What the connection owns, while a request is answered. */
  #outer: Scope | undefined;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  get isElsewhere(): boolean {
    return this.#driver.isElsewhere;
  }

  set inner(inner: { rest: unknown[] }) {
    this.#driver.inner = inner;
  }

  unread(bytes: Uint8Array): void {
    const { lending } = this.#driver;
    lending.takeBack(lending.innermost, [bytes]);
  }

  report(error: unknown, { method, target }: HttpRequest): void {
    this.#driver.reactor.onError(error, `handler of ${method} ${target}`);
  }

  cut(cause: unknown): unknown {
    this.#driver.abort();
    return new EndOfStream("The connection was cut: an answer has failed", { cause });
  }

  beginRequest(): void {
    this.#outer = this.#driver.changeScope();
  }

  endRequest(isCut: boolean): Request<void> | undefined {
    const driver = this.#driver;
    const own = driver.changeScope(this.#outer);
    if (own === undefined) return;
    // Most of it ends at once. Then there is nothing to wait for, which a reactor that shuts down would refuse.
    if (driver.isClosing) own.end(true, () => {});
    return own.isIdle ? undefined : new ScopeEnd(own, isCut || driver.isClosing);
  }
}
