import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import lint from "../../lint/mod.ts";

/** What is found in a generator function with this body. */
function found(body: string, header: string): [line: string, message: string][] {
  const source = `${header}\nfunction* main() {\n${body}\n}`;
  const own = fileURLToPath(new URL("main.ts", import.meta.url));
  return Deno.lint.runPlugin(lint, own, source).map(({ range, message }) => [
    source.slice(...range),
    message,
  ]);
}

const ALL =
  'import { all, call, connectTo, race, readLine, shield, sleep, spawn, Suspend, wait } from "@weightless/io";';

Deno.test("the lint rule finds requests and coroutines that nobody carries out, at their line", () => {
  for (
    const [statement, message] of [
      ["sleep(10)", "sleep() does nothing by itself: write yield* sleep(…)"],
      ["wait(promise)", "wait() does nothing by itself: write yield* wait(…)"],
      ["spawn(work())", "spawn() does nothing by itself: write yield* spawn(…)"],
      ["all(one(), sleep(1))", "all() does nothing by itself: write yield* all(…)"],
      ["race()", "race() does nothing by itself: write yield* race(…)"],
      ["shield(work())", "shield() does nothing by itself: write yield* shield(…)"],
      ["connectTo({})", "connectTo() does nothing by itself: write yield* connectTo(…)"],
      [
        "new Suspend(() => {})",
        "new Suspend() does nothing by itself: write yield* new Suspend(…)",
      ],
      ["call(sub())", "call() does nothing by itself: write yield* call(…)"],
      ["readLine()", "readLine() does nothing by itself: write yield* call(readLine(…))"],
    ] as const
  ) {
    assertEquals(found(`  ${statement};`, ALL), [[statement, message]]);
    assertEquals(found(`  if (x) ${statement};`, ALL), [[statement, message]]);
    assertEquals(found(`  async () => { await ${statement}; };`, ALL), [[statement, message]]);
  }
});

Deno.test("the lint rule finds a call that is kept instead of its result", () => {
  const message = "call() does nothing by itself: write yield* call(…)";
  assertEquals(found("  const line = call(readLine());", ALL), [["call(readLine())", message]]);
  assertEquals(found("  const line = yield* call(readLine());", ALL), []);
});

Deno.test("the lint rule finds transfers that nobody waits for", () => {
  const header = 'import { here, sendFile, splice } from "@weightless/io/reactor";';
  for (const what of ["sendFile", "splice", "splice.both", "splice.tee"]) {
    const message = `${what}() is not waited for: write yield* ${what}(…)`;
    assertEquals(found(`${what}(here, x);`, header), [[`${what}(here, x)`, message]]);
    assertEquals(found(`() => { ${what}(here, x); };`, header), [[
      `${what}(here, x)`,
      `${message}, or await it`,
    ]]);
    assertEquals(found(`yield* ${what}(here, x);`, header), []);
    assertEquals(found(`async () => { await ${what}(to, x); };`, header), []);
    assertEquals(found(`const later = ${what}(to, x);`, header), []);
    assertEquals(found(`other.${what}(to, x);`, header), []);
  }
});

Deno.test("the lint rule knows the name that a function was imported by, and from where", () => {
  for (
    const from of [
      "@weightless/io",
      "@weightless/io/gio",
      "jsr:@weightless/io@^0.1.0/gio",
      "../gio/mod.ts",
    ]
  ) {
    assertEquals(found("nap(1);", `import { sleep as nap } from "${from}";`).length, 1);
  }
  for (const from of ["effection", "./sleep.ts", "@weightless/io/http", "@other/weightless/io"]) {
    assertEquals(found("sleep(1);", `import { sleep } from "${from}";`), []);
  }
});

Deno.test("the lint rule leaves alone what is yielded, kept or passed on", () => {
  const body = `
    yield* sleep(1);
    yield sleep(1);
    const later = sleep(1);
    yield* all(sleep(1), wait(p), call(sub()));
    const make = () => sleep(1);
    queue.push(wait(p));
    object.sleep(1);
    return wait(p);
  `;
  assertEquals(found(body, ALL), []);
});
