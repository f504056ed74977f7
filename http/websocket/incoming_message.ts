import { currentDriver } from "../../gio/_driver.ts";
import type { Context } from "../../gio/mod.ts";
import type { Receiver } from "../../reactor/mod.ts";
import type { MessageType } from "./_wire.ts";

/**
 * A message of a WebSocket that is read piece by piece, while it arrives. It may be of any size: nothing
 * of it is kept. {@linkcode WebSocketConnection.receive} gives it.
 *
 * In a coroutine, `using _ = message.enter()`: bare `yield`s give its pieces, and throw EndOfStream at
 * its end. It is also what a transfer can read from: `yield* splice(message, to)`. Elsewhere,
 * {@linkcode IncomingMessage.stream} gives it as a stream. The next message comes when this one was
 * read to its end, or closed. If it is cut, a {@linkcode RemoteProtocolError} is thrown instead of
 * EndOfStream.
 *
 * @example A message of any size, in a file
 * ```ts
 * import { asProcess, open } from "@weightless/io/gio";
 * import { HttpClient, HttpServer } from "@weightless/io/http";
 * import { accept } from "@weightless/io/http/websocket";
 * import { Reactor, splice } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * using reactor = new Reactor();
 * using server = new HttpServer(reactor, {
 *   hostname: "127.0.0.1",
 *   port: 0,
 *   *handler(request) {
 *     const socket = yield* accept(request);
 *     const message = yield* socket.receive();
 *     using file = open(path, { write: true });
 *     yield* splice(message, file);
 *     yield `A ${message.type} message was saved`;
 *   },
 * });
 * const running = reactor.run();
 * const answer = await asProcess(function* () {
 *   using client = new HttpClient();
 *   yield* client.webSocket(server.url);
 *   yield "a long text";
 *   return yield;
 * }());
 * assertEquals(answer, "A text message was saved");
 * assertEquals(await Deno.readTextFile(path), "a long text");
 * await Deno.remove(path);
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category WebSocket
 */
export class IncomingMessage implements Disposable {
  /** Whether its pieces are strings or bytes. */
  readonly type: MessageType;
  /** Where it is read from: by `splice(message, to)` for example. */
  readonly context: Context & Receiver;

  /**
   * For {@linkcode WebSocketConnection.receive}.
   *
   * @param type Whether its pieces are strings or bytes.
   * @param context Where it is read from.
   */
  constructor(type: MessageType, context: Context & Receiver) {
    this.type = type;
    this.context = context;
  }

  /**
   * Enters it until the end of the block. What is left of it then is dropped.
   *
   * @returns What leaves it, for `using`.
   * @throws {TypeError} Outside of a coroutine that gio runs.
   */
  enter(): Disposable {
    return currentDriver("enter()").enter(this.context, () => this.close());
  }

  /**
   * Gives the pieces as a stream, for plain async code.
   *
   * @returns A stream of strings or bytes. Cancel it to drop the rest.
   */
  stream(): ReadableStream<string | Uint8Array> {
    const { context } = this;
    return new ReadableStream({
      pull: async (controller) => {
        for (;;) {
          const piece = context.recv() as string | Uint8Array | null | undefined;
          if (piece === null) return controller.close();
          if (piece !== undefined) return controller.enqueue(piece);
          await new Promise<void>((resolve) => context.watch("read", resolve));
        }
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
  }

  /** Drops what is left of it. */
  close(): void {
    this.context.close();
  }

  /** As {@linkcode IncomingMessage.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
