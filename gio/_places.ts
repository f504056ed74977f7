import { Channel } from "./_channel.ts";
import type { Context } from "./context.ts";
import type { Framed } from "../reactor/transfer/_framed.ts";
import type { Use } from "../reactor/transfer/transfer.ts";
import type { Scope } from "./_scope.ts";

/** A coroutine that has pushed input back, as a composed one. */
export interface HasRest {
  rest: unknown[];
}

/** What a coroutine does, and the lines where it stands, the innermost first. */
export interface Told {
  readonly what: string;
  readonly lines: readonly string[];
}

/** A coroutine for which another one speaks a protocol, as HTTP does for a handler. */
export interface Inner extends HasRest {
  readonly isRunning: boolean;
  /** Whether it speaks for itself now: the protocol is over. */
  readonly hasTakenOver?: boolean;
  /** Its scope. The driver makes it when it is needed; the protocol ends it. */
  own: Scope | undefined;
  /** Set by the driver: it has entered a context in which the protocol is not spoken. */
  isElsewhere: boolean;
  /**
   * Returns what a transfer from or to the base is to use, if the protocol frames what goes there.
   */
  frame?(use: Use, base: Base): Framed | undefined;
  /** Returns what is told of an error of what it does now, if nobody waits for it. */
  reporter?(): (error: unknown) => void;
  /** What it does now, and where. */
  inspect?(): Told;
}

/** The place where a protocol is spoken, for the protocol. */
export interface Base {
  readonly context: Context;
  /** Whether nothing waits to be sent. */
  readonly isOut: boolean;
  /** Writes as `yield data` does. */
  write(data: string | Uint8Array): void;
  /** Sends what waits. Returns whether all of it was accepted. */
  send(): boolean;
  /** So many bytes were sent without it, and perhaps not all that could be. */
  sent(bytes: number, isBlocked: boolean): void;
  /** Takes what comes before anything that is received. */
  takeRest(): Uint8Array[];
}

const NOTHING: unknown[] = Object.freeze([]) as never;

/** A context that a coroutine is in. */
export class Place {
  /** What became of the output of the coroutine to this context, as far as it knows. */
  output: "none" | "unsent" | "accepted" = "none";

  readonly context: Context;
  readonly outer: Place | undefined;
  #channel: Channel | undefined = undefined;

  constructor(context: Context, outer: Place | undefined) {
    this.context = context;
    this.outer = outer;
  }

  /** It is made when it is needed: 10,000 coroutines may wait that neither read nor write. */
  get channel(): Channel {
    return this.#channel ??= Channel.of(this.context);
  }

  /** The channel is not needed for a long time. */
  forget(): void {
    if (this.#channel?.forgotten()) this.#channel = undefined;
  }
}

/**
 * The contexts that a coroutine is in, one within another. What the coroutine pushed back belongs
 * to the innermost context, and is read when that context is the innermost again.
 */
export class Places {
  #composed: HasRest;
  readonly #home: Place | undefined;
  /** The place where the protocol is spoken. */
  #base: Place | undefined;
  #top: Place | undefined;
  /** The coroutine for which the protocol is spoken. */
  #inner: Inner | undefined;
  /** What the inner coroutine pushed back at the base, while it is elsewhere. */
  #innerRest: unknown[] = NOTHING;

  constructor(composed: HasRest, connection: Context | undefined) {
    this.#composed = composed;
    if (connection === undefined) return;
    this.#home = this.#base = this.#top = new Place(connection, undefined);
    if (Channel.has(connection)) this.#home.channel.enter();
  }

  /** The place of the connection. */
  get home(): Place | undefined {
    return this.#home;
  }

  /** The channel on which the protocol is spoken. */
  get base(): Channel | undefined {
    return this.#base?.channel;
  }

  /** The place of that channel. */
  get basePlace(): Place | undefined {
    return this.#base;
  }

  /** The innermost place. */
  get top(): Place | undefined {
    return this.#top;
  }

  /** The channel of the innermost place. */
  get innermost(): Channel | undefined {
    return this.#top?.channel;
  }

  /** Whether the innermost context is the connection. */
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

  /** Another coroutine goes on in the place of the composed one. */
  succeed(successor: HasRest): void {
    this.keepOuterRest();
    this.#composed = successor;
  }

  enter(context: Context): Place {
    const place = new Place(context, this.#top);
    this.#move(place);
    place.channel.enter();
    return place;
  }

  /**
   * Leaves a place. Returns false if it was left already.
   *
   * @throws {Error} If another place was entered after it.
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

  /** The innermost place of a channel, which may be entered more than once. */
  find(channel: Channel): Place | undefined {
    return this.#find((place) => place.channel === channel);
  }

  /** Gives what the protocol itself has pushed back to the context on which it is spoken. */
  keepOuterRest(): void {
    this.#base!.channel.unread(this.#composed.rest);
    this.#composed.rest = [];
  }

  /** Gives what was pushed back to the innermost context. */
  keepRest(): void {
    this.#keep(this.#composed);
    if (this.#inner !== undefined) this.#keep(this.#inner);
  }

  #keep(pushed: HasRest): void {
    if (pushed.rest.length === 0) return;
    this.innermost?.unread(pushed.rest);
    pushed.rest = [];
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
