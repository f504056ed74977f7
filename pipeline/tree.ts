import { label, observersOf } from "./_dispatch.ts";

/**
 * Calls `visit` for each component, each time that it is observed. The first time it goes on to the
 * observers of the component.
 */
function walk(
  root: object,
  visit: (component: object, depth: number, parent: object | undefined, again: boolean) => void,
): void {
  const seen = new Set<object>();
  const step = (component: object, depth: number, parent?: object) => {
    const again = seen.has(component);
    seen.add(component);
    visit(component, depth, parent, again);
    if (again) return;
    for (const observer of observersOf(component)) step(observer, depth + 1, component);
  };
  step(root, 0);
}

/**
 * Prints a graph of components as a tree, a line for each, observers further to the right.
 *
 * If a component occurs several times, or behind itself, its observers are printed once.
 *
 * @param root Where to begin.
 * @param print Called with each line; `console.log` unless given.
 *
 * @example A diamond
 * ```ts
 * import { be, Observable, printTree, type Strand } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * class Source extends Observable {}
 * class Filter extends Observable {}
 * class Sink extends Observable {}
 *
 * const sink: Strand = [new Sink("log"), [new Filter()]];
 * const lines: string[] = [];
 * printTree(be([new Source(), [new Filter(), sink], [new Filter(), sink]]), (line) => lines.push(line));
 * assertEquals(lines, [
 *   "Source",
 *   "  Filter",
 *   "    Sink(log)",
 *   "      Filter",
 *   "  Filter",
 *   "    Sink(log) (see above)",
 * ]);
 * ```
 *
 * @category Pictures
 */
export function printTree(root: object, print: (line: string) => void = console.log): void {
  walk(root, (component, depth, _, again) => {
    print(`${"  ".repeat(depth)}${label(component)}${again ? " (see above)" : ""}`);
  });
}

/** The lines of a picture: the components, and who observes whom. */
function picture(
  root: object,
  node: (id: string, label: string) => string,
  edge: (from: string, to: string) => string,
): string[] {
  const ids = new Map<object, string>();
  const lines: string[] = [];
  walk(root, (component, _, parent, again) => {
    if (!again) {
      ids.set(component, `c${ids.size}`);
      lines.push(node(ids.get(component)!, label(component)));
    }
    if (parent !== undefined) lines.push(edge(ids.get(parent)!, ids.get(component)!));
  });
  return lines;
}

/**
 * A graph of components as the text of a Mermaid flowchart.
 *
 * @param root Where to begin.
 * @returns The text.
 *
 * @example A circle
 * ```ts
 * import { be, Observable, toMermaid } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * class Ping extends Observable {}
 * class Pong extends Observable {}
 *
 * const ping = new Ping();
 * assertEquals(
 *   toMermaid(be([ping, [new Pong(), [ping]]])),
 *   `flowchart TD
 *   c0["Ping"]
 *   c1["Pong"]
 *   c0 --> c1
 *   c1 --> c0
 * `,
 * );
 * ```
 *
 * @category Pictures
 */
export function toMermaid(root: object): string {
  const lines = picture(
    root,
    // Quotes, what begins a character's code, tags, and the ends of lines
    (id, label) => `${id}["${label.replace(/["#&<>\r\n]/g, (c) => `#${c.charCodeAt(0)};`)}"]`,
    (from, to) => `${from} --> ${to}`,
  );
  return ["flowchart TD", ...lines.map((line) => `  ${line}`)].join("\n") + "\n";
}

/**
 * A graph of components as the text of a Graphviz picture.
 *
 * @param root Where to begin.
 * @returns The text, for `dot`.
 *
 * @example Two components
 * ```ts
 * import { be, Observable, toDot } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * class Source extends Observable {}
 *
 * assertEquals(
 *   toDot(be([new Source(), [new Observable("sink")]])),
 *   `digraph {
 *   c0 [label="Source"];
 *   c1 [label="Observable(sink)"];
 *   c0 -> c1;
 * }
 * `,
 * );
 * ```
 *
 * @category Pictures
 */
export function toDot(root: object): string {
  const lines = picture(
    root,
    (id, label) => `${id} [label=${JSON.stringify(label)}];`,
    (from, to) => `${from} -> ${to};`,
  );
  return ["digraph {", ...lines.map((line) => `  ${line}`), "}"].join("\n") + "\n";
}
