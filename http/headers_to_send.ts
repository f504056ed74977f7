/** The value of a header; a list makes a line of each. */
export type HeaderValue = string | number | readonly string[];

/** Headers to send: an object, pairs, a `Headers` or `HttpHeaders`. A header whose value is undefined is left out. */
export type HeadersToSend =
  | Readonly<Record<string, HeaderValue | undefined>>
  | Iterable<readonly [string, HeaderValue | undefined]>;
