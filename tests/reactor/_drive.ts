import type { Reactor } from "../../reactor/mod.ts";
import { PATIENCE_MS } from "../_leaks.ts";

/** Steps until `done()`; fails when that takes longer than any working program needs. */
export async function drive(
  reactor: Reactor,
  done: () => boolean,
  what = "what was expected",
): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const watchdog = setTimeout(() => reject(new Error(`Waited in vain for ${what}`)), PATIENCE_MS);
  try {
    while (!done()) {
      await Promise.race([reactor.wait(), promise]);
      reactor.step();
    }
  } finally {
    clearTimeout(watchdog);
  }
}
