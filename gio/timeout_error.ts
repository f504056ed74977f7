/** Thrown at the `yield` where a coroutine stands when its `timeout()` is over. */
export class TimeoutError extends Error {
  /** The name of the class. */
  override readonly name = "TimeoutError";
}
