import type { Coroutine } from "../compose/mod.ts";
import { Observable } from "./observable.ts";

/**
 * A component that passes on every message that it does not handle itself. Extend it to put
 * something in between.
 *
 * Do not connect a circle of these alone: a message that none of them handles would go round in it
 * until an error ends it. Only `this.once` reaches each of them once.
 *
 * @typeParam M The messages it sends itself.
 * @typeParam Names Names of observers it sends messages to by name.
 *
 * @example Handling one message on its way
 * ```ts
 * import { be, Observable, Transparent } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * class Cents extends Transparent {
 *   price(euros: number): number {
 *     return this.call.price(euros) * 100;
 *   }
 * }
 * const shop = { price: (euros: number) => euros * 2, name: () => "Shop" };
 *
 * const root = be([new Observable(), [new Cents(), [shop]]]);
 * assertEquals(root.call.price(3), 600);
 * assertEquals(root.call.name(), "Shop");
 * ```
 *
 * @category Components
 */
// deno-lint-ignore no-explicit-any
export class Transparent<M = any, Names extends string = never> extends Observable<M, Names> {
  /**
   * Passes on what `this.all` sent.
   *
   * @param message The name of the message.
   * @param args Its arguments.
   * @returns A coroutine that runs the coroutines of all observers that answer.
   */
  *all_unknown(message: string, ...args: unknown[]): Coroutine<void> {
    yield (this as Observable).all.unknown(message, ...args);
  }

  /**
   * Passes on what `this.any` sent.
   *
   * @param message The name of the message.
   * @param args Its arguments.
   * @returns A coroutine that returns the answer of the first observer that has one.
   * @throws {NoneOfTheObserversRespond} From the coroutine, if no observer answers.
   */
  *any_unknown(message: string, ...args: unknown[]): Coroutine {
    return yield (this as Observable).any.unknown(message, ...args);
  }

  /**
   * Passes on what `this.do` sent.
   *
   * @param message The name of the message.
   * @param args Its arguments.
   * @throws {TypeError} If an observer returns something: `this.do` is for messages without answer.
   */
  do_unknown(message: string, ...args: unknown[]): void {
    (this as Observable).do.unknown(message, ...args);
  }

  /**
   * Passes on what `this.call` sent.
   *
   * @param message The name of the message.
   * @param args Its arguments.
   * @returns The answer of the first observer that has one.
   * @throws {NoneOfTheObserversRespond} If no observer answers.
   */
  call_unknown(message: string, ...args: unknown[]): unknown {
    return (this as Observable).call.unknown(message, ...args);
  }
}
