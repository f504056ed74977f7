import type { Channel, User } from "./_channel.ts";
import type { Place, Places } from "./_places.ts";

/** What a coroutine has written, as far as it has not been accepted; and what it has left must have gone out altogether. */
export class Output {
  readonly #user: User;
  readonly #places: Places;
  readonly #left: Channel[] = [];

  constructor(user: User, places: Places) {
    this.#user = user;
    this.#places = places;
  }

  get isEmpty(): boolean {
    return this.#left.length === 0 && this.#unsent().length === 0;
  }

  /** Whether something is to go out that was written to a context that the coroutine has left. */
  get hasLeft(): boolean {
    return this.#left.length > 0;
  }

  write(place: Place, data: string | Uint8Array): void {
    const { channel } = place;
    channel.written = true;
    place.hasUnsent = true;
    channel.outbox.push(data);
  }

  /** Hands over what waits, as far as it is accepted; returns whether that is all. Throws why it failed, once. */
  send(): boolean {
    let isAll = true;
    for (let place = this.#places.top; place !== undefined; place = place.outer) {
      if (!place.hasUnsent) continue;
      place.hasUnsent = false;
      if (this.#send(place.channel, false)) continue;
      place.hasUnsent = true;
      isAll = false;
    }
    if (this.#left.length === 0) return isAll;
    for (const channel of [...this.#left]) {
      if (this.#send(channel, true)) this.#forget(channel);
      else isAll = false;
    }
    return isAll;
  }

  /** Leaves a place. Returns whether the coroutine was there. */
  leave(place: Place): boolean {
    if (!this.#places.leave(place)) return false;
    const { channel } = place;
    const same = this.#places.find(channel);
    if (same !== undefined) same.hasUnsent ||= place.hasUnsent;
    else {
      this.complete(channel);
      channel.stopIdleReading();
    }
    return true;
  }

  /** All output to a channel must be on its way before the coroutine goes on, or has ended. */
  complete(channel: Channel): void {
    if (channel.written && !this.#left.includes(channel)) this.#left.push(channel);
  }

  /** The coroutine waits for nothing more; only its connection is cut off, and not what others write to as well. */
  release(connection: Channel | undefined): void {
    for (const channel of this.#takeAll()) {
      if (channel !== connection) channel.sendAlone(this.#user.reactor);
    }
  }

  /** Gives up what has not gone out, because of an error if there is one; tells whether something was not even accepted. */
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
    for (let place = this.#places.top; place !== undefined; place = place.outer) {
      if (place.hasUnsent) unsent.push(place);
    }
    return unsent;
  }

  #takeAll(): Set<Channel> {
    const unsent = this.#unsent();
    const all = new Set([...unsent.map(({ channel }) => channel), ...this.#left]);
    for (const place of unsent) place.hasUnsent = false;
    for (const channel of all) this.#forget(channel);
    return all;
  }

  #send(channel: Channel, mustBeGone: boolean): boolean {
    try {
      const isSent = mustBeGone ? channel.hasGone() : channel.send();
      if (isSent) channel.leave(this.#user);
      else channel.await(this.#user);
      return isSent;
    } catch (error) {
      channel.written = false;
      this.#forget(channel);
      throw error;
    }
  }

  #forget(channel: Channel): void {
    const at = this.#left.indexOf(channel);
    if (at >= 0) this.#left.splice(at, 1);
    channel.leave(this.#user);
  }
}
