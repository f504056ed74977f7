import { defaultLimits, type HttpLimits } from "./http_limits.ts";

const known = new WeakMap<Partial<HttpLimits>, HttpLimits>();

/**
 * All limits, of those that were given and the defaults: the same object each time, for connections share it.
 *
 * @throws {RangeError} If one is no number: nothing would ever exceed it.
 */
export function allLimits(given: Partial<HttpLimits> = defaultLimits): HttpLimits {
  let limits = known.get(given);
  if (limits !== undefined) return limits;
  limits = { ...defaultLimits };
  for (const name of Object.keys(defaultLimits) as (keyof HttpLimits)[]) {
    const value = given[name];
    if (value === undefined) continue;
    if (typeof value !== "number" || !(value >= 0)) {
      throw new RangeError(
        `Cannot use ${value} as ${name}: it must be a number, 0 or more, or Infinity`,
      );
    }
    limits[name] = value;
  }
  known.set(given, limits);
  return limits;
}
