import type { Inspected } from "./reactor_options.ts";

/**
 * What {@linkcode Reactor.inspect} has told, as text: a line for each, and below it, further to the
 * right, the lines of the calls of a coroutine.
 *
 * @param inspected What it has told, or a part of it.
 * @returns The text, which ends with a line break, if there is anything to tell.
 *
 * @example A timer
 * ```ts
 * import { inspectedText, Reactor, TestClock } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor({ clock: new TestClock() });
 * reactor.addTimer(250, function retry() {});
 * assertEquals(inspectedText(reactor.inspect()), "timer retry (due in 250 ms)\n");
 * ```
 *
 * @category Reactor
 */
export function inspectedText(inspected: Inspected[]): string {
  return inspected.map(({ kind, what, suspended, waits, dueMs, ageMs, where }) => {
    const told = [
      suspended && "suspended",
      waits && `waits ${waits}`,
      dueMs !== undefined && `due in ${Math.round(dueMs)} ms`,
      ageMs !== undefined && `for ${Math.round(ageMs)} ms`,
    ].filter(Boolean).join(", ");
    const lines = where === undefined ? [] : where.split(", ").map((line) => `    ${line}\n`);
    return `${kind} ${what}${told && ` (${told})`}\n${lines.join("")}`;
  }).join("");
}
