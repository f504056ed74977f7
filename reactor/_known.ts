/** Which options there are. A misspelt one would be ignored otherwise. */
import { shown } from "./_describe.ts";

/** The names of all options of a kind. The type of the argument makes sure that none is missing. */
export function names<T>(all: { readonly [name in keyof Required<T>]: 1 }): readonly string[] {
  return Object.keys(all);
}

/**
 * Refuses options that do not exist.
 *
 * @param what What cannot be done, for the message.
 * @param given The options.
 * @param known The names of those that exist.
 * @throws {TypeError} If there is one, or the options are no object.
 */
export function refuseUnknown(what: string, given: object, known: readonly string[]): void {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`Cannot ${what}: give an object, not ${shown(given)}`);
  }
  for (const name in given) {
    if (known.includes(name)) continue;
    throw new TypeError(
      `Cannot ${what}: there is no option ${name}; there are ${known.join(", ")}`,
    );
  }
}
