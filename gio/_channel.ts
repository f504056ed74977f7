import { EndOfStream } from "../compose/mod.ts";
import { describe } from "../reactor/_describe.ts";
import type { Reactor } from "../reactor/mod.ts";
import type { Context } from "./context.ts";
import { Outbox } from "./_outbox.ts";

/*
 * A channel has the state of one context, whoever uses the context:
 *
 *  1. There is one channel for each context. It is found by the context.
 *  2. What is written goes to its one outbox, so the bytes of several coroutines are sent in the
 *     order in which they were written. While something waits to be sent, a writer is registered
 *     with the reactor, and tells the coroutines that wait for that.
 *  3. One coroutine reads at a time. Its reader stays registered with the reactor afterwards. It is
 *     removed when something arrives that nobody wants yet, or when a transfer uses the context.
 *  4. What was pushed back, or what a transfer has received beyond its limit, is read first.
 *  5. The two directions end independently: reading at the end of the stream or by an error,
 *     writing by an error.
 *  6. A context that has values at hand (`take`) is watched while somebody waits, instead of being
 *     read by the reactor. One that is given values (`put`) may gather them, until a coroutine that
 *     has put some wants input, waits or ends (`flush`). Whoever has waited longest puts first.
 */

/** Uses a channel: it reads, or waits until what was written has been sent. */
export interface User {
  readonly reactor: Reactor;
  /** How many bytes it reads at a time, if it does not want all. */
  readonly maxRead?: number;
  /** Called when something has arrived, by "next", or when reading has ended, by "throw". */
  received(how: "next" | "throw", value: unknown): void;
  /** Called when the context takes more, or when writing has failed. */
  sendable(channel: Channel): void;
  /** Where it stands, for messages. */
  toString(): string;
}

/** Which end each EndOfStream tells. */
const ends = new WeakMap<EndOfStream, Channel>();
const channels = new WeakMap<Context, Channel>();
/** What `ended` is at the end of a stream. It is never thrown. */
const END = new EndOfStream("The stream has ended");
const NOTHING = new Uint8Array(0);
const NOBODY: readonly User[] = Object.freeze([]);
const NO_REST: unknown[] = Object.freeze([]) as never;

export class Channel {
  readonly context: Context;
  /** What is to be read before anything is received. */
  rest: unknown[] = NO_REST;
  /** Why nothing more can be read: an EndOfStream, or an error. */
  ended: unknown = undefined;
  /** Why nothing more can be written. */
  failed: unknown = undefined;
  /** Whether anything was written. */
  written = false;
  /** Whether a transfer to the context was cut, and nothing was written since: a part is there. */
  isPart = false;
  /** Whether a transfer waits until the context takes more. */
  isBlocked = false;
  /** It is made when it is needed: a context that takes messages needs none. */
  #outbox: Outbox | undefined = undefined;
  /** Whether it is to be closed when all has been sent. */
  #closing = false;
  #reader: User | undefined = undefined;
  /** The reactor with which a reader is registered. */
  #reading: Reactor | undefined = undefined;
  /** The reactor with which a writer is registered. */
  #writing: Reactor | undefined = undefined;
  // The callbacks are made when they are needed, because 10,000 channels may be idle.
  #onReadable: ((failure?: unknown) => void) | undefined = undefined;
  #onWritable: ((failure?: unknown) => void) | undefined = undefined;
  /** The users that wait until the context takes more. */
  #users: readonly User[] = NOBODY;

  /** The channel of a context. */
  static of(context: Context): Channel {
    let channel = channels.get(context);
    if (channel === undefined) channels.set(context, channel = new Channel(context));
    return channel;
  }

  /** Whether a coroutine has used the context. */
  static has(context: Context): boolean {
    return channels.has(context);
  }

  /** Forgets it, if nobody would miss it. Returns whether it is forgotten. */
  forgotten(): boolean {
    this.stopIdleReading();
    const isUsed = this.#reading !== undefined || this.isAwaited || this.isBroken || this.isPart ||
      this.isSending || this.rest.length > 0 || this.ended !== undefined || this.#closing;
    if (!isUsed) channels.delete(this.context);
    return !isUsed;
  }

  private constructor(context: Context) {
    this.context = context;
  }

  /** Tells who uses it, for messages of the reactor. */
  toString(): string {
    return String(this.#reader ?? this.#users[0] ?? "");
  }

  /** A coroutine enters the context. The end may not be the end any more, when a file has grown. */
  enter(): void {
    if (this.ended instanceof EndOfStream) this.ended = undefined;
  }

  /** Puts values in front of what is to be read. */
  unread(values: unknown[]): void {
    if (values.length > 0) this.rest = [...values, ...this.rest];
  }

  /** Takes out the first value that is to be read before anything is received. */
  shift(): unknown {
    const { rest } = this;
    if (rest.length > 0) this.rest = rest.slice(1);
    return rest[0];
  }

  /** Takes out what is to be read before anything is received. */
  takeRest(): unknown[] {
    const { rest } = this;
    this.rest = NO_REST;
    return rest;
  }

  /**
   * Tells `reader` what arrives next.
   *
   * @throws {TypeError} If another coroutine reads.
   */
  read(reader: User): void {
    const { context } = this;
    this.expectNoOther(reader);
    // The reactor forgets a context that was closed, and does not tell a callback that closed it.
    if (this.#reading !== undefined && (context.closed || this.#reading !== reader.reactor)) {
      this.stopReading();
    }
    this.#reader = reader;
    if (this.#reading !== undefined) return;
    this.#onReadable ??= this.#receive.bind(this);
    if (context.take === undefined) {
      reader.reactor.addReader(context, this.#onReadable, { where: this });
    }
    this.#reading = reader.reactor;
    // It may tell at once.
    if (context.take !== undefined) context.watch("read", this.#onReadable);
  }

  /** @throws {TypeError} If another one than `reader` waits to read. */
  expectNoOther(reader: User | undefined): void {
    if (this.#reader === undefined || this.#reader === reader) return;
    throw new TypeError(
      `Cannot read ${
        describe(this.context)
      }: another coroutine does (${this.#reader}); let one read and give the others what they need`,
    );
  }

  /** What `reader` gets without waiting, if the context has something at hand. */
  take(reader: User): unknown {
    const isOthers = this.#reader !== undefined && this.#reader !== reader;
    if (isOthers || this.rest.length > 0 || this.ended !== undefined) return undefined;
    try {
      return this.context.take?.();
    } catch (error) {
      if (!(error instanceof EndOfStream) && !this.context.closed) throw error;
      this.ended = error;
      throw this.ending();
    }
  }

  /** The reader does not wait any more. A context that has something at hand is watched only for one that does. */
  forget(reader: User): void {
    if (this.#reader !== reader) return;
    if (this.context.take !== undefined) this.stopReading();
    else this.#reader = undefined;
  }

  /** Stops reading if no coroutine waits to read, so that others can register a reader. */
  stopIdleReading(): void {
    if (this.#reader === undefined) this.stopReading();
  }

  stopReading(): void {
    const reactor = this.#reading;
    this.#reading = this.#reader = undefined;
    if (this.context.take === undefined) reactor?.removeReader(this.context);
    else this.context.unwatch("read");
  }

  /** Sends what waits. Returns whether all of it was accepted, and throws if sending fails. */
  send(follows = false): boolean {
    const { context } = this;
    const outbox = this.#outbox;
    // Another coroutine that writes to the context may have found out, and the outbox is empty then.
    if (this.failed !== undefined) throw this.failed;
    try {
      if (context.flush !== undefined) return context.flush();
      return outbox === undefined || outbox.size === 0 || outbox.flush(context, follows);
    } catch (error) {
      outbox?.clear();
      this.failed ??= error;
      throw error;
    }
  }

  /** What is to be sent. */
  get outbox(): Outbox {
    return this.#outbox ??= new Outbox();
  }

  /** How many bytes have been sent. */
  get sent(): number {
    return (this.#outbox?.sent ?? 0) - (this.context.unsent ?? 0);
  }

  /** Whether something has been written and not been sent. */
  get isSending(): boolean {
    return this.isBlocked || (this.#outbox?.size ?? 0) > 0 || (this.context.unsent ?? 0) > 0;
  }

  /** Whether an error has ended one of its directions. */
  get isBroken(): boolean {
    return this.failed !== undefined ||
      this.ended !== undefined && !(this.ended instanceof EndOfStream);
  }

  /** Whether all that was written is on its way. Throws if sending has failed. */
  hasGone(): boolean {
    const { context } = this;
    if (!this.send() || !(context.writable || context.closed)) return false;
    if (!context.closed) this.#check();
    return true;
  }

  /** Whether somebody waits until the context takes more. */
  get isAwaited(): boolean {
    return this.#users.length > 0;
  }

  /** Whether `user` can put a value, because nobody has waited longer. */
  isTurnOf(user: User): boolean {
    return this.#users.length === 0 || this.#users[0] === user;
  }

  /** Tells the user when the context takes more. Throws if nothing more can be written. */
  await(user: User): void {
    if (this.failed !== undefined) {
      this.#outbox?.clear();
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

  /** Closes the context when all has been sent. */
  close(reactor: Reactor): void {
    if (this.#closing) return;
    this.#closing = true;
    this.stopIdleReading();
    new Sending(this, reactor, true);
  }

  /** Sends what was written, although no coroutine waits for that. */
  sendAlone(reactor: Reactor): void {
    new Sending(this, reactor, false);
  }

  /** Closes the context at once, so that its peer sees an error instead of an end. */
  abort(): void {
    const { context } = this;
    this.stopReading();
    this.#outbox?.clear();
    if (context.abort !== undefined) context.abort();
    else context.close();
  }

  /** The channel whose end an error tells, also through a reader such as `readLine()`. */
  static endedBy(error: unknown): Channel | undefined {
    for (; error instanceof EndOfStream; error = error.cause) {
      const channel = ends.get(error);
      if (channel !== undefined) return channel;
    }
    return undefined;
  }

  /** What to throw at a read after the end: a new EndOfStream each time, or the error. */
  ending(): unknown {
    const { ended } = this;
    if (!(ended instanceof EndOfStream)) return ended;
    // A context may tell more of its end than that it is one.
    const end = ended === END ? new EndOfStream("The stream has ended") : ended;
    ends.set(end, this);
    return end;
  }

  /** Throws if sending has failed. Some back ends tell that only at the next send. */
  #check(): void {
    const { context } = this;
    if (!this.written || context.put !== undefined) return;
    try {
      context.send(NOTHING);
    } catch (error) {
      // It was closed or half-closed meanwhile, which is no failure.
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
      data = context.recv(reader.maxRead);
      if (data === undefined) {
        if (failure === undefined) return;
        throw failure;
      }
      if (data === null) this.ended = END;
    } catch (error) {
      const isOfContext = error instanceof EndOfStream || context.closed;
      if (context.put !== undefined && !isOfContext) {
        // One message has failed, but not the context.
        this.forget(reader);
        return reader.received("throw", error);
      }
      this.ended = error;
    }
    this.forget(reader);
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

/** Sends what is left in a channel that no coroutine waits for, and may close its context then. */
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
