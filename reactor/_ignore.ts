/** For errors and calls that need no reaction. */
export function ignore(): void {}

/** The rejection of a promise that was given by mistake, which is an error already, needs none. */
export function ignoreRejection(given: unknown): void {
  if (given instanceof Promise) given.catch(ignore);
}
