import { Channel } from "./_channel.ts";
import type { Context } from "./context.ts";
import type { Scope } from "./_scope.ts";

/** What input can be pushed back to, as a composed coroutine. */
interface HasRest {
  rest: unknown[];
}

/** A coroutine for which another one speaks a protocol, as for a handler of HTTP. */
export interface Inner extends HasRest {
  /** Whether it runs. */
  readonly isRunning: boolean;
  /** What belongs to it: made by the driver when there is anything, and ended by who speaks for it. */
  own: Scope | undefined;
  /** Told by the driver: it has entered a context of its own, where its protocol is not spoken. */
  isElsewhere: boolean;
}

/** A context that a coroutine is in. */
export class Place {
  /** Whether something that the coroutine has written here has not been accepted. */
  hasUnsent = false;

  constructor(readonly channel: Channel, readonly outer: Place | undefined) {}
}

/**
 * The contexts that a coroutine is in, one within another. What it pushed back belongs to the innermost, and is read when
 * that is the innermost again.
 */
export class Places {
  readonly #composed: HasRest;
  /** Of the connection. */
  readonly #home: Place | undefined;
  /** Where its protocol is spoken. */
  #base: Place | undefined;
  #top: Place | undefined;
  /** For whom a protocol is spoken at the base; and what it pushed back there, while it is elsewhere. */
  #inner: Inner | undefined;
  #innerRest: unknown[] = [];

  constructor(composed: HasRest, connection: Context | undefined) {
    this.#composed = composed;
    if (connection === undefined) return;
    this.#home = this.#base = this.#top = new Place(Channel.of(connection), undefined);
    this.#home.channel.enter();
  }

  /** The channel of the connection. */
  get connection(): Channel | undefined {
    return this.#home?.channel;
  }

  /** Where its protocol is spoken. */
  get base(): Channel | undefined {
    return this.#base?.channel;
  }

  /** The innermost. */
  get top(): Place | undefined {
    return this.#top;
  }

  /** Its channel. */
  get innermost(): Channel | undefined {
    return this.#top?.channel;
  }

  /** Whether the innermost is the connection. */
  get isHome(): boolean {
    return this.#top === this.#home;
  }

  get inner(): Inner | undefined {
    return this.#inner;
  }

  set inner(inner: Inner) {
    this.#inner = inner;
    this.#base = this.#top;
  }

  enter(context: Context): Place {
    const place = new Place(Channel.of(context), this.#top);
    this.#move(place);
    place.channel.enter();
    return place;
  }

  /**
   * Leaves a place, if it is still entered; tells whether it was.
   *
   * @throws {Error} If another one was entered after it.
   */
  leave(place: Place): boolean {
    if (this.#find((one) => one === place) === undefined) return false;
    if (this.#top !== place) {
      throw new Error(
        "Cannot leave this context before the ones entered after it: use `using` for each",
      );
    }
    this.#move(place.outer);
    return true;
  }

  /** Where a context is entered, the innermost if it is more than once. */
  find(channel: Channel): Place | undefined {
    return this.#find((place) => place.channel === channel);
  }

  /** Gives what was pushed back to the innermost context. */
  keepRest(): void {
    for (const pushed of [this.#composed, this.#inner]) {
      if (pushed === undefined || pushed.rest.length === 0) continue;
      this.innermost?.unread(pushed.rest);
      pushed.rest = [];
    }
  }

  #move(place: Place | undefined): void {
    const inner = this.#inner;
    if (inner !== undefined && !inner.isElsewhere) {
      this.#innerRest = inner.rest;
      inner.rest = [];
    } else this.keepRest();
    this.#top = place;
    if (inner === undefined) return;
    inner.isElsewhere = place !== this.#base;
    if (!inner.isElsewhere) inner.rest = this.#innerRest;
  }

  #find(is: (place: Place) => boolean): Place | undefined {
    let place = this.#top;
    while (place !== undefined && !is(place)) place = place.outer;
    return place;
  }
}
