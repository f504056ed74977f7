/*
 * What the compiler says of what is given and what comes back: this file is type checked before it is run. An
 * `@ts-expect-error` above a line that has no error is an error itself, and so is `assertType()` of types that differ.
 */
import { assertEquals } from "@std/assert";
import { assertType, type IsExact } from "@std/testing/types";
import {
  call,
  compose,
  type Composed,
  type Coroutine,
  Local,
  pushBack,
  readAll,
  readExactly,
  readLine,
  readRe,
  readUntil,
  retval,
} from "../compose/mod.ts";
import { all, asProcess, type Gio, gio, race, sleep, spawn, wait } from "../gio/mod.ts";
import {
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  type Part,
  preferredType,
} from "../http/mod.ts";
import type { Reactor } from "../reactor/mod.ts";
import { be, fromIterable, lines, map, Observable, type Pipe, pipe } from "../pipeline/mod.ts";

function* text(): Coroutine<string> {
  return "text";
}

function* count(_start: number): Coroutine<number> {
  return 1;
}

function* _composed(): Coroutine<void> {
  const called = yield* call(text());
  assertType<IsExact<typeof called, string>>(true);
  const composed = yield* call(compose(text()));
  assertType<IsExact<typeof composed, string>>(true);
  const counting = compose(count);
  assertType<IsExact<typeof counting, (start: number) => Composed<number>>>(true);
  const line = yield* call(readLine());
  assertType<IsExact<typeof line, string>>(true);
  const bytes = yield* call(readExactly(4));
  assertType<IsExact<typeof bytes, Uint8Array>>(true);
  const characters = yield* call(readExactly<string>(4));
  assertType<IsExact<typeof characters, string>>(true);
  const rest = yield* call(readAll());
  assertType<IsExact<typeof rest, Uint8Array>>(true);
  const until = yield* call(readUntil(new Uint8Array(1), 10));
  assertType<IsExact<typeof until, Uint8Array>>(true);
  const untilText = yield* call(readUntil<string>(",", 10));
  assertType<IsExact<typeof untilText, string>>(true);
  const match = yield* call(readRe(/a/));
  assertType<IsExact<typeof match, RegExpExecArray>>(true);

  const value = pushBack(new Date(), "rest");
  assertType<IsExact<typeof value, Date>>(true);
  const result = retval(count(1));
  assertType<IsExact<typeof result, number>>(true);
  const local = new Local<Date>();
  const bound = local.get();
  assertType<IsExact<typeof bound, Date>>(true);
  // @ts-expect-error it takes a Date
  local.set("now");
  // @ts-expect-error count() takes a number
  counting("1");
  // @ts-expect-error only a coroutine can be called
  yield* call(text);
}

function* _driven(reactor: Reactor): Coroutine<void> {
  const both = yield* all(text(), count(1), wait(Promise.resolve(new Date())));
  assertType<IsExact<typeof both, [string, number, Date]>>(true);
  const several = [1, 2].map(count);
  const many = yield* all(...several);
  assertType<IsExact<typeof many, number[]>>(true);
  const first = yield* race(text(), count(1));
  assertType<IsExact<typeof first, string | number>>(true);
  const answer = yield* wait(fetch("http://localhost/"));
  assertType<IsExact<typeof answer, Response>>(true);
  const task = yield* spawn(text());
  assertType<IsExact<typeof task, Gio<string>>>(true);
  const joined = yield* task;
  assertType<IsExact<typeof joined, string>>(true);
  const slept = yield* sleep(1);
  assertType<IsExact<typeof slept, void>>(true);
  const process = asProcess(text());
  assertType<IsExact<typeof process, Promise<string>>>(true);
  const outside = gio(reactor, undefined, count(1)).result;
  assertType<IsExact<typeof outside, Promise<number>>>(true);
  // @ts-expect-error a coroutine function is no coroutine
  yield* all(text);
  // @ts-expect-error a promise is waited for by wait()
  yield* race(Promise.resolve(1));
}

function* _asked(client: HttpClient): Coroutine<void> {
  const response = yield* client.get("http://localhost/");
  assertType<IsExact<typeof response, HttpResponse>>(true);
  const body = yield* call(response.text());
  assertType<IsExact<typeof body, string>>(true);
  const bytes = yield* call(response.bytes());
  assertType<IsExact<typeof bytes, Uint8Array<ArrayBuffer>>>(true);
  const length = yield* call(response.saveTo("file"));
  assertType<IsExact<typeof length, number>>(true);
  const json = yield* call(response.json());
  // deno-lint-ignore no-explicit-any
  assertType<IsExact<typeof json, any>>(true);
}

async function _awaited(client: HttpClient): Promise<void> {
  const response = await client.post("http://localhost/", { body: "data" });
  assertType<IsExact<typeof response, HttpResponse>>(true);
  const body = await response.text();
  assertType<IsExact<typeof body, string>>(true);
  const bytes = await response.bytes();
  assertType<IsExact<typeof bytes, Uint8Array<ArrayBuffer>>>(true);
  const length = await response.saveTo("file");
  assertType<IsExact<typeof length, number>>(true);
}

function* _handled(request: HttpRequest): Coroutine<void> {
  const body = yield* call(request.text());
  assertType<IsExact<typeof body, string>>(true);
  const json = yield* call(request.json());
  // deno-lint-ignore no-explicit-any
  assertType<IsExact<typeof json, any>>(true);
  const data = yield* call(request.formData());
  assertType<IsExact<typeof data, FormData>>(true);
  const part = yield* call(request.form().next());
  assertType<IsExact<typeof part, Part | undefined>>(true);
  const preferred = preferredType("*/*", ["text/html", "text/plain"]);
  assertType<IsExact<typeof preferred, "text/html" | "text/plain" | undefined>>(true);
}

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

    const found = this.call.find(1);
    assertType<IsExact<typeof found, string | undefined>>(true);
    // @ts-expect-error answer() is a coroutine
    this.call.answer("?");

    const answer = yield* call(this.any.answer("?"));
    assertType<IsExact<typeof answer, number>>(true);
    // @ts-expect-error log() is no coroutine
    this.any.log("x");

    yield this.all.stream();
    const nothing = yield* call(this.all.answer("?"));
    assertType<IsExact<typeof nothing, void>>(true);
    // @ts-expect-error answer() takes a string
    this.all.answer(1);
    // @ts-expect-error find() is no coroutine
    this.all.find(1);

    yield this.once.stream();
    const once = yield* call(this.once.log("x"));
    assertType<IsExact<typeof once, void>>(true);
    // @ts-expect-error log() takes a string
    this.once.log(1);

    this.do["console"].log("x");
    // @ts-expect-error log() takes a string
    this.do["console"].log(1);
    // @ts-expect-error nobody is named so
    this.do["file"].log("x");

    const loose = [this.do.loose(), this.call.loose(), this.any.loose()] as const;
    // deno-lint-ignore no-explicit-any
    assertType<IsExact<typeof loose, readonly [any, any, any]>>(true);

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
  const root = be([new Typed(), shared, [new Untyped(), () => shared]]);
  assertType<IsExact<typeof root, Typed>>(true);
  const made = be(() => [new Typed()]);
  assertType<IsExact<typeof made, Typed>>(true);
  root.addStrand([made], () => [made]);
  // @ts-expect-error a strand is an array, or a function
  be([new Typed(), new Untyped()]);
  // @ts-expect-error a strand begins with a component
  be([]);
  // @ts-expect-error an observer is an object
  root.addObserver("x");
}

function* _pipes(): Coroutine<void> {
  const pipeline = pipe(lines(), map(Number), count(1));
  assertType<IsExact<typeof pipeline, Pipe<number>>>(true);
  const result = yield* call(pipeline);
  assertType<IsExact<typeof result, number>>(true);
  const stages = [lines(), count(1)];
  const _any: Pipe = pipe(...stages);
  // @ts-expect-error a stage is a coroutine
  pipe(5);
  for (const line of fromIterable<string>(["a"], lines())) {
    assertType<IsExact<typeof line, string>>(true);
  }
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
