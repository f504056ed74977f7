/**
 * The part of `@std/assert` that the tests use, over `node:assert/strict`, for machines that cannot reach JSR.
 * Where JSR answers, the tests run with the real one: same names, same meaning.
 */
import nodeAssert from "node:assert/strict";

// deno-lint-ignore no-explicit-any
type ErrorClass<E> = abstract new (...args: any[]) => E;

export { AssertionError } from "node:assert";

export function assert(expr: unknown, msg = ""): asserts expr {
  nodeAssert.ok(expr, msg || undefined);
}

export function assertFalse(expr: unknown, msg?: string): void {
  nodeAssert.ok(!expr, msg);
}

export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, msg);
}

export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.notDeepStrictEqual(actual, expected, msg);
}

export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  nodeAssert.strictEqual(actual, expected, msg);
}

export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.notStrictEqual(actual, expected, msg);
}

export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  nodeAssert.ok(
    actual !== undefined && actual !== null,
    msg ?? "Expected a value that is not null or undefined",
  );
}

export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  nodeAssert.match(actual, expected, msg);
}

export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  nodeAssert.ok(
    actual.includes(expected),
    msg ?? `Expected ${JSON.stringify(actual)} to contain ${JSON.stringify(expected)}`,
  );
}

export function assertInstanceOf<E>(
  actual: unknown,
  expected: ErrorClass<E>,
  msg = "",
): asserts actual is E {
  nodeAssert.ok(
    actual instanceof expected,
    msg || `Expected an instance of ${expected.name}, not ${actual}`,
  );
}

export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.ok(actual >= expected, msg ?? `Expected ${actual} >= ${expected}`);
}

export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.ok(actual < expected, msg ?? `Expected ${actual} < ${expected}`);
}

export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
): void {
  for (const item of Array.from(expected)) {
    const found = Array.from(actual).some((candidate) => {
      try {
        nodeAssert.deepStrictEqual(candidate, item);
        return true;
      } catch {
        return false;
      }
    });
    nodeAssert.ok(
      found,
      msg ?? `Expected ${Deno.inspect(actual)} to include ${Deno.inspect(item)}`,
    );
  }
}

export function fail(msg?: string): never {
  nodeAssert.fail(msg ?? "Failed");
}

function checkError<E extends Error>(
  error: unknown,
  errorClass?: ErrorClass<E>,
  msgIncludes?: string,
): E {
  nodeAssert.ok(error instanceof Error, `Expected an Error, not ${Deno.inspect(error)}`);
  if (errorClass) {
    nodeAssert.ok(
      error instanceof errorClass,
      `Expected ${errorClass.name}, not ${error.constructor.name}: ${error.message}`,
    );
  }
  if (msgIncludes) assertStringIncludes(error.message, msgIncludes);
  return error as E;
}

export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass?: ErrorClass<E>,
  msgIncludes?: string,
): E {
  try {
    fn();
  } catch (error) {
    return checkError(error, errorClass, msgIncludes);
  }
  nodeAssert.fail("Expected the function to throw");
}

export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E>,
  msgIncludes?: string,
): Promise<E> {
  try {
    await fn();
  } catch (error) {
    return checkError(error, errorClass, msgIncludes);
  }
  nodeAssert.fail("Expected the promise to be rejected");
}
