import { Channel } from "../../gio/_channel.ts";
import { currentDriver, runningDriver } from "../../gio/_driver.ts";
import type { Context } from "../../gio/mod.ts";
import { OwnedContext } from "../../gio/opened.ts";
import type { Reactor, Sender } from "../../reactor/mod.ts";
import type { MessageType } from "./_wire.ts";

/**
 * A message of a WebSocket that is sent piece by piece, in fragments (RFC 6455 5.4). It may be of any
 * size. {@linkcode WebSocketConnection.stream} gives it.
 *
 * In a coroutine, `using _ = message.enter()`: what is yielded is sent, and the message ends with the
 * block. It is also what a transfer can write to: `yield* splice(from, message)`, and then
 * `message.close()`. Elsewhere, {@linkcode OutgoingMessage.writable} is a stream. Other messages wait
 * until this one has ended.
 *
 * A message that cannot be finished can only be cut: `message.abort()` closes the WebSocket with
 * code 1011. An error that leaves the coroutine does so too. If you catch it, call `abort()` before the end
 * of the block: there the message ends, and the peer takes what it has got for all.
 *
 * @example Rows as one message
 * ```ts
 * import { asProcess } from "@weightless/io/gio";
 * import { HttpClient, HttpServer } from "@weightless/io/http";
 * import { accept } from "@weightless/io/http/websocket";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * using server = new HttpServer(reactor, {
 *   hostname: "127.0.0.1",
 *   port: 0,
 *   *handler(request) {
 *     const socket = yield* accept(request);
 *     {
 *       using _ = socket.stream("text").enter();
 *       for (let row = 1; row <= 3; row++) yield `row ${row}\n`; // waits while the client does not read
 *     }
 *     yield "another message";
 *   },
 * });
 * const running = reactor.run();
 * const messages = await asProcess(function* () {
 *   using client = new HttpClient();
 *   yield* client.webSocket(server.url);
 *   return [yield, yield];
 * }());
 * assertEquals(messages, ["row 1\nrow 2\nrow 3\n", "another message"]);
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category WebSocket
 */
export class OutgoingMessage implements Disposable {
  /** Whether the peer gets a text or bytes. Text may be written as bytes in UTF-8 too. */
  readonly type: MessageType;
  /** Where it is written to: by `splice(from, message)` for example. */
  readonly context: Context & Sender & {
    /** Whether all of it was written, sent or not. */
    isComplete: boolean;
    /** Whether some of it was. */
    hasBegun: boolean;
  };
  readonly #owned: OwnedContext;

  /**
   * For {@linkcode WebSocketConnection.stream}.
   *
   * @param type Whether the peer gets a text or bytes.
   * @param context Where it is written to.
   * @param reactor That of the connection.
   */
  constructor(type: MessageType, context: OutgoingMessage["context"], reactor: Reactor) {
    this.type = type;
    this.context = context;
    this.#owned = new OwnedContext(context, reactor);
    runningDriver()?.own.own(this.#owned);
  }

  /**
   * Enters it until the end of the block, where the message ends.
   *
   * @returns What leaves it, for `using`.
   * @throws {TypeError} Outside of a coroutine that gio runs.
   */
  enter(): Disposable {
    return currentDriver("enter()").enter(this.context, () => this.close());
  }

  /** The message as a stream, for plain async code. Closing it ends the message. */
  get writable(): WritableStream<string | Uint8Array> {
    const { context } = this;
    const encoder = new TextEncoder();
    return new WritableStream({
      write: async (piece) => {
        let bytes = typeof piece === "string" ? encoder.encode(piece) : piece;
        while (bytes.length > 0) {
          bytes = bytes.subarray(context.send(bytes));
          await new Promise<void>((resolve) => context.watch("write", resolve));
        }
      },
      close: () => this.close(),
      abort: () => context.abort?.(),
    });
  }

  /**
   * Ends the message, when all that was written has been sent. In a coroutine that was cancelled, and after
   * a transfer that was cut, it ends the WebSocket instead by code 1011: a part must not look whole.
   */
  close(): void {
    this.context.isComplete = true;
    this.#owned.end(runningDriver()?.isClosing ?? false);
  }

  /** Ends the WebSocket by code 1011, because the message will not be whole. */
  abort(): void {
    const { context } = this;
    if (Channel.has(context)) {
      // What a coroutine has yielded, and has not been sent, is part of what is cut.
      const { outbox } = Channel.of(context);
      context.hasBegun ||= outbox.size > 0;
      outbox.clear();
    }
    context.abort?.();
  }

  /** As {@linkcode OutgoingMessage.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
