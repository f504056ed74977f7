/** The driver of a connection's protocol. Only this file and _serve.ts know gio and the reactor. */
import { EndOfStream, isRequest, type Request, Yield } from "../compose/mod.ts";
import { type Driver, runningDriver } from "../gio/_driver.ts";
import type { Inner } from "../gio/_places.ts";
import { type Scope, ScopeEnd } from "../gio/_scope.ts";
import { Transfer } from "../reactor/transfer/transfer.ts";
import type { HttpRequest } from "./http_request.ts";

export type { Inner } from "../gio/_places.ts";

/** What a connection needs of its driver. There is none when it is fed by hand. */
export interface Host {
  /**
   * Takes back bytes before a transfer reads the connection by itself. The last ones given are read
   * first.
   */
  unread(bytes: Uint8Array): void;
  /** Reports an error, if there is no `onError`. */
  report(error: unknown, request: HttpRequest): void;
  /**
   * Aborts the connection because of an error that has been told. Returns an error that ends its
   * coroutine quietly.
   */
  cut(error: unknown): unknown;
  /**
   * Ends what a handler has left behind. If that takes time, returns a request that waits for it.
   */
  end(own: Scope, isCut: boolean): Request<void> | undefined;
}

/** The host of the coroutine that is running: gio, or undefined if it is fed by hand. */
export function hostOf(connection: Inner): Host | undefined {
  const driver = runningDriver();
  if (driver === undefined) return undefined;
  driver.inner = connection;
  return new GioHost(driver);
}

/** Whether a handler yielded something for the driver, which HTTP passes on. */
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
    const ending = new ScopeEnd(own, isCut || this.#driver.isClosing);
    // Most things end at once. A reactor that shuts down would refuse to wait for them.
    return ending.isOver ? undefined : ending;
  }
}
