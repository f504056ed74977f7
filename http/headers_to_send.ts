/**
 * The value of a header. A list makes one line for each of its elements.
 *
 * @category Answers
 */
export type HeaderValue = string | number | readonly string[];

/**
 * Headers to send: an object, pairs, a `Headers` or an `HttpHeaders`, or whatever fetch takes. A header whose value is
 * undefined is left out.
 *
 * @category Answers
 */
export type HeadersToSend =
  | Readonly<Record<string, HeaderValue | undefined>>
  | Iterable<readonly [string, HeaderValue | undefined]>
  | HeadersInit;
