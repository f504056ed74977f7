/**
 * What the tests use of Deno, in other runtimes: `Deno.test` notes a test. Everything else is missing, so that a test
 * that uses it must be left out by name.
 */
import fc from "fast-check";

type Run = () => unknown;

const tests: { name: string; run: Run }[] = [];

(globalThis as { Deno?: unknown }).Deno = {
  test: (name: string, run: Run) => tests.push({ name, run }),
  inspect: (value: unknown) => typeof value,
};

// The package that stands for node:assert in a browser asks for it when an assertion fails.
(globalThis as { process?: unknown }).process ??= { env: {} };

// Only tests use it. Node has it from version 22 on.
Array.fromAsync ??= async (items: AsyncIterable<unknown> | Iterable<unknown>) => {
  const all = [];
  for await (const item of items) all.push(item);
  return all as never;
};

// In Deno each property is tested as often as it says.
fc.configureGlobal({ interruptAfterTimeLimit: 500 });

/** What came of the tests. */
export interface Report {
  passed: string[];
  failed: { name: string; error: string }[];
  leftOut: string[];
}

const report: Report = { passed: [], failed: [], leftOut: [] };

/**
 * Runs the tests, but for those of these names, for so many milliseconds, and goes on there at the next call. Returns
 * what came of them when all have run.
 */
export async function run(
  leftOut: readonly string[],
  ms: number = Infinity,
): Promise<Report | undefined> {
  const end = performance.now() + ms;
  for (let next; performance.now() < end;) {
    if ((next = tests.shift()) === undefined) return report;
    const { name, run } = next;
    if (leftOut.includes(name)) {
      report.leftOut.push(name);
      continue;
    }
    try {
      await run();
      report.passed.push(name);
    } catch (error) {
      report.failed.push({ name, error: error instanceof Error ? `${error.stack}` : `${error}` });
    }
  }
}
