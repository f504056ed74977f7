/** For errors and calls that need no reaction. */
export function ignore(): void {}

/** The rejection of a promise that was given by mistake, which is an error already, needs none. */
export function ignoreRejection(given: unknown): void {
  catchRejection(given, ignore);
}

/**
 * Reports the rejection of a promise that a function gives although nobody waits for it. Otherwise it
 * would end the program.
 */
export function catchRejection(given: unknown, report: (error: unknown) => void): void {
  if (given instanceof Promise) given.catch(report);
}
