import { Channel, type User } from "./_channel.ts";

const NONE: readonly Channel[] = Object.freeze([]);

/** What a coroutine has written, as far as it has not been accepted; and what it has left must have gone out altogether. */
export class Output {
  readonly #user: User;
  #unsent: readonly Channel[] = NONE;
  #left: readonly Channel[] = NONE;

  constructor(user: User) {
    this.#user = user;
  }

  get isEmpty(): boolean {
    return this.#unsent === NONE && this.#left === NONE;
  }

  /** Whether something is to go out that was written to a context that the coroutine has left. */
  get hasLeft(): boolean {
    return this.#left !== NONE;
  }

  write(channel: Channel, data: string | Uint8Array): void {
    channel.written = true;
    if (channel.outbox.size === 0) this.#unsent = including(this.#unsent, channel);
    channel.outbox.push(data);
  }

  /** Hands over what waits, as far as it is accepted; returns whether that is all. Throws why it failed, once. */
  send(): boolean {
    if (this.isEmpty) return true;
    for (const channel of this.#unsent) this.#send(channel, false);
    for (const channel of this.#left) this.#send(channel, true);
    return this.isEmpty;
  }

  /** What was written to a channel must go out, before the coroutine goes on or has ended. */
  leave(channel: Channel): void {
    this.#unsent = without(this.#unsent, channel);
    if (channel.written) this.#left = including(this.#left, channel);
  }

  /** The same of all of them, and of the connection. */
  leaveAll(connection: Channel | undefined): void {
    for (const channel of this.#unsent) this.leave(channel);
    if (connection !== undefined) this.leave(connection);
  }

  /** Gives up what has not gone out, because of an error if there is one; tells whether something was not even accepted. */
  drop(error?: unknown): boolean {
    let isCut = false;
    for (const channel of [...this.#unsent, ...this.#left]) {
      isCut ||= channel.outbox.size > 0;
      if (error !== undefined) channel.failed ??= error;
      channel.outbox.clear();
      this.#forget(channel);
    }
    return isCut;
  }

  #send(channel: Channel, mustBeGone: boolean): void {
    try {
      if (!(mustBeGone ? channel.hasGone() : channel.send())) return channel.await(this.#user);
      this.#forget(channel);
    } catch (error) {
      channel.written = false;
      this.#forget(channel);
      throw error;
    }
  }

  #forget(channel: Channel): void {
    this.#unsent = without(this.#unsent, channel);
    this.#left = without(this.#left, channel);
    channel.leave(this.#user);
  }
}

function including(channels: readonly Channel[], channel: Channel): readonly Channel[] {
  if (channels === NONE) return [channel];
  return channels.includes(channel) ? channels : [...channels, channel];
}

function without(channels: readonly Channel[], channel: Channel): readonly Channel[] {
  if (!channels.includes(channel)) return channels;
  return channels.length === 1 ? NONE : channels.filter((one) => one !== channel);
}
