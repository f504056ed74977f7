import type { Request } from "../../compose/mod.ts";
import { currentDriver } from "../../gio/_driver.ts";
import type { Context } from "../../gio/mod.ts";
import type { ConnectionInfo } from "../connection_info.ts";
import type { Endpoint } from "./_endpoint.ts";
import type { Opened } from "./_handshake.ts";
import { Next, Ping, Receive, Send } from "./_operations.ts";
import { OutgoingContext } from "./_pieces.ts";
import type { MessageType } from "./_wire.ts";
import type { IncomingMessage } from "./incoming_message.ts";
import { OutgoingMessage } from "./outgoing_message.ts";
import { WebSocketEnd } from "./web_socket_end.ts";
import { WebSocketFault } from "./web_socket_fault.ts";

/**
 * One end of a WebSocket, of a server ({@linkcode accept}) or of a client
 * (`yield* client.webSocket(url)`).
 *
 * The coroutine that has opened it is in it: a bare `yield` gives the next message, a string or bytes,
 * and `yield message` sends one and waits until it may go. {@linkcode WebSocketEnd} is thrown at the
 * `yield` when the peer has closed it. It is closed when the coroutine ends, or at the end of the block
 * of `using socket = yield* accept(request)`.
 *
 * Other coroutines enter it: `using _ = socket.enter()`. Plain async code reads it by `for await`, and
 * writes by `await socket.send(message)`.
 *
 * @example Plain async code
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { wait } from "@weightless/io/gio";
 * import { HttpClient, type HttpRequest, HttpServer } from "@weightless/io/http";
 * import { accept, type WebSocketConnection } from "@weightless/io/http/websocket";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * async function shout(socket: WebSocketConnection): Promise<void> {
 *   for await (const message of socket) {
 *     if (typeof message === "string") await socket.send(message.toUpperCase());
 *   }
 * }
 *
 * function* handler(request: HttpRequest): Coroutine {
 *   const socket = yield* accept(request);
 *   yield* wait(shout(socket));
 * }
 *
 * using reactor = new Reactor();
 * using server = new HttpServer(reactor, { hostname: "127.0.0.1", port: 0, handler });
 * const running = reactor.run();
 * using client = new HttpClient();
 * const socket = await client.webSocket(server.url);
 * await socket.send("hello");
 * for await (const message of socket) {
 *   assertEquals(message, "HELLO");
 *   socket.close(); // ends the loop, when the server has answered
 * }
 * assertEquals((await socket.closed).code, 1000);
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category WebSocket
 */
export interface WebSocketConnection
  extends AsyncIterable<string | Uint8Array>, AsyncDisposable, Disposable {
  /** The subprotocol that was agreed on, if any. */
  readonly protocol: string | undefined;
  /** Whether messages may be compressed (RFC 7692). */
  readonly isCompressed: boolean;
  /** The addresses, and what is known of TLS. */
  readonly connection: ConnectionInfo;
  /** Whether messages can be sent. */
  readonly isOpen: boolean;
  /** The context, for `enter(socket.context)` and the like. */
  readonly context: Context;
  /**
   * Resolves when it is over, and never rejects: what the peer said last, or what is wrong with what it
   * has sent.
   */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /**
   * Makes it the innermost context of the running coroutine: bare `yield`s read messages, and what is
   * yielded is sent. One coroutine reads at a time; any number can write.
   *
   * @returns What leaves it, for `using`. It stays open.
   * @throws {TypeError} Outside of a coroutine that gio runs.
   */
  enter(): Disposable;
  /**
   * Waits for the next message: `const message = yield* socket.next()`. In a coroutine that is in it, a
   * bare `yield` is the same.
   *
   * @returns What to `yield*`, or to `await`: a string or bytes.
   * @throws {WebSocketEnd} When it is awaited, if there is no message any more: the peer has closed it, or the
   * connection is lost.
   * @throws {WebSocketFault} When it is awaited, if the peer has broken the protocol, or a limit.
   * @throws {TypeError} When it is awaited, if something else reads it.
   * @throws When it is awaited, the reason of the `signal` of the client.
   */
  next(): Request<string | Uint8Array> & Promise<string | Uint8Array>;
  /**
   * Waits for the next message, to read it piece by piece: `const message = yield* socket.receive()`.
   *
   * @returns What to `yield*`, or to `await`.
   * @throws {WebSocketEnd} When it is awaited, if there is no message any more: the peer has closed it, or the
   * connection is lost.
   * @throws {WebSocketFault} When it is awaited, if the peer has broken the protocol, or a limit.
   * @throws {TypeError} When it is awaited, if something else reads it.
   * @throws When it is awaited, the reason of the `signal` of the client.
   */
  receive(): Request<IncomingMessage> & Promise<IncomingMessage>;
  /**
   * Sends a message, and waits until there is room for another: `await socket.send("hello")`. In a
   * coroutine that is in it, `yield "hello"` is the same.
   *
   * @param message Text, or bytes, which must not be changed afterwards.
   * @returns What to `yield*`, or to `await`. Outside of coroutines it is sent at once. Nobody has to await
   * it: that the peer has closed it is no unhandled rejection then.
   * @throws {WebSocketEnd} When it is awaited, if the peer has closed it, or the connection is lost.
   * @throws {WebSocketFault} When it is awaited, if the peer has broken the protocol, or a limit.
   * @throws {LocalProtocolError} When it is awaited, if this side has closed it.
   * @throws {TypeError} When it is awaited, if the message is neither text nor bytes.
   * @throws When it is awaited, the reason of the `signal` of the client.
   */
  send(message: string | Uint8Array): Request<void> & Promise<void>;
  /**
   * Begins a message that is sent piece by piece: `using _ = socket.stream("binary").enter()`.
   *
   * @param type Whether it is text or bytes.
   * @returns The message.
   */
  stream(type: MessageType): OutgoingMessage;
  /**
   * Sends a Ping, and waits for the answer: `const ms = yield* socket.ping()`. There are automatic ones
   * as well, see {@linkcode WebSocketTimeouts}.
   *
   * @returns What to `yield*`, or to `await`: the time that it took, in milliseconds.
   * @throws {WebSocketEnd} When it is awaited, if the peer has closed it, or the connection is lost.
   * @throws {WebSocketFault} When it is awaited, if the peer has broken the protocol, or a limit.
   * @throws {LocalProtocolError} When it is awaited, if this side has closed it.
   * @throws When it is awaited, the reason of the `signal` of the client.
   */
  ping(): Request<number> & Promise<number>;
  /**
   * Says that all was said. What was sent before goes out first. What the peer still sends is dropped.
   *
   * @param code Why, as RFC 6455 7.4 says: 1000, 1001, 1003, 1007 to 1014, or 3000 to 4999: those from
   * 4000 on are for codes of your own.
   * @param reason More about that, of at most 123 bytes in UTF-8.
   * @throws {RangeError} If the code cannot be sent, or the reason is too long.
   */
  close(code?: number, reason?: string): void;
  /** Aborts the connection. The peer sees that as a loss. */
  abort(): void;
  /** The messages that come, as a stream. */
  readonly readable: ReadableStream<string | Uint8Array>;
  /** Sends each message that is written. To close it closes the WebSocket. */
  readonly writable: WritableStream<string | Uint8Array>;
}

/** What {@linkcode WebSocketConnection} is. */
export class OpenWebSocket implements WebSocketConnection {
  readonly context: Endpoint;
  readonly protocol: string | undefined;
  readonly isCompressed: boolean;
  readonly connection: ConnectionInfo;
  /** Leaves the context for the coroutine that has opened it. */
  readonly #entered: { leave(): void };
  #closed: Promise<{ code: number; reason: string }> | undefined = undefined;
  #readable: ReadableStream<string | Uint8Array> | undefined = undefined;
  #writable: WritableStream<string | Uint8Array> | undefined = undefined;

  constructor(
    endpoint: Endpoint,
    { protocol, compression }: Opened,
    connection: ConnectionInfo,
    entered: { leave(): void },
  ) {
    this.context = endpoint;
    this.protocol = protocol;
    this.isCompressed = compression !== undefined;
    this.connection = connection;
    this.#entered = entered;
  }

  get isOpen(): boolean {
    return this.context.isOpen;
  }

  get closed(): Promise<{ code: number; reason: string }> {
    return this.#closed ??= new Promise((resolve) => {
      this.context.whenOver(() => {
        const { reason: end, wire } = this.context;
        if (wire.closed !== undefined) return resolve(wire.closed);
        const isTold = end instanceof WebSocketEnd || end instanceof WebSocketFault;
        const { code, reason } = isTold ? end : new WebSocketEnd(1006);
        resolve({ code, reason });
      });
    });
  }

  enter(): Disposable {
    return currentDriver("enter()").enter(this.context);
  }

  next(): Request<string | Uint8Array> & Promise<string | Uint8Array> {
    return new Next(this.context).beginAlone();
  }

  receive(): Request<IncomingMessage> & Promise<IncomingMessage> {
    return new Receive(this.context).beginAlone();
  }

  send(message: string | Uint8Array): Request<void> & Promise<void> {
    return new Send(this.context, message).giveAlone();
  }

  stream(type: MessageType): OutgoingMessage {
    const { context } = this;
    return new OutgoingMessage(type, new OutgoingContext(context, type), context.reactor);
  }

  ping(): Request<number> & Promise<number> {
    return new Ping(this.context).beginAlone();
  }

  close(code: number = 1000, reason: string = ""): void {
    this.context.shut(code, reason);
  }

  abort(): void {
    this.context.abort();
  }

  get readable(): ReadableStream<string | Uint8Array> {
    return this.#readable ??= new ReadableStream({
      pull: async (controller) => {
        const { value, done } = await this.#next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
  }

  get writable(): WritableStream<string | Uint8Array> {
    return this.#writable ??= new WritableStream({
      write: (message) => this.send(message),
      close: async () => {
        this.close();
        await this.closed;
      },
      abort: () => this.close(1011),
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string | Uint8Array, void> {
    for (;;) {
      const { value, done } = await this.#next();
      if (done) return;
      yield value;
    }
  }

  /** A loss is no end: what has come is not all. */
  async #next(): Promise<
    { value: string | Uint8Array; done: false } | { value?: undefined; done: true }
  > {
    try {
      return { value: await this.next(), done: false };
    } catch (error) {
      if (error instanceof WebSocketEnd && error.code !== 1006) return { done: true };
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#entered.leave();
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    await this.closed;
  }
}
