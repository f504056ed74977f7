import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Coroutine, Yield } from "../../compose/mod.ts";
import {
  fromIterable,
  lines,
  map,
  pipe,
  type Stage,
  take,
  toReadableStream,
  toTransformStream,
} from "../../pipeline/mod.ts";
import { Ask, collect, items, logged } from "./_stages.ts";

/** An iterable that tells what is done with it. */
class Source {
  readonly log: string[] = [];
  readonly #items: unknown[];

  constructor(...items: unknown[]) {
    this.#items = items;
  }

  *[Symbol.iterator](): Generator<unknown> {
    try {
      for (const item of this.#items) {
        this.log.push(`gives ${item}`);
        yield item;
      }
    } finally {
      this.log.push("closed");
    }
  }

  get async(): AsyncIterable<unknown> {
    // deno-lint-ignore no-this-alias
    const source = this;
    return async function* () {
      yield* source;
    }();
  }
}

const failing = (message: string) =>
  map(() => {
    throw new RangeError(message);
  });

/** Lets all promises that can go on do so. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await undefined;
}

Deno.test("fromIterable() gives what the stage yields, and returns what it returns", async () => {
  const sync = fromIterable([1, 2], pipe(map((n: number) => -n), collect()));
  assertEquals([sync.next(), sync.next()], [{ done: false, value: [-1, -2] }, {
    done: true,
    value: [-1, -2],
  }]);
  const asynchronous = fromIterable(new Source(1, 2).async, collect());
  assertEquals([await asynchronous.next(), await asynchronous.next()], [
    { done: false, value: [1, 2] },
    { done: true, value: [1, 2] },
  ]);
});

Deno.test("fromIterable() takes an item only when the stage wants one", () => {
  const source = new Source(1, 2, 3);
  const numbers = fromIterable(source, map((n: number) => n + 1));
  assertEquals(numbers.next().value, 2);
  assertEquals(source.log, ["gives 1"]);
  assertEquals(numbers.next().value, 3);
  assertEquals(source.log, ["gives 1", "gives 2"]);
});

Deno.test("fromIterable() closes the stage and then the source when the loop is left", async () => {
  const source = new Source(1, 2, 3);
  for (const item of fromIterable(source, logged("stage", source.log))) if (item === 1) break;
  assertEquals(source.log.slice(-2), ["stage closed", "closed"]);

  const other = new Source(1, 2, 3);
  for await (const item of fromIterable(other.async, logged("stage", other.log))) {
    if (item === 1) break;
  }
  assertEquals(other.log.slice(-2), ["stage closed", "closed"]);
});

Deno.test("fromIterable() closes the source when the stage ends or fails", async () => {
  const source = new Source(1, 2, 3);
  assertEquals([...fromIterable(source, take(1))], [1]);
  assertEquals(source.log, ["gives 1", "closed"]);

  const other = new Source(1);
  assertThrows(() => [...fromIterable(other, failing("bad"))], RangeError, "bad");
  assertEquals(other.log, ["gives 1", "closed"]);

  const third = new Source(1);
  await assertRejects(() => Array.fromAsync(fromIterable(third.async, failing("bad"))), RangeError);
  assertEquals(third.log, ["gives 1", "closed"]);
});

Deno.test("fromIterable() closes the source when the stage fails while it is closed", async () => {
  function* failing(): Coroutine {
    try {
      for (;;) yield yield;
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new RangeError("closing");
    }
  }
  const source = new Source(1, 2);
  assertThrows(
    () => {
      for (const _ of fromIterable(source, failing())) break;
    },
    RangeError,
    "closing",
  );
  assertEquals(source.log, ["gives 1", "closed"]);

  const other = new Source(1, 2);
  await assertRejects(
    async () => {
      for await (const _ of fromIterable(other.async, failing())) break;
    },
    RangeError,
    "closing",
  );
  assertEquals(other.log, ["gives 1", "closed"]);
});

Deno.test("fromIterable() throws an error of the source at the stage's yield", async () => {
  function* careful(): Coroutine {
    try {
      for (;;) yield yield;
    } catch (error) {
      yield `caught ${(error as Error).message}`;
    }
  }
  function* broken() {
    yield 1;
    throw new Error("broken");
  }
  assertEquals([...fromIterable(broken(), careful())], [1, "caught broken"]);
  async function* asyncBroken() {
    yield* broken();
  }
  assertEquals(await Array.fromAsync(fromIterable(asyncBroken(), careful())), [1, "caught broken"]);
  await assertRejects(
    () => Array.fromAsync(fromIterable(asyncBroken(), map((x) => x))),
    Error,
    "broken",
  );
});

Deno.test("fromIterable() reads a stream one chunk ahead, and cancels it when the loop is left", async () => {
  const log: string[] = [];
  let chunks = 0;
  const stream = new ReadableStream({
    pull(controller) {
      if (chunks === 2) return new Promise(() => {}); // for ever
      log.push(`read ${++chunks}`);
      controller.enqueue(chunks);
    },
    cancel() {
      log.push("cancelled");
    },
  }, { highWaterMark: 0 });
  for await (const item of fromIterable(stream, logged("stage", log))) if (item === 2) break;
  assertEquals(log, [
    "stage begins",
    "read 1",
    "read 2",
    "stage got 1",
    "stage got 2",
    "stage closed",
    "cancelled",
  ]);
  assertEquals(stream.locked, false);
});

Deno.test("fromIterable() throws an error of a stream at the stage, after what came before", async () => {
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(1);
    },
    pull(controller) {
      controller.error(new RangeError("broken"));
    },
  });
  const log: string[] = [];
  await assertRejects(
    () => Array.fromAsync(fromIterable(stream, logged("stage", log))),
    RangeError,
    "broken",
  );
  assertEquals(log.at(-2), "stage caught RangeError");
});

Deno.test("fromIterable() does not throw an error of a stream again that the stage has caught", async () => {
  const stream = new ReadableStream({
    pull(controller) {
      controller.error(new RangeError("broken"));
    },
  });
  function* careful(): Coroutine {
    try {
      yield;
    } catch (error) {
      yield `caught ${(error as Error).message}`;
    }
  }
  assertEquals(await Array.fromAsync(fromIterable(stream, careful())), ["caught broken"]);
  assertEquals(stream.locked, false);
});

Deno.test("fromIterable() does not tell of a chunk read ahead that could not be read, if nobody wants it", async () => {
  const stream = new ReadableStream({
    pull(controller) {
      if (chunks++ === 0) controller.enqueue(1);
      else controller.error(new RangeError("broken"));
    },
  }, { highWaterMark: 0 });
  let chunks = 0;
  assertEquals(await Array.fromAsync(fromIterable(stream, take(1))), [1]);
  assertEquals([chunks, stream.locked], [2, false]);
});

Deno.test("fromIterable() tells when a stream cannot be cancelled, unless the stage has failed", async () => {
  const stream = () =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(1),
      cancel: () => Promise.reject(new RangeError("cancelling")),
    });
  await assertRejects(
    () => Array.fromAsync(fromIterable(stream(), take(1))),
    RangeError,
    "cancelling",
  );
  await assertRejects(
    () => Array.fromAsync(fromIterable(stream(), failing("first"))),
    RangeError,
    "first",
  );
});

Deno.test("fromIterable() lets the first error out when others follow while closing", () => {
  function* source() {
    try {
      yield* [1, 2];
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new RangeError("source");
    }
  }
  assertThrows(() => [...fromIterable(source(), failing("first"))], RangeError, "first");
  assertThrows(() => [...fromIterable(source(), take(1))], RangeError, "source");
});

Deno.test("fromIterable() lets the first error out when the loop is left, of both kinds of source", async () => {
  function* closingBadly(): Coroutine {
    try {
      for (;;) yield yield;
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new RangeError("stage");
    }
  }
  const broken = (next: () => unknown) => ({
    next,
    return(): never {
      throw new RangeError("source");
    },
  });
  const sync = { [Symbol.iterator]: () => broken(() => ({ value: 1 })) };
  const async = { [Symbol.asyncIterator]: () => broken(() => Promise.resolve({ value: 1 })) };
  for (const source of [sync, async] as AsyncIterable<number>[]) {
    for (const [stage, expected] of [[closingBadly(), "stage"], [map(Number), "source"]] as const) {
      const leave = async () => {
        for await (const _ of fromIterable(source, stage)) break;
      };
      await assertRejects(leave, RangeError, expected);
      const thrower = fromIterable(source, map(Number));
      await thrower.next();
      await assertRejects(
        async () => await thrower.throw(new RangeError("mine")),
        RangeError,
        "mine",
      );
    }
  }
});

Deno.test("fromIterable() does not close a source that has ended or failed", async () => {
  for (const last of ["done", "error"]) {
    const log: string[] = [];
    const next = () => {
      log.push(last);
      if (last === "error") throw new RangeError("broken");
      return { done: true as const, value: undefined };
    };
    const close = () => {
      log.push("closed");
      return { done: true as const, value: undefined };
    };
    const ending = (stage: Stage) => pipe(stage, collect());
    const sync = { [Symbol.iterator]: () => ({ next, return: close }) };
    const asynchronous = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.try(next),
        return: () => Promise.try(close),
      }),
    };
    const pass = () => map((x) => x);
    if (last === "done") {
      assertEquals([...fromIterable(sync, ending(pass()))], [[]]);
      assertEquals(await Array.fromAsync(fromIterable(asynchronous, ending(pass()))), [[]]);
    } else {
      assertThrows(() => [...fromIterable(sync, pass())], RangeError, "broken");
      await assertRejects(
        () => Array.fromAsync(fromIterable(asynchronous, pass())),
        RangeError,
        "broken",
      );
    }
    assertEquals(log, [last, last]);
  }
});

Deno.test("fromIterable() gives EndOfStream, or the error of a stream, at each read after it", async () => {
  function* stubborn(): Coroutine {
    for (let caught = 0; caught < 3;) {
      try {
        yield yield;
      } catch (error) {
        yield `${++caught} ${(error as Error).name}`;
      }
    }
  }
  const ended = ["1 EndOfStream", "2 EndOfStream", "3 EndOfStream"];
  assertEquals([...fromIterable([1], stubborn())], [1, ...ended]);
  const stream = ReadableStream.from([1]);
  assertEquals(await Array.fromAsync(fromIterable(stream, stubborn())), [1, ...ended]);
  const broken = new ReadableStream({ pull: (controller) => controller.error(new RangeError()) });
  assertEquals(
    await Array.fromAsync(fromIterable(broken, stubborn())),
    ["1 RangeError", "2 RangeError", "3 RangeError"],
  );
  assertEquals([stream.locked, broken.locked], [false, false]);
});

Deno.test("fromIterable() and toReadableStream() read the characters of a text, as any iterable", async () => {
  assertEquals([...fromIterable("a\n€𝄞", lines())], ["a", "€𝄞"]);
  assertEquals(await Array.fromAsync(toReadableStream("a\n€𝄞", lines())), ["a", "€𝄞"]);
});

Deno.test("fromIterable() of a stage that reads nothing takes nothing", () => {
  const source = new Source(1);
  assertEquals([...fromIterable(source, items("a", "b"))], ["a", "b"]);
  assertEquals(source.log, []);
});

Deno.test("Bridges refuse Requests, which only gio can carry out, and go on after Yield", async () => {
  function* asking(): Coroutine {
    yield Yield;
    yield "a";
    yield* new Ask("?");
  }
  const expected = "Cannot perform Ask in a stream: run the stage with gio() instead";
  assertThrows(() => [...fromIterable([], asking())], TypeError, expected);
  await assertRejects(
    () => Array.fromAsync(fromIterable(new Source().async, asking())),
    TypeError,
    expected,
  );
  const reader = toReadableStream([], asking()).getReader();
  assertEquals((await reader.read()).value, "a");
  await assertRejects(() => reader.read(), TypeError, expected);
});

Deno.test("toTransformStream() works in a chain of streams", async () => {
  const stream = new Response("a\nb\nc").body!
    .pipeThrough(toTransformStream(lines))
    .pipeThrough(toTransformStream(map((line: string) => `${line}\n`)))
    .pipeThrough(new TextEncoderStream());
  assertEquals(await new Response(stream).text(), "a\nb\nc\n");
});

Deno.test("toTransformStream() runs nothing before it is read, and no more than is wanted", async () => {
  const log: string[] = [];
  const { readable, writable } = toTransformStream(logged("stage", log));
  const writer = writable.getWriter();
  let written = 0;
  const writes = [1, 2, 3].map((n) => writer.write(n).then(() => written++));
  await settled();
  assertEquals(log, []);
  const reader = readable.getReader();
  assertEquals((await reader.read()).value, 1);
  await settled();
  assertEquals(log, ["stage begins", "stage got 1"]);
  assertEquals(written, 0); // the stage has not asked for more
  assertEquals((await reader.read()).value, 2);
  await settled();
  assertEquals(written, 1);
  assertEquals((await reader.read()).value, 3);
  const end = reader.read();
  await Promise.all([...writes, writer.close()]);
  assertEquals(await end, { done: true, value: undefined });
  assertEquals(log.slice(-2), ["stage caught EndOfStream", "stage closed"]);
});

Deno.test("toTransformStream() fills the reader's queue if it has one", async () => {
  const { readable, writable } = toTransformStream(map((x) => x));
  const writer = writable.getWriter();
  const copies = readable.tee();
  writer.write(1);
  writer.write(2);
  writer.close();
  assertEquals(await Promise.all(copies.map((copy) => Array.fromAsync(copy))), [[1, 2], [1, 2]]);
});

Deno.test("toTransformStream() cancelled by the reader closes the stage, and tells the writer", async () => {
  const log: string[] = [];
  const { readable, writable } = toTransformStream(logged("stage", log));
  const writer = writable.getWriter();
  writer.write(1);
  const reader = readable.getReader();
  await reader.read();
  await reader.cancel(new Error("enough"));
  assertEquals(log.at(-1), "stage closed");
  await assertRejects(() => writer.write(2), Error, "enough");
  await writer.closed.catch(() => {});
});

Deno.test("toTransformStream() cancelled cancels the source, also while it is waited for", async () => {
  let cancelled: unknown;
  const never = new ReadableStream({
    cancel(reason) {
      cancelled = reason;
    },
  });
  const log: string[] = [];
  const reader = never.pipeThrough(toTransformStream(logged("stage", log))).getReader();
  const read = reader.read();
  await settled();
  await reader.cancel("enough");
  assertEquals(await read, { done: true, value: undefined });
  assertEquals(log, ["stage begins", "stage closed"]);
  await settled();
  assertEquals(cancelled, "enough");
});

Deno.test("toTransformStream() aborted throws the reason at the stage and the reader", async () => {
  const log: string[] = [];
  const { readable, writable } = toTransformStream(logged("stage", log));
  const reader = readable.getReader();
  const read = reader.read();
  await settled();
  await writable.abort(new RangeError("broken"));
  await assertRejects(() => read, RangeError, "broken");
  assertEquals(log, ["stage begins", "stage caught RangeError", "stage closed"]);
});

Deno.test("toTransformStream() can be aborted by a signal in the middle", async () => {
  const log: string[] = [];
  const stop = new AbortController();
  const source = new Source(1, 2, 3);
  const { readable, writable } = toTransformStream(logged("stage", log));
  const piped = ReadableStream.from(source.async).pipeTo(writable, { signal: stop.signal });
  const reader = readable.getReader();
  assertEquals((await reader.read()).value, 1);
  stop.abort(new Error("stopped"));
  // pipeTo() lets the write in progress be done first, and the stage does that when it is read
  const [read, done] = await Promise.allSettled([reader.read(), piped]);
  assertEquals([read.status, (done as PromiseRejectedResult).reason.message], [
    "rejected",
    "stopped",
  ]);
  assertEquals(log.at(-1), "stage closed");
  assertEquals(source.log.at(-1), "closed");
});

Deno.test("toTransformStream() can be cancelled and aborted by its own stage", async () => {
  for (const kind of ["cancel", "abort"]) {
    for (const yields of [true, false]) {
      const log: string[] = [];
      const { readable, writable } = toTransformStream(function* (): Coroutine {
        try {
          yield yield;
          const stopped = kind === "cancel" ? reader.cancel("enough") : writer.abort("enough");
          stopped.then(() => log.push("stopped"));
          if (yields) yield "for nobody";
          yield;
        } catch (error) {
          log.push(`caught ${error}`);
        } finally {
          log.push("closed");
        }
      });
      const reader = readable.getReader();
      const writer = writable.getWriter();
      writer.write(1).catch(() => {});
      writer.closed.catch(() => {});
      assertEquals((await reader.read()).value, 1);
      await reader.read().catch((error) => log.push(`reader got ${error}`));
      await settled();
      assertEquals(
        log.toSorted(),
        kind === "cancel"
          ? ["closed", "stopped"]
          : ["caught enough", "closed", "reader got enough", "stopped"],
      );
    }
  }
});

Deno.test("toTransformStream() ends both sides when the stage ends", async () => {
  const source = new Source(1, 2, 3);
  const stream = ReadableStream.from(source.async).pipeThrough(toTransformStream(take(1)));
  assertEquals(await Array.fromAsync(stream), [1]);
  await settled();
  assertEquals(source.log.at(-1), "closed");

  const { readable, writable } = toTransformStream(take(1));
  const writer = writable.getWriter();
  writer.write(1).catch(() => {});
  assertEquals(await Array.fromAsync(readable), [1]);
  await assertRejects(() => writer.write(2), TypeError, "Cannot write: the stage has ended");
  await writer.closed.catch(() => {});
});

Deno.test("toTransformStream() says of a chunk that the stage has not taken that it was not written", async () => {
  const stops: Record<string, (reader: ReadableStreamDefaultReader) => Promise<unknown>> = {
    "Cannot write: the stage has ended": (reader) => reader.read(),
    "cancelled": (reader) => reader.cancel(new Error("cancelled")),
  };
  for (const [message, stop] of Object.entries(stops)) {
    const { readable, writable } = toTransformStream(items("head"));
    const writer = writable.getWriter();
    writer.closed.catch(() => {});
    const write = writer.write("for nobody");
    write.catch(() => {});
    await settled();
    const reader = readable.getReader();
    assertEquals((await reader.read()).value, "head");
    await stop(reader);
    await assertRejects(() => write, Error, message);
  }
});

Deno.test("toTransformStream() gives EndOfStream at each read after the end", async () => {
  function* stubborn(): Coroutine {
    for (let ends = 0; ends < 3;) {
      try {
        yield yield;
      } catch {
        yield `end ${++ends}`;
      }
    }
  }
  const stream = ReadableStream.from([1]).pipeThrough(toTransformStream(stubborn));
  assertEquals(await Array.fromAsync(stream), [1, "end 1", "end 2", "end 3"]);
});

Deno.test("toTransformStream() gives an error of the stage to both sides", async () => {
  const { readable, writable } = toTransformStream(failing("bad"));
  const writer = writable.getWriter();
  const closed = writer.closed.catch((error) => error.message);
  writer.write(1).catch(() => {});
  await assertRejects(() => Array.fromAsync(readable), RangeError, "bad");
  assertEquals(await closed, "bad");
});

Deno.test("toReadableStream() reads arrays, iterables and streams", async () => {
  const numbers = () => map((n: number) => -n);
  assertEquals(await Array.fromAsync(toReadableStream([1, 2], numbers())), [-1, -2]);
  assertEquals(await Array.fromAsync(toReadableStream(new Source(1).async, numbers())), [-1]);
  const stream = ReadableStream.from([1, 2, 3]);
  assertEquals(await Array.fromAsync(toReadableStream(stream, numbers())), [-1, -2, -3]);
  assert(stream.locked);
});

Deno.test("toReadableStream() runs nothing before it is read, but takes one item", async () => {
  const source = new Source(1, 2, 3);
  const reader = toReadableStream(source, logged("stage", source.log)).getReader();
  await settled();
  assertEquals(source.log, ["gives 1"]);
  assertEquals((await reader.read()).value, 1);
  await settled();
  assertEquals(source.log, ["gives 1", "stage begins", "stage got 1"]);
  await reader.cancel();
});

Deno.test("toReadableStream() cancelled closes the stage and the source", async () => {
  const source = new Source(1, 2, 3);
  const stream = toReadableStream(source.async, logged("stage", source.log));
  const reader = stream.getReader();
  assertEquals((await reader.read()).value, 1);
  await reader.cancel();
  await settled();
  assert(source.log.includes("stage closed"));
  assert(source.log.includes("closed"));
});
