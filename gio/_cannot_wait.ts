/** What a coroutine gets at a `yield` when its reactor is shut down. Its cleanup cannot help it. */
export class CannotWait extends Error {
  constructor() {
    super("Cannot wait: the reactor is shut down");
  }
}
