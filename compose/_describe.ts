import { inspect } from "node:util";

/** A value in a message: short. */
export function describe(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  }
  return inspect(value, {
    depth: 0,
    maxArrayLength: 5,
    maxStringLength: 40,
    breakLength: Infinity,
  });
}
