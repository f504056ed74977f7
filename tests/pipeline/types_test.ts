/*
 * What the compiler says of messages: this file is type checked before it is run, and an `@ts-expect-error` above a line
 * that has no error is an error itself.
 */
import { assertEquals } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { be, fromIterable, lines, map, Observable, type Pipe, pipe } from "../../pipeline/mod.ts";

interface Messages {
  log(line: string): void;
  find(id: number): string | undefined;
  answer(question: string): Coroutine<number>;
  stream(): Coroutine<void>;
  // deno-lint-ignore no-explicit-any
  loose(): any;
}

class Typed extends Observable<Messages, "console"> {
  *check(): Coroutine<void> {
    this.do.log("x");
    // @ts-expect-error log() takes a string
    this.do.log(1);
    // @ts-expect-error log() takes an argument
    this.do.log();
    // @ts-expect-error there is no such message
    this.do.lock("x");
    // @ts-expect-error find() returns something: call it
    this.do.find(1);
    // @ts-expect-error answer() is a coroutine
    this.do.answer("?");

    const found: string | undefined = this.call.find(1);
    // @ts-expect-error it may be undefined
    const _certain: string = this.call.find(1);
    // @ts-expect-error answer() is a coroutine
    this.call.answer("?");

    const answer: number = yield* call(this.any.answer(found ?? ""));
    // @ts-expect-error it is a number
    const _text: string = yield* call(this.any.answer(""));
    // @ts-expect-error log() is no coroutine
    this.any.log("x");

    yield this.all.stream();
    const _nothing: void = yield* call(this.all.answer(`${answer}`));
    // @ts-expect-error answer() takes a string
    this.all.answer(1);
    // @ts-expect-error find() is no coroutine
    this.all.find(1);

    yield this.once.log("x");
    yield this.once.stream();
    // @ts-expect-error log() takes a string
    this.once.log(1);

    this.do["console"].log("x");
    // @ts-expect-error log() takes a string
    this.do["console"].log(1);
    // @ts-expect-error nobody is named so
    this.do["file"].log("x");

    this.do.loose();
    this.call.loose();
    this.any.loose();

    this.do.unknown("anything", 1, "x");
    yield this.any.unknown("anything", 1, "x");
  }
}

class Untyped extends Observable {
  *check(): Coroutine<void> {
    this.do.anything(1, "x");
    this.do["somebody"].anything();
    const _answer: number = this.call.anything();
    const _result: string = yield* call(this.any.anything() as Coroutine<string>);
    yield this.all.anything();
    yield this.once.anything();
  }
}

function _strands(): void {
  const shared = [new Untyped()] as const;
  const root: Typed = be([new Typed(), shared, [new Untyped(), () => shared]]);
  const made: Typed = be(() => [new Typed()]);
  root.addStrand([made], () => [made]);
  // @ts-expect-error the root is a Typed
  const _wrong: Date = be([new Typed()]);
  // @ts-expect-error a strand is an array, or a function
  be([new Typed(), new Untyped()]);
  // @ts-expect-error a strand begins with a component
  be([]);
  // @ts-expect-error an observer is an object
  root.addObserver("x");
}

function* _pipes(): Coroutine<void> {
  function* last(): Coroutine<number> {
    return yield;
  }
  const p: Pipe<number> = pipe(lines(), map(Number), last);
  const _number: number = yield* call(p);
  const stages = [lines(), last()];
  const _any: Pipe = pipe(...stages);
  // @ts-expect-error a stage is a coroutine
  pipe(5);
  for (const line of fromIterable<string>(["a"], lines())) line.toUpperCase();
  // @ts-expect-error an asynchronous source is read asynchronously
  for (const _line of fromIterable<string>(new Response("a").body!, lines())) break;
}

Deno.test("Observable types are checked at compile time only: all is dynamic at run time", () => {
  const got: unknown[] = [];
  const root = be([new Typed(), [{ log: (line: unknown) => void got.push(line) }]]);
  // @ts-expect-error log() takes a string
  root.do.log(1);
  assertEquals(got, [1]);
});
