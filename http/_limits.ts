export { names, refuseUnknown } from "../reactor/_known.ts";
import { refuseUnknown } from "../reactor/_known.ts";
import { shown } from "../reactor/_describe.ts";
import { whole } from "../reactor/_whole.ts";
import { defaultLimits, type HttpLimits } from "./http_limits.ts";

const known = new WeakMap<Partial<HttpLimits>, HttpLimits>();

/**
 * Adds the defaults to the limits that were given. It gives the same object each time, which
 * connections share.
 *
 * @throws {RangeError} If one is no whole number, or Infinity: nothing would ever exceed it.
 */
export function allLimits(given: Partial<HttpLimits> = defaultLimits): HttpLimits {
  let limits = known.get(given);
  if (limits !== undefined) return limits;
  refuseUnknown("use these limits", given, Object.keys(defaultLimits));
  if (given.maxRequests === 0) throw new RangeError("Cannot use these limits: maxRequests is 0");
  limits = { ...defaultLimits };
  for (const name of Object.keys(defaultLimits) as (keyof HttpLimits)[]) {
    const value = given[name];
    if (value === undefined) continue;
    limits[name] = whole(value, `use these limits: ${name}`);
  }
  known.set(given, limits);
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
