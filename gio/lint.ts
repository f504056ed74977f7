/**
 * A plugin for `deno lint`: it finds requests and coroutines that are made, and never given to
 * `yield*`.
 *
 * `sleep(10);` makes a request that nobody carries out. When the program runs, that cannot be told
 * from a request that is kept for later, but in its text it can. It also finds transfers, such as
 * `sendFile(here, path);`, that nobody waits for. Add the plugin to `deno.json`:
 *
 * ```json
 * { "lint": { "plugins": ["jsr:@weightless/io/lint"] } }
 * ```
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

/** What gives a request, or for `yield*` a call. */
const REQUESTS = [
  "Suspend",
  "all",
  "call",
  "connectTo",
  "race",
  "shield",
  "sleep",
  "spawn",
  "wait",
];
/** What gives a coroutine, to be called. */
const READERS = [
  "copyBytes",
  "readAll",
  "readExactly",
  "readLine",
  "readRe",
  "readUntil",
];
/** What gives a transfer, which also begins by `await`. */
const TRANSFERS = ["sendFile", "splice"];
/** The modules, in programs that use the package, and in the package itself. */
const MODULES =
  /(^|:)@weightless\/io(@[^/]*)?(\/(gio|compose|reactor))?$|(^|\/)(gio|compose|reactor)\/mod\.ts$/;

/**
 * The plugin; see the module.
 *
 * @category Plugin
 */
const plugin: Deno.lint.Plugin = {
  name: "weightless",
  rules: {
    "yield-request": {
      create(context) {
        const imported = new Map<string, string>();
        const check = (node: Deno.lint.Expression) => {
          if (node.type !== "CallExpression" && node.type !== "NewExpression") return;
          if (node.callee.type !== "Identifier") return;
          const name = imported.get(node.callee.name);
          if (name === undefined || TRANSFERS.includes(name)) return;
          const what = node.type === "NewExpression" ? `new ${name}` : name;
          const right = READERS.includes(name) ? `call(${what}(…))` : `${what}(…)`;
          context.report({
            node,
            message: `${what}() does nothing by itself: write yield* ${right}`,
          });
        };
        const checkTransfer = (node: Deno.lint.Expression) => {
          if (node.type !== "CallExpression") return;
          const { callee } = node;
          const isMember = callee.type === "MemberExpression"; // As in splice.both().
          const made = isMember ? callee.object : callee;
          if (made.type !== "Identifier" || !TRANSFERS.includes(imported.get(made.name) ?? "")) {
            return;
          }
          const what = context.sourceCode.getText(callee);
          context.report({
            node,
            message: `${what}() is not waited for: write yield* ${what}(…), or await it`,
          });
        };
        return {
          ImportDeclaration({ source, specifiers }) {
            if (!MODULES.test(source.value)) return;
            for (const one of specifiers) {
              if (one.type !== "ImportSpecifier" || one.imported.type !== "Identifier") continue;
              const { name } = one.imported;
              if ([...REQUESTS, ...READERS, ...TRANSFERS].includes(name)) {
                imported.set(one.local.name, name);
              }
            }
          },
          ExpressionStatement({ expression }) {
            check(expression);
            checkTransfer(expression);
          },
          AwaitExpression: ({ argument }) => check(argument),
          // A request may be kept for later. What call() gives is of no use but in `yield*`.
          VariableDeclarator({ init }) {
            if (init?.type !== "CallExpression" || init.callee.type !== "Identifier") return;
            if (imported.get(init.callee.name) === "call") check(init);
          },
        };
      },
    },
  },
};

export default plugin;
