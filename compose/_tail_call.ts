import { start } from "./_started.ts";
import type { Coroutine } from "./coroutine.ts";
import { PushBack } from "./push_back.ts";

/** What tailCall() really returns. */
export class TailCall extends PushBack {
  readonly coroutine: Coroutine;

  constructor(coroutine: Coroutine) {
    super(undefined, []);
    this.coroutine = coroutine;
    start(coroutine);
  }

  override get misuse(): string {
    return "Cannot use what tailCall() returned: the coroutine must be called by compose or gio";
  }
}

/**
 * Goes on with another coroutine in the place of the one that returns this: `return tailCall(other())`.
 * So nothing of the first one is kept. It must have been called by compose or gio, not by `yield*`.
 *
 * @param coroutine A generator that has not been started.
 * @returns What to return.
 */
export function tailCall<R>(coroutine: Coroutine<R>): R {
  return new TailCall(coroutine) as R;
}
