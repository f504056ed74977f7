import { bare, isInCoroutine, type Made, rule } from "./_file.ts";
import { mend, right } from "./_mend.ts";

/** Finds what is made and never given to `yield*`: requests, coroutines, transfers, heads. */
export const yieldRequest: Deno.lint.Rule = rule((file, context) => {
  const report = (made: Made, message: string, canMend: boolean) => {
    const { node, kind } = made;
    const before = kind === "head" ? "yield " : "yield* ";
    const fix = canMend && isInCoroutine(node)
      ? mend(file, context.sourceCode, made, [node.range[0], before])
      : {};
    context.report({ node, message, ...fix });
  };
  const nothing = (made: Made, canMend: boolean) =>
    report(made, `${made.what}() does nothing by itself: write ${right(made)}`, canMend);

  /** A value that nobody takes. */
  const dropped = (expression: Deno.lint.Node, isAlone: boolean): void => {
    const node = bare(expression);
    switch (node.type) {
      case "LogicalExpression":
        return dropped(node.right, false);
      case "ConditionalExpression":
        dropped(node.consequent, false);
        return dropped(node.alternate, false);
      case "SequenceExpression":
        return node.expressions.forEach((one) => dropped(one, false));
    }
    const made = file.made(node);
    if (made === undefined) return;
    const { kind, what, by, fn } = made;
    const inCoroutine = isInCoroutine(node);
    // Elsewhere, a request of a client goes out although nobody awaits it.
    if (!inCoroutine && (by === "method" || kind === "head")) return;
    if (kind === "promised") {
      const also = inCoroutine ? "" : ", or await it";
      return report(made, `${what}() is not waited for: write ${right(made)}${also}`, isAlone);
    }
    if (fn !== undefined && !inCoroutine) {
      const message = `${what}() runs nothing of its coroutine: give it to gio() or asProcess()`;
      return report(made, message, false);
    }
    nothing(made, isAlone && (fn === undefined || file.isCoroutine(fn)));
  };

  return {
    ExpressionStatement: ({ expression }) => dropped(expression, true),
    AwaitExpression({ argument }) {
      const made = file.made(argument);
      if (made === undefined || made.kind === "promised" || made.kind === "head") return;
      // The body of a response can be awaited.
      if (made.by !== "method") nothing(made, false);
    },
    // A request may be kept for later. What call() gives is of no use but in `yield*`.
    VariableDeclarator({ init }) {
      const made = init === null ? undefined : file.made(init);
      // It may be given to `yield*` later, so that the fix could change a right program.
      if (made?.kind === "call") nothing(made, false);
    },
  };
});
