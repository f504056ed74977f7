/** What fits in an `int` of C. */
export const MOST_INT: number = 2 ** 31 - 1;
/** The highest port of TCP and UDP. */
export const MAX_PORT = 65535;
/** What `recv(most)` checks, on all back ends. */
export const RECEIVE = "receive: the number of bytes";

/**
 * A number that counts bytes, or stands for something in C, which would take -1 for a huge one and cut off what is behind
 * the point. It is checked where a user gives it, so that the error comes at that call; Infinity is all there is.
 *
 * @throws {RangeError} with `what` (as in `receive: the number of bytes`) and the value
 */
export function whole(
  value: number,
  what: string,
  least: number = 0,
  most: number = Infinity,
): number {
  // What is no number is compared as one otherwise.
  if (typeof value === "number" && value >= least && value <= most && !(value % 1 > 0)) {
    return value + 0; // Not -0, which FFI takes for no integer.
  }
  const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new RangeError(`Cannot ${what} must be a whole number ${range}, not ${String(value)}`);
}

/**
 * A time in milliseconds, of which parts count as well. It is checked where a user gives it, as {@linkcode whole} is.
 *
 * @throws {RangeError} with `what` (as in `sleep: the time`) and the value
 */
export function duration(ms: number, what: string): number {
  if (typeof ms === "number" && ms >= 0) return ms;
  throw new RangeError(
    `Cannot ${what} must be a number of milliseconds of at least 0, not ${String(ms)}`,
  );
}
