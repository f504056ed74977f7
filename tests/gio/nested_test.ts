/** Tasks within tasks, deeper than a stack of calls could be, however they end. */
import { assertEquals } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import { all, type Gio, gio, race, sleep, spawn, Suspend } from "../../gio/mod.ts";
import { OnClock } from "./_clock.ts";
import { turns } from "../_leaks.ts";

const DEPTH = 2000;

/** Each is the task, or a branch, of the one before. */
const NESTED: Record<string, (n: number, bottom: () => Coroutine) => Coroutine> = {
  *"spawn()"(n, bottom) {
    if (n === 0) return yield bottom();
    yield* yield* spawn(NESTED["spawn()"]!(n - 1, bottom));
  },
  *"spawn() without a join"(n, bottom) {
    if (n === 0) return yield bottom();
    yield* spawn(NESTED["spawn() without a join"]!(n - 1, bottom));
    yield* sleep(1000);
  },
  *"all()"(n, bottom) {
    if (n === 0) return yield bottom();
    yield* all(NESTED["all()"]!(n - 1, bottom));
  },
  *"race()"(n, bottom) {
    if (n === 0) return yield bottom();
    yield* race(NESTED["race()"]!(n - 1, bottom), sleep(1000));
  },
};

interface Nest {
  task: Gio;
  t: OnClock;
  /** What the innermost waits for. */
  innermost: { resume(value: void): void; throw(error: unknown): void };
}

/** What ends them, and what the outermost says then. */
const ENDS: Record<string, { end(nest: Nest): void; says: string; joins?: boolean }> = {
  "the innermost": { end: ({ innermost }) => innermost.resume(), says: "well", joins: true },
  "an error": {
    end: ({ innermost }) => innermost.throw(new Error("of the innermost")),
    says: "of the innermost",
    joins: true,
  },
  "a cancel": { end: ({ task }) => task.cancel(new Error("cancelled")), says: "cancelled" },
  "a shutdown": { end: ({ t }) => t.reactor.shutdown(), says: "The reactor was shut down" },
};

for (const [how, nested] of Object.entries(NESTED)) {
  for (const [what, { end, says, joins = false }] of Object.entries(ENDS)) {
    if (joins && how === "spawn() without a join") continue;
    Deno.test(`${DEPTH} tasks within each other by ${how} start, and end by ${what}`, async () => {
      using t = new OnClock();
      let innermost: Nest["innermost"] | undefined;
      let cleaned = false;
      const task = gio(
        t.reactor,
        undefined,
        nested(DEPTH, function* () {
          try {
            yield* new Suspend<void>((suspended) => void (innermost = suspended));
          } finally {
            cleaned = true;
          }
        }),
      );
      let ended: string | undefined;
      task.result.then(() => ended = "well", (error) => ended = error.message);
      for (let i = 0; i < DEPTH && innermost === undefined; i++) await t.pass();
      end({ task, t, innermost: innermost! });
      for (let i = 0; i < 3 * DEPTH && ended === undefined; i++) {
        if (what === "a shutdown") await turns();
        else await t.pass();
      }
      assertEquals([cleaned, ended, t.errors], [true, says, []]);
    });
  }
}
