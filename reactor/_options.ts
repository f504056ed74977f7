import { REACTOR } from "./_all_options.ts";
import { refuseUnknown } from "./_known.ts";
import { shown } from "./_describe.ts";
import type { Registrar } from "./_registrar.ts";
import type { ReactorOptions } from "./reactor_options.ts";
import { EVENTS } from "./_reports.ts";
import { duration } from "./_whole.ts";

/**
 * Refuses options that would have no effect. An option that is `undefined`, `false` or an empty list
 * asks for nothing.
 *
 * @throws {TypeError} If one of them is given. The message has `doing`, the name of the option and
 * `why`.
 */
export function refuse<T extends object>(
  options: T,
  names: readonly (keyof T & string)[],
  doing: string,
  why: string,
): void {
  for (const name of names) {
    const value: unknown = options[name];
    if (value === undefined || value === false) continue;
    if (Array.isArray(value) && value.length === 0) continue;
    throw new TypeError(`Cannot ${doing}: ${name} has no effect ${why}`);
  }
}

/** Refuses anything that is not a reactor, for example because two arguments were swapped. */
export function checkReactor(reactor: unknown, doing: string, call: string): void {
  if (typeof (reactor as Partial<Registrar> | undefined)?.addShutdownHook === "function") return;
  throw new TypeError(`Cannot ${doing} on ${shown(reactor)}: give a reactor first, ${call}`);
}

/** Checks that a certificate and its key are given both or not at all. */
export function checkPair(doing: string, cert: unknown, key: unknown): void {
  if ((cert === undefined) === (key === undefined)) return;
  throw new TypeError(`Cannot ${doing} with TLS: give both a cert and a key, in PEM format`);
}

export function checkPath(doing: string, path: unknown): void {
  if (typeof path === "string" && path !== "") return;
  throw new TypeError(
    `Cannot ${doing}: the path must be a string that is not empty, not ${shown(path)}`,
  );
}

export function checkReactorOptions(options: ReactorOptions): void {
  refuseUnknown("make a reactor", options, REACTOR);
  const { clock, lingerMs, events } = options;
  if (lingerMs !== undefined) duration(lingerMs, "make a reactor: lingerMs");
  checkFunctions(options, ["onError", "onShutdown"], "");
  if (events !== undefined) {
    if (typeof events !== "object" || events === null) {
      throw new TypeError(`Cannot use events: it must be an object, not ${shown(events)}`);
    }
    checkFunctions(events, EVENTS, "events.");
    const functions = Object.entries(events).filter(([, value]) => typeof value === "function");
    refuseUnknown("use these events", Object.fromEntries(functions), EVENTS);
  }
  if (clock !== undefined && typeof clock.now !== "function") {
    throw new TypeError(`Cannot use the clock: it must have a method now()`);
  }
}

/** Checks that each of the named options is a function, if it is given. */
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
