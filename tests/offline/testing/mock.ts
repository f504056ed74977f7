/** The part of `@std/testing/mock` that the tests use, over the mocks of `node:test`. */
import { mock } from "node:test";

// deno-lint-ignore no-explicit-any
type Method = (...args: any[]) => any;
// deno-lint-ignore no-explicit-any
type Args<F> = F extends (...args: infer A) => any ? A : unknown[];
// deno-lint-ignore no-explicit-any
type Result<F> = F extends (...args: any[]) => infer R ? R : unknown;

export interface SpyCall<Self, A extends unknown[], R> {
  args: A;
  self?: Self;
  returned?: R;
  error?: Error;
}

export interface Stub<Self, A extends unknown[], R> extends Disposable {
  readonly calls: SpyCall<Self, A, R>[];
}

export function stub<Self, Name extends keyof Self>(
  self: Self,
  property: Name,
  func?: (this: Self, ...args: Args<Self[Name]>) => Result<Self[Name]>,
): Stub<Self, Args<Self[Name]>, Result<Self[Name]>> {
  const target = self as Record<Name, Method>;
  const isOwn = Object.hasOwn(target, property);
  const context = mock.method(target, property, (func ?? (() => {})) as Method).mock;
  return {
    get calls() {
      return context.calls.map((call) => ({
        args: call.arguments as Args<Self[Name]>,
        ...(call.this !== undefined && { self: call.this as Self }),
        ...(call.error === undefined
          ? { returned: call.result as Result<Self[Name]> }
          : { error: call.error as Error }),
      }));
    },
    [Symbol.dispose]() {
      context.restore();
      if (!isOwn) delete (target as Partial<typeof target>)[property];
    },
  };
}
