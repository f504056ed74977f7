/** Coroutines that write to one context: when it breaks, each that has lost something is told. */
import { assertEquals } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import { type Context, enter, gio, wait } from "../../gio/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { turns } from "../_leaks.ts";

/** Takes nothing, and breaks some time. */
class Breaks implements Context {
  readonly readable = false;
  closed = false;
  broken: Error | undefined;
  #notify: (() => void) | undefined;
  get writable(): boolean {
    return this.broken !== undefined || this.closed;
  }
  recv(): undefined {}
  send(): number {
    if (this.broken !== undefined) throw this.broken;
    return 0;
  }
  close(): void {
    this.closed = true;
  }
  watch(interest: "read" | "write", notify: () => void): void {
    if (interest === "write") this.#notify = notify;
    if (this.writable) notify();
  }
  unwatch(): void {
    this.#notify = undefined;
  }
  break(error: Error): void {
    this.broken = error;
    this.#notify?.();
  }
}

type Script = (context: Breaks, hasBroken: Promise<void>) => Coroutine<string>;

const SCRIPTS: Record<string, Script> = {
  *"writes much"(context) {
    using _ = enter(context);
    yield "x".repeat(100_000);
    return "all sent";
  },
  *"writes little"(context) {
    using _ = enter(context);
    yield "little";
    return "all sent";
  },
  *"writes little and waits"(context, hasBroken) {
    using _ = enter(context);
    yield "little";
    yield* wait(hasBroken);
    return "all sent";
  },
  *"writes little, leaves and waits"(context, hasBroken) {
    {
      using _ = enter(context);
      yield "little";
    }
    yield* wait(hasBroken);
    return "all sent";
  },
  *"enters twice and writes inside"(context, hasBroken) {
    using _ = enter(context);
    {
      using _ = enter(context);
      yield "little";
    }
    yield* wait(hasBroken);
    return "all sent";
  },
};

for (const [one, first] of Object.entries(SCRIPTS)) {
  for (const [other, second] of Object.entries(SCRIPTS)) {
    Deno.test(`both are told of a context that breaks: one ${one}, the other ${other}`, async () => {
      using reactor = new Reactor({ selector: "deno" });
      const context = new Breaks();
      const { promise: hasBroken, resolve } = Promise.withResolvers<void>();
      const results = [first, second].map((script) =>
        gio(reactor, undefined, script(context, hasBroken)).result.catch(({ message }) => message)
      );
      const running = reactor.run();
      await turns(5);
      context.break(new Error("broken"));
      await turns(5);
      resolve();
      assertEquals(await Promise.all(results), ["broken", "broken"]);
      reactor.requestShutdown();
      await running;
    });
  }
}
