import { isInCoroutine, rule } from "./_file.ts";
import { mend, right } from "./_mend.ts";

/**
 * Finds `yield` where `yield*` belongs. `yield call(sub())` is an error. `yield sleep(10)` is
 * right, and so is `yield readLine()`: only if the result is used, its type is lost.
 * Calls by `yield sub()` of coroutines of this file are left alone.
 */
export const yieldStar: Deno.lint.Rule = rule((file, context) => ({
  YieldExpression(node) {
    const { delegate, argument, parent, range } = node;
    if (delegate || argument === null || !isInCoroutine(argument)) return;
    const made = file.made(argument);
    if (made === undefined || made.kind === "head" || made.by === "function") return;
    const isWrong = made.kind === "call";
    const isUsed = parent.type !== "ExpressionStatement";
    if (!isWrong && (!isUsed || made.isAny)) return;
    const why = isWrong ? "is an error" : "gives any";
    context.report({
      node,
      message: `yield ${made.what}() ${why}: write ${right(made)}`,
      ...mend(file, context.sourceCode, made, [range[0] + "yield".length, "*"]),
    });
  },
}));
