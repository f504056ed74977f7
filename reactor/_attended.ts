/** So long a server waits for its reactor to be run, before it says that nobody does. */
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
 * Reports to the reactor's `onError` if nobody runs it: it accepts nothing, and everything else
 * seems well. The error has the line where the server was made. Gives what calls it off. It keeps
 * no process alive.
 */
export function expectAttended(
  reactor: { onError(error: unknown, where: string): void },
  what: () => string,
): () => void {
  const error = new Error(
    "Nobody runs the reactor, so that no connection is accepted: await reactor.run()",
  );
  const timer = setTimeout(() => {
    if (attended.get(reactor)?.() === false) reactor.onError(error, what());
  }, PATIENCE_MS);
  Deno.unrefTimer(timer);
  return () => clearTimeout(timer);
}
