import { EndOfStream } from "../compose/mod.ts";
import { describe } from "../reactor/_describe.ts";
import type { Reactor } from "../reactor/mod.ts";
import type { Context } from "./context.ts";
import { Outbox } from "./_outbox.ts";

/*
 * All that is of a context, whoever uses it:
 *
 *  1. There is one for each context, and it is found by the context.
 *  2. What is written goes to its one outbox, so the bytes of several coroutines are in the order in which they wrote.
 *     While something waits to go out, the reactor has a writer, and who waits for that is told.
 *  3. One coroutine reads at a time. Its reader stays registered afterwards, and goes when something arrives that nobody
 *     wants yet, or when the context is lent to a transfer.
 *  4. What was pushed back, or received too much by a transfer, is read before anything else.
 *  5. Its two directions end by themselves: reading at the end of the stream or by an error, writing by an error.
 */

/** Who reads, or waits until what was written has gone out. */
export interface User {
  readonly reactor: Reactor;
  /** Something has arrived; or an error ends reading. */
  received(how: "next" | "throw", value: unknown): void;
  /** The context takes more, or writing has failed. */
  sendable(channel: Channel): void;
  /** Where it stands, for messages. */
  toString(): string;
}

const channels = new WeakMap<Context, Channel>();
const NOTHING = new Uint8Array(0);
const NOBODY: readonly User[] = Object.freeze([]);
const NO_REST: unknown[] = Object.freeze([]) as never;

export class Channel {
  readonly context: Context;
  readonly outbox: Outbox = new Outbox();
  /** What is to be read before anything is received. */
  rest: unknown[] = NO_REST;
  /** Why nothing more can be read: an EndOfStream, or what broke it. */
  ended: unknown = undefined;
  /** Why nothing more can be written. */
  failed: unknown = undefined;
  /** Whether anything was written. */
  written = false;
  /** It is to be closed when all has gone out. */
  #closing = false;
  /** Who reads. */
  #reader: User | undefined = undefined;
  /** Whose reactor has a reader, and a writer. */
  #reading: Reactor | undefined = undefined;
  #writing: Reactor | undefined = undefined;
  // What is registered: made when it is needed, for 10,000 of these may be idle.
  #onReadable: ((failure?: unknown) => void) | undefined = undefined;
  #onWritable: ((failure?: unknown) => void) | undefined = undefined;
  #users: readonly User[] = NOBODY;

  /** That of a context. */
  static of(context: Context): Channel {
    let channel = channels.get(context);
    if (channel === undefined) channels.set(context, channel = new Channel(context));
    return channel;
  }

  private constructor(context: Context) {
    this.context = context;
  }

  /** For messages of the reactor: who uses it. */
  toString(): string {
    return String(this.#reader ?? this.#users[0] ?? "");
  }

  /** It is used anew, and its end may not be there any more: a file has grown, say. */
  enter(): void {
    if (this.ended instanceof EndOfStream) this.ended = undefined;
  }

  /** Puts something in front of what is to be read. */
  unread(values: unknown[]): void {
    if (values.length > 0) this.rest = [...values, ...this.rest];
  }

  /** What is to be read is read otherwise. */
  takeRest(): unknown[] {
    const { rest } = this;
    this.rest = NO_REST;
    return rest;
  }

  /**
   * Has the reader told what arrives next.
   *
   * @throws {TypeError} If another coroutine reads.
   */
  read(reader: User): void {
    const { context } = this;
    if (this.#reader !== undefined && this.#reader !== reader) {
      throw new TypeError(
        `Cannot read ${describe(context)}: another coroutine does (${this.#reader})`,
      );
    }
    // The reactor forgets what was closed, and does not tell who has closed it when it was called.
    if (this.#reading !== undefined && (context.closed || this.#reading !== reader.reactor)) {
      this.stopReading();
    }
    if (this.#reading === undefined) {
      this.#onReadable ??= (failure) => this.#receive(failure);
      reader.reactor.addReader(context, this.#onReadable, { where: this });
      this.#reading = reader.reactor;
    }
    this.#reader = reader;
  }

  /** The reader does not wait any more. */
  forget(reader: User): void {
    if (this.#reader === reader) this.#reader = undefined;
  }

  /** Lets go of it, so that others can read, unless somebody waits to. */
  stopIdleReading(): void {
    if (this.#reader === undefined) this.stopReading();
  }

  stopReading(): void {
    const reactor = this.#reading;
    this.#reading = this.#reader = undefined;
    reactor?.removeReader(this.context);
  }

  /** Hands over what waits; whether all of it was accepted. Throws why not. */
  send(): boolean {
    const { context, outbox } = this;
    try {
      return outbox.size === 0 || outbox.flush(context);
    } catch (error) {
      outbox.clear();
      this.failed ??= error;
      throw error;
    }
  }

  /** Whether it broke: what ends then is no end. */
  get isBroken(): boolean {
    return this.failed !== undefined ||
      this.ended !== undefined && !(this.ended instanceof EndOfStream);
  }

  /** Whether all that was written has been accepted and is on its way. Throws why not. */
  hasGone(): boolean {
    const { context } = this;
    if (this.failed !== undefined) throw this.failed;
    if (!this.send() || !(context.writable || context.closed)) return false;
    if (!context.closed) this.#check();
    return true;
  }

  /** Tells the user when the context takes more. */
  await(user: User): void {
    if (this.failed !== undefined) {
      this.outbox.clear();
      throw this.failed;
    }
    if (!this.#users.includes(user)) this.#users = [...this.#users, user];
    if (this.#writing !== undefined) return;
    this.#onWritable ??= (failure) => this.#send(failure);
    user.reactor.addWriter(this.context, this.#onWritable, { where: this });
    this.#writing = user.reactor;
  }

  /** The user does not wait any more. */
  leave(user: User): void {
    if (this.#users.length === 0) return;
    this.#users = this.#users.length === 1 && this.#users[0] === user
      ? NOBODY
      : this.#users.filter((one) => one !== user);
    if (this.#users.length > 0) return;
    const reactor = this.#writing;
    this.#writing = undefined;
    reactor?.removeWriter(this.context);
  }

  /** Closes the context, when all has gone out. */
  close(reactor: Reactor): void {
    if (this.#closing) return;
    this.#closing = true;
    this.stopIdleReading();
    new Sending(this, reactor, true);
  }

  /** What was written goes out, although who has written it does not wait for that. */
  sendAlone(reactor: Reactor): void {
    new Sending(this, reactor, false);
  }

  /** Closes the context at once. What was cut off does not end like what is complete. */
  abort(): void {
    const { context } = this;
    this.stopReading();
    this.outbox.clear();
    if (context.abort !== undefined) context.abort();
    else context.close();
  }

  /** What to throw at a read when it has ended: a fresh EndOfStream each time, or what broke it. */
  ending(): unknown {
    return this.ended instanceof EndOfStream ? new EndOfStream("The stream has ended") : this.ended;
  }

  /** A back end that writes later tells only at the next send that it failed. */
  #check(): void {
    const { context } = this;
    if (!this.written || context.put !== undefined) return;
    try {
      context.send(NOTHING);
    } catch (error) {
      // That it was closed or half-closed meanwhile is no failure.
      if (error instanceof Deno.errors.BadResource) return;
      this.failed = error;
      throw error;
    }
  }

  #receive(failure: unknown): void {
    const reader = this.#reader;
    if (reader === undefined) return this.stopReading();
    const { context } = this;
    let data: unknown;
    try {
      data = context.recv();
      if (data === undefined) {
        if (failure === undefined) return;
        throw failure;
      }
      if (data === null) this.ended = new EndOfStream("The stream has ended");
    } catch (error) {
      if (context.put !== undefined && !context.closed) {
        // A message has failed, and not what carries it.
        this.#reader = undefined;
        return reader.received("throw", error);
      }
      this.ended = error;
    }
    this.#reader = undefined;
    if (this.ended === undefined) return reader.received("next", data);
    try {
      this.stopReading();
    } finally {
      reader.received("throw", this.ending());
    }
  }

  #send(failure: unknown): void {
    this.failed ??= failure;
    for (const user of this.#users) user.sendable(this);
  }
}

/** Waits until all has gone out, when nobody else does. */
class Sending implements User {
  readonly reactor: Reactor;
  readonly #closes: boolean;

  constructor(channel: Channel, reactor: Reactor, closes: boolean) {
    this.reactor = reactor;
    this.#closes = closes;
    this.sendable(channel);
  }

  received(): void {}

  sendable(channel: Channel): void {
    try {
      const canWait = !channel.context.closed && !this.reactor.isShutDown;
      if (canWait && !channel.hasGone()) return channel.await(this);
      channel.leave(this);
      if (this.#closes) channel.context.close();
    } catch {
      channel.leave(this);
      if (this.#closes) channel.abort();
    }
  }

  toString(): string {
    return this.#closes ? "closing" : "sending";
  }
}
