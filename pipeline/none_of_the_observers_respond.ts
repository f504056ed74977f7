/**
 * Thrown by `this.any` and `this.call` when no observer answers the message.
 *
 * @example Who could have answered
 * ```ts
 * import { be, NoneOfTheObserversRespond, Observable } from "@weightless/io/pipeline";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const root = be([new Observable(), [{ add() {} }]]);
 * const error = assertThrows(() => root.call.find(3), NoneOfTheObserversRespond);
 * assertEquals(error.unansweredMessage, "find");
 * assertEquals(error.numberOfObservers, 1);
 * ```
 *
 * @category Components
 */
export class NoneOfTheObserversRespond extends Error {
  /** The name of the class. */
  override readonly name = "NoneOfTheObserversRespond";
  /** The message nobody answered. */
  readonly unansweredMessage: string;
  /** How many observers the message was for. */
  readonly numberOfObservers: number;

  /**
   * Made by `this.any` and `this.call`.
   *
   * @param verb `any` or `call`.
   * @param unansweredMessage The message.
   * @param sender The name of the component that sent it.
   * @param numberOfObservers How many observers it has.
   */
  constructor(verb: string, unansweredMessage: string, sender: string, numberOfObservers: number) {
    const none = numberOfObservers === 0
      ? "There are no observers to"
      : `None of the ${numberOfObservers} observers`;
    super(`${none} respond to ${verb}.${unansweredMessage}() of ${sender}`);
    this.unansweredMessage = unansweredMessage;
    this.numberOfObservers = numberOfObservers;
  }
}
