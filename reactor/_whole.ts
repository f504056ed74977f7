import { shown } from "./_describe.ts";

/** The largest `int` of C. */
export const MAX_INT: number = 2 ** 31 - 1;
export const MAX_PORT = 65535;
/** What `recv(max)` checks on all back ends. */
export const RECEIVE = "receive: the number of bytes";

/**
 * Checks a whole number that counts bytes or goes to C, which takes -1 for a huge number and drops
 * fractions. The check is made where the user gives the number, so that the error names that call.
 * Infinity is allowed if there is no maximum.
 *
 * @param what Begins the message, for example `receive: the number of bytes`.
 * @returns The number.
 * @throws {RangeError} If it is not a whole number in the range.
 */
export function whole(
  value: number,
  what: string,
  min: number = 0,
  max: number = Infinity,
): number {
  // Without this, other types would be converted and compared as numbers.
  if (typeof value === "number" && value >= min && value <= max && !(value % 1 > 0)) {
    return value + 0; // Not -0, which FFI takes for no integer.
  }
  const range = max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new RangeError(`Cannot ${what} must be a whole number ${range}, not ${shown(value)}`);
}

/**
 * Checks a time in milliseconds, which may have a fraction.
 *
 * @param what Begins the message, for example `sleep: the time`.
 * @returns The time.
 * @throws {RangeError} If it is not a number of at least 0.
 */
export function duration(ms: number, what: string): number {
  if (typeof ms === "number" && ms >= 0) return ms;
  throw new RangeError(
    `Cannot ${what} must be a number of milliseconds of at least 0, not ${shown(ms)}`,
  );
}
