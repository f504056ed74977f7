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
  limits = { ...defaultLimits };
  for (const name of Object.keys(defaultLimits) as (keyof HttpLimits)[]) {
    const value = given[name];
    if (value === undefined) continue;
    limits[name] = whole(value, `use these limits: ${name}`);
  }
  known.set(given, limits);
  return limits;
}
