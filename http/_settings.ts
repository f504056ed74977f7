import { shown } from "../reactor/_describe.ts";
import { checkFunction } from "./_check_function.ts";
import { type DateLine, dateLineOf } from "./_date.ts";
import type { Codings } from "./_codings.ts";
import { allLimits, allTimeouts, names, refuseUnknown, schemeOf } from "./_limits.ts";
import type { AccessLog } from "./access_log.ts";
import type { ErrorHandler } from "./error_handler.ts";
import { compressionFor } from "./content/compression_for.ts";
import { decompress } from "./content/decompress.ts";
import type { HttpProtocolOptions } from "./http_handler.ts";
import { defaultLimits, type HttpLimits } from "./http_limits.ts";
import { defaultTimeouts, type HttpTimeouts } from "./http_timeouts.ts";

/** The options of the protocol. */
export const PROTOCOL: readonly string[] = names<HttpProtocolOptions>({
  limits: 1,
  timeouts: 1,
  scheme: 1,
  onError: 1,
  errorHandler: 1,
  accessLog: 1,
  compression: 1,
  decompression: 1,
  clock: 1,
  http2: 1,
});

/** Checks the options of the protocol, if it is not a part of a server. */
export function settingsOf(options: HttpProtocolOptions): Settings {
  refuseUnknown("speak HTTP", options, PROTOCOL);
  return new Settings(options);
}

/** What the connections of one server share. It may be changed while they are open. */
export class Settings {
  readonly onError: HttpProtocolOptions["onError"];
  readonly scheme: HttpProtocolOptions["scheme"];
  readonly date: DateLine;
  readonly errorHandler: ErrorHandler | undefined;
  readonly accessLog: AccessLog | undefined;
  readonly codings: Codings | undefined;
  /** Whether HTTP/2 is spoken as well. */
  readonly http2: boolean;
  /** How many requests have been answered, or refused. */
  requests = 0;
  #limits!: HttpLimits;
  #timeouts!: HttpTimeouts;
  #keepAlive = "";

  constructor(options: HttpProtocolOptions) {
    const { onError, scheme, errorHandler, accessLog, clock, limits, timeouts, http2 } = options;
    schemeOf(scheme, false);
    if (onError !== undefined) checkFunction(onError, "serve HTTP", "onError");
    if (errorHandler !== undefined) checkFunction(errorHandler, "serve HTTP", "errorHandler");
    if (accessLog !== undefined) checkFunction(accessLog, "serve HTTP", "accessLog");
    if (clock !== undefined) checkFunction(clock?.now, "serve HTTP", "clock.now");
    this.onError = onError;
    this.scheme = scheme;
    this.errorHandler = errorHandler;
    this.accessLog = accessLog;
    this.date = dateLineOf(clock ?? Date);
    if (http2 !== undefined && typeof http2 !== "boolean") {
      throw new TypeError(`Cannot serve HTTP with http2: ${shown(http2)}: give true or false`);
    }
    this.codings = codingsOf(options);
    this.http2 = http2 ?? true;
    this.limits = limits === undefined ? defaultLimits : limits;
    this.timeouts = timeouts === undefined ? defaultTimeouts : timeouts;
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
    // RFC 9110 7.6.1: a field about the connection MUST be listed in Connection.
    this.#keepAlive = seconds > 0 && seconds < Infinity
      ? `connection: keep-alive\r\nkeep-alive: timeout=${seconds}\r\n`
      : "";
  }

  /** The timeouts that count for a connection itself. */
  get current(): HttpTimeouts {
    return this.#timeouts;
  }

  /** The header lines that announce how long the connection stays open. */
  get keepAlive(): string {
    return this.#keepAlive;
  }
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
