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
    const meant = nearest(name, known);
    throw new TypeError(
      `Cannot ${what}: there is no option ${name}${
        meant === undefined ? "" : ` (did you mean ${meant}?)`
      }; there are ${known.join(", ")}`,
    );
  }
}

/** The name that is meant by a misspelt or shortened one, if any is near. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const same = known.find((one) => one.toLowerCase() === name.toLowerCase());
  if (same !== undefined) return same;
  const distances = known.map((one) => distance(name.toLowerCase(), one.toLowerCase()));
  const least = Math.min(...distances);
  return least <= name.length / 4 ? known[distances.indexOf(least)] : undefined;
}

/** How many letters are to be put in, left out or replaced. A name that is cut short is near. */
function distance(from: string, to: string): number {
  if (to.startsWith(from)) return 1;
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (from[i] === to[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[to.length]!;
}
