import { NoneOfTheObserversRespond } from "../pipeline/mod.ts";

/** Whether an error says that no component answers a request. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof NoneOfTheObserversRespond && error.unansweredMessage === "processRequest";
}
