import { shown } from "./_describe.ts";
import type { Registrar } from "./_registrar.ts";
import type { ReactorOptions } from "./reactor_options.ts";
import { EVENTS } from "./_reports.ts";

/**
 * Fails if one of the options is given that would not be honoured. What is `undefined` or `false` asks for nothing.
 *
 * @throws {TypeError} with `doing`, the name of the option, and `why`
 */
export function refuse<T extends object>(
  options: T,
  names: readonly (keyof T & string)[],
  doing: string,
  why: string,
): void {
  for (const name of names) {
    if (options[name] === undefined || options[name] === false) continue;
    throw new TypeError(`Cannot ${doing}: ${name} has no effect ${why}`);
  }
}

/** What is no reactor, because two arguments are in each other's place, say. */
export function checkReactor(reactor: unknown, doing: string, call: string): void {
  if (typeof (reactor as Partial<Registrar> | undefined)?.addShutdownHook === "function") return;
  throw new TypeError(`Cannot ${doing} on ${shown(reactor)}: give a reactor first, ${call}`);
}

/** A certificate and its key are both given, or none is. */
export function checkPair(doing: string, cert: unknown, key: unknown): void {
  if ((cert === undefined) === (key === undefined)) return;
  throw new TypeError(`Cannot ${doing} with TLS: give both a cert and a key, in PEM format`);
}

export function checkPath(doing: string, path: unknown): void {
  if (typeof path === "string" && path !== "") return;
  throw new TypeError(
    `Cannot ${doing}: the path must be a text of some length, not ${shown(path)}`,
  );
}

export function checkReactorOptions(options: ReactorOptions): void {
  const { clock, lingerMs, events } = options;
  if (lingerMs !== undefined && !(typeof lingerMs === "number" && lingerMs >= 0)) {
    throw new RangeError(`Cannot linger for ${shown(lingerMs)} ms: it must be at least 0`);
  }
  checkFunctions(options, ["onError", "onShutdown"], "");
  if (events !== undefined) checkFunctions(events, EVENTS, "events.");
  if (clock !== undefined && typeof clock.now !== "function") {
    throw new TypeError(`Cannot use the clock: it must have a method now()`);
  }
}

/** What is to be called is a function, if it is there. */
function checkFunctions<T extends object>(
  options: T,
  names: readonly (keyof T & string)[],
  what: string,
): void {
  for (const name of names) {
    const value = options[name];
    if (value === undefined || typeof value === "function") continue;
    throw new TypeError(`Cannot use ${what}${name}: it must be a function, not ${shown(value)}`);
  }
}
