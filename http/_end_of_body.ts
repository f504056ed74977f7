import { EndOfStream } from "../compose/mod.ts";

/**
 * Thrown into the handler at the end of every body. Handlers normally end by it, so it must be
 * cheap: it is always the same object, and has no stack, so that compose makes no traceback.
 */
export const END_OF_BODY: EndOfStream = new EndOfStream("The body of the request has ended");
delete END_OF_BODY.stack;
Object.freeze(END_OF_BODY);

/** Whether an error is the end of the body, or what a reader such as `readLine()` makes of it. */
export function isEndOfBody(error: unknown): boolean {
  while (error instanceof EndOfStream && error !== END_OF_BODY) error = error.cause;
  return error === END_OF_BODY;
}
