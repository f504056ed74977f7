import { shown } from "../../reactor/_describe.ts";

/** Refuses an argument that is not a function. */
export function checkFunction(given: unknown, what: string, name: string): void {
  if (typeof given === "function") return;
  throw new TypeError(`Cannot ${what}: ${name} must be a function, not ${shown(given)}`);
}
