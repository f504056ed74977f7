import { ignore } from "./_ignore.ts";

/** How long to wait for a reactor to be run before it is said that nobody does. */
const PATIENCE_MS = 5000;

const attended = new WeakMap<object, () => boolean>();

/**
 * For each reactor: whether it runs, or has ever been stepped. It is asked once, so that steps cost
 * no more.
 */
export function tellAttended(reactor: object, isAttended: () => boolean): void {
  attended.set(reactor, isAttended);
}

/**
 * Reports to the reactor's `onError` if nobody runs it: then nothing happens, and everything else
 * seems well. The error has the line where the server or transfer was made, and tells what does not
 * happen. Gives what calls it off. It keeps no process alive.
 */
export function expectAttended(
  reactor: { onError(error: unknown, where: string): void },
  missing: string,
  what: () => string,
): () => void {
  if (attended.get(reactor)?.() !== false) return ignore;
  const error = new Error(`Nobody runs the reactor, so that ${missing}: await reactor.run()`);
  const timer = setTimeout(() => {
    if (attended.get(reactor)?.() === false) reactor.onError(error, what());
  }, PATIENCE_MS);
  Deno.unrefTimer(timer);
  return () => clearTimeout(timer);
}
