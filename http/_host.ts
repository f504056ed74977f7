/** Who runs the protocol of a connection: all that http knows of gio and of the reactor's requests is here and in _serve.ts. */
import { EndOfStream, isRequest, type Request, Yield } from "../compose/mod.ts";
import { type Driver, runningDriver } from "../gio/_driver.ts";
import type { Inner } from "../gio/_places.ts";
import { type Scope, ScopeEnd } from "../gio/_scope.ts";
import { Transfer } from "../reactor/mod.ts";
import type { HttpRequest } from "./http_request.ts";

export type { Inner } from "../gio/_places.ts";

/** What a connection needs of who runs it; there is none when it is fed by hand. */
export interface Host {
  /** Takes back what was received, before a transfer that reads the connection itself; the last given is read first. */
  unread(bytes: Uint8Array): void;
  /** Is told of errors for which nobody else was named. */
  report(error: unknown, request: HttpRequest): void;
  /** Aborts the connection for an error that has been told; returns what ends who speaks on it quietly. */
  cut(error: unknown): unknown;
  /** Ends what a handler has left behind, whatever the way out, by the request that this returns, if it takes time. */
  end(own: Scope, isCut: boolean): Request<void> | undefined;
}

/** The host of the coroutine that is running: gio's, or none if that is fed by hand. */
export function hostOf(connection: Inner): Host | undefined {
  const driver = runningDriver();
  if (driver === undefined) return undefined;
  driver.inner = connection;
  return new GioHost(driver);
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

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  unread(bytes: Uint8Array): void {
    const { lending } = this.#driver;
    lending.takeBack(lending.innermost!, [bytes]);
  }

  report(error: unknown, { method, target }: HttpRequest): void {
    this.#driver.reactor.onError(error, `handler of ${method} ${target}`);
  }

  cut(cause: unknown): unknown {
    this.#driver.abort();
    return new EndOfStream("The connection was cut: an answer has failed", { cause });
  }

  end(own: Scope, isCut: boolean): Request<void> | undefined {
    const { isClosing } = this.#driver;
    // Most of it ends at once. Then there is nothing to wait for, which a reactor that shuts down would refuse.
    if (isClosing) own.end(true, () => {});
    return own.isIdle ? undefined : new ScopeEnd(own, isCut || isClosing);
  }
}
