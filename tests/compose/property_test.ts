/*
 * Random programs of coroutines, and random drivers, against a model that knows nothing of generators: it interprets a
 * program by plain recursion, and calls the driver as a function where a coroutine would yield. So what compose is
 * measured by is the call stack, and try, catch and finally, of JavaScript itself. Closing is an exception that programs
 * cannot catch.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { call, compose, type Coroutine, Local, pushBack, Yield } from "@weightless/io/compose";

type Program = Statement[];
type Statement =
  | { do: "hand out"; value: unknown }
  | { do: "read" }
  | { do: "call"; program: Program; how: "typed" | "plain" | "composed" }
  | { do: "throw"; value: string }
  | { do: "try"; program: Program; catch: Program | undefined; finally: Program | undefined }
  | { do: "return"; value: unknown; rest: unknown[] }
  | { do: "set"; value: number }
  | { do: "get" };

type Action = "next" | "throw" | "return";

/** All that can be observed of a run. */
interface Run {
  events: string[];
  /** What was pushed back and not read. */
  rest: unknown[];
}

const show = (value: unknown) => typeof value === "symbol" ? "Yield" : JSON.stringify(value);

/** Data, with those that JavaScript takes for false. */
const DATA = ["data", "", 0, null, false, NaN, "more data"];

/** Does what its script says, and then resumes to the end. */
class Driver {
  readonly events: string[] = [];
  readonly #script: Action[];
  #asked = 0;

  constructor(script: Action[]) {
    this.#script = [...script];
  }

  answer(yielded: unknown): { action: Action; value: unknown } {
    const action = this.#script.shift() ?? "next";
    const count = this.#asked++;
    const value = action !== "next"
      ? `${action} ${count}`
      : yielded === undefined
      ? DATA[count % DATA.length]
      : undefined;
    this.events.push(`${show(yielded)} -> ${action} ${show(value)}`);
    return { action, value };
  }
}

// Reality: a program becomes the source of generator functions.

const local = new Local<number>();

function getLocal(): string {
  try {
    return String(local.get());
  } catch (error) {
    return (error as Error).name;
  }
}

function sourceOf(program: Program): string {
  return program.map((statement) => {
    switch (statement.do) {
      case "hand out":
        return `event("resumed", yield ${show(statement.value)});`;
      case "read":
        return `event("read", yield);`;
      case "call": {
        const callee = `(function* () { ${sourceOf(statement.program)} })()`;
        const how = {
          typed: `yield* call(${callee})`,
          plain: `yield ${callee}`,
          composed: `yield compose(${callee})`,
        }[statement.how];
        return `event("called", ${how});`;
      }
      case "throw":
        return `throw ${show(statement.value)};`;
      case "try":
        return [
          `try { ${sourceOf(statement.program)} }`,
          statement.catch && `catch (e) { event("caught", e); ${sourceOf(statement.catch)} }`,
          statement.finally && `finally { event("finally"); ${sourceOf(statement.finally)} }`,
        ].join("\n");
      case "return":
        return `return pushBack(${[statement.value, ...statement.rest].map(show)});`;
      case "set":
        return `local.set(${statement.value});`;
      case "get":
        return `event("got", getLocal());`;
    }
  }).join("\n");
}

function reality(program: Program, script: Action[], stepping: boolean): Run {
  const driver = new Driver(script);
  const { events } = driver;
  const event = (what: string, value?: unknown) => void events.push(`${what} ${show(value)}`);
  const names = { call, compose, pushBack, local, getLocal, event };
  const main = new Function(...Object.keys(names), `return function* () { ${sourceOf(program)} }`)(
    ...Object.values(names),
  ) as () => Coroutine;
  const composed = compose(main(), { stepping });
  let { action, value } = driver.answer("start");
  try {
    for (;;) {
      const result = composed[action](value);
      if (result.done) {
        event("ended", result.value);
        break;
      }
      ({ action, value } = driver.answer(result.value));
    }
  } catch (error) {
    event("failed", error);
  }
  return { events, rest: composed.rest };
}

// The model.

class Close {
  constructor(readonly value: unknown) {}
}

/** What a Local holds. */
interface Frame {
  value?: number;
}

class Model {
  readonly #driver: Driver;
  readonly #stepping: boolean;
  readonly input: unknown[] = [];
  readonly #frames: Frame[] = [];
  /** Goes on when a coroutine has stopped it, by an error or by returning. */
  #closing: { frame: Frame | undefined; close: Close } | undefined;

  constructor(driver: Driver, stepping: boolean) {
    this.#driver = driver;
    this.#stepping = stepping;
  }

  /** Where a coroutine yields: whatever happens outside. */
  ask(yielded: unknown): unknown {
    const { action, value } = this.#driver.answer(yielded);
    if (action === "throw") throw value;
    if (action === "return") {
      const close = new Close(value);
      this.#closing = { frame: this.#frames.at(-1), close };
      throw close;
    }
    return value;
  }

  call(program: Program): unknown {
    const frame: Frame = {};
    this.#frames.push(frame);
    try {
      const returned = this.#run(program);
      if (returned !== undefined) this.input.unshift(...returned.rest);
      if (this.#closing?.frame === frame && this.#frames.length > 1) throw this.#closing.close;
      return returned?.value;
    } finally {
      this.#frames.pop();
      if (this.#closing?.frame === frame) this.#closing.frame = this.#frames.at(-1);
    }
  }

  #event(what: string, value?: unknown): void {
    this.#driver.events.push(`${what} ${show(value)}`);
  }

  /** Runs statements until one returns something. */
  #run(program: Program): { value: unknown; rest: unknown[] } | undefined {
    for (const statement of program) {
      switch (statement.do) {
        case "hand out":
          this.#event("resumed", this.ask(statement.value));
          break;
        case "read":
          this.#event("read", this.input.length > 0 ? this.input.shift() : this.ask(undefined));
          break;
        case "call":
          if (this.#stepping) this.ask(Yield);
          this.#event("called", this.call(statement.program));
          break;
        case "throw":
          throw statement.value;
        case "try": {
          let returned;
          try {
            returned = this.#run(statement.program);
          } catch (error) {
            if (error instanceof Close || statement.catch === undefined) throw error;
            this.#event("caught", error);
            returned = this.#run(statement.catch);
          } finally {
            if (statement.finally !== undefined) {
              this.#event("finally");
              this.#run(statement.finally);
            }
          }
          if (returned !== undefined) return returned;
          break;
        }
        case "return":
          return statement;
        case "set":
          this.#frames.at(-1)!.value = statement.value;
          break;
        case "get":
          this.#event(
            "got",
            String(
              this.#frames.findLast(({ value }) => value !== undefined)?.value ?? "ReferenceError",
            ),
          );
      }
    }
  }
}

function theory(program: Program, script: Action[], stepping: boolean): Run {
  const driver = new Driver(script);
  const model = new Model(driver, stepping);
  const { events } = driver;
  try {
    model.ask("start");
    events.push(`ended ${show(model.call(program))}`);
  } catch (error) {
    events.push(
      error instanceof Close ? `ended ${show(error.value)}` : `failed ${show(error)}`,
    );
  }
  return { events, rest: model.input };
}

// What is tried.

const datum = fc.constantFrom("a", "", 0, 1, null, false);

/** Statements; those of a `finally` do not return, as few people know what that does in any language. */
const { program } = fc.letrec<{ program: Program; cleanup: Program }>(
  (tie) => {
    const block = { depthSize: "small", maxDepth: 6 } as const;
    const simple: fc.Arbitrary<Statement> = fc.oneof(
      datum.map((value): Statement => ({ do: "hand out", value })),
      fc.constant<Statement>({ do: "read" }),
      fc.nat(9).map((value): Statement => ({ do: "set", value })),
      fc.constant<Statement>({ do: "get" }),
    );
    const throws = fc.constantFrom("x", "y").map((value): Statement => ({ do: "throw", value }));
    const calls = fc.record({
      do: fc.constant("call" as const),
      program: tie("program"),
      how: fc.constantFrom("typed" as const, "plain" as const, "composed" as const),
    });
    const returns = fc.record({
      do: fc.constant("return" as const),
      value: datum,
      rest: fc.array(datum, { maxLength: 3 }),
    });
    const tries = (body: fc.Arbitrary<Program>) =>
      fc.record({
        do: fc.constant("try" as const),
        program: body,
        catch: fc.option(body, { nil: undefined, freq: 3 }),
        finally: fc.option(tie("cleanup"), { nil: undefined, freq: 3 }),
      }).filter((statement) => statement.catch !== undefined || statement.finally !== undefined);
    return {
      program: fc.array(
        fc.oneof(
          block,
          { weight: 4, arbitrary: simple },
          { weight: 1, arbitrary: returns },
          { weight: 1, arbitrary: throws },
          { weight: 4, arbitrary: calls },
          { weight: 4, arbitrary: tries(tie("program")) },
        ),
        { maxLength: 5 },
      ),
      cleanup: fc.array(
        fc.oneof(
          block,
          { weight: 4, arbitrary: simple },
          { weight: 1, arbitrary: throws },
          { weight: 2, arbitrary: calls },
          { weight: 2, arbitrary: tries(tie("cleanup")) },
        ),
        { maxLength: 3 },
      ),
    };
  },
);
const script = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<Action>("next") },
    { weight: 1, arbitrary: fc.constant<Action>("throw") },
    { weight: 1, arbitrary: fc.constant<Action>("return") },
  ),
  { maxLength: 20 },
);

Deno.test("compose() does what plain functions would do, for any program and driver", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(program, script, fc.boolean(), (program, script, stepping) => {
      const run = reality(program, script, stepping);
      assertEquals(run, theory(program, script, stepping));
      for (const event of run.events) seen.add(event.split(" ")[0]!);
    }),
    { numRuns: 4000, seed: 7 },
  );
  // It was about something.
  for (
    const event of ["called", "caught", "ended", "failed", "finally", "got", "read", "resumed"]
  ) {
    assert(seen.has(event), event);
  }
});
