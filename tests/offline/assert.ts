/**
 * The part of `@std/assert` that the tests use, over `node:assert/strict`, for machines that cannot reach JSR.
 * Where JSR answers, the tests run with the real one: same names, same types, same meaning; `assert_test.ts` holds both
 * against one table.
 */
import nodeAssert from "node:assert/strict";

// deno-lint-ignore no-explicit-any
type Class<E> = abstract new (...args: any[]) => E;
type Falsy = false | 0 | 0n | "" | null | undefined;

export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Node's message, which shows the difference, in the class that `@std/assert` throws. */
function check(assertion: () => void): void {
  try {
    assertion();
  } catch (error) {
    throw new AssertionError((error as Error).message);
  }
}

export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}

export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  check(() => nodeAssert.deepStrictEqual(actual, expected, msg));
}

export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  check(() => nodeAssert.notDeepStrictEqual(actual, expected, msg));
}

export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  check(() => nodeAssert.strictEqual(actual, expected, msg));
}

export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  assert(expected.test(actual), msg ?? `Expected ${JSON.stringify(actual)} to match ${expected}`);
}

export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  assert(
    actual.includes(expected),
    msg ?? `Expected ${JSON.stringify(actual)} to contain ${JSON.stringify(expected)}`,
  );
}

// deno-lint-ignore no-explicit-any
export function assertInstanceOf<T extends abstract new (...args: any[]) => any>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  assert(
    actual instanceof expectedType,
    msg || `Expected an instance of ${expectedType.name}, not ${Deno.inspect(actual)}`,
  );
}

/** With a class the error must be an Error of it; without, anything may have been thrown. */
function checkError(error: unknown, classOrMsg?: Class<Error> | string, includes?: string): void {
  if (typeof classOrMsg !== "function") return;
  assert(error instanceof Error, `Expected an Error, not ${Deno.inspect(error)}`);
  assert(
    error instanceof classOrMsg,
    `Expected ${classOrMsg.name}, not ${error.constructor.name}: ${error.message}`,
  );
  if (includes) assertStringIncludes(error.message, includes);
}

function fail(msg: string): never {
  throw new AssertionError(msg);
}

function thrown(what: string, classOrMsg?: Class<Error> | string, msg?: string): never {
  const said = typeof classOrMsg === "string" ? classOrMsg : msg;
  fail(said ?? `Expected the ${what}`);
}

export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: Class<Error> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  try {
    fn();
  } catch (error) {
    checkError(error, classOrMsg, msgIncludes);
    return error;
  }
  thrown("function to throw", classOrMsg, msg);
}

export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: Class<Error> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    fail(`Expected the function to reject, but it threw ${Deno.inspect(error)}`);
  }
  try {
    await promise;
  } catch (error) {
    checkError(error, classOrMsg, msgIncludes);
    return error;
  }
  thrown("promise to be rejected", classOrMsg, msg);
}
