export { names, refuseUnknown } from "../reactor/_known.ts";
import { refuseUnknown } from "../reactor/_known.ts";
import { shown } from "../reactor/_describe.ts";
import { whole } from "../reactor/_whole.ts";
import { defaultLimits, type HttpLimits } from "./http_limits.ts";

/** All limits for those that were given, for each kind of limits. */
const kinds = new WeakMap<object, WeakMap<object, unknown>>();

/**
 * Adds the defaults to the limits that were given. It gives the same object each time, which
 * connections share.
 *
 * @throws {RangeError} If one is no whole number, or Infinity: nothing would ever exceed it.
 */
export function limitsOf<T extends object>(given: Partial<T>, missing: Readonly<T>): T {
  let known = kinds.get(missing);
  if (known === undefined) kinds.set(missing, known = new WeakMap());
  let limits = known.get(given) as T | undefined;
  if (limits !== undefined) return limits;
  refuseUnknown("use these limits", given, Object.keys(missing));
  limits = { ...missing };
  for (const name of Object.keys(missing) as (keyof T & string)[]) {
    const value = given[name];
    if (value === undefined) continue;
    limits[name] = whole(value as number, `use these limits: ${name}`) as T[typeof name];
  }
  known.set(given, limits);
  return limits;
}

/** The limits of a server. */
export function allLimits(given: Partial<HttpLimits> = defaultLimits): HttpLimits {
  const limits = limitsOf(given, defaultLimits);
  if (limits.maxRequests === 0) throw new RangeError("Cannot use these limits: maxRequests is 0");
  return limits;
}

/**
 * The scheme that was given, or the one of the connection.
 *
 * @throws {TypeError} If it is neither "http" nor "https".
 */
export function schemeOf(given: unknown, isSecured: boolean): "http" | "https" {
  if (given === undefined) return isSecured ? "https" : "http";
  if (given === "http" || given === "https") return given;
  throw new TypeError(`Cannot serve HTTP with the scheme ${shown(given)}: give "http" or "https"`);
}

/**
 * Adds to the timeouts what is missing.
 *
 * @throws {RangeError} If one is not a number of milliseconds above 0.
 */
export function allTimeouts<T extends object>(given: Partial<T>, missing: T): T {
  const timeouts = { ...missing };
  refuseUnknown("use these timeouts", given, Object.keys(missing));
  for (const name of Object.keys(missing) as (keyof T & string)[]) {
    const value = given[name];
    if (value === undefined) continue;
    if (!(typeof value === "number" && value > 0)) {
      throw new RangeError(
        `Cannot use these timeouts: ${name} must be a number of milliseconds above 0, or Infinity for no limit, ` +
          `not ${shown(value)}`,
      );
    }
    timeouts[name] = value as T[typeof name];
  }
  return Object.freeze(timeouts);
}
