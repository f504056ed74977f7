/** Errors that cut a connection although somebody has been told: whoever catches them keeps silent. */

const reported = new WeakSet<object>();

export function setReported(error: unknown): void {
  if (typeof error === "object" && error !== null) reported.add(error);
}

export function wasReported(error: unknown): boolean {
  return typeof error === "object" && error !== null && reported.has(error);
}
