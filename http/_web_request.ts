/**
 * A `Request` of the Web platform for a request that was received. To make a real one costs as much
 * as all the rest of a small request, and most handlers look only at the method, the URL and some
 * headers. So the real one is made when somebody asks for more: it is cloned, say, or given to
 * `fetch()`.
 */
import { ignoreRejection } from "../reactor/_ignore.ts";
import type { HttpRequest } from "./http_request.ts";

/** Where the parts of a request come from that are not in its head. */
export interface RequestSource {
  readonly request: HttpRequest;
  /** Whether the request has a body. */
  readonly hasBody: boolean;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  /** The body as a stream. It is asked for once, and not after `bytes`. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Reads the whole body. It is asked for once. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
}

const decoder = new TextDecoder();

/** It has the prototype of a `Request`, and all of its members. */
class WebRequest {
  static {
    const forward = (name: PropertyKey) =>
      Object.defineProperty(this.prototype, name, {
        get(this: WebRequest) {
          const real = this.#real();
          const value = Reflect.get(real, name);
          if (typeof value !== "function") return value;
          return (...args: unknown[]) => unheard(value.apply(real, args));
        },
        configurable: true,
      });
    for (const name of Object.getOwnPropertyNames(Request.prototype)) {
      if (!(name in this.prototype)) forward(name);
    }
    // Deno keeps what a request is in properties that have symbols. So `fetch()` and `new Request()`
    // take this one as well.
    for (const symbol of Object.getOwnPropertySymbols(new Request("http://localhost/"))) {
      forward(symbol);
    }
    Object.setPrototypeOf(this.prototype, Request.prototype);
  }

  readonly #source: RequestSource;
  #url: string | undefined;
  #headers: Headers | undefined;
  #made: Request | undefined;
  #isUsed = false;

  constructor(source: RequestSource) {
    this.#source = source;
  }

  get method(): string {
    return this.#source.request.method;
  }

  get url(): string {
    return this.#url ??= this.#source.request.url.href;
  }

  get headers(): Headers {
    return this.#headers ??= this.#made?.headers ?? this.#source.request.headers.toHeaders();
  }

  get signal(): AbortSignal {
    return this.#source.signal;
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    return this.#source.hasBody ? this.#real().body : null;
  }

  get bodyUsed(): boolean {
    return this.#made?.bodyUsed ?? this.#isUsed;
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return unheard(this.#bytes());
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return unheard(this.#arrayBuffer());
  }

  text(): Promise<string> {
    return unheard(this.#text());
  }

  json(): Promise<unknown> {
    return unheard(this.#json());
  }

  async #bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#made !== undefined || this.#isUsed || !this.#source.hasBody) {
      return await this.#real().bytes();
    }
    this.#isUsed = true;
    return await this.#source.bytes();
  }

  async #arrayBuffer(): Promise<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = await this.#bytes();
    return buffer.byteLength === byteLength
      ? buffer
      : buffer.slice(byteOffset, byteOffset + byteLength);
  }

  async #text(): Promise<string> {
    return decoder.decode(await this.#bytes());
  }

  async #json(): Promise<unknown> {
    return JSON.parse(await this.#text());
  }

  get [Symbol.toStringTag](): string {
    return "Request";
  }

  #real(): Request {
    if (this.#made !== undefined) return this.#made;
    const { method, url, headers, signal } = this;
    const body = !this.#source.hasBody
      ? undefined
      : this.#isUsed
      ? new ReadableStream<Uint8Array>({ start: (controller) => controller.close() })
      : this.#source.stream();
    const init = { method, headers, signal, ...(body !== undefined && { body, duplex: "half" }) };
    this.#made = new Request(url, init as RequestInit);
    if (this.#isUsed) this.#made.body!.getReader().read(); // It is used as well.
    this.#headers = undefined;
    return this.#made;
  }
}

/**
 * A promise that may reject although nobody waits for it. Otherwise a client that leaves, or sends what
 * is no JSON, could end the program.
 */
function unheard<T>(promise: T): T {
  ignoreRejection(promise);
  return promise;
}

/** Makes a `Request`. */
export function webRequest(source: RequestSource): Request {
  return new WebRequest(source) as unknown as Request;
}
