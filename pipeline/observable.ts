import { be, type Strand } from "./be.ts";
import type { AllOf, AnyOf, CallOf, DoOf, OnceOf } from "./messages.ts";
import { Dispatcher, label, renamed, type Verb } from "./_dispatch.ts";

/*
 * A component sends messages without knowing who gets them, or whether anybody does:
 *
 *   this.do.m(…)     to all observers, at once; they return nothing
 *   this.call.m(…)   to the first that answers, at once; the answer is the result
 *   this.all.m(…)    a coroutine that runs the coroutines of all observers, one after the other
 *   this.any.m(…)    a coroutine that runs the coroutine of the first that answers; its result is the result
 *   this.once.m(…)   a coroutine that reaches every component behind this one exactly once
 *
 * An observer answers if it has a method `m`. If not, it may answer by a method `all_unknown`,
 * `any_unknown`, `do_unknown` or `call_unknown`, or by `unknown` for all four of them; the message
 * is their first argument. An observer declines by throwing DeclineMessage.
 */

/**
 * A component: it sends messages to the components that observe it.
 *
 * {@linkcode be} connects components. Any object can be an observer; only an Observable can have
 * observers. The methods that answer a message are looked up when it is first sent, and again after
 * the observers of its sender have changed. An observer that gets another method meanwhile goes on
 * with the one it had.
 *
 * @typeParam M The messages it sends, so that they are checked; without it any message can be sent.
 * @typeParam Names Names of observers it sends messages to by name: `this.do["console"].log(line)`.
 *
 * @example Sending and receiving
 * ```ts
 * import { be, Observable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * class Thermometer extends Observable<{ temperature(celsius: number): void }> {
 *   measure(): void {
 *     this.do.temperature(21);
 *   }
 * }
 * class Display {
 *   shown = "";
 *   temperature(celsius: number): void {
 *     this.shown = `${celsius} °C`;
 *   }
 * }
 *
 * const display = new Display();
 * const thermometer = be([new Thermometer(), [display]]);
 * thermometer.measure();
 * assertEquals(display.shown, "21 °C");
 * ```
 *
 * @category Components
 */
// deno-lint-ignore no-explicit-any
export class Observable<M = any, Names extends string = never> {
  #name: string | undefined;
  #observers: readonly object[] = [];
  #all: Dispatcher | undefined;
  #any: Dispatcher | undefined;
  #do: Dispatcher | undefined;
  #call: Dispatcher | undefined;
  #once: Dispatcher | undefined;

  /**
   * Makes a component without observers.
   *
   * @param name The name by which messages can be directed to it.
   */
  constructor(name?: string) {
    this.#name = name;
  }

  /**
   * The name by which those it observes can direct messages to it: `this.do["name"].message()`.
   * Another name counts from the next message on.
   */
  get observableName(): string | undefined {
    return this.#name;
  }
  set observableName(name: string | undefined) {
    this.#name = name;
    renamed();
  }

  /** The observers of this component, in the order in which they are asked. */
  get observers(): readonly object[] {
    return this.#observers;
  }

  /**
   * Sends a message to all observers; the result is a coroutine that runs theirs, one after the
   * other.
   */
  get all(): AllOf<M, Names> {
    return (this.#all ??= this.#dispatcher("all")).messages as AllOf<M, Names>;
  }

  /**
   * Sends a message to the first observer that answers; the result is a coroutine that gives its
   * answer.
   */
  get any(): AnyOf<M, Names> {
    return (this.#any ??= this.#dispatcher("any")).messages as AnyOf<M, Names>;
  }

  /** Sends a message to all observers at once. Their methods are plain and return nothing. */
  get do(): DoOf<M, Names> {
    return (this.#do ??= this.#dispatcher("do")).messages as DoOf<M, Names>;
  }

  /** Sends a message to the first observer that answers, and returns its answer. */
  get call(): CallOf<M, Names> {
    return (this.#call ??= this.#dispatcher("call")).messages as CallOf<M, Names>;
  }

  /**
   * Sends a message to the observers, their observers, and so on, to each exactly once. The result
   * is a coroutine that must be run. The methods of observers are coroutines or plain, and return
   * nothing.
   */
  get once(): OnceOf<M, Names> {
    return (this.#once ??= this.#dispatcher("once")).messages as OnceOf<M, Names>;
  }

  /**
   * Adds an observer after the others. It gets messages from the next one on.
   *
   * @param observer Any object.
   * @throws {TypeError} If it is not an object.
   */
  addObserver(observer: object): void {
    this.#change([...this.#observers, this.#checked(observer)]);
  }

  /**
   * Removes an observer. From the next message on it gets none.
   *
   * @param observer Which observer.
   * @throws {Error} If it does not observe this component.
   */
  removeObserver(observer: object): void {
    this.#change(this.#observers.toSpliced(this.#indexOf(observer), 1));
  }

  /**
   * Puts one observer in the place of another, from the next message on.
   *
   * @param observer Which observer.
   * @param replacement Any object.
   * @throws {Error} If `observer` does not observe this component.
   * @throws {TypeError} If `replacement` is not an object.
   */
  replaceObserver(observer: object, replacement: object): void {
    this.#change(this.#observers.with(this.#indexOf(observer), this.#checked(replacement)));
  }

  /**
   * Connects strands of DNA, as {@linkcode be} does, and adds their first components as observers.
   *
   * @param strands The DNA.
   * @throws {TypeError} If the DNA is not made of strands.
   */
  addStrand(...strands: (Strand | (() => Strand))[]): void {
    be([this, ...strands]);
  }

  #checked(observer: object): object {
    if (observer !== null && typeof observer === "object") return observer;
    throw new TypeError(`Cannot add an observer to ${label(this)}: it must be an object`);
  }

  #indexOf(observer: object): number {
    const index = this.#observers.indexOf(observer);
    if (index < 0) throw new Error(`${label(observer)} does not observe ${label(this)}`);
    return index;
  }

  #dispatcher(verb: Verb): Dispatcher {
    return new Dispatcher(this, verb, Observable.prototype);
  }

  #change(observers: readonly object[]): void {
    this.#observers = observers;
    for (const dispatcher of [this.#all, this.#any, this.#do, this.#call, this.#once]) {
      dispatcher?.forget();
    }
  }
}
