/** What a request sends after its head. */
import { type Coroutine, isCoroutine } from "../../compose/mod.ts";
import { wait } from "../../gio/mod.ts";
import { shown } from "../../reactor/_describe.ts";
import { utf8Length } from "../_characters.ts";
import type { RequestContent } from "./client_options.ts";

export interface Content {
  /** How many bytes it has, if that is known. */
  readonly length: number | undefined;
  /** Its media type, if that is known. */
  readonly type: string | undefined;
  /** All of it, or a coroutine that yields it. */
  readonly data: string | Uint8Array | (() => Coroutine);
  /** Whether it can be sent again. */
  readonly isRepeatable: boolean;
  /** It is not sent, if that has not begun. */
  drop(): void;
}

/**
 * The content for what the user gave.
 *
 * @throws {TypeError} If it is nothing that can be sent.
 */
export function contentOf(body: RequestContent): Content {
  if (typeof body === "string") return text(body, "text/plain;charset=UTF-8");
  if (body instanceof Uint8Array) {
    return { length: body.length, type: undefined, data: body, isRepeatable: true, drop() {} };
  }
  if (body instanceof ArrayBuffer) return contentOf(new Uint8Array(body));
  if (ArrayBuffer.isView(body)) {
    const { buffer, byteOffset, byteLength } = body as ArrayBufferView<ArrayBuffer>;
    return contentOf(new Uint8Array(buffer, byteOffset, byteLength));
  }
  if (body instanceof URLSearchParams) {
    return text(String(body), "application/x-www-form-urlencoded;charset=UTF-8");
  }
  if (isCoroutine(body)) return streamed(() => body, () => body.return(undefined));
  if (body instanceof Blob) {
    const { size, type } = body;
    const data = () => fromStream(body.stream());
    return { length: size, type: type || undefined, data, isRepeatable: true, drop() {} };
  }
  if (body instanceof FormData) {
    // The platform writes multipart/form-data (RFC 7578), with a boundary of its own.
    const { headers, body: stream } = new Response(body);
    return {
      ...streamed(() => fromStream(stream!), () => stream!.cancel()),
      type: headers.get("content-type")!,
    };
  }
  if (body instanceof ReadableStream) {
    return streamed(() => fromStream(body), () => body.cancel());
  }
  if (typeof body === "object" && body !== null) {
    if (Symbol.asyncIterator in body) return streamed(() => fromAsync(body));
    if (Symbol.iterator in body) return streamed(() => fromIterable(body));
  }
  throw new TypeError(
    `Cannot send ${
      shown(body)
    }: a body is text, bytes, a form, a Blob, a stream, or a coroutine that yields it; ` +
      (typeof body === "function" ? "call the function: body()" : "for JSON give { json: value }"),
  );
}

/**
 * The content for a value that is sent as JSON (RFC 8259).
 *
 * @throws {TypeError} If JSON has no text for it.
 */
export function jsonOf(value: unknown): Content {
  const data: string | undefined = JSON.stringify(value);
  if (data === undefined) throw new TypeError(`Cannot send ${shown(value)}: JSON cannot tell it`);
  return text(data, "application/json");
}

function text(data: string, type: string): Content {
  return { length: utf8Length(data), type, data, isRepeatable: true, drop() {} };
}

/** @param end Ends what has not begun. */
function streamed(begin: () => Coroutine, end: () => unknown = () => {}): Content {
  let isFresh = true;
  return {
    length: undefined,
    type: undefined,
    get isRepeatable() {
      return isFresh;
    },
    data() {
      isFresh = false;
      return begin();
    },
    drop() {
      if (!isFresh) return;
      isFresh = false;
      Promise.resolve(end()).catch(() => {});
    },
  };
}

function fromStream(stream: ReadableStream<Uint8Array>): Coroutine<void> {
  // Not its iterator, which would wait for a read before it cancels.
  const reader = stream.getReader();
  return pulled(() => reader.read(), () => reader.cancel());
}

function fromAsync(iterable: AsyncIterable<string | Uint8Array>): Coroutine<void> {
  const iterator = iterable[Symbol.asyncIterator]();
  return pulled(() => iterator.next(), () => iterator.return?.());
}

/** Yields what is read, and ends the reading if it is given up before. */
function* pulled(
  read: () => Promise<{ done?: boolean | undefined; value?: unknown }>,
  end: () => unknown,
): Coroutine<void> {
  let isWhole = false;
  try {
    for (;;) {
      const { done, value } = yield* wait(read());
      if (done) {
        isWhole = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!isWhole) Promise.resolve(end()).catch(() => {});
  }
}

function* fromIterable(iterable: Iterable<string | Uint8Array>): Coroutine<void> {
  for (const piece of iterable) yield piece;
}
