import { duration } from "../reactor/_whole.ts";
import { type DateLine, dateLineOf } from "./_date.ts";
import { allLimits, refuseUnknown, schemeOf } from "./_limits.ts";
import type { AccessLog } from "./access_log.ts";
import type { HttpProtocolOptions } from "./http_handler.ts";
import { defaultLimits, type HttpLimits } from "./http_limits.ts";
import { defaultTimeouts, type HttpTimeouts } from "./http_timeouts.ts";

/** What the connections of one server share. It may be changed while they are open. */
export class Settings {
  readonly onError: HttpProtocolOptions["onError"];
  readonly scheme: HttpProtocolOptions["scheme"];
  readonly date: DateLine;
  readonly accessLog: AccessLog | undefined;
  /** How many requests have been answered, or refused. */
  requests = 0;
  #limits!: HttpLimits;
  #timeouts!: HttpTimeouts;
  #keepAlive = "";

  constructor({ onError, scheme, accessLog, clock, limits, timeouts }: HttpProtocolOptions) {
    schemeOf(scheme, false);
    this.onError = onError;
    this.scheme = scheme;
    this.accessLog = accessLog;
    this.date = dateLineOf(clock ?? Date);
    this.limits = limits ?? defaultLimits;
    this.timeouts = timeouts ?? defaultTimeouts;
  }

  get limits(): HttpLimits {
    return this.#limits;
  }

  set limits(limits: Partial<HttpLimits>) {
    this.#limits = allLimits(limits);
  }

  /** Those that are missing have their defaults. */
  get timeouts(): HttpTimeouts {
    return this.#timeouts;
  }

  set timeouts(timeouts: Partial<HttpTimeouts>) {
    this.#timeouts = allTimeouts(timeouts, defaultTimeouts);
    const seconds = Math.floor(this.#timeouts.idleMs / 1000);
    this.#keepAlive = seconds > 0 && seconds < Infinity ? `keep-alive: timeout=${seconds}\r\n` : "";
  }

  /** The header line that announces how long the connection stays open. */
  get keepAlive(): string {
    return this.#keepAlive;
  }
}

/**
 * Adds to the timeouts what is missing.
 *
 * @throws {RangeError} If one is not a number of milliseconds above 0.
 */
export function allTimeouts(given: Partial<HttpTimeouts>, missing: HttpTimeouts): HttpTimeouts {
  const timeouts = { ...missing };
  refuseUnknown("use these timeouts", given, Object.keys(missing));
  for (const name of Object.keys(missing) as (keyof HttpTimeouts)[]) {
    const value = given[name];
    if (value === undefined) continue;
    timeouts[name] = duration(value, `use these timeouts: ${name}`);
    if (value === 0) throw new RangeError(`Cannot use these timeouts: ${name} must not be 0`);
  }
  return timeouts;
}
