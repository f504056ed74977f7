import type { Coroutine } from "../compose/mod.ts";
import { currentGio, type Gio } from "./gio.ts";
import { wait } from "./wait.ts";

/** Runs coroutines beside each other until `settle` has what it wants of their results, then ends all of them. */
export function* together<R>(
  what: string,
  coroutines: readonly Coroutine[],
  settle: (results: Promise<unknown>[]) => Promise<R>,
): Coroutine<R> {
  const gio: Gio = currentGio(what);
  const tasks = coroutines.map((coroutine) => gio.spawn(coroutine));
  const results = tasks.map((task) => task.result);
  try {
    return yield* wait(settle(results));
  } finally {
    for (const task of tasks) task.cancel();
    yield* wait(Promise.allSettled(results));
  }
}
