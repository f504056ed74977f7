/*
 * A coroutine may make a transfer and forget to yield it. Nobody would look at its promise then, and
 * the rejection of that would end the program. So the transfer tells the coroutine that made it.
 */

/** A coroutine that makes transfers. */
export interface Maker {
  /** It has made a transfer from or to `here`. */
  made(transfer: Forgettable): void;
  /** It stands still, and has not yielded one of those. */
  forgot(): void;
  /** Returns what is told of the error of a transfer that nobody waits for. */
  reporter(): (error: unknown) => void;
}

/** A transfer, for its maker. */
export interface Forgettable {
  /** Ends it if it was neither yielded nor awaited. Returns the error in that case. */
  forget(): TypeError | undefined;
}

/** A request that begins by itself soon, unless a coroutine that has it will begin it. */
export interface Claimable {
  claim(): void;
}

let find: () => Maker | undefined = () => undefined;

/** Tells who makes the transfers. Gio does. */
export function makersAre(current: () => Maker | undefined): void {
  find = current;
}

/** The coroutine that is running. */
export function currentMaker(): Maker | undefined {
  return find();
}
