import { here } from "../reactor/mod.ts";
import type { Lender } from "../reactor/transfer/transfer.ts";
import { Channel } from "./_channel.ts";
import type { Context } from "./context.ts";
import type { Places } from "./_places.ts";

/**
 * Lets a transfer use the contexts of a coroutine. The transfer gets what was pushed back first,
 * and gives back what it received beyond its limit.
 */
export class Lending implements Lender {
  readonly #places: Places;
  /** For branches, until they enter a context: that of the coroutine that runs the branch. */
  readonly #outer: Lending | undefined;

  constructor(places: Places, outer: Lending | undefined) {
    this.#places = places;
    this.#outer = outer;
  }

  /** The context that {@linkcode here} means. */
  get innermost(): Context | undefined {
    return this.#places.innermost?.context ?? this.#outer?.innermost;
  }

  lend(end: Parameters<Lender["lend"]>[0]): object {
    const lent = end === here ? this.innermost : "context" in end ? end.context : end;
    if (lent === undefined) throw noContext("transfer");
    if (isContext(lent)) Channel.of(lent).stopIdleReading();
    return lent;
  }

  unread(end: object): Uint8Array[] {
    if (!isContext(end)) return [];
    if (this.#outer !== undefined) this.takeBack(end, this.#outer.unread(end));
    if (this.#places.innermost?.context === end) this.#places.keepRest();
    return Channel.of(end).takeRest().map(asBytes);
  }

  ended(target: object, isWhole: boolean): void {
    if (isContext(target)) Channel.of(target).isPart = !isWhole;
  }

  takeBack(end: object, unread: Uint8Array[]): void {
    Channel.of(end as Context).unread(unread);
  }
}

export function noContext(verb: string): Error {
  return new Error(
    `Cannot ${verb}: there is no context, enter one first (using _ = enter(context)) or give gio() a connection`,
  );
}

function isContext(end: object): end is Context {
  return "recv" in end && "watch" in end;
}

function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return new TextEncoder().encode(value);
  throw new TypeError(`Cannot transfer ${typeof value} that was pushed back: only bytes and text`);
}
