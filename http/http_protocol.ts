import { call, type Coroutine } from "../compose/mod.ts";
import { Observable } from "../pipeline/mod.ts";
import { errorAnswer } from "./_error_answer.ts";
import { Connection } from "./_connection.ts";
import { type Settings, settingsOf } from "./_settings.ts";
import { isUnanswered } from "./_unanswered.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { HttpHandler, HttpProtocolOptions } from "./http_handler.ts";
import type { HttpRequest } from "./http_request.ts";

/**
 * The messages of {@linkcode HttpProtocol}.
 *
 * @category Components
 */
export interface HttpProtocolMessages {
  /**
   * Answers a request, as any handler does. If it throws `DeclineMessage`, the next observer is
   * asked.
   */
  processRequest: HttpHandler;
}

/**
 * HTTP as a component: it speaks HTTP on the connections of a {@linkcode Server}, and asks its
 * observers for the answers.
 *
 * Each request is a message `processRequest(request)`, sent with `any`: the first observer that can
 * answer does. If none can, the answer is 404.
 *
 * @example The whole server as DNA
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { HttpProtocol, type HttpRequest, ok, Server } from "@weightless/io/http";
 * import { be, Observable } from "@weightless/io/pipeline";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * class HelloWorld extends Observable {
 *   *processRequest(request: HttpRequest): Coroutine {
 *     yield ok({ "content-type": "text/plain" });
 *     yield `Hello ${request.path}!`;
 *   }
 * }
 *
 * using reactor = new Reactor();
 * const server = be([
 *   new Server(reactor, { hostname: "127.0.0.1", port: 0 }),
 *   [new HttpProtocol(), [new HelloWorld()]],
 * ]);
 * const running = reactor.run();
 * const answer = await fetch(new URL("/world", server.url));
 * assertEquals(await answer.text(), "Hello /world!");
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category Components
 */
export class HttpProtocol extends Observable<HttpProtocolMessages> {
  readonly #settings: Settings;

  /**
   * Makes a component that speaks HTTP.
   *
   * @param options Limits, timeouts and the like, as for {@linkcode serveHttp}.
   * @throws {TypeError} If an option does not exist, or makes no sense.
   * @throws {RangeError} If a limit or a timeout is not a number that makes sense.
   */
  constructor(options: HttpProtocolOptions = {}) {
    super();
    this.#settings = settingsOf(options);
  }

  /**
   * Speaks HTTP on one connection: answers the message of {@linkcode Server}.
   *
   * @param info What is known of the connection. Requests show it; in a test it may be missing.
   * @returns The coroutine for the connection. It reads and yields bytes, as that of
   * {@linkcode serveHttp}.
   */
  processConnection(info?: ConnectionInfo): Coroutine {
    const connection: Connection = new Connection(
      (request) => this.#process(request, connection),
      this.#settings,
      info,
    );
    return connection.run();
  }

  *#process(request: HttpRequest, connection: Connection): Coroutine {
    try {
      yield* call(this.any.processRequest(request));
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      const [head, body] = errorAnswer(
        this.#settings.errorHandler,
        { status: 404, message: "Not Found", request },
        undefined,
        (failure) => connection.report(failure, request),
      );
      yield head;
      yield body;
    }
  }
}
