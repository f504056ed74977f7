/** What one waits for at a WebSocket, in a coroutine or elsewhere. */
import { Channel, type User } from "../../gio/_channel.ts";
import { Operation } from "../../gio/_operation.ts";
import { ignore } from "../../reactor/_ignore.ts";
import type { Reactor } from "../../reactor/mod.ts";
import type { Endpoint, PieceReader, Pinging } from "./_endpoint.ts";
import { IncomingContext } from "./_pieces.ts";
import { IncomingMessage } from "./incoming_message.ts";
import { WebSocketEnd } from "./web_socket_end.ts";

/** The end of a WebSocket is nobody's fault. */
abstract class Waiting<R> extends Operation<R> {
  protected override isExpected(error: unknown): boolean {
    return error instanceof WebSocketEnd;
  }
}

/** Sends one message, and waits until there is room for another. */
export class Send extends Waiting<void> implements User {
  readonly reactor: Reactor;
  readonly #endpoint: Endpoint;
  readonly #message: string | Uint8Array;
  #isAccepted = false;
  /** The end of the WebSocket need not be told any more. */
  #forget: () => void = ignore;

  constructor(endpoint: Endpoint, message: string | Uint8Array) {
    super();
    this.reactor = endpoint.reactor;
    this.#endpoint = endpoint;
    this.#message = message;
  }

  received(): void {}

  sendable(): void {
    try {
      if (!this.#step()) return;
    } catch (error) {
      this.#leave();
      return this.fail(error);
    }
    this.#leave();
    this.succeed(undefined);
  }

  protected override get name(): string {
    return "send()";
  }

  protected override try(): boolean {
    if (!this.#step()) {
      Channel.of(this.#endpoint).await(this);
      this.#forget = this.#endpoint.whenOver(() => this.sendable());
      return false;
    }
    this.succeed(undefined);
    return true;
  }

  protected override undo(): void {
    this.#leave();
  }

  /** Returns whether it is done. */
  #step(): boolean {
    const endpoint = this.#endpoint;
    const isTurn = !endpoint.isOpen || Channel.of(endpoint).isTurnOf(this);
    this.#isAccepted ||= isTurn && endpoint.put(this.#message);
    return this.#isAccepted && endpoint.flush() && endpoint.writable;
  }

  #leave(): void {
    this.#forget();
    this.#forget = ignore;
    Channel.of(this.#endpoint).leave(this);
  }
}

/** Waits for the next whole message. */
export class Next extends Waiting<string | Uint8Array> implements User {
  readonly reactor: Reactor;
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    super();
    this.reactor = endpoint.reactor;
    this.#endpoint = endpoint;
  }

  received(how: "next" | "throw", value: unknown): void {
    if (how === "throw") this.fail(value);
    else this.succeed(value as string | Uint8Array);
  }

  sendable(): void {}

  protected override get name(): string {
    return "the next message";
  }

  protected override try(): boolean {
    const channel = Channel.of(this.#endpoint);
    const [first, ...rest] = channel.rest;
    if (first !== undefined) channel.rest = rest;
    const message = (first ?? channel.take(this)) as string | Uint8Array | undefined;
    if (message === undefined) channel.read(this);
    else this.succeed(message);
    return message !== undefined;
  }

  protected override undo(): void {
    Channel.of(this.#endpoint).forget(this);
  }
}

/** Waits for the beginning of the next message. */
export class Receive extends Waiting<IncomingMessage> implements PieceReader {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    super();
    this.#endpoint = endpoint;
  }

  notify(): void {
    try {
      this.#begin();
    } catch (error) {
      this.fail(error);
    }
  }

  protected override get name(): string {
    return "receive()";
  }

  protected override try(): boolean {
    const channel = Channel.of(this.#endpoint);
    channel.expectNoOther(undefined);
    channel.stopIdleReading();
    return this.#begin();
  }

  protected override undo(): void {
    this.#endpoint.giveBack(this);
  }

  #begin(): boolean {
    const endpoint = this.#endpoint;
    const type = endpoint.begin(this);
    if (type === undefined) return false;
    const context = new IncomingContext(endpoint);
    endpoint.handOver(this, context);
    this.succeed(new IncomingMessage(type, context));
    return true;
  }
}

/** How many Pings were sent by ping(). Their number is their payload. */
let pings = 0;

/** Waits for the answer to a Ping. Gives the time that it took, in milliseconds. */
export class Ping extends Waiting<number> implements Pinging {
  readonly payload: Uint8Array = new Uint8Array(4);
  readonly #endpoint: Endpoint;
  #begun = 0;
  #forget: () => void = ignore;

  constructor(endpoint: Endpoint) {
    super();
    this.#endpoint = endpoint;
    new DataView(this.payload.buffer).setUint32(0, pings = (pings + 1) >>> 0);
  }

  answered(): void {
    this.succeed(this.#endpoint.reactor.clock.now() - this.#begun);
  }

  failed(error: unknown): void {
    this.fail(error);
  }

  protected override get name(): string {
    return "ping()";
  }

  protected override try(): boolean {
    this.#begun = this.#endpoint.reactor.clock.now();
    this.#forget = this.#endpoint.ping(this);
    return false;
  }

  protected override undo(): void {
    this.#forget();
  }
}
