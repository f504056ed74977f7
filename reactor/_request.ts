import type { Registrar } from "./_registrar.ts";

/*
 * A coroutine yields requests to its driver, which is gio or a process of the reactor. A request
 * has this symbol and a method `begin(waiter)`. See Request in compose, which this module does not
 * import.
 */
const MARK: unique symbol = Symbol.for("weightless.request") as never;

/**
 * A coroutine that a reactor runs and that waits for the answer to a request. It takes one answer
 * and ignores later ones.
 */
export interface ReactorWaiter<R = unknown> {
  /** The reactor that runs the coroutine. */
  readonly reactor: Registrar;
  /** Resumes the coroutine with the answer. */
  resume(value: R): void;
  /** Throws an error into the coroutine. */
  fail(error: unknown): void;
}

/** A request of any class. */
export interface Beginnable {
  begin(waiter: ReactorWaiter): (() => void) | void;
}

export function markAsRequest(prototype: object): void {
  Object.defineProperty(prototype, MARK, { value: true });
}

export function isRequest(value: unknown): value is Beginnable {
  return typeof value === "object" && value !== null && MARK in value;
}
