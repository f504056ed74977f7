import type { Coroutine } from "../../compose/mod.ts";
import { Reactor, TestClock } from "../../reactor/mod.ts";
import { type Gio, gio, type GioOptions } from "../../gio/mod.ts";
import { FakeConnection } from "./_fake.ts";

/** See {@linkcode fixture}. */
export interface Fixture extends Disposable {
  readonly reactor: Reactor;
  readonly connection: FakeConnection;
  readonly errors: unknown[];
  /** Lets time pass, then steps. */
  pass(ms: number): void;
  /** Lets data arrive, then steps. */
  arrive(...items: Parameters<FakeConnection["arrive"]>): void;
  /** Lets the peer read, then steps. */
  accept(bytes: number): void;
  /** Runs a coroutine on the connection, until it waits. */
  start<R>(coroutine: () => Coroutine<R>, options?: GioOptions): Gio<R>;
}

/** A reactor with a clock that the test moves and errors that it sees. */
export function fixture(): Fixture {
  const clock = new TestClock();
  const errors: unknown[] = [];
  const reactor = new Reactor({ selector: "deno", clock, onError: (error) => errors.push(error) });
  const connection = new FakeConnection();
  return {
    reactor,
    connection,
    errors,
    pass(ms: number) {
      clock.advance(ms);
      reactor.step();
    },
    arrive(...items: Parameters<FakeConnection["arrive"]>) {
      connection.arrive(...items);
      reactor.step();
    },
    accept(bytes: number) {
      connection.accept(bytes);
      reactor.step();
    },
    start<R>(coroutine: () => Coroutine<R>, options?: GioOptions): Gio<R> {
      const task = gio(reactor, connection, coroutine(), options);
      reactor.step();
      return task;
    },
    [Symbol.dispose]() {
      reactor.shutdown();
    },
  };
}

/** Lets promises settle that are already resolved. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}
