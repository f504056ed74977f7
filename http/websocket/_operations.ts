/** What one waits for at a WebSocket, in a coroutine or elsewhere. */
import { Channel, type User } from "../../gio/_channel.ts";
import { isInCoroutine, runningDriver } from "../../gio/_driver.ts";
import { Operation } from "../../gio/_operation.ts";
import { ignore } from "../../reactor/_ignore.ts";
import type { Reactor } from "../../reactor/mod.ts";
import type { Endpoint, PieceReader } from "./_endpoint.ts";
import type { Pinging } from "./_heartbeat.ts";
import { IncomingContext } from "./_pieces.ts";
import type { Message } from "./_wire.ts";
import { IncomingMessage } from "./incoming_message.ts";

abstract class Waiting<R> extends Operation<R> {
  protected readonly endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    super();
    this.endpoint = endpoint;
  }

  /** That the WebSocket has ended is told at its next use, and by `closed`. */
  protected override isExpected(error: unknown): boolean {
    return !this.endpoint.isOpen && !(error instanceof TypeError);
  }
}

/** Sends one message, and waits until there is room for another. */
export class Send extends Waiting<void> implements User {
  readonly reactor: Reactor;
  readonly #message: Message;
  #isAccepted = false;
  /** The end of the WebSocket need not be told any more. */
  #forget: () => void = ignore;

  constructor(endpoint: Endpoint, message: Message) {
    super(endpoint);
    this.reactor = endpoint.reactor;
    this.#message = message;
  }

  received(): void {}

  sendable(): void {
    try {
      if (!this.#step()) return;
    } catch {
      this.#leave();
      return this.fail(this.endpoint.ending);
    }
    this.#leave();
    this.succeed(undefined);
  }

  protected override get name(): string {
    return "send()";
  }

  protected override try(): void {
    if (this.#step()) return this.succeed(undefined);
    Channel.of(this.endpoint).await(this);
    this.#forget = this.endpoint.whenOver(() => this.sendable());
  }

  protected override undo(): void {
    this.#leave();
  }

  /** Returns whether it is done. */
  #step(): boolean {
    const { endpoint } = this;
    this.#isAccepted ||= endpoint.post(this.#message);
    return this.#isAccepted && endpoint.flush() && endpoint.writable;
  }

  #leave(): void {
    this.#forget();
    this.#forget = ignore;
    Channel.of(this.endpoint).leave(this);
  }
}

/** Waits for the next whole message. */
export class Next extends Waiting<Message> implements User {
  readonly reactor: Reactor;
  /** What it has got. */
  #message: Message | undefined = undefined;

  constructor(endpoint: Endpoint) {
    super(endpoint);
    this.reactor = endpoint.reactor;
  }

  received(how: "next" | "throw", value: unknown): void {
    if (how === "throw") this.fail(value);
    else this.#got(value as Message);
  }

  sendable(): void {}

  protected override get name(): string {
    return "next()";
  }

  protected override try(): void {
    const channel = Channel.of(this.endpoint);
    keepRest(this.endpoint);
    const message = (channel.shift() ?? channel.take(this)) as Message | undefined;
    if (message === undefined) channel.read(this);
    else this.#got(message);
  }

  protected override undo(isWaiting: boolean): void {
    const channel = Channel.of(this.endpoint);
    if (isWaiting) return channel.forget(this);
    if (this.#message !== undefined) channel.unread([this.#message]);
    this.#message = undefined;
  }

  #got(message: Message): void {
    this.#message = message;
    this.succeed(message);
  }
}

/** Waits for the beginning of the next message. */
export class Receive extends Waiting<IncomingMessage> implements PieceReader {
  /** What it has got. */
  #context: IncomingContext | undefined = undefined;

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

  protected override try(): void {
    const channel = Channel.of(this.endpoint);
    channel.expectNoOther(undefined);
    channel.stopIdleReading();
    keepRest(this.endpoint);
    this.endpoint.unread(channel.takeRest());
    this.#begin();
  }

  protected override undo(): void {
    this.endpoint.giveBack(this.#context ?? this);
    this.#context = undefined;
  }

  #begin(): void {
    const { endpoint } = this;
    const type = endpoint.begin(this);
    if (type === undefined) return;
    const context = this.#context = new IncomingContext(endpoint);
    endpoint.handOver(this, context);
    this.succeed(new IncomingMessage(type, context));
  }
}

/** What the running coroutine has pushed back comes before anything that is received. */
function keepRest(endpoint: Endpoint): void {
  if (isInCoroutine()) runningDriver()!.lending.keepRest(endpoint);
}

/** Waits for the answer to a Ping. Gives the time that it took, in milliseconds. */
export class Ping extends Waiting<number> implements Pinging {
  #begun = 0;
  #forget: () => void = ignore;

  answered(): void {
    this.succeed(this.endpoint.reactor.clock.now() - this.#begun);
  }

  failed(error: unknown): void {
    this.fail(error);
  }

  protected override get name(): string {
    return "ping()";
  }

  protected override try(): void {
    this.#begun = this.endpoint.reactor.clock.now();
    this.#forget = this.endpoint.ping(this);
  }

  protected override undo(): void {
    this.#forget();
  }
}
