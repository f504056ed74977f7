import { describe } from "./_describe.ts";

/** Refuses options that do not exist: a misspelt one would be ignored otherwise. */
export function refuseUnknown(what: string, given: object, known: readonly string[]): void {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(
      `Cannot ${what}: give options as an object, { ${known[0]} }, not ${describe(given)}`,
    );
  }
  for (const name in given) {
    if (known.includes(name)) continue;
    throw new TypeError(
      `Cannot ${what}: there is no option ${name}; there are ${known.join(", ")}`,
    );
  }
}
