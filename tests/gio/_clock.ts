import { Reactor, TestClock } from "../../reactor/mod.ts";
import { turns } from "../_leaks.ts";

/** A clock on which no time is lost: it jumps to the next timer when everything waits. */
export function jumping(): TestClock {
  return new TestClock({ autojump: true });
}

/** A reactor with a clock that the test moves, and the messages of the errors that it was told of. */
export class OnClock implements Disposable {
  readonly #clock = new TestClock();
  readonly errors: string[] = [];
  readonly reactor: Reactor = new Reactor({
    selector: "deno",
    clock: this.#clock,
    onError: (error) => this.errors.push((error as Error).message),
  });

  /** Lets time pass, then a step, and then who goes on by promises. */
  async pass(ms = 0): Promise<void> {
    this.#clock.advance(ms);
    this.reactor.step();
    await turns();
  }

  [Symbol.dispose](): void {
    this.reactor.shutdown();
  }
}
