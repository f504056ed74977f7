import { shown } from "../reactor/_describe.ts";
import { ignoreRejection } from "../reactor/_ignore.ts";
import { Head, listed } from "./_head.ts";
import { Overloaded } from "./_overloaded.ts";
import { Refused } from "./websocket/_refused.ts";
import { UnsupportedCoding } from "./content/_unsupported_coding.ts";
import type { ErrorHandler, ErrorToAnswer } from "./error_handler.ts";
import type { HeaderValue } from "./headers_to_send.ts";

/** The head and the body of an answer. */
type Made = [head: Head, body: string | Uint8Array];

/**
 * Makes the answer to an error.
 *
 * @param cause What has happened, which may ask for more headers.
 * @param report Is told what the handler does wrong.
 */
export function errorAnswer(
  handler: ErrorHandler | undefined,
  error: ErrorToAnswer,
  cause: unknown,
  report: (error: unknown, request: ErrorToAnswer["request"]) => void,
): Made {
  // RFC 9110 15.5.16: which content codings are accepted, if that was the cause.
  const more: readonly (readonly [string, HeaderValue])[] = cause instanceof UnsupportedCoding
    ? [["accept-encoding", cause.accepted]]
    : cause instanceof Overloaded
    ? [["retry-after", "1"]]
    : cause instanceof Refused
    ? cause.headers
    : [];
  if (handler !== undefined) {
    try {
      const answer = handler(error);
      if (answer !== undefined) return made(error.status, answer, more);
    } catch (failure) {
      report(failure, error.request);
    }
  }
  return made(error.status, { body: error.message }, more);
}

function nonsense(answer: unknown): TypeError {
  return new TypeError(
    `Cannot answer an error by ${
      shown(answer)
    }: the errorHandler gives { headers, body }, with text or bytes`,
  );
}

function made(
  status: number,
  answer: ReturnType<ErrorHandler> & object,
  more: readonly (readonly [string, HeaderValue])[],
): Made {
  // Lists, bytes, promises, coroutines, maps and a Response are objects of other kinds.
  const isPlain = Object.prototype.toString.call(answer) === "[object Object]";
  if (!isPlain || Object.keys(answer).some((name) => name !== "headers" && name !== "body")) {
    ignoreRejection(answer);
    throw nonsense(answer);
  }
  const { headers = { "content-type": "text/plain; charset=utf-8" }, body = "" } = answer;
  if (!(typeof body === "string" || body instanceof Uint8Array)) throw nonsense(answer);
  const head = new Head(status, [...more, ...listed(headers)]);
  if (head.contentLength !== undefined) {
    throw new TypeError(
      "Cannot answer an error with a Content-Length: leave it out, it is counted",
    );
  }
  return [head, body];
}
