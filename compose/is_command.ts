import { Command } from "./command.ts";

/** What is marked so is a command as well: for modules that do not import this one, as the reactor. */
const MARK = Symbol.for("weightless.command");

/**
 * Whether a coroutine yielded something for its driver, rather than data: a {@linkcode Command}, or an object that has a
 * property with the key `Symbol.for("weightless.command")`.
 *
 * @param value What was yielded.
 * @returns Whether it is to be performed, or passed on to who can.
 *
 * @example Commands and data
 * ```ts
 * import { Command, isCommand } from "@weightless/io/compose";
 * import { assert } from "@std/assert";
 *
 * class Random extends Command<number> {}
 *
 * assert(isCommand(new Random()));
 * assert(!isCommand("data"));
 * ```
 */
export function isCommand(value: unknown): value is Command<unknown> {
  return typeof value === "object" && value !== null &&
    (value instanceof Command || MARK in value);
}
