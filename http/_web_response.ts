/**
 * What a `Response` of the Web platform is to send, without making its `Headers` and the stream of
 * its body: they cost as much as all the rest of a small answer. Only Deno itself knows what they
 * would hold, in properties that have symbols. If another version of Deno keeps things elsewhere, the
 * headers and the stream are read.
 */
import type { HeadersToSend } from "./headers_to_send.ts";

/** What a response is to send. */
export interface WebResponseParts {
  headers: HeadersToSend;
  /** The whole body; undefined if it is a stream, or if there is none. */
  whole: string | Uint8Array | undefined;
}

interface Inner {
  headerList: [string, string][];
  body: { streamOrStatic: { body?: unknown; consumed?: boolean } } | null;
}

const symbols = new Map(
  Object.getOwnPropertySymbols(new Response("text")).map((symbol) => [symbol.description, symbol]),
);
const INNER = symbols.get("response")!;
// Of a response that was made of a body and at most its type, until its headers are looked at.
const FAST_STATUS = symbols.get("serve fast status")!;
const FAST_BODY = symbols.get("serve fast body")!;
const FAST_KIND = symbols.get("serve fast header kind")!;
const FAST_TYPE = symbols.get("serve fast content type")!;

/** What a `FAST_KIND` means; 0 is no headers. */
const TEXT = 1, TYPED = 2;

const NONE = {};
/** https://fetch.spec.whatwg.org/#concept-bodyinit-extract */
const OF_TEXT = { "content-type": "text/plain;charset=UTF-8" };

function kept(response: Response): WebResponseParts {
  // deno-lint-ignore no-explicit-any
  const parts = response as any;
  if (parts[FAST_STATUS] !== 0) {
    const kind = parts[FAST_KIND];
    return {
      headers: kind === TEXT
        ? OF_TEXT
        : kind === TYPED
        ? { "content-type": parts[FAST_TYPE] }
        : NONE,
      whole: parts[FAST_BODY],
    };
  }
  const { headerList, body } = parts[INNER] as Inner;
  const whole = body?.streamOrStatic.consumed === false ? body.streamOrStatic.body : undefined;
  return { headers: headerList, whole: isWhole(whole) ? whole : undefined };
}

function isWhole(body: unknown): body is string | Uint8Array {
  return typeof body === "string" || body instanceof Uint8Array;
}

/** Whether Deno keeps everything where `kept` looks for it. */
function isAsKnown(): boolean {
  const typed = { "content-type": "a/b" };
  const looked = new Response("text");
  looked.headers.set("a", "b");
  const cases: [response: Response, whole: string | undefined][] = [
    [new Response("text"), "text"],
    [new Response(""), ""],
    [new Response(new Uint8Array([1, 2])), "1,2"],
    [Response.json({}), "{}"],
    [new Response("text", { headers: typed }), "text"],
    [new Response("text", { status: 404, headers: typed }), "text"],
    [looked, "text"],
    [new Response(null, { headers: [["a", "b"], ["A", "c"]] }), undefined],
    [new Response(new ReadableStream()), undefined],
  ];
  try {
    return cases.every(([response, whole]) => {
      const found = kept(response);
      const headers = new Headers(found.headers as HeadersInit);
      return found.whole?.toString() === whole && `${[...headers]}` === `${[...response.headers]}`;
    });
  } catch {
    return false;
  }
}

/** Gives what a response is to send, whose body has not been used. */
export const partsOf: (response: Response) => WebResponseParts = isAsKnown()
  ? kept
  : ({ headers }) => ({ headers, whole: undefined });
