import { isRequest, type Request, Yield } from "../compose/mod.ts";
import { shown } from "../reactor/_describe.ts";
import { ignoreRejection } from "../reactor/_ignore.ts";
import type { Claimable } from "../reactor/transfer/_maker.ts";
import type { User } from "./_channel.ts";
import { noContext } from "./_lending.ts";
import type { Output } from "./_output.ts";
import type { Place } from "./_places.ts";
import { Later, Offering, Reading, Writing } from "./_state.ts";
import { type Asker, Waiting } from "./_waiting.ts";

/** So much output is gathered before it is sent: 64 KiB. */
const HIGH_WATER = 64 * 1024;

/** Does what a coroutine yields: it reads, writes, or begins a request. */
export class Yields {
  /** Whether much was sent, which may take long. */
  hasSent = false;
  /** The request that has just answered at once. */
  answered: Waiting | undefined = undefined;
  readonly #driver: User & Asker;
  readonly #places: Output;
  /** The last one. Most coroutines need no other, and to make one for each read costs time. */
  #reading: Reading | undefined = undefined;

  constructor(driver: User & Asker, places: Output) {
    this.#driver = driver;
    this.#places = places;
  }

  /**
   * Does what was yielded. What it throws is to be thrown at the `yield`.
   *
   * @returns What to resume the coroutine with, or a Standing if the coroutine must stand still.
   */
  do(yielded: unknown): unknown {
    if (yielded === undefined) {
      const data = this.#take();
      if (data !== undefined) return data;
      return this.#places.send() ? this.#read() : new Writing("yielded", undefined);
    }
    if (typeof yielded === "string" || yielded instanceof Uint8Array) return this.#write(yielded);
    if (isRequest(yielded)) {
      if (this.canGoOn(yielded)) return this.#begin(yielded);
      (yielded as Partial<Claimable>).claim?.();
      return new Writing("yielded", yielded);
    }
    if (yielded === Yield) {
      this.#places.send();
      return new Later("next", undefined);
    }
    const place = this.#places.top;
    if (place?.context.put !== undefined) return this.#put(place, yielded);
    throw meaningless(yielded);
  }

  /**
   * Sends what waits, and tells whether the coroutine can go on with what it has yielded. A request
   * can begin while some output waits, but not output to a context that the coroutine has left.
   */
  canGoOn(yielded: unknown): boolean {
    const { flushes, follows } = (yielded ?? {}) as { flushes?: boolean; follows?: boolean };
    return this.#places.send(follows) ||
      (isRequest(yielded) && !this.#places.hasLeft && !flushes);
  }

  /** What the innermost context has at hand. What was written may wait until there is nothing more. */
  #take(): unknown {
    const place = this.#places.top;
    if (place?.context.take === undefined) return undefined;
    return place.channel.take(this.#driver);
  }

  #read(): unknown {
    const channel = this.#places.innermost;
    if (channel === undefined) throw noContext("read");
    if (channel.rest.length > 0) return channel.shift();
    if (channel.ended !== undefined) throw channel.ending();
    // What was sent may have shown that the connection is lost.
    const data = channel.take(this.#driver);
    if (data !== undefined) return data;
    channel.read(this.#driver);
    if (this.#reading?.channel === channel) return this.#reading;
    return this.#reading = new Reading(channel, this.#driver);
  }

  #write(data: string | Uint8Array): unknown {
    const place = this.#places.top;
    if (place === undefined) throw noContext("write");
    const { channel } = place;
    if (channel.isBroken) throw channel.failed ?? channel.ended;
    if (channel.context.put !== undefined) return this.#put(place, data);
    if (data.length === 0) return undefined;
    this.#places.write(place, data);
    if (channel.outbox.size < HIGH_WATER) return undefined;
    this.hasSent = true;
    return this.#places.send() ? undefined : new Writing("next", undefined);
  }

  /** Hands over a value as it is. The coroutine goes on when the next one would be accepted. */
  #put(place: Place, value: unknown): unknown {
    const { channel, context } = place;
    const isAccepted = channel.isTurnOf(this.#driver) && context.put!(value);
    if (isAccepted && context.flush !== undefined) place.output = "unsent";
    if (isAccepted && context.writable) return undefined;
    channel.await(this.#driver);
    return isAccepted
      ? new Offering(channel, this.#driver, "next", undefined)
      : new Offering(channel, this.#driver, "yielded", value);
  }

  #begin(request: Request<unknown>): unknown {
    // Others may read the context until it is answered, but not what a protocol makes of it.
    if (this.#places.inner?.isElsewhere !== false) this.#places.keepRest();
    const waiting = new Waiting(this.#driver);
    const answer = waiting.begin(request);
    if (answer === undefined) return waiting;
    this.answered = waiting;
    if (answer.how === "throw") throw answer.value;
    return answer.value;
  }
}

function meaningless(value: unknown): TypeError {
  ignoreRejection(value);
  return new TypeError(
    `Cannot do anything with a yielded ${typeof value} (${shown(value)}): ${instead(value)}`,
  );
}

function instead(value: unknown): string {
  if (value instanceof Promise) return "wait for it, yield* wait(promise)";
  if (Symbol.asyncIterator in Object(value) && "next" in Object(value)) {
    return "wait for its next item, yield* wait(generator.next())";
  }
  if (typeof value === "function") return "call it, main() and not main";
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") {
    return "write it as text, yield String(value)";
  }
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return "write a Uint8Array of it";
  }
  if (value instanceof Response) return "only what fetchHandler() is given answers by a Response";
  return "yield nothing to read, a string or Uint8Array to " +
    "write, or a request such as wait(promise) with yield*";
}
