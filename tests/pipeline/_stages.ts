/** Stages and drivers that the tests share. */
import { compose, type Coroutine, EndOfStream, Request } from "../../compose/mod.ts";

/** Drives a coroutine with these items and then the end of the stream, which ends it quietly, as gio does. */
export function feed<R>(coroutine: Coroutine<R>, items: unknown[] = []): {
  out: unknown[];
  value: R | undefined;
} {
  const composed = compose(coroutine);
  const out: unknown[] = [];
  const input = [...items];
  try {
    let result = composed.next();
    while (!result.done) {
      if (result.value !== undefined) {
        out.push(result.value);
        result = composed.next();
      } else if (input.length > 0) result = composed.next(input.shift());
      else result = composed.throw(new EndOfStream("no more"));
    }
    return { out, value: result.value };
  } catch (error) {
    if (error instanceof EndOfStream) return { out, value: undefined };
    throw error;
  }
}

/** A stage that writes what happens to it in a log. */
export function* logged(name: string, log: string[]): Coroutine {
  log.push(`${name} begins`);
  try {
    for (;;) {
      const item = yield;
      log.push(`${name} got ${item}`);
      yield item;
    }
  } catch (error) {
    log.push(`${name} caught ${(error as Error).name}`);
    throw error;
  } finally {
    log.push(`${name} closed`);
  }
}

/** A stage that yields the items, and reads nothing. */
export function* items(...all: unknown[]): Coroutine<string> {
  yield* all;
  return "items done";
}

/** A stage that reads to the end, and then yields and returns all items. */
export function* collect(): Coroutine<unknown[]> {
  const all: unknown[] = [];
  try {
    for (;;) all.push(yield);
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
    yield all;
    return all;
  }
}

/** A request as gio has them. */
export class Ask extends Request<string> {
  constructor(readonly question: string) {
    super();
  }

  override begin(): void {}
}
