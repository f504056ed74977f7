import { call, type Coroutine } from "../../compose/mod.ts";
import { DeclineMessage, NoneOfTheObserversRespond, type Observable } from "../../pipeline/mod.ts";
import type { HttpProtocolMessages } from "../http_protocol_component.ts";
import type { HttpRequest } from "../http_request.ts";

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

/** Whether an error says that nobody answers a request. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof NoneOfTheObserversRespond && error.unansweredMessage === "processRequest";
}
