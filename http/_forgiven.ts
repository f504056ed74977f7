/**
 * Errors that do not end the program if nobody catches them, because a client can cause them at will
 * where perhaps nobody waits. The rejection itself must come: whoever waits ends by it, and closes what
 * it has opened.
 */
const forgiven = new WeakSet<object>();
let isListening = false;

/** The program goes on when a promise rejects with this error and nobody catches it. */
export function forgive(error: unknown): void {
  if (typeof error !== "object" || error === null) return;
  forgiven.add(error);
  if (isListening) return;
  isListening = true;
  addEventListener("unhandledrejection", (event) => {
    if (forgiven.has(event.reason)) event.preventDefault();
  });
}
