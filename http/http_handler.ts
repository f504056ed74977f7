import type { Coroutine } from "../compose/mod.ts";
import type { HttpLimits } from "./http_limits.ts";
import type { HttpRequest } from "./http_request.ts";

/** Answers a request: a bare `yield` reads its body, a yielded {@linkcode ResponseHead} begins the answer, then comes data. */
export type HttpHandler = (request: HttpRequest) => Coroutine<unknown>;

/** Options of {@linkcode httpProtocol}. */
export interface HttpProtocolOptions {
  /** How much a client may send; {@linkcode defaultLimits} unless said otherwise. */
  limits?: Partial<HttpLimits>;
  /**
   * Is told, once for each request, what a handler did not catch and the client was not told.
   *
   * @default {the reactor's onError, or console.error when the coroutine is fed by hand}
   */
  onError?: (error: unknown, request: HttpRequest) => void;
  /** Where the time for the Date header comes from. @default {Date} */
  clock?: { now(): number };
}
