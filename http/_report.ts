import { cleaned } from "../compose/_traceback.ts";
import { catchRejection } from "../reactor/_ignore.ts";
import type { Reactor } from "../reactor/mod.ts";
import type { Settings } from "./_settings.ts";
import type { HttpRequest } from "./http_request.ts";

/**
 * Reports an error that the client is not told.
 *
 * @param reactor It gets the errors that nobody else wants. There is none when the protocol is fed by hand.
 * @param request Whose handler has failed; undefined if it was malformed.
 */
export function report(
  { onError }: Settings,
  reactor: Reactor | undefined,
  error: unknown,
  request: HttpRequest | undefined,
): void {
  error = cleaned(error);
  const byDefault = (error: unknown) => {
    const what = request === undefined
      ? "a malformed request"
      : `${request.method} ${request.target}`;
    if (reactor === undefined) console.error(error);
    else reactor.onError(error, `handler of ${what}`);
  };
  if (onError === undefined || request === undefined) return byDefault(error);
  catchRejection(onError(error, request), byDefault);
}
