import { compose } from "./compose.ts";
import type { Coroutine } from "./coroutine.ts";
import { EndOfStream } from "./end_of_stream.ts";
import { isRequest } from "./request.ts";
import { Yield } from "./yield.ts";

/**
 * Runs a coroutine to its end. It reads the input, and then gets {@linkcode EndOfStream}.
 *
 * @param output Gets what the coroutine yields. If it throws, the error is thrown at that `yield`.
 * @returns What it returns.
 */
export function run<R>(
  coroutine: Coroutine<R>,
  input: readonly unknown[],
  output: (value: unknown) => void,
): R {
  const composed = compose(coroutine);
  let read = 0;
  let result = composed.next();
  while (!result.done) {
    const { value } = result;
    if (value === undefined) {
      result = read < input.length
        ? composed.next(input[read++])
        : composed.throw(new EndOfStream("There is no more input"));
      continue;
    }
    try {
      if (isRequest(value)) {
        throw new TypeError(
          `Cannot carry out ${value.constructor.name} here: it needs a driver, such as gio`,
        );
      }
      if (value !== Yield) output(value);
    } catch (error) {
      result = composed.throw(error);
      continue;
    }
    result = composed.next();
  }
  return result.value;
}
