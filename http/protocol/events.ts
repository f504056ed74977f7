import type { HttpHeaders } from "../http_headers.ts";

/**
 * The head of a request has come.
 *
 * @category Events
 */
export interface RequestEvent {
  /** `"request"`. */
  readonly type: "request";
  /** The method, as `GET`. */
  readonly method: string;
  /** The target, as `/path?query`, in the form in which it came. */
  readonly target: string;
  /** The version, as far as it matters. */
  readonly version: "1.0" | "1.1";
  /** The headers. */
  readonly headers: HttpHeaders;
  /** Whether the client waits for a 100 before it sends the body: `respond(100)`. */
  readonly expectsContinue: boolean;
}

/**
 * The head of a response has come.
 *
 * @category Events
 */
export interface ResponseEvent {
  /** `"interim"` if another response follows: 100, 102, 103 and the like. */
  readonly type: "response" | "interim";
  /** The status code. */
  readonly status: number;
  /** The text behind the status. It may be empty. */
  readonly reason: string;
  /** The version, as far as it matters. */
  readonly version: "1.0" | "1.1";
  /** The headers. */
  readonly headers: HttpHeaders;
}

/**
 * A piece of the body has come. After a 101, or a 2xx to CONNECT, it is what the other side has sent
 * in whatever protocol follows.
 *
 * @category Events
 */
export interface DataEvent {
  /** `"data"`. */
  readonly type: "data";
  /** The bytes: a view of those that were given to `receive()`. */
  readonly data: Uint8Array;
}

/**
 * The message is complete.
 *
 * @category Events
 */
export interface EndEvent {
  /** `"end"`. */
  readonly type: "end";
  /** The trailers that came after the body. */
  readonly trailers: HttpHeaders | undefined;
}

/**
 * The other side sends no more, and nothing is missing.
 *
 * @category Events
 */
export interface CloseEvent {
  /** `"close"`. */
  readonly type: "close";
}

/**
 * What has come from a client.
 *
 * @category Events
 */
export type ServerEvent = RequestEvent | DataEvent | EndEvent | CloseEvent;

/**
 * What has come from a server.
 *
 * @category Events
 */
export type ClientEvent = ResponseEvent | DataEvent | EndEvent | CloseEvent;
