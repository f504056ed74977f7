/* Fixes: what a rule writes in the place of what it has found. */
import type { File, Made } from "./_file.ts";
import { composeBeside } from "./_known.ts";

type Fix = (fixer: Deno.lint.Fixer) => Deno.lint.Fix[];

/** Whether something must be called, and not given to `yield*` itself. */
export function isCalled({ kind }: Made): boolean {
  return kind === "reader" || kind === "coroutine";
}

/** How it is yielded: `yield* sleep(…)`. */
export function right(made: Made): string {
  if (made.kind === "head") return `yield ${made.what}(…)`;
  return isCalled(made) ? `yield* call(${made.what}(…))` : `yield* ${made.what}(…)`;
}

/**
 * Makes the fix: calls it if it is a coroutine, and writes `text` before or after something. Gives
 * no fix if the name `call` means something else here.
 */
export function mend(
  file: File,
  source: Deno.lint.SourceCode,
  made: Made,
  [at, text]: readonly [at: number, text: string] = [made.node.range[0], ""],
): { fix?: Fix } {
  const { node } = made;
  const { range: [from, to] } = node;
  const insert = (fixer: Deno.lint.Fixer, before: string, after: string) => {
    const first = at === from ? [] : [[at, text] as const];
    const texts = [...first, [from, at === from ? text + before : before], [to, after]] as const;
    return texts.filter(([, text]) => text !== "")
      .map(([at, text]) => fixer.insertTextBeforeRange([at, at], text));
  };
  if (!isCalled(made)) return { fix: (fixer) => insert(fixer, "", "") };
  const name = file.written("call", node);
  if (name !== undefined) return { fix: (fixer) => insert(fixer, `${name}(`, ")") };
  const imported = importOfCall(file, source);
  if (imported === undefined || file.resolve("call", node) !== undefined) return {};
  return {
    fix: (fixer) => [
      // The whole declaration, so that two fixes at once do not import it twice.
      fixer.replaceText(imported.node, imported.text),
      ...insert(fixer, "call(", ")"),
    ],
  };
}

function importOfCall(
  { imports, moduleOf }: File,
  source: Deno.lint.SourceCode,
): { node: Deno.lint.ImportDeclaration; text: string } | undefined {
  for (const node of imports) {
    const module = moduleOf(node.source.value);
    const last = node.specifiers.at(-1);
    const isOpen = node.importKind !== "type" && last?.type === "ImportSpecifier";
    if (!isOpen || module !== "" && module !== "compose") continue;
    const text = source.getText(node);
    const at = last.range[1] - node.range[0];
    return { node, text: `${text.slice(0, at)}, call${text.slice(at)}` };
  }
  const [node] = imports;
  if (node === undefined) return undefined;
  const from = JSON.stringify(composeBeside(node.source.value));
  return { node, text: `import { call } from ${from};\n${source.getText(node)}` };
}
