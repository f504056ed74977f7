import { rule } from "./_file.ts";
import { mend, right } from "./_mend.ts";

/** Finds a reader that is given to `yield*` itself, which is an error. */
export const callReader: Deno.lint.Rule = rule((file, context) => ({
  YieldExpression(node) {
    const made = node.delegate && node.argument !== null ? file.made(node.argument) : undefined;
    if (made?.kind !== "reader") return;
    context.report({
      node,
      message: `yield* ${made.what}() is an error: write ${right(made)}`,
      ...mend(file, context.sourceCode, made),
    });
  },
}));
