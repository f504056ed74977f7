import { assertEquals } from "@std/assert";
import { be, Observable, printTree, type Strand, toDot, toMermaid } from "../../pipeline/mod.ts";

class Server extends Observable {}
class Protocol extends Observable {}
class Log {}

function printed(root: object): string[] {
  const lines: string[] = [];
  printTree(root, (line) => lines.push(line));
  return lines;
}

Deno.test("printTree() prints a line for each component, with its name if it has one", () => {
  const root = be([new Server("main"), [new Protocol(), [new Log()]], [new Log()]]);
  assertEquals(printed(root), ["Server(main)", "  Protocol", "    Log", "  Log"]);
});

Deno.test("printTree() prints what is behind a shared component, or in a circle, once", () => {
  const shared: Strand = [new Protocol(), [new Log()]];
  assertEquals(printed(be([new Server(), [new Protocol(), shared], shared])), [
    "Server",
    "  Protocol",
    "    Protocol",
    "      Log",
    "  Protocol (see above)",
  ]);
  const server = new Server();
  assertEquals(printed(be([server, [new Protocol(), [server]]])), [
    "Server",
    "  Protocol",
    "    Server (see above)",
  ]);
});

Deno.test("printTree() prints to the console, and any object", () => {
  const { log } = console;
  const lines: unknown[] = [];
  console.log = (line) => lines.push(line);
  try {
    printTree({});
  } finally {
    console.log = log;
  }
  assertEquals(lines, ["Object"]);
});

Deno.test("toMermaid() and toDot() draw each component and each connection once", () => {
  const shared: Strand = [new Protocol(), [new Log()]];
  const root = be([new Server('"x"'), shared, [new Protocol(), shared]]);
  assertEquals(
    toMermaid(root),
    `flowchart TD
  c0["Server(#34;x#34;)"]
  c1["Protocol"]
  c0 --> c1
  c2["Log"]
  c1 --> c2
  c3["Protocol"]
  c0 --> c3
  c3 --> c1
`,
  );
  assertEquals(
    toDot(root),
    `digraph {
  c0 [label="Server(\\"x\\")"];
  c1 [label="Protocol"];
  c0 -> c1;
  c2 [label="Log"];
  c1 -> c2;
  c3 [label="Protocol"];
  c0 -> c3;
  c3 -> c1;
}
`,
  );
});

Deno.test("toMermaid() and toDot() show a name as it is, whatever is in it", () => {
  const root = new Server('#35; <b>&amp;</b>\n"\\N"');
  assertEquals(
    toMermaid(root),
    `flowchart TD
  c0["Server(#35;35; #60;b#62;#38;amp;#60;/b#62;#10;#34;\\N#34;)"]
`,
  );
  assertEquals(
    toDot(root),
    `digraph {
  c0 [label="Server(#35; <b>&amp;</b>\\n\\"\\\\N\\")"];
}
`,
  );
});
