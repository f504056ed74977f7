import { isInFinally, rule } from "./_file.ts";
import { mend, right } from "./_mend.ts";

/**
 * Finds a native `yield*` of a coroutine that needs compose: what it pushes back is lost otherwise,
 * and if it is closed while its `finally` waits, its caller goes on. A native `yield*` of others is
 * right, as of a generator that only gives requests to `yield*`.
 */
export const callCoroutine: Deno.lint.Rule = rule((file, context) => ({
  YieldExpression(node) {
    const made = node.delegate && node.argument !== null ? file.made(node.argument) : undefined;
    const { fn } = made ?? {};
    if (made === undefined || fn === undefined) return;
    const pushesBack = file.pushesBack(fn);
    const mustWait = file.isCoroutine(fn) && file.yieldsInFinally(fn) && !isInFinally(node);
    if (!pushesBack && !mustWait) return;
    const why = pushesBack ? "loses what it pushes back" : "does not wait for its finally";
    context.report({
      node,
      message: `yield* ${made.what}() ${why}: write ${right(made)}`,
      ...mend(file, context.sourceCode, made),
    });
  },
}));
