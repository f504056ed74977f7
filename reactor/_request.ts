import type { Registrar } from "./_registrar.ts";

/*
 * What a coroutine yields to whoever drives it, a process of the reactor or gio, is recognised by this symbol and has
 * a method `begin(waiter)`: see Request in compose, which this module does not import.
 */
const MARK: unique symbol = Symbol.for("weightless.request") as never;

/** Who waits for the answer to a request: a coroutine that a reactor runs. It takes one answer, and ignores all that comes later. */
export interface ReactorWaiter<R = unknown> {
  /** What runs it. */
  readonly reactor: Registrar;
  /** Resumes it with the answer. */
  resume(value: R): void;
  /** Throws an error into it. */
  fail(error: unknown): void;
}

/** A request, whoever made its class. */
export interface Beginnable {
  begin(waiter: ReactorWaiter): (() => void) | void;
}

export function markAsRequest(prototype: object): void {
  Object.defineProperty(prototype, MARK, { value: true });
}

export function isRequest(value: unknown): value is Beginnable {
  return typeof value === "object" && value !== null && MARK in value;
}
