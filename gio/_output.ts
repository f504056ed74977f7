import type { Channel, User } from "./_channel.ts";
import type { Context } from "./context.ts";
import { type HasRest, type Place, Places } from "./_places.ts";

const NONE: readonly Channel[] = Object.freeze([]);

/**
 * The places of one coroutine, and its output there that has not been accepted yet. Output to a context
 * that the coroutine has left must also be on its way before the coroutine goes on.
 */
export class Output extends Places {
  readonly #user: User;
  /** The channels that the coroutine has left before all its output was on its way. */
  #left: readonly Channel[] = NONE;

  constructor(user: User, composed: HasRest, connection: Context | undefined) {
    super(composed, connection);
    this.#user = user;
  }

  /** Whether all output has been accepted. */
  get isAllSent(): boolean {
    return this.#left.length === 0 && this.#unsent().length === 0;
  }

  /** Whether output to a context that the coroutine has left waits to be sent. */
  get hasLeft(): boolean {
    return this.#left.length > 0;
  }

  write(place: Place, data: string | Uint8Array): void {
    const { channel } = place;
    channel.written = true;
    channel.isPart = false;
    place.output = "unsent";
    channel.outbox.push(data);
  }

  /**
   * Sends what waits. Returns whether all of it was accepted. Throws a failure once.
   *
   * @param follows Whether a transfer sends more at once.
   */
  send(follows = false): boolean {
    let isAll = true;
    for (let place = this.top; place !== undefined; place = place.outer) {
      if (place.output !== "unsent") continue;
      // A failure is told now, and not again at the end.
      place.output = "none";
      const isSent = this.#send(place.channel, false, follows);
      place.output = isSent ? "accepted" : "unsent";
      isAll &&= isSent;
    }
    if (this.#left.length === 0) return isAll;
    for (const channel of this.#left) {
      if (this.#send(channel, true)) this.#forget(channel);
      else isAll = false;
    }
    return isAll;
  }

  override leave(place: Place): boolean {
    if (!super.leave(place)) return false;
    const same = this.find(place.channel);
    if (same === undefined) {
      this.complete(place);
      place.channel.stopIdleReading();
    } else if (same.output !== "unsent" && place.output !== "none") same.output = place.output;
    return true;
  }

  /** All output at a place must be on its way before the coroutine goes on, or has ended. */
  complete({ channel, output }: Place): void {
    if (output !== "none" && !this.#left.includes(channel)) this.#left = [...this.#left, channel];
  }

  /** Sends the rest without the coroutine, but not the rest for `connection`, which is closed. */
  release(connection: Channel | undefined): void {
    for (const channel of this.#takeAll()) {
      if (channel !== connection) channel.sendAlone(this.#user.reactor);
    }
  }

  /**
   * Drops what has not been sent.
   *
   * @param error Why, for those who write to the same contexts later.
   * @returns Whether something was dropped, so that the peer gets only a part.
   */
  drop(error?: unknown): boolean {
    let isCut = false;
    for (const channel of this.#takeAll()) {
      isCut ||= channel.outbox.size > 0;
      if (error !== undefined) channel.failed ??= error;
      channel.outbox.clear();
    }
    return isCut;
  }

  #unsent(): Place[] {
    const unsent: Place[] = [];
    for (let place = this.top; place !== undefined; place = place.outer) {
      if (place.output === "unsent") unsent.push(place);
    }
    return unsent;
  }

  #takeAll(): Set<Channel> {
    const unsent = this.#unsent();
    const all = new Set([...unsent.map(({ channel }) => channel), ...this.#left]);
    for (const place of unsent) place.output = "none";
    for (const channel of all) this.#forget(channel);
    return all;
  }

  #send(channel: Channel, mustBeGone: boolean, follows = false): boolean {
    try {
      const isSent = mustBeGone ? channel.hasGone() : channel.send(follows);
      if (isSent) channel.leave(this.#user);
      else channel.await(this.#user);
      return isSent;
    } catch (error) {
      this.#forget(channel);
      throw error;
    }
  }

  #forget(channel: Channel): void {
    if (this.#left.length > 0) this.#left = this.#left.filter((one) => one !== channel);
    channel.leave(this.#user);
  }
}
