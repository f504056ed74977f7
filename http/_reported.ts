/** Errors that cut a connection although somebody has been told: whoever catches them keeps silent. */

const reported = new WeakSet<object>();

/** Marks what a handler has thrown; what is no object cannot be marked, and becomes the cause of an error that can. */
export function asReported(error: unknown): unknown {
  const object = typeof error === "object" && error !== null
    ? error
    : new Error("The handler has failed with what is no Error", { cause: error });
  reported.add(object);
  return object;
}

export function wasReported(error: unknown): boolean {
  return typeof error === "object" && error !== null && reported.has(error);
}
