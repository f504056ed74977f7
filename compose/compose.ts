import { Call, Probe } from "./call.ts";
import { Command } from "./command.ts";
import { type Coroutine, isCoroutine } from "./coroutine.ts";
import { GeneratorBase } from "./_generator.ts";
import { PushBack } from "./push_back.ts";
import { showCallers } from "./_traceback.ts";
import { Yield } from "./yield.ts";

/*
 * The rules of composing, which hold at any depth:
 *
 *  1. A yielded coroutine is called: it is put on the stack and run. What it returns, or throws, comes from the
 *     caller's `yield`.
 *  2. A bare `yield` asks for data; `yield value` hands a value out and is resumed with `undefined`. Nothing else may
 *     be sent: data is for who asks for it.
 *  3. What was pushed back is read before anything is asked from outside. A value that is handed out goes first.
 *  4. An error that a coroutine does not catch leaves its frame and is thrown at the caller's `yield`.
 *  5. return() closes frame after frame, innermost first. A `finally` may yield: the closing goes on when its frame has
 *     ended. If a `finally` throws, the error takes the place of the closing, as it does in any generator.
 *  6. A coroutine is run by one stack, once: yielding one that is being run, or was, is an error at that `yield`.
 *
 * The innermost coroutine is resumed directly, so a resume costs the same at any depth, and its own result object is
 * passed through, so a resume allocates nothing.
 */

/** Options of {@linkcode compose}. */
export interface ComposeOptions {
  /**
   * Yields {@linkcode Yield} at each call.
   *
   * @default {false}
   */
  stepping?: boolean;
}

const NEXT = 0, THROW = 1, RETURN = 2;
type Mode = typeof NEXT | typeof THROW | typeof RETURN;

const NOT_CLOSING = -1;

interface Binding {
  local: object;
  value: unknown;
  depth: number;
}

/** The composed coroutine that is running now, innermost; each knows the one around it. */
// deno-lint-ignore no-explicit-any
let current: Composed<any> | undefined;

/**
 * Marks a coroutine that has been run by compose: a property, because a WeakSet would make a call take three times as long.
 */
const STARTED = Symbol("started");

function hasStarted(coroutine: Coroutine & { [STARTED]?: true }): boolean {
  return coroutine[STARTED] === true;
}

function start(coroutine: Coroutine & { [STARTED]?: true }): void {
  coroutine[STARTED] = true;
}

/**
 * A coroutine whose calls are run by itself; made by {@linkcode compose}. It is a generator like any other.
 *
 * @typeParam R What the outermost coroutine returns.
 *
 * @example It can be used wherever a generator can
 * ```ts
 * import { call, type Composed, compose, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* letters(): Coroutine {
 *   yield "a";
 *   yield "b";
 * }
 * function* main(): Coroutine {
 *   yield* call(letters());
 *   yield "c";
 * }
 *
 * const composed: Composed<void> = compose(main());
 * assertEquals([...composed], ["a", "b", "c"]);
 * ```
 */
export class Composed<R = unknown> extends GeneratorBase<R> {
  /** From the outermost to the innermost; each waits for the next. */
  readonly #frames: Coroutine[];
  /** How each of them waits: what it yielded, a Call if it can be asked where it stands. */
  readonly #waits: unknown[] = [];
  /** What was pushed back, the next to be read last. */
  readonly #input: unknown[] = [];
  readonly #stepping: boolean;
  #running = false;
  /** Whether the innermost coroutine stands at a bare `yield`. */
  #asking = false;
  /** The depth of the frame that is being closed. */
  #closing = NOT_CLOSING;
  #closedWith: unknown;
  /** What the innermost coroutine stands at, if it is a command. */
  #command: unknown;
  #bindings: Binding[] | undefined;
  // deno-lint-ignore no-explicit-any
  #outer: Composed<any> | undefined;

  /** Use {@linkcode compose}. */
  constructor(coroutine: Coroutine<R>, options?: ComposeOptions) {
    super();
    this.#frames = [coroutine];
    this.#stepping = options?.stepping ?? false;
  }

  /** What was pushed back and has not been read. */
  get rest(): unknown[] {
    return this.#input.toReversed();
  }

  /**
   * Resumes the innermost coroutine, with data if it asked for data, and runs on until something is asked or handed out.
   *
   * @throws {TypeError} If data is sent that was not asked for, or the coroutine is already running.
   */
  override next(message?: unknown): IteratorResult<unknown, R> {
    if (message !== undefined && !this.#asking && !this.#running && this.#frames.length > 0) {
      throw new TypeError(
        "Cannot accept data. First send undefined: only a coroutine that stands at a bare yield can be sent data",
      );
    }
    return this.#run(NEXT, message);
  }

  /** Throws an error at the `yield` of the innermost coroutine. */
  override throw(error: unknown): IteratorResult<unknown, R> {
    return this.#run(THROW, error);
  }

  /** Closes all coroutines, innermost first. If a `finally` yields, resume it until it is done. */
  override return(value: R): IteratorResult<unknown, R> {
    if (!this.#running) {
      this.#closing = this.#frames.length - 1;
      this.#closedWith = value;
    }
    return this.#run(RETURN, value);
  }

  #run(mode: Mode, message: unknown): IteratorResult<unknown, R> {
    if (this.#running) {
      throw new TypeError("Cannot resume a composed coroutine that is already running");
    }
    if (this.#frames.length === 0) {
      if (mode === THROW) throw message;
      return { done: true, value: (mode === RETURN ? message : undefined) as R };
    }
    this.#running = true;
    this.#command = undefined;
    this.#outer = current;
    current = this;
    try {
      return this.#drive(mode, message);
    } finally {
      current = this.#outer;
      this.#outer = undefined;
      this.#running = false;
    }
  }

  #drive(mode: Mode, message: unknown): IteratorResult<unknown, R> {
    const frames = this.#frames;
    let frame = frames[frames.length - 1]!;
    for (;;) {
      try {
        for (;;) {
          const result: IteratorResult<unknown, unknown> = mode === NEXT
            ? frame.next(message)
            : mode === THROW
            ? frame.throw(message)
            : frame.return(message);
          mode = NEXT;
          const { value } = result;
          if (result.done !== true) {
            if (value === undefined) {
              if (this.#input.length === 0) {
                this.#asking = true;
                return result as IteratorResult<unknown, R>;
              }
              message = this.#input.pop();
            } else if (isCoroutine(value)) {
              if (value === this || hasStarted(value)) {
                mode = THROW;
                message = new TypeError(
                  "Cannot call a coroutine that is running or has run: make a new one for each call",
                );
                continue;
              }
              start(value);
              frames.push(value);
              this.#waits.push(result);
              frame = value;
              message = undefined;
              if (this.#stepping) {
                this.#asking = false;
                return { done: false, value: Yield };
              }
            } else {
              this.#asking = false;
              if (value instanceof Command) this.#command = value;
              return result as IteratorResult<unknown, R>;
            }
            continue;
          }
          message = this.#leave(frame, value);
          const depth = frames.length;
          if (depth === 0) {
            return message === value
              ? result as IteratorResult<unknown, R>
              : { done: true, value: message as R };
          }
          frame = frames[depth - 1]!;
          if (this.#closing === depth) {
            this.#closing = depth - 1;
            mode = RETURN;
            message = this.#closedWith;
          }
        }
      } catch (error) {
        this.#leave(frame, undefined);
        const depth = frames.length;
        if (this.#closing >= depth) this.#closing = NOT_CLOSING;
        if (depth === 0) {
          showCallers(error);
          throw error;
        }
        frame = frames[depth - 1]!;
        mode = THROW;
        message = error;
      }
    }
  }

  /** Takes the innermost frame off; returns what its caller gets of what it returned. */
  #leave(frame: Coroutine, returned: unknown): unknown {
    this.#frames.pop();
    this.#waits.pop();
    const bindings = this.#bindings;
    if (bindings !== undefined) {
      while (bindings.length > 0 && bindings[bindings.length - 1]!.depth > this.#frames.length) {
        bindings.pop();
      }
    }
    if (typeof returned === "object" && returned instanceof PushBack) {
      const { rest } = returned;
      for (let i = rest.length - 1; i >= 0; i--) this.#input.push(rest[i]);
      returned = returned.value;
    }
    if (frame instanceof Composed && frame.#input.length > 0) {
      for (const value of frame.#input) this.#input.push(value);
      frame.#input.length = 0;
    }
    return returned;
  }

  /** For Local: binds a value in the frame that is running now. */
  static bindLocal(local: object, value: unknown): boolean {
    if (current === undefined) return false;
    const bindings = current.#bindings ??= [];
    const depth = current.#frames.length;
    const bound = bindings.find((binding) => binding.local === local && binding.depth === depth);
    if (bound !== undefined) bound.value = value;
    else bindings.push({ local, value, depth });
    return true;
  }

  /** For Local: the nearest binding. */
  static lookUpLocal(local: object): { value: unknown } | undefined {
    for (let composed = current; composed !== undefined; composed = composed.#outer) {
      const binding = composed.#bindings?.findLast((binding) => binding.local === local);
      if (binding !== undefined) return binding;
    }
    return undefined;
  }

  /** For trace(): one line for each frame, the innermost first. */
  static lines(composed: Composed): string[] {
    if (composed.#running) {
      throw new TypeError(
        "Cannot trace a coroutine that is running: its stack trace tells where it is",
      );
    }
    const frames = composed.#frames;
    return frames.map((frame, depth) => {
      // Only a frame that stands at `yield* call()` or `yield* command` answers without noticing; the others would fail.
      const standsAt = depth < frames.length - 1 ? composed.#waits[depth] : composed.#command;
      if (!(standsAt instanceof Call || standsAt instanceof Command)) return "    at <unknown>";
      const probe = new Probe();
      frame.throw(probe);
      return probe.line!;
    }).reverse();
  }
}

/**
 * Composes a coroutine, so that coroutines it yields are called; or a generator function, so that what it makes is composed.
 *
 * @typeParam R What the coroutine returns.
 * @param coroutine What to compose: not started.
 * @param options Whether to yield at each call.
 * @returns The composed coroutine, itself a generator; or a function that makes one.
 * @throws {TypeError} If it is given something else, or a coroutine that was composed or called before.
 *
 * @example A function that makes composed coroutines
 * ```ts
 * import { call, compose, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* word(): Coroutine<string> {
 *   return yield;
 * }
 * const greet = compose(function* (greeting: string): Coroutine<string> {
 *   return `${greeting}, ${yield* call(word())}!`;
 * });
 *
 * const greeting = greet("Hello");
 * greeting.next();
 * assertEquals(greeting.next("World").value, "Hello, World!");
 * ```
 */
export function compose<R>(coroutine: Coroutine<R>, options?: ComposeOptions): Composed<R>;
/** Composes what a generator function makes. */
export function compose<A extends unknown[], R>(
  coroutineFunction: (...args: A) => Coroutine<R>,
  options?: ComposeOptions,
): (...args: A) => Composed<R>;
export function compose<A extends unknown[], R>(
  coroutine: Coroutine<R> | ((...args: A) => Coroutine<R>),
  options?: ComposeOptions,
): Composed<R> | ((...args: A) => Composed<R>) {
  if (typeof coroutine === "function") {
    return function (this: unknown, ...args: A) {
      return compose(coroutine.apply(this, args), options);
    };
  }
  if (!isCoroutine(coroutine)) {
    throw new TypeError(
      `Cannot compose ${
        Deno.inspect(coroutine, { depth: 0 })
      }: give a coroutine, compose(sub()), or a generator function`,
    );
  }
  if (hasStarted(coroutine)) {
    throw new TypeError("Cannot compose a coroutine that is running or has run: make a new one");
  }
  start(coroutine);
  return new Composed(coroutine, options);
}
