/**
 * What compose costs, against its peers.
 *
 * Each variant runs in a fresh process, since V8 compiles code for what it has seen so far in the process; the variants
 * take turns in each round, and medians and ratios are over the rounds.
 *
 * Each is measured with one function, the best case of V8, which inlines it, and with sixteen taking turns, as in a program
 * that serves many connections.
 *
 *     deno run -A bench/compose.ts [--rounds 5] [--only resume|call] [--compose ../compose/mod.ts]
 */
import { parseArgs } from "node:util";
import { median, printTable, round, type Row, type Table, writeJson } from "./_report.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    compose: { type: "string", default: "../compose/mod.ts" },
    variant: { type: "string" },
  },
});

const { call, compose } = await import(
  new URL(options.compose, import.meta.url).href
) as typeof import("../compose/mod.ts");

/** Runs something `n` times, or so. */
type Run = (n: number) => unknown;
// deno-lint-ignore no-explicit-any
type Any = Generator<any, any, any>;

/** Copies of a generator function that differ for V8, as different functions of a program do. */
function copies<F>(source: string, count: number): F[] {
  return Array.from(
    { length: count },
    (_, i) => new Function("call", `return ${source.replaceAll("#", String(i))}`)(call) as F,
  );
}

const MANY = 16;
const NATIVE = "function* native#(n, f) { if (n > 0) return yield* f(n - 1, f); for (;;) yield; }";
const COMPOSED =
  "function* composed#(n, f) { if (n > 0) return yield* call(f(n - 1, f)); for (;;) yield; }";

function resume(source: string, wrap: (c: Any) => Any, depth: number, count: number): Run {
  const functions = copies<(n: number, f: unknown) => Any>(source, count);
  const coroutines = functions.map((f) => wrap(f(depth, f)));
  for (const coroutine of coroutines) coroutine.next();
  if (count === 1) {
    const coroutine = coroutines[0]!;
    return (n) => {
      for (let i = 0; i < n; i++) coroutine.next(i);
    };
  }
  return (n) => {
    for (let i = 0; i < n; i += count) {
      for (let j = 0; j < count; j++) coroutines[j]!.next(i);
    }
  };
}

const itself = (coroutine: Any) => coroutine;
const composed = (coroutine: Any) => compose(coroutine) as Any;

// What is called: it does next to nothing.
const SUB = "function* sub#(n) { return n + 1; }";
const SUB_ASYNC = "async function sub#(n) { return n + 1; }";

/** `call` without what tracebacks need: its iterator has no `throw`. */
class BareCall {
  done = false;
  value: unknown;
  #called = false;
  constructor(coroutine: Any) {
    this.value = coroutine;
  }
  [Symbol.iterator](): this {
    return this;
  }
  next(message?: unknown): this {
    if (this.#called) {
      this.value = message;
      this.done = true;
    } else this.#called = true;
    return this;
  }
}

type Subs<R = Any> = ((n: number) => R)[];

function calling(loop: (n: number) => Any): Run {
  return (n) => {
    if (!compose(loop(n)).next().done) throw new Error("Cannot measure: it did not end");
  };
}

/** By name: what makes a measurement of calling these functions in turn. */
const calls: Record<string, (subs: Subs, subsAsync: Subs<Promise<number>>) => Run | Promise<Run>> =
  {
    "yield* call(sub())": (subs) =>
      calling(function* (n) {
        let x = 0;
        for (let i = 0; i < n; i++) x = yield* call(subs[i % subs.length]!(x));
        return x;
      }),
    "yield sub()": (subs) =>
      calling(function* (n) {
        let x = 0;
        for (let i = 0; i < n; i++) x = yield subs[i % subs.length]!(x);
        return x;
      }),
    "without tracebacks": (subs) =>
      calling(function* (n) {
        let x = 0;
        for (let i = 0; i < n; i++) {
          x = yield* new BareCall(subs[i % subs.length]!(x)) as unknown as Any;
        }
        return x;
      }),
    "native yield*": (subs) => (n) =>
      (function* (): Any {
        let x = 0;
        for (let i = 0; i < n; i++) x = yield* subs[i % subs.length]!(x);
        return x;
      })().next(),
    "await": (_, subs) => async (n) => {
      let x = 0;
      for (let i = 0; i < n; i++) x = await subs[i % subs.length]!(x);
      return x;
    },
    "co": async (subs) => {
      const { default: co } = await import("npm:co@4");
      return (n) =>
        co(function* () {
          let x = 0;
          for (let i = 0; i < n; i++) x = yield subs[i % subs.length]!(x);
          return x;
        });
    },
    "effection call()": async (subs) => {
      const effection = await import("npm:effection@4");
      return (n) =>
        effection.run(function* () {
          let x = 0;
          for (let i = 0; i < n; i++) {
            x = (yield* effection.call(() => subs[i % subs.length]!(x))) as unknown as number;
          }
          return x;
        });
    },
  };

const USES = [["one", 1], ["many", MANY]] as const;
const DEPTHS = [0, 1, 10, 100, 1000];

/** By name: what to measure, and how many times a round is about. */
const variants: Record<string, [() => Run | Promise<Run>, number]> = {};
for (const depth of DEPTHS) {
  for (const [use, count] of USES) {
    variants[`resume ${depth} compose ${use}`] = [
      () => resume(COMPOSED, composed, depth, count),
      1e6,
    ];
    variants[`resume ${depth} yield* ${use}`] = [
      () => resume(NATIVE, itself, depth, count),
      Math.round(1e6 / (1 + depth / 10)),
    ];
  }
}
for (const [name, make] of Object.entries(calls)) {
  for (const [use, count] of USES) {
    variants[`call ${name} ${use}`] = [
      () => make(copies(SUB, count), copies(SUB_ASYNC, count)),
      3e5,
    ];
  }
}

async function measure(name: string): Promise<number> {
  const [make, n] = variants[name]!;
  const run = await make();
  const times: number[] = [];
  for (let i = 0; i < 9; i++) {
    const start = performance.now();
    await run(n);
    // The first two warm up.
    if (i > 1) times.push((performance.now() - start) * 1e6 / n);
  }
  return median(times);
}

if (options.variant !== undefined) {
  console.log(await measure(options.variant));
  Deno.exit();
}

const rounds = Number(options.rounds);
const names = Object.keys(variants).filter((name) => name.startsWith(options.only));
const results = new Map(names.map((name) => [name, [] as number[]]));
for (let i = 0; i < rounds; i++) {
  for (const name of i % 2 === 0 ? names : names.toReversed()) {
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        import.meta.url,
        "--variant",
        name,
        "--compose",
        options.compose,
      ],
      stderr: "inherit",
    }).output();
    if (!success) throw new Error(`Cannot measure ${name}`);
    results.get(name)!.push(Number(new TextDecoder().decode(stdout)));
  }
}

const ns = (name: string) => median(results.get(name) ?? [NaN]);
/** The median over the rounds of the ratio within a round. */
const ratio = (a: string, b: string) =>
  round(median(results.get(a)!.map((value, i) => value / results.get(b)![i]!)));

const tables: Table[] = [];
for (const [use, count] of USES) {
  const functions = count === 1 ? "one function" : `${count} functions taking turns`;
  if ("resume".startsWith(options.only)) {
    tables.push({
      title: `Resuming at a depth, ${functions}: ns`,
      rows: DEPTHS.map((depth): Row => ({
        depth,
        compose: round(ns(`resume ${depth} compose ${use}`)),
        "yield*": round(ns(`resume ${depth} yield* ${use}`)),
        "ratio to yield*": ratio(`resume ${depth} compose ${use}`, `resume ${depth} yield* ${use}`),
        "ratio to depth 1": ratio(`resume ${depth} compose ${use}`, `resume 1 compose ${use}`),
      })),
    });
  }
  if ("call".startsWith(options.only)) {
    tables.push({
      title: `Calling what returns at once, ${functions}: ns`,
      rows: Object.keys(calls).map((name): Row => ({
        "": name,
        ns: round(ns(`call ${name} ${use}`)),
        "call() relative to it": ratio(
          `call yield* call(sub()) ${use}`,
          `call ${name} ${use}`,
        ),
      })),
    });
  }
}
for (const table of tables) printTable(table);
if (options.only === "") await writeJson("compose", tables);
