import { shown } from "./_describe.ts";

const GENERATORS = [function* () {}, async function* () {}].map(Object.getPrototypeOf);

/**
 * Checks a function that the reactor is to call.
 *
 * @throws {TypeError} If it is none, or a generator function: to call that runs nothing of it.
 */
export function checkCallback(
  callback: unknown,
  doing: string,
  instead: string = "give a function that runs it, () => gio(reactor, connection, main())",
): void {
  if (typeof callback !== "function") {
    throw new TypeError(`Cannot ${doing}: give a function to call, not ${shown(callback)}`);
  }
  if (!GENERATORS.includes(Object.getPrototypeOf(callback))) return;
  throw new TypeError(
    `Cannot ${doing}: ${shown(callback)} only makes a coroutine, which nobody runs; ${instead}`,
  );
}
