/** Refuses options that do not exist: a misspelt one would be ignored otherwise. */
export function refuseUnknown(what: string, given: object, known: readonly string[]): void {
  for (const name in given) {
    if (known.includes(name)) continue;
    throw new TypeError(
      `Cannot ${what}: there is no option ${name}; there are ${known.join(", ")}`,
    );
  }
}
