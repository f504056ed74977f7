// Provisional core (to be replaced by the compose owner): correct for the simple cases only.
import type { Coroutine } from "./coroutine.ts";
import { PushBack } from "./push_back.ts";

const GeneratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf((function* () {})()));
class GeneratorBase {}
Object.setPrototypeOf(GeneratorBase.prototype, Object.getPrototypeOf(GeneratorPrototype));

export function isCoroutine(value: unknown): value is Coroutine {
  return typeof value === "object" && value !== null &&
    typeof (value as Coroutine).next === "function" &&
    typeof (value as Coroutine).return === "function" &&
    typeof (value as Coroutine).throw === "function";
}

export class Composed<R> extends GeneratorBase {
  #stack: Coroutine[];
  #input: unknown[] = [];
  constructor(coroutine: Coroutine<R>) {
    super();
    this.#stack = [coroutine];
  }
  get rest(): unknown[] {
    return this.#input;
  }
  next(message?: unknown): IteratorResult<unknown, R> {
    return this.#run("next", message);
  }
  throw(error: unknown): IteratorResult<unknown, R> {
    return this.#run("throw", error);
  }
  return(value: R): IteratorResult<unknown, R> {
    while (this.#stack.length) this.#stack.pop()!.return(undefined);
    return { done: true, value };
  }
  #run(method: "next" | "throw", message: unknown): IteratorResult<unknown, R> {
    const stack = this.#stack;
    if (!stack.length) {
      if (method === "throw") throw message;
      return { done: true, value: undefined as R };
    }
    for (;;) {
      let result: IteratorResult<unknown, unknown>;
      try {
        result = stack[stack.length - 1]![method](message);
      } catch (error) {
        stack.pop();
        if (!stack.length) throw error;
        method = "throw";
        message = error;
        continue;
      }
      method = "next";
      if (result.done) {
        stack.pop();
        message = result.value;
        if (message instanceof PushBack) {
          this.#input.unshift(...message.rest);
          message = message.value;
        }
        if (!stack.length) return { done: true, value: message as R };
      } else if (isCoroutine(result.value)) {
        stack.push(result.value);
        message = undefined;
      } else if (result.value === undefined && this.#input.length) {
        message = this.#input.shift();
      } else return result as IteratorResult<unknown, R>;
    }
  }
  [Symbol.iterator](): this {
    return this;
  }
  [Symbol.dispose](): void {
    this.return(undefined as R);
  }
  get [Symbol.toStringTag](): string {
    return "Composed";
  }
}

export function compose<R>(coroutine: Coroutine<R>): Composed<R> {
  return new Composed(coroutine);
}
