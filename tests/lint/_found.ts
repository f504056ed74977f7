import { fileURLToPath } from "node:url";
import lint from "../../lint/mod.ts";

/** A file of this package, which may import the modules by their paths. */
const OWN = fileURLToPath(new URL("main.ts", import.meta.url));

/** What is found in a file: `rule: the text: the message`. */
export function found(
  source: string,
  file: string = OWN,
): { rule: string; text: string; message: string }[] {
  return Deno.lint.runPlugin(lint, file, source).map(({ id, range, message }) => ({
    rule: id.replace("weightless/", ""),
    text: source.slice(...range),
    message,
  }));
}

/** The file after all its fixes, one after the other, as `deno lint --fix` does. */
export function fixed(source: string): string {
  for (let n = 0; n < 20; n++) {
    const fix = Deno.lint.runPlugin(lint, OWN, source).find(({ fix = [] }) => fix.length > 0);
    if (fix === undefined) return source;
    const changes = [...fix.fix!].sort((a, b) => b.range[0] - a.range[0]);
    for (const { range: [from, to], text = "" } of changes) {
      source = source.slice(0, from) + text + source.slice(to);
    }
  }
  throw new Error(`The fixes do not end: ${source}`);
}
