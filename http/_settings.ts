import { shown } from "../reactor/_describe.ts";
import { duration } from "../reactor/_whole.ts";
import { type DateLine, dateLineOf } from "./_date.ts";
import type { Codings } from "./_codings.ts";
import { allLimits, refuseUnknown, schemeOf } from "./_limits.ts";
import type { AccessLog } from "./access_log.ts";
import { compressionFor } from "./content/compression_for.ts";
import { decompress } from "./content/decompress.ts";
import type { HttpProtocolOptions } from "./http_handler.ts";
import { defaultLimits, type HttpLimits } from "./http_limits.ts";
import { defaultTimeouts, type HttpTimeouts } from "./http_timeouts.ts";

/** What the connections of one server share. It may be changed while they are open. */
export class Settings {
  readonly onError: HttpProtocolOptions["onError"];
  readonly scheme: HttpProtocolOptions["scheme"];
  readonly date: DateLine;
  readonly accessLog: AccessLog | undefined;
  readonly codings: Codings | undefined;
  /** How many requests have been answered, or refused. */
  requests = 0;
  #limits!: HttpLimits;
  #timeouts!: HttpTimeouts;
  #keepAlive = "";

  constructor(options: HttpProtocolOptions) {
    const { onError, scheme, accessLog, clock, limits, timeouts } = options;
    schemeOf(scheme, false);
    this.onError = onError;
    this.scheme = scheme;
    this.accessLog = accessLog;
    this.date = dateLineOf(clock ?? Date);
    this.codings = codingsOf(options);
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

/**
 * Which bodies are encoded and decoded.
 *
 * @throws {TypeError} If an option is unknown, or has a wrong type.
 * @throws {RangeError} If one is no number of bytes.
 */
function codingsOf(
  { compression = false, decompression = false }: HttpProtocolOptions,
): Codings | undefined {
  if (compression === false && decompression === false) return undefined;
  const codings: Codings = {
    compression: optionsOf("compression", compression, ["minBytes", "codings", "isCompressible"]),
    decompression: optionsOf("decompression", decompression, ["maxBytes"]),
  };
  // These check the options.
  compressionFor({ status: 200, contentType: "text/plain" }, undefined, codings.compression);
  decompress("gzip", codings.decompression);
  return codings;
}

/** A copy of the options, which does not change; undefined if it is turned off. */
function optionsOf<T extends object>(
  name: string,
  given: boolean | T,
  known: readonly string[],
): T | undefined {
  if (given === false) return undefined;
  if (given === true) return {} as T;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(
      `Cannot serve HTTP with ${name}: ${shown(given)}: give true, false or options`,
    );
  }
  refuseUnknown(`serve HTTP with these options of ${name}`, given, known);
  return { ...given };
}
