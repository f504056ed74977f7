import type { Coroutine } from "../../compose/mod.ts";
import { Channel } from "../../gio/_channel.ts";
import { currentDriver } from "../../gio/_driver.ts";
import { asProcess, type Context, gio, open } from "../../gio/mod.ts";
import { type Receiver, splice, TransferError, type Transferred } from "../../reactor/mod.ts";
import { latin1 } from "../_characters.ts";
import { checkFunction } from "../_check_function.ts";
import type { ConnectionInfo } from "../connection_info.ts";
import { decompress } from "../content/decompress.ts";
import { gather, MAX_BYTES } from "../_gather.ts";
import { HttpHeaders } from "../http_headers.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { BodyContext } from "./_body_context.ts";
import type { Carrier, ResponseHead } from "./_carrier.ts";
import { DecodedContext } from "./_decoded_context.ts";
import type { Pool } from "./_pool.ts";

const decoder = new TextDecoder();

/** What a response is made of. */
export interface ResponseParts {
  readonly head: ResponseHead;
  /** The body; or what has come of another protocol, if that has begun. */
  readonly body: BodyContext | Uint8Array;
  readonly carrier: Carrier;
  /** The method and the URL, for messages. */
  readonly what: string;
  readonly href: string;
  readonly redirects: readonly string[];
  readonly decodes: boolean;
  readonly maxDecodedBytes: number;
  readonly pool: Pool;
}

/**
 * Options of {@linkcode HttpResponse.saveTo}: those of `Deno.open`, such as `append`, and `onProgress`.
 *
 * @category Client
 */
export interface SaveOptions extends Deno.OpenOptions {
  /** Called each time bytes have been written, always with the same object. */
  onProgress?: (transferred: Transferred) => void;
}

/**
 * A coroutine that can be awaited as well, outside of coroutines.
 *
 * @category Client
 */
export type Awaitable<R> = Coroutine<R> & Promise<R>;

/**
 * A response, when its head has come.
 *
 * Its body is read by bare `yield`s inside `using _ = response.enter()`, or by
 * {@linkcode HttpResponse.text} and the like, or moved by `splice(response, to)`. It is read as it
 * arrives, and no faster than it is wanted. It is whole, or an error: a body that was cut is never
 * taken for a short one.
 *
 * A response belongs to the coroutine that has asked for it, and ends with it. Outside of coroutines
 * read its body to the end, or write `using response = await client.get(url)`.
 *
 * @example Piece by piece
 * ```ts
 * import { asProcess, EndOfStream } from "@weightless/io/gio";
 * import { HttpClient } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = Deno.serve({ port: 0, onListen() {} }, () => new Response("Hello!"));
 * using client = new HttpClient();
 * const size = await asProcess(function* () {
 *   const response = yield* client.get(`http://127.0.0.1:${server.addr.port}/`);
 *   let size = 0;
 *   using _ = response.enter();
 *   try {
 *     for (;;) size += (yield).length;
 *   } catch (error) {
 *     if (!(error instanceof EndOfStream)) throw error;
 *   }
 *   return size;
 * }());
 * assertEquals(size, 6);
 * ```
 *
 * @category Client
 */
export interface HttpResponse extends Disposable {
  /** The status (RFC 9110 15). */
  readonly status: number;
  /** The version of HTTP. */
  readonly version: "1.0" | "1.1" | "2";
  /** The header lines. If the body is decoded, they still tell what was sent. */
  readonly headers: HttpHeaders;
  /** The connection on which it has come. */
  readonly connection: ConnectionInfo;
  /** Whether the connection was used for other requests before. */
  readonly isReused: boolean;
  /**
   * Where the body is read from. After 101, and 2xx to CONNECT, it is the connection itself, or the
   * stream of HTTP/2, both ways.
   */
  readonly context: Context & Receiver;
  /** What was asked last, after all redirections. */
  readonly url: URL;
  /** What was asked before, and redirected. */
  readonly redirects: URL[];
  /** The reason phrase, which means nothing (RFC 9112 4). */
  readonly reason: string;
  /** Whether the status is 200 to 299. */
  readonly ok: boolean;
  /** The trailers, when the whole body has been read. It is undefined if there are none. */
  readonly trailers: HttpHeaders | undefined;
  /**
   * Enters the body until the end of the block, where what was not read is dropped:
   * `using _ = response.enter()`. The bare `yield`s of the coroutine read the body meanwhile.
   *
   * @returns What leaves the body when it is disposed.
   * @throws {TypeError} If no coroutine of gio runs; or if the body is being read, or was read or
   * closed before.
   */
  enter(): Disposable;
  /**
   * Reads the rest of the body: `const bytes = yield* call(response.bytes())`, or `await` it.
   *
   * @param maxBytes How many bytes it reads at most: 16 MiB unless given. `Infinity` turns the limit
   * off.
   * @returns The bytes. You may keep them.
   * @throws {RemoteProtocolError} If there is more, or the body is malformed or was cut.
   * @throws {TypeError} If the body is being read, or was read or closed before.
   * @throws {RangeError} If `maxBytes` is no whole number, or Infinity.
   */
  bytes(maxBytes?: number): Awaitable<Uint8Array<ArrayBuffer>>;
  /**
   * Reads the rest of the body as text in UTF-8: `const text = yield* call(response.text())`, or
   * `await` it.
   *
   * @param maxBytes How many bytes it reads at most: 16 MiB unless given. `Infinity` turns the limit
   * off.
   * @returns The text. What is not UTF-8 becomes U+FFFD.
   * @throws {RemoteProtocolError} If there is more, or the body is malformed or was cut.
   * @throws {TypeError} If the body is being read, or was read or closed before.
   * @throws {RangeError} If `maxBytes` is no whole number, or Infinity.
   */
  text(maxBytes?: number): Awaitable<string>;
  /**
   * Reads the rest of the body as JSON: `const order: Order = yield* call(response.json())`, or
   * `await` it.
   *
   * @param maxBytes How many bytes it reads at most: 16 MiB unless given. `Infinity` turns the limit
   * off.
   * @returns The value. Its type is not checked.
   * @throws {RemoteProtocolError} If it is no JSON, if there is more, or the body is malformed or was
   * cut.
   * @throws {TypeError} If the body is being read, or was read or closed before.
   * @throws {RangeError} If `maxBytes` is no whole number, or Infinity.
   */
  // deno-lint-ignore no-explicit-any
  json(maxBytes?: number): Awaitable<any>;
  /**
   * Writes the rest of the body to a file: `yield* call(response.saveTo(path))`, or `await` it. The
   * kernel moves it, if possible. After an error a part is there.
   *
   * @param path The file, which is made, or emptied if it is there.
   * @param options How the file is opened, and who is told of the progress.
   * @returns How many bytes were written.
   * @throws {RemoteProtocolError} If the body is malformed or was cut.
   * @throws {TypeError} If the body is being read, or was read or closed before.
   * @throws Whatever `Deno.open` throws, or writing to the file.
   */
  saveTo(path: string | URL, options?: SaveOptions): Awaitable<number>;
  /**
   * Reads the rest of the body as a stream of the Web platform.
   *
   * @returns The stream. To cancel it closes the response. It fails with a
   * {@linkcode RemoteProtocolError} if the body is malformed or was cut.
   * @throws {TypeError} If the body is being read, or was read or closed before.
   */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * Drops the rest of the body. If there is little of it, the connection can be used again, otherwise
   * it is closed.
   */
  close(): void;
}

/** What {@linkcode HttpResponse} is for the client. */
export class ReceivedResponse implements HttpResponse {
  readonly status: number;
  readonly version: "1.0" | "1.1" | "2";
  readonly headers: HttpHeaders;
  readonly connection: ConnectionInfo;
  readonly isReused: boolean;
  readonly context: Context & Receiver;
  readonly #href: string;
  readonly #redirects: readonly string[];
  readonly #reason: string;
  /** Whether somebody reads it, or has read it. */
  #isClaimed = false;
  readonly #what: string;
  readonly #body: BodyContext | undefined;
  readonly #pool: Pool;

  constructor(parts: ResponseParts) {
    const { head, body, carrier, what, href, redirects, decodes, maxDecodedBytes, pool } = parts;
    const { bytes, headersFrom, headersTo, reasonFrom, reasonTo } = head;
    this.status = head.status;
    this.version = head.version;
    this.headers = new HttpHeaders(bytes, headersFrom, headersTo);
    this.#reason = reasonFrom === reasonTo ? "" : latin1(bytes, reasonFrom, reasonTo);
    this.#what = what;
    this.#href = href;
    this.#redirects = redirects;
    this.connection = carrier.info;
    this.isReused = carrier.isReused;
    this.#pool = pool;
    if (body instanceof BodyContext) {
      this.#body = body;
      const codings = decodes ? this.headers.get("content-encoding") : undefined;
      this.context = codings === undefined ? body : decoded(body, codings, maxDecodedBytes);
    } else {
      this.#body = undefined;
      const { tunnel } = carrier;
      this.context = tunnel;
      if (body.length > 0) Channel.of(tunnel).unread([body]);
    }
  }

  get url(): URL {
    return new URL(this.#href);
  }

  get redirects(): URL[] {
    return this.#redirects.map((href) => new URL(href));
  }

  get reason(): string {
    return this.#reason;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get trailers(): HttpHeaders | undefined {
    return this.#body?.trailers;
  }

  /** Whether everything has arrived. */
  get isWhole(): boolean {
    return this.#body?.isWhole ?? false;
  }

  enter(): Disposable {
    const driver = currentDriver("enter()");
    this.#claim();
    return driver.enter(this.context, () => this.close());
  }

  /** It is read once, by one reader. */
  #claim(): void {
    if (this.#isClaimed || this.context.closed || this.#body?.isBeingRead) {
      throw new TypeError(
        `Cannot read the body of the response to ${this.#what}: it is being read, or was read or closed before; read it once and keep what comes`,
      );
    }
    this.#isClaimed = true;
  }

  bytes(maxBytes?: number): Awaitable<Uint8Array<ArrayBuffer>> {
    return this.#reading(maxBytes, asBytes);
  }

  text(maxBytes?: number): Awaitable<string> {
    return this.#reading(maxBytes, asText);
  }

  // deno-lint-ignore no-explicit-any
  json(maxBytes?: number): Awaitable<any> {
    return this.#reading(maxBytes, asJson);
  }

  saveTo(path: string | URL, options?: SaveOptions): Awaitable<number> {
    const saving = this.#saveTo(path, options);
    return awaitable(saving, () => this.#run(saving));
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#claim();
    const { context } = this;
    const { reactor, own } = this.#pool;
    // After an Upgrade, something may have come with the head.
    const arrived = [...Channel.of(context).takeRest()] as Uint8Array<ArrayBuffer>[];
    const isReadable = () =>
      new Promise<void>((resolve) => {
        reactor.addReader(context, () => {
          reactor.removeReader(context);
          resolve();
        });
      });
    return new ReadableStream({
      pull: async (controller) => {
        for (;;) {
          const piece = arrived.shift() ??
            context.recv() as Uint8Array<ArrayBuffer> | null | undefined;
          if (piece === null) return controller.close();
          if (piece !== undefined) return controller.enqueue(piece);
          await (own === undefined ? isReadable() : own.attend(isReadable()));
        }
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
  }

  close(): void {
    this.context.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #reading<R>(maxBytes: number | undefined, convert: Convert<R>): Awaitable<R> {
    const reading = this.#read(maxBytes, convert);
    return awaitable(reading, async () => {
      const bytes = this.#take(maxBytes);
      return bytes === undefined ? await this.#run(reading) : convert(bytes);
    });
  }

  *#read<R>(maxBytes: number | undefined, convert: Convert<R>): Coroutine<R> {
    return convert(this.#take(maxBytes) ?? (yield* this.#gather(maxBytes)));
  }

  *#saveTo(path: string | URL, options: SaveOptions = {}): Coroutine<number> {
    const { onProgress, ...opening } = options;
    if (onProgress !== undefined) checkFunction(onProgress, "save a response", "onProgress");
    this.#claim();
    using file = open(path, {
      write: true,
      create: true,
      truncate: opening.append !== true,
      ...opening,
    });
    try {
      const { bytes } = yield* splice(this, file, onProgress && { onProgress });
      return bytes;
    } catch (error) {
      // What is wrong with a response is told in the same way, however it is read.
      throw error instanceof TransferError && error.side === "from" ? error.cause : error;
    } finally {
      this.close();
    }
  }

  /** The rest of the body, if it is here: nobody must wait for it, and to enter it takes longer. */
  #take(maxBytes: number = MAX_BYTES): Uint8Array<ArrayBuffer> | undefined {
    const body = this.#body;
    if (body === undefined || body !== this.context || !Number.isSafeInteger(maxBytes)) {
      return undefined;
    }
    if (this.#isClaimed) return undefined;
    const bytes = body.takeWhole(maxBytes) as Uint8Array<ArrayBuffer> | undefined;
    if (bytes !== undefined) this.#isClaimed = true;
    return bytes;
  }

  *#gather(maxBytes: number | undefined): Coroutine<Uint8Array<ArrayBuffer>> {
    const isHere = currentDriver("text()").lending.innermost === this.context;
    using _ = isHere ? undefined : this.enter();
    return yield* gather(maxBytes, 502);
  }

  #run<R>(coroutine: Coroutine<R>): Promise<R> {
    const { reactor, own } = this.#pool;
    if (reactor.isShutDown) return asProcess(coroutine); // There is nothing to wait for.
    const { result } = gio(reactor, undefined, coroutine);
    return own === undefined ? result : own.attend(result);
  }
}

/** Makes something of a whole body, which may be a view of what was received. */
type Convert<R> = (bytes: Uint8Array<ArrayBuffer>) => R;

function asBytes(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  // A view would keep everything that was received with it.
  return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
}

function asText(bytes: Uint8Array<ArrayBuffer>): string {
  return decoder.decode(bytes);
}

function asJson(bytes: Uint8Array<ArrayBuffer>): unknown {
  try {
    return JSON.parse(asText(bytes));
  } catch (cause) {
    throw new RemoteProtocolError("Cannot read the body: it is not JSON", { cause, status: 502 });
  }
}

/** A coroutine that is run by `run` when it is awaited. */
export function awaitable<R>(coroutine: Coroutine<R>, run: () => Promise<R>): Awaitable<R> {
  const result = coroutine as unknown as { -readonly [K in keyof Promise<R>]: Promise<R>[K] };
  let promise: Promise<R> | undefined;
  const begun = () => promise ??= run();
  result.then = (resolve, reject) => begun().then(resolve, reject);
  result.catch = (reject) => begun().catch(reject);
  result.finally = (act) => begun().finally(act);
  return coroutine as Awaitable<R>;
}

/** The body as it is meant; as it is sent if it has a coding that nobody has asked for. */
function decoded(
  body: BodyContext,
  codings: string,
  maxBytes: number,
): BodyContext | DecodedContext {
  let stage: Coroutine<void>;
  try {
    stage = decompress(codings, { maxBytes });
  } catch (error) {
    if (error instanceof RemoteProtocolError) return body;
    throw error;
  }
  return new DecodedContext(body, stage);
}
