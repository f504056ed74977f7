import { shown } from "../reactor/_describe.ts";

/** What was given instead of a function; undefined if it is one. Nobody would wait for an async one. */
export function foundInstead(given: unknown): string | undefined {
  if (typeof given !== "function") return shown(given);
  const isAsync = Object.prototype.toString.call(given).startsWith("[object Async");
  return isAsync ? "an async function" : undefined;
}

/** Refuses an argument that is not a function, or an async one. */
export function checkFunction(given: unknown, what: string, name: string): void {
  const found = foundInstead(given);
  if (found === undefined) return;
  throw new TypeError(`Cannot ${what}: ${name} must be a function, not ${found}`);
}
