/*
 * How an error comes to show the callers that it passed:
 *
 *  1. An error is made with a stack: the coroutine that made it, then compose, then what drives
 *     compose. The callers of the coroutine are not on it, because they are suspended.
 *  2. When the error is thrown into a caller that stands at `yield* call()`, the iterator of that
 *     call runs *within* the caller. A stack that is captured there begins with the line of the
 *     caller.
 *  3. These lines replace the frames of compose when somebody reads `error.stack`. Until then
 *     stacks are only captured, which costs a few microseconds for each caller; to format them
 *     costs ten times as much.
 *  4. When composed coroutines run others, there are frames of compose in several places. The
 *     callers are grouped by the composed coroutine that they belong to, and the groups fill these
 *     places in order, the innermost first.
 *  5. A value that is not an Error, or whose `stack` cannot be changed, passes untouched.
 */
import type { Coroutine } from "./coroutine.ts";
import { isCoroutine } from "./coroutine.ts";
import { FRAME, inStacks, isMachinery, isMachineryLine } from "./_machinery.ts";

/** A stack that V8 formats when it is read. */
interface Capture {
  stack?: string;
}

type Callee = (...args: never[]) => unknown;

/**
 * How many callers an error shows. If there are more, as in a recursion, these are only counted.
 */
const MAX_CALLERS = 1000;

/**
 * How many frames are captured for one caller: its own, and those of what it calls by native
 * `yield*`.
 */
export const MAX_FRAMES = 100;

/**
 * The names that modules of this folder have in stacks. They end in `.js` where the types were
 * taken out. In a bundle that is a plain script there is no URL.
 */
const files = (...names: string[]) =>
  names.flatMap((name) =>
    inStacks(`${import.meta.url}`.replace(/[^/]*(\.\w+)$/, `${name}$1`)).map((url) => `${url}:`)
  );
/** The modules that run coroutines: in a stack, their frames come after those of a coroutine. */
const DRIVERS = files("compose", "trace", "_cleanup");
/** The frame at the bottom of a running composed coroutine. */
const ENTRIES = ["next", "throw", "throwInto", "return"].flatMap((method) =>
  files("compose").flatMap((file) => [`.${method} (${file}`, ` ${method} (${file}`])
);
/** Frames of what runs the program. */
const RUNTIME = /\b(ext|node):|<anonymous>/;
/** How a coroutine was resumed. */
const RESUMED = /\.(next|throw|return) \(<anonymous>\)$/;

function isOf(files: string[], line: string): boolean {
  return files.some((file) => line.includes(file));
}

/** The callers in one composed coroutine. */
class Group {
  readonly callers: (Capture | Coroutine)[] = [];
  more = 0;

  lines(): string[] {
    const lines = this.callers.flatMap(linesOf);
    return this.more === 0 ? lines : [...lines, `    ... ${this.more} more callers`];
  }
}

/** The callers that one error passed. */
class Traceback {
  static readonly #all = new WeakMap<Error, Traceback>();

  readonly #error: Error;
  readonly #stack: PropertyDescriptor;
  #original: unknown;
  readonly #groups = [new Group()];
  /** All callers noted: the same error object may be thrown again and again. */
  #noted = 0;

  static of(error: unknown): Traceback | undefined {
    if (!(error instanceof Error)) return undefined;
    let traceback = Traceback.#all.get(error);
    if (traceback === undefined) {
      const stack = Object.getOwnPropertyDescriptor(error, "stack");
      if (stack === undefined || !stack.configurable) return undefined;
      Traceback.#all.set(error, traceback = new Traceback(error, stack));
    }
    return traceback;
  }

  constructor(error: Error, stack: PropertyDescriptor) {
    this.#error = error;
    this.#stack = stack;
    this.#define();
  }

  note(caller: () => Capture | Coroutine): void {
    const group = this.#groups.at(-1)!;
    if (this.#noted === MAX_CALLERS) group.more++;
    else {
      this.#noted++;
      group.callers.push(caller());
    }
  }

  leave(): void {
    if (this.#groups.length < MAX_CALLERS) this.#groups.push(new Group());
  }

  #define(): void {
    const error = this.#error;
    Object.defineProperty(error, "stack", {
      get: () => this.#read(),
      set: (value) => this.#replace(value),
      configurable: true,
    });
  }

  /**
   * Somebody has written another stack. The callers that the error passes from now on come after
   * it.
   */
  #replace(stack: unknown): void {
    this.#original = stack;
    this.#groups.length = 0;
    this.leave();
  }

  #read(): unknown {
    if (this.#original === undefined) {
      this.#original = this.#stack.get === undefined
        ? this.#stack.value
        : this.#stack.get.call(this.#error);
      // Deno remembers the frames it has formatted, and would print them, not `stack`, if nobody
      // catches the error.
      try {
        captured(this.#error, undefined, 0).stack;
        this.#define();
      } catch {
        // Not extensible, or a proxy.
      }
    }
    if (typeof this.#original !== "string") return this.#original;
    const lines: string[] = [];
    const dropResumed = () => {
      while (RESUMED.test(lines.at(-1)!)) lines.pop();
    };
    const groups = this.#groups.values();
    const original = this.#original.split("\n");
    for (const line of original) {
      if (!isMachineryLine(line)) lines.push(line);
      else {
        dropResumed();
        if (isOf(ENTRIES, line)) lines.push(...groups.next().value?.lines() ?? []);
      }
    }
    // Error.stackTraceLimit may cut a stack off between a frame and what resumed it.
    dropResumed();
    // What is left are callers that the error passed after it was thrown in from elsewhere, or that
    // are beyond that limit.
    for (const group of groups) lines.push(...group.lines());
    // If there is no frame of the user, the machinery itself is at fault.
    const told = lines.some((line) => FRAME.test(line) && !RUNTIME.test(line));
    return (told ? lines : original).join("\n");
  }
}

/** Notes that the error passes the caller of the function `callee`, which runs within it. */
export function noteCaller(error: unknown, callee: Callee): void {
  Traceback.of(error)?.note(() => captured({}, callee));
}

/** Notes that the error passes a coroutine that stands at a plain `yield`. */
export function noteName(error: unknown, coroutine: Coroutine): void {
  Traceback.of(error)?.note(() => coroutine);
}

/** Notes that the error leaves a composed coroutine. */
export function noteLeaving(error: unknown): void {
  Traceback.of(error)?.leave();
}

/** Hides the machinery in an error that does not leave a composed coroutine. Returns the error. */
export function cleaned(error: unknown): unknown {
  Traceback.of(error);
  return error;
}

/** Captures the stack from the caller of `callee` downwards. */
export function captured<T extends Capture>(
  target: T,
  callee?: Callee,
  depth: number = MAX_FRAMES,
): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = depth;
  try {
    Error.captureStackTrace?.(target, callee);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return target;
}

/** The lines of a caller: more than one if it calls others by native `yield*`. */
export function linesOf(caller: Capture | Coroutine): string[] {
  if (isCoroutine(caller)) {
    return isMachinery(caller) ? [] : [`    at ${nameOf(caller)} (line unknown)`];
  }
  const lines = String(caller.stack).split("\n").slice(1);
  const end = lines.findIndex((line) => isOf(DRIVERS, line));
  return lines.slice(0, end === -1 ? undefined : end)
    .filter((line) => !RESUMED.test(line) && !isMachineryLine(line));
}

/** Whether a stack reaches down to what runs the coroutine, so that no frame of the coroutine is missing. */
export function isWhole({ stack }: Capture): boolean {
  return isOf(DRIVERS, String(stack));
}

/**
 * Of a coroutine that runs others by itself, as a pipe runs its stages: a function that gives those, the one
 * that waits for input first. {@linkcode trace} tells where they stand.
 */
const RUNS: unique symbol = Symbol("runs");

interface Runs {
  [RUNS]?: () => Iterable<Coroutine>;
}

/** Notes that a coroutine runs others. Returns the coroutine. */
export function runs<C extends Coroutine>(coroutine: C, others: () => Iterable<Coroutine>): C {
  (coroutine as Runs)[RUNS] = others;
  return coroutine;
}

/** The coroutines that a coroutine runs by itself. */
export function runBy(coroutine: Coroutine): Iterable<Coroutine> {
  return (coroutine as Runs)[RUNS]?.() ?? [];
}

/**
 * The name of a coroutine's function. JavaScript does not tell it. But in a stack V8 shows the
 * receiver of a call, and a generator is shown by the name of its function: `at sub.receiver (…)`.
 */
export function nameOf(coroutine: Coroutine): string {
  const line = String(receiver.call(coroutine).stack).split("\n")[1] ?? "";
  const name = /at (.+)\.receiver /.exec(line)?.[1];
  return name === undefined || name === "Generator" ? "anonymous" : name;
}

function receiver(this: Coroutine): Capture {
  return captured({}, captured, 1);
}
