/**
 * Whether servers are well: asks all URLs at once, each with a timeout, and prints a table. The exit code is 1 if one of them
 * is not: it cannot be reached, takes too long, cuts its answer, or answers with a status of 400 or more.
 *
 *     deno run --allow-net examples/health_check.ts [--timeout 5000] http://127.0.0.1:8000/ https://deno.com/ …
 */
import type { Coroutine } from "@weightless/io/compose";
import { all, asProcess } from "@weightless/io/gio";
import { HttpClient } from "@weightless/io/http";
import { splice } from "@weightless/io/reactor";
import { number, urlsAndOptions } from "./_cli.ts";

const given = urlsAndOptions("health_check.ts [--timeout 5000] URL…", { timeout: "5000" });
const timeoutMs = number("timeout", given.timeout, 1, 3_600_000);
const nowhere = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };
using client = new HttpClient();

/** A row of the table. */
interface Health {
  isWell: boolean;
  /** The status, or why there is none. */
  answer: string;
}

function* check(url: URL): Coroutine<Health> {
  try {
    const response = yield* client.get(url, { timeoutMs });
    yield* splice(response, nowhere); // An answer that is cut is not well.
    const { status, reason } = response;
    return { isWell: status < 400, answer: `${status} ${reason}` };
  } catch (error) {
    return { isWell: false, answer: (error as Error).message };
  }
}

function* row(url: URL): Coroutine<Health> {
  const begun = performance.now();
  const health = yield* check(url);
  const ms = `${Math.round(performance.now() - begun)} ms`;
  console.log(
    `${health.isWell ? "well" : "FAIL"} ${ms.padStart(9)}  ${
      url.href.padEnd(width)
    }  ${health.answer}`,
  );
  return health;
}

const width = Math.max(...given.urls.map(({ href }) => href.length));
const results = await asProcess(function* () {
  return yield* all(...given.urls.map(row));
}());
const failed = results.filter(({ isWell }) => !isWell).length;
console.log(`${results.length - failed} of ${results.length} are well`);
Deno.exitCode = failed > 0 ? 1 : 0;
