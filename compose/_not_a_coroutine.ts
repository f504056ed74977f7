import { describe } from "./_describe.ts";
import { Frame } from "./_frame.ts";
import { isRequest } from "./request.ts";

const ASYNC = /^\[object (Promise|Async\w+)\]$/;

/**
 * The error for something that stands where a coroutine belongs.
 *
 * @param doing What cannot be done with it.
 * @param value What it is. If it is a promise that rejects, nobody else needs to be told.
 * @param instead What to give, if no more can be said.
 * @param where What follows its description.
 */
export function notACoroutine(
  doing: string,
  value: unknown,
  instead: string,
  where = "",
): TypeError {
  if (value instanceof Promise) value.catch(() => {});
  let what = describe(value);
  if (value instanceof Frame) {
    what = "what call() gives";
    instead = "give the coroutine itself, without call()";
  } else if (ASYNC.test(Object.prototype.toString.call(value))) {
    instead = "a coroutine comes from function*, which waits by yield* wait(promise), " +
      "and not from async and await";
  } else if (isRequest(value)) instead = "it is a request, give it to yield* in a coroutine";
  return new TypeError(`Cannot ${doing} ${what}${where}: ${instead}`);
}
