import type { Channel, User } from "./_channel.ts";

/** What a coroutine has written, as far as it has not been accepted; and what it has left must have gone out altogether. */
export class Output {
  readonly #user: User;
  readonly #unsent: Channel[] = [];
  readonly #left: Channel[] = [];

  constructor(user: User) {
    this.#user = user;
  }

  get isEmpty(): boolean {
    return this.#unsent.length === 0 && this.#left.length === 0;
  }

  /** Whether something is to go out that was written to a context that the coroutine has left. */
  get hasLeft(): boolean {
    return this.#left.length > 0;
  }

  write(channel: Channel, data: string | Uint8Array): void {
    channel.written = true;
    if (channel.outbox.size === 0) include(this.#unsent, channel);
    channel.outbox.push(data);
  }

  /** Hands over what waits, as far as it is accepted; returns whether that is all. Throws why it failed, once. */
  send(): boolean {
    // From the last, for those that have been sent go.
    for (let i = this.#unsent.length - 1; i >= 0; i--) this.#send(this.#unsent[i]!, false);
    for (let i = this.#left.length - 1; i >= 0; i--) this.#send(this.#left[i]!, true);
    return this.isEmpty;
  }

  /** What was written to a channel must go out, before the coroutine goes on or has ended. */
  leave(channel: Channel): void {
    exclude(this.#unsent, channel);
    if (channel.written) include(this.#left, channel);
  }

  /** The same of all of them, and of the connection. */
  leaveAll(connection: Channel | undefined): void {
    for (const channel of [...this.#unsent]) this.leave(channel);
    if (connection !== undefined) this.leave(connection);
  }

  /** The coroutine waits for nothing more; only its connection is cut off, and not what others write to as well. */
  release(connection: Channel | undefined): void {
    for (const channel of [...this.#unsent, ...this.#left]) {
      this.#forget(channel);
      if (channel !== connection) channel.sendAlone(this.#user.reactor);
    }
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
    exclude(this.#unsent, channel);
    exclude(this.#left, channel);
    channel.leave(this.#user);
  }
}

function include(channels: Channel[], channel: Channel): void {
  if (!channels.includes(channel)) channels.push(channel);
}

function exclude(channels: Channel[], channel: Channel): void {
  const at = channels.indexOf(channel);
  if (at >= 0) channels.splice(at, 1);
}
