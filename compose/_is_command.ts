import { Command } from "./command.ts";

/** What is marked so is a command as well: the reactor, which does not import this module, does that. */
const MARK = Symbol.for("weightless.command");

/** Whether a coroutine yielded something for its driver, rather than data; to be waited for by `yield*`. */
export function isCommand(value: unknown): value is Command<unknown> {
  return typeof value === "object" && value !== null &&
    (value instanceof Command || MARK in value);
}
