import type { Coroutine } from "../../compose/mod.ts";
import { machinery } from "../../compose/_machinery.ts";
import { enter } from "../../gio/mod.ts";
import { pipe } from "../../pipeline/mod.ts";
import type { RequestOptions } from "./client_options.ts";
import type { HttpClient } from "./http_client.ts";
import type { HttpResponse } from "./http_response.ts";

/**
 * Options of {@linkcode HttpReader}.
 *
 * @category Client
 */
export interface HttpReaderOptions extends RequestOptions {
  /**
   * The method.
   *
   * @default {"POST" with a body, otherwise "GET"}
   */
  method?: string;
}

/**
 * Asks for a URL, and pushes the response into a coroutine or a pipeline, as it comes.
 *
 * What it is pushed into reads the body piece by piece with bare `yield`s, and gets EndOfStream when
 * the body is complete. What it yields goes to the connection, or to the innermost context, of the
 * coroutine that reads: so a handler can send on what a pipeline makes of a response.
 *
 * An error leaves the reader, and closes the pipeline through its `finally`s: if nobody can be
 * reached, if the response is malformed or ends too early, if a phase takes too long. A pipeline that
 * ends before the body does is right as well: the rest is not read.
 *
 * How long the server may be silent is in the option `timeouts`: `{ headMs: 1000, bodyMs: 1000 }`;
 * `timeoutMs` limits the whole.
 *
 * @example Counting lines while they arrive
 * ```ts
 * import { asProcess } from "@weightless/io/gio";
 * import { HttpClient, HttpReader } from "@weightless/io/http";
 * import { lines, pipe } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * function* count() {
 *   let count = 0;
 *   try {
 *     for (;; count++) yield;
 *   } finally {
 *     return count;
 *   }
 * }
 *
 * await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () =>
 *   new Response("one\ntwo\nthree\n"));
 * const counted = await asProcess(function* () {
 *   using client = new HttpClient();
 *   const reader = new HttpReader(client, `http://127.0.0.1:${server.addr.port}/`, {
 *     timeouts: { headMs: 1000, bodyMs: 1000 },
 *   });
 *   return yield* reader.into(pipe(lines(), count()));
 * }());
 * assertEquals(counted, 3);
 * ```
 *
 * @category Client
 */
export class HttpReader {
  readonly #client: HttpClient;
  readonly #url: string | URL;
  readonly #options: HttpReaderOptions;

  /**
   * Makes a reader. It asks when it is told into what.
   *
   * @param client The client whose connections are used.
   * @param url What to ask for: http or https.
   * @param options The method, the body and whatever a request may have.
   */
  constructor(client: HttpClient, url: string | URL, options: HttpReaderOptions = {}) {
    this.#client = client;
    this.#url = url;
    this.#options = options;
  }

  /**
   * Asks, and pushes the response into a sink: `const result = yield* call(reader.into(sink))`.
   *
   * @typeParam R What the sink returns.
   * @param sink A coroutine, such as a pipe, or a function that gets the response and gives one.
   * @returns A coroutine that gives what the sink returns.
   * @throws {RemoteProtocolError} If the server breaks the protocol, or the response is cut.
   * @throws {TimeoutError} If a phase takes too long.
   * @throws {TypeError} If the URL or an option makes no sense.
   * @throws What the sink throws.
   */
  *into<R>(sink: Coroutine<R> | ((response: HttpResponse) => Coroutine<R>)): Coroutine<R> {
    const { method, ...options } = this.#options;
    const asked = method ??
      (options.body === undefined && options.json === undefined ? "GET" : "POST");
    using response = yield* this.#client.request(asked, this.#url, options);
    return yield pipe(pieces(response), typeof sink === "function" ? sink(response) : sink);
  }
}

/** The body of a response, as the first stage of a pipe. */
function* pieces(response: HttpResponse): Coroutine<void> {
  for (;;) {
    let piece: unknown;
    {
      using _ = enter(response.context);
      piece = yield;
    }
    yield piece;
  }
}

machinery(import.meta.url, HttpReader.prototype.into, pieces);
