import { EndOfStream } from "../compose/mod.ts";

/**
 * Thrown into the handler at the end of every body. Handlers normally end by it, so it must be
 * cheap: it is always the same object, and has no stack, so that compose makes no traceback.
 */
export const END_OF_BODY: EndOfStream = new EndOfStream("The body of the request has ended");
delete END_OF_BODY.stack;
Object.freeze(END_OF_BODY);

/** Thrown into the handler of an event stream when its server shuts down. */
export const SHUT_DOWN: EndOfStream = new EndOfStream("The server shuts down");

/**
 * Thrown instead where the handler reads the body of its request. It must not take a part of the body
 * for the whole.
 */
export const SHUT_DOWN_READING: DOMException = new DOMException(
  "The server shuts down",
  "AbortError",
);

/**
 * Whether an error is the end of the body or of the server, or what a reader such as `readLine()`
 * makes of it. A handler ends by it in good order.
 */
export function isGoodEnd(error: unknown): boolean {
  if (error === SHUT_DOWN_READING) return true;
  while (error instanceof EndOfStream) {
    if (error === END_OF_BODY || error === SHUT_DOWN) return true;
    error = error.cause;
  }
  return false;
}
