import type { Coroutine } from "../compose/mod.ts";
import { currentGio, type Gio } from "./gio.ts";
import { Operation } from "./operation.ts";
import { wait } from "./wait.ts";

function* waitFor<R>(operation: Operation<R>): Coroutine<R> {
  return yield* operation;
}

/**
 * Runs coroutines beside each other until `settle` has what it wants of their results, then ends all of them. An error
 * that is not thrown here, of a cleanup say, goes to the reactor.
 */
export function* together<R>(
  what: string,
  coroutines: readonly (Coroutine | Operation<unknown>)[],
  settle: (results: Promise<unknown>[]) => Promise<R>,
): Coroutine<R> {
  const gio: Gio = currentGio(what);
  const tasks: Gio[] = [];
  const results: Promise<unknown>[] = [];
  const over = new DOMException(`${what} is over`, "AbortError");
  let thrown: unknown = over;
  try {
    for (const coroutine of coroutines) {
      const task = gio.spawn(coroutine instanceof Operation ? waitFor(coroutine) : coroutine);
      tasks.push(task);
      results.push(task.result);
    }
    return yield* wait(settle(results));
  } catch (error) {
    thrown = error;
    throw error;
  } finally {
    for (const task of tasks) task.cancel(over);
    for (const result of yield* wait(Promise.allSettled(results))) {
      if (result.status === "rejected" && result.reason !== over && result.reason !== thrown) {
        gio.reactor.onError(result.reason, `a task of ${what}`);
      }
    }
  }
}
