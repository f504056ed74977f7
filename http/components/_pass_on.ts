import { call, type Coroutine } from "../../compose/mod.ts";
import { DeclineMessage, type Observable } from "../../pipeline/mod.ts";
import type { HttpProtocolMessages } from "../http_protocol.ts";
import type { HttpRequest } from "../http_request.ts";
import { isUnanswered } from "../_unanswered.ts";

/**
 * Passes a request on to those behind a component. If none of them answers it, the component
 * declines it, so that the next one is asked.
 */
export function* passOn(
  component: Observable<HttpProtocolMessages>,
  request: HttpRequest,
): Coroutine {
  try {
    yield* call(component.any.processRequest(request));
  } catch (error) {
    throw isUnanswered(error) ? new DeclineMessage() : error;
  }
}
