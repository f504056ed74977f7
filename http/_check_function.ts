import { shown } from "../reactor/_describe.ts";

/** Refuses an argument that is not a function, or an async one: nobody would wait for it. */
export function checkFunction(given: unknown, what: string, name: string): void {
  const isAsync = Object.prototype.toString.call(given).startsWith("[object Async");
  if (typeof given === "function" && !isAsync) return;
  const found = isAsync ? "an async function" : shown(given);
  throw new TypeError(`Cannot ${what}: ${name} must be a function, not ${found}`);
}
