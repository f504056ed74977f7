/**
 * Marks objects of this class as something that a coroutine yields for whoever drives it, rather than as data. A pipe knows
 * them by the name of the symbol and passes them outwards, as it does with the commands of compose, which this module does
 * not import.
 */
export function markAsCommand(prototype: object): void {
  Object.defineProperty(prototype, Symbol.for("weightless.command"), { value: true });
}
