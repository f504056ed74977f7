/**
 * The body of a `Response`, if it was made of text or bytes. To read it from its stream costs as
 * much as all the rest of a small answer. But only Deno itself knows what the body was made of, in
 * properties that have symbols. If another version of Deno keeps it elsewhere, the answer is
 * undefined, and the stream is read.
 */

/** Where Deno keeps the text of a response that has no headers of its own. */
let fastBody: symbol | undefined;
let fastConsumed: symbol | undefined;
/** Where it keeps all others. */
let inner: symbol | undefined;

for (const symbol of Object.getOwnPropertySymbols(new Response("text"))) {
  if (symbol.description === "serve fast body") fastBody = symbol;
  else if (symbol.description === "serve fast consumed") fastConsumed = symbol;
  else if (symbol.description === "response") inner = symbol;
}

interface InnerResponse {
  body?: { streamOrStatic?: { body?: unknown; consumed?: unknown } } | null;
}

/**
 * Gives the text or the bytes of a body that has not been used.
 *
 * @returns The body; undefined if it is a stream, or not known.
 */
export function staticBody(response: Response): string | Uint8Array | undefined {
  const parts = response as unknown as Record<symbol, unknown>;
  if (fastBody !== undefined && fastConsumed !== undefined && parts[fastConsumed] === false) {
    const body = parts[fastBody];
    if (isStatic(body)) return body;
  }
  if (inner === undefined) return undefined;
  const kept = (parts[inner] as InnerResponse | undefined)?.body?.streamOrStatic;
  return kept?.consumed === false && isStatic(kept.body) ? kept.body : undefined;
}

function isStatic(body: unknown): body is string | Uint8Array {
  return typeof body === "string" || body instanceof Uint8Array;
}
