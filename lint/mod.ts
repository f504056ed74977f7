/**
 * A plugin for `deno lint`: it finds usual slips with coroutines, and `deno lint --fix` mends most.
 *
 * `sleep(10);` makes a request that nobody carries out. When the program runs, that cannot be told
 * from a request that is kept for later, but in its text it can. Add the plugin to `deno.json`:
 *
 * ```json
 * { "lint": { "plugins": ["jsr:@weightless/io/lint"] } }
 * ```
 *
 * | rule                        | what it finds                            | what it writes              |
 * | --------------------------- | ---------------------------------------- | --------------------------- |
 * | `weightless/yield-request`  | `sleep(10);` `client.get(url);` `sub();` | `yield* sleep(10);`         |
 * | `weightless/yield-star`     | `const a = yield wait(promise);`         | `yield* wait(promise)`      |
 * | `weightless/call-reader`    | `yield* readLine()`                      | `yield* call(readLine())`   |
 * | `weightless/call-coroutine` | `yield* sub()`, if `sub` pushes back     | `yield* call(sub())`        |
 *
 * It knows what a file imports from the package, under any name, and what it declares: generator
 * functions, an `HttpClient` and its responses, a `Queue`. It says nothing where it is not sure.
 *
 * `yield sleep(10)` without the star is right, so that it is found only where its result is used,
 * which is of type `any` then. A native `yield*` of a coroutine is right as well, unless the
 * coroutine pushes back, or waits in its `finally`.
 *
 * @example What it finds
 * ```ts
 * import lint from "@weightless/io/lint";
 * import { assertEquals } from "@std/assert";
 *
 * const found = Deno.lint.runPlugin(
 *   lint,
 *   "main.ts",
 *   `import { sleep } from "@weightless/io/gio";
 *    function* main() {
 *      sleep(10);
 *      yield* sleep(10);
 *    }`,
 * );
 * assertEquals(found.map(({ message }) => message), [
 *   "sleep() does nothing by itself: write yield* sleep(…)",
 * ]);
 * ```
 *
 * @module
 */

import { callCoroutine } from "./call_coroutine.ts";
import { callReader } from "./call_reader.ts";
import { yieldRequest } from "./yield_request.ts";
import { yieldStar } from "./yield_star.ts";

/**
 * The plugin; see the module.
 *
 * @category Plugin
 */
const plugin: Deno.lint.Plugin = {
  name: "weightless",
  rules: {
    "yield-request": yieldRequest,
    "yield-star": yieldStar,
    "call-reader": callReader,
    "call-coroutine": callCoroutine,
  },
};

export default plugin;
