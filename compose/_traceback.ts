/*
 * How an error gets a traceback of all callers:
 *
 *  1. V8's stack lists the frames that were active when the error was made: the innermost coroutine, then compose, then
 *     whoever drives it. The suspended callers are missing.
 *  2. On its way out the error is thrown into each suspended caller, and so, through its `yield* call(...)`, into Call's
 *     `throw`. A stack that is captured there begins with the line of the caller.
 *  3. That line is put where the frames of compose are, which are left out.
 */

/** So many callers are listed; in a deeper stack the ones between are counted. */
const MOST_LINES = 100;

/** Frames of compose itself, and of the generator methods between them. */
const OWN_FRAME = new RegExp(
  `${
    import.meta.url.slice(0, import.meta.url.lastIndexOf("/"))
  }/(compose|call|command|_traceback)\\.ts:|` +
    "at (Generator|[\\w.$]+)\\.(next|throw|return) \\(<anonymous>\\)",
);

class Traceback {
  /** What has been passed: the frames inside the coroutine that threw, and the callers so far. */
  readonly #passed: string[];
  /** The frames outside, of one composed coroutine after the other: composed coroutines may be nested. */
  readonly #outside: string[][] = [];
  #callers = 0;

  constructor(stack: string) {
    let part: string[] = this.#passed = [];
    let own = false;
    for (const line of stack.split("\n")) {
      if (OWN_FRAME.test(line)) {
        own = true;
        continue;
      }
      if (own) this.#outside.push(part = []);
      own = false;
      part.push(line);
    }
  }

  add(line: string): void {
    if (++this.#callers <= MOST_LINES) this.#passed.push(line);
  }

  /** The error leaves one composed coroutine: what drives that comes next. */
  leave(): void {
    if (this.#callers > MOST_LINES) {
      this.#passed.push(`    ... ${this.#callers - MOST_LINES} more callers`);
    }
    this.#callers = 0;
    this.#passed.push(...this.#outside.shift() ?? []);
  }

  toString(): string {
    return [this.#passed, ...this.#outside].flat().join("\n");
  }
}

const tracebacks = new WeakMap<Error, Traceback>();

function tracebackOf(error: unknown): Traceback | undefined {
  if (!(error instanceof Error)) return undefined;
  let traceback = tracebacks.get(error);
  if (traceback === undefined && typeof error.stack === "string" && !Object.isFrozen(error)) {
    tracebacks.set(error, traceback = new Traceback(error.stack));
  }
  return traceback;
}

/** The line from which `callee` was called. */
// deno-lint-ignore no-explicit-any
export function callerLine(callee: (...args: any[]) => unknown): string {
  const holder = { stack: "" };
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(holder, callee);
  Error.stackTraceLimit = stackTraceLimit;
  return holder.stack.split("\n")[1] ?? "    at <unknown>";
}

/** Adds where `callee` was called to the traceback of an error that passes. */
// deno-lint-ignore no-explicit-any
export function addCaller(error: unknown, callee: (...args: any[]) => unknown): void {
  tracebackOf(error)?.add(callerLine(callee));
}

/** Shows the callers in the stack of an error that leaves a composed coroutine. */
export function showCallers(error: unknown): void {
  const traceback = tracebackOf(error);
  if (traceback === undefined) return;
  traceback.leave();
  try {
    (error as Error).stack = traceback.toString();
  } catch {
    // a stack that cannot be written stays as it is
  }
}
