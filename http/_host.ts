/** What the protocol of a connection needs of its driver, and the driver that gio is. */
import { EndOfStream, isRequest, Request, type Waiter, Yield } from "../compose/mod.ts";
import { type Driver, runningDriver } from "../gio/_driver.ts";
import { Channel, type User } from "../gio/_channel.ts";
import type { Base, Inner } from "../gio/_places.ts";
import { type Scope, ScopeEnd } from "../gio/_scope.ts";
import { ignore } from "../reactor/_ignore.ts";
import { here, TransferError } from "../reactor/mod.ts";
import { TransferRequest, type Use } from "../reactor/transfer/transfer.ts";
import { PhaseTimer } from "./_phase_timer.ts";
import type { HttpTimeouts } from "./http_timeouts.ts";

export type { Base, Inner, Told } from "../gio/_places.ts";
export { Framed, Framing } from "../reactor/transfer/_framed.ts";
export type { Use } from "../reactor/transfer/transfer.ts";

/** What speaks HTTP for a handler needs this of its driver. There is none when it is fed by hand. */
export interface Host {
  readonly driver: Driver;
  /**
   * It waits for the client, for so many milliseconds at most. Then Overdue is thrown at its yield.
   * `Infinity` means that it waits for something else.
   */
  begin(ms: number): void;
  /** The timeouts have changed. */
  retime(): void;
  /** How much of that time is left. */
  readonly left: number;
  /** It has ended. */
  stop(): void;
  /** Throws an error at the yield where it waits, unless it is running just now. */
  throw(error: unknown): void;
  /**
   * Looks whether the client has gone, while the handler waits for something else. Returns what ends
   * that. What arrives meanwhile is kept, and is read later.
   */
  watch(lose: (reason: unknown) => void): () => void;
  /**
   * Takes back bytes before a transfer reads the connection by itself. The last ones given are read
   * first.
   */
  unread(bytes: Uint8Array): void;
  /** Whether an EndOfStream tells that the connection itself has ended, or was given up. */
  isOwnEnd(error: unknown): boolean;
  /** The error of a transfer from or to `here` that the handler has made and not yielded. */
  forgotten(): TypeError | undefined;
  /**
   * Ends what a handler has left behind. If that takes time, returns a request that waits for it.
   */
  end(own: Scope, isCut: boolean): Request<void> | undefined;
}

/** What a connection needs of its driver. */
export interface ConnectionHost extends Host {
  /** The place where the connection is spoken, for a transfer in another coroutine. */
  readonly base: Base;
  /**
   * Closes the connection when all output is on its way, if it is idle then. It does not wait for the
   * client to close it: no request is answered, so nothing that a client sends can destroy an answer.
   */
  hangUp(speaker: { readonly isIdle: boolean }): void;
  /** Waits until all output is on its way. */
  sent(): Request<void>;
  /** Writes to the connection while the handler is elsewhere. */
  write(data: string | Uint8Array): void;
  /**
   * Aborts the connection because of an error that has been told. Returns an error that ends its
   * coroutine quietly.
   */
  cut(error: unknown): unknown;
}

/** What the host asks the connection. */
interface HostedConnection {
  readonly current: HttpTimeouts;
}

/** No coroutine for which the protocol is spoken. */
const NOBODY: Inner = Object.freeze({
  isRunning: false,
  isElsewhere: false,
  own: undefined,
  rest: [],
});

/**
 * The host of the coroutine that is running: gio, or undefined if it is fed by hand. `inner` is the one for
 * which it speaks.
 */
export function hostOf(
  connection: HostedConnection,
  inner: Inner = NOBODY,
): ConnectionHost | undefined {
  const driver = runningDriver();
  if (driver === undefined) return undefined;
  driver.inner = inner;
  return new GioHost(driver, connection);
}

/** Whether a handler yielded something for the driver, which HTTP passes on. */
export function isForDriver(value: unknown): boolean {
  return value === Yield || isRequest(value);
}

/** Whether it is a transfer, which may read and write the connection itself. */
export function isTransfer(value: unknown): value is TransferRequest<unknown> {
  return value instanceof TransferRequest;
}

/** Whether it is a transfer from or to the innermost context. */
export function transfersHere(value: unknown, use: Use): boolean {
  return isTransfer(value) && value.uses(here, use);
}

/** What has cut a transfer, if the error tells that one was cut. */
export function causeOfCut(error: unknown): unknown {
  return error instanceof TransferError ? error.cause : undefined;
}

/** How many bytes are read ahead to find out whether the client has gone. */
const MAX_AHEAD = 65536;

/** The part of a host that needs its driver only. */
export abstract class DriverHost extends PhaseTimer {
  throw(error: unknown): void {
    if (!this.driver.isRunning) this.driver.throw(error);
  }

  forgotten(): TypeError | undefined {
    return this.driver.forgotten();
  }

  end(own: Scope, isCut: boolean): Request<void> | undefined {
    const ending = new ScopeEnd(own, isCut || this.driver.isClosing);
    // Most things end at once. A reactor that shuts down would refuse to wait for them.
    return ending.isOver ? undefined : ending;
  }
}

/** A host of a connection, whose coroutine reads and writes a channel. */
class GioHost extends DriverHost implements ConnectionHost {
  get base(): Base {
    return this.driver.lending.base;
  }

  hangUp(speaker: { readonly isIdle: boolean }): void {
    const driver = this.driver;
    const resume = () => {
      if (!speaker.isIdle) return;
      driver.cancel();
      driver.base!.context.close();
    };
    new Sent(driver).begin({ resume, fail: ignore });
  }

  sent(): Request<void> {
    return new Sent(this.driver);
  }

  watch(lose: (reason: unknown) => void): () => void {
    const channel = this.driver.base!;
    if (channel.ended !== undefined) {
      lose(channel.ended);
      return ignore;
    }
    let room = MAX_AHEAD;
    const user: User = {
      reactor: this.driver.reactor,
      received(how, value) {
        if (how === "throw") return lose(value);
        // The end may be behind it.
        channel.rest = [...channel.rest, value];
        room -= (value as Uint8Array).length;
        if (room > 0) channel.read(user);
      },
      sendable: ignore,
      toString: () => "looking whether the client has gone",
    };
    channel.read(user);
    return () => channel.forget(user);
  }

  unread(bytes: Uint8Array): void {
    const { lending } = this.driver;
    lending.takeBack(lending.innermost!, [bytes]);
  }

  write(data: string | Uint8Array): void {
    this.driver.writeToBase(data);
  }

  protected override get taken(): number {
    return this.driver.base!.sent;
  }

  protected override get isSending(): boolean {
    return this.driver.base!.isSending;
  }

  protected override giveUp(error: EndOfStream): void {
    const channel = this.driver.base!;
    channel.failed ??= error;
    channel.ended ??= error;
    channel.abort();
  }

  isOwnEnd(error: unknown): boolean {
    const channel = this.driver.base!;
    if (Channel.endedBy(error) === channel) return true;
    for (; error instanceof EndOfStream; error = error.cause) {
      if (error === channel.failed || error === channel.ended) return true;
    }
    return false;
  }

  cut(cause: unknown): unknown {
    this.driver.base?.abort();
    return new EndOfStream("The connection was cut: an answer has failed", { cause });
  }
}

/** Waits until all output of the connection is on its way, or cannot be sent. */
class Sent extends Request<void> {
  readonly #driver: Driver;

  constructor(driver: Driver) {
    super();
    this.#driver = driver;
  }

  override begin(waiter: Waiter<void>): () => void {
    const channel = this.#driver.base!;
    const user: User = {
      reactor: this.#driver.reactor,
      received: ignore,
      sendable() {
        try {
          if (!channel.hasGone()) return channel.await(user);
        } catch { // Nobody can be told.
        }
        channel.leave(user);
        waiter.resume();
      },
      toString: () => "sending the last answer",
    };
    user.sendable(channel);
    return () => channel.leave(user);
  }
}
