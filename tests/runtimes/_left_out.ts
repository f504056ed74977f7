/** The tests that do not run elsewhere, and why. Everything else of compose, pipeline and the wire of HTTP does. */

export type Runtime = "Node" | "Bun" | "Chromium";

/** Files of tests. */
export const FILES: Record<string, string> = {
  "tests/compose/memory_test.ts": "measures memory by flags of V8",
  "tests/compose/traceback_test.ts":
    "holds stacks against those of Deno, and starts programs of it",
  "tests/pipeline/gio_test.ts": "uses sockets and files",
  "tests/pipeline/traceback_test.ts": "holds stacks against those of Deno",
};

const EVERYWHERE: readonly Runtime[] = ["Node", "Bun", "Chromium"];
const CHROMIUM: readonly Runtime[] = ["Chromium"];
const NO_NAMES = "the engine does not tell the name of a coroutine";
const RECURSION = "compose() ends an endless recursion by a RangeError that names the coroutine: ";

interface LeftOut {
  readonly name: string;
  readonly why: string;
  readonly runtimes: readonly Runtime[];
}

/** Single tests. */
export const TESTS: readonly LeftOut[] = [
  {
    name: "what pushBack() returned can be inspected and tested",
    why: "uses Deno.inspect",
    runtimes: EVERYWHERE,
  },
  ...[
    "compose() closes a great depth, the topmost coroutine first",
    "compose() has a maxDepth of a million, unless it is told otherwise",
    "compose() takes Infinity for no limit, and refuses what is no size",
    "pipe() of a pipe of a pipe without end is a RangeError, and others work after it",
    "pushBack() of ever more than is read is a RangeError at the caller's yield",
    "readers take linear time, when the input comes byte by byte",
  ].map((name) => ({ name, why: "takes seconds", runtimes: EVERYWHERE })),
  {
    name: "Composed has what iterators have, when used as one",
    why: "needs iterator helpers, which Node has from version 22 on",
    runtimes: ["Node"],
  },
  {
    name: "fromIterable() does not close a source that has ended or failed",
    why: "needs Promise.try, which Node has from version 24 on",
    runtimes: ["Node"],
  },
  ...[
    "compose() hands out the request itself, when yield* makes its own results",
    "yield* sub() without call is an error where the value is used, if sub pushes back: a method",
    "yield* sub() without call is an error where the value is used, if sub pushes back: a property",
    "yield* sub() without call is an error where the value is used, if sub pushes back: an index",
    "yield* sub() without call is an error where the value is used, if sub pushes back: a template",
    "yield* sub() without call is an error where the value is used, if sub pushes back: a sum",
    "yield* sub() without call is an error where the value is used, if sub pushes back: a number",
    "yield* sub() without call is an error where the value is used, if sub pushes back: a spread",
    "yield* sub() without call is an error where the value is used, if sub pushes back: JSON",
    "yield* sub() without call is an error where the value is used, if sub pushes back: a property named as those of the machinery",
    "yield* copyBytes() without call is an error at that line",
    "yield* readAll() without call is an error at that line",
    "yield* readExactly() without call is an error at that line",
    "yield* readLine() without call is an error at that line",
    "yield* readRe() without call is an error at that line",
    "yield* readUntil() without call is an error at that line",
    "trace() takes any coroutine",
  ].map((name) => ({
    name,
    why: "holds stacks against names of files, which a bundle does not have",
    runtimes: CHROMIUM,
  })),
  ...[
    "return() ends a loop that calls a callee whose finally waits 1 times by native yield*",
    "return() closes the callers by native yield* of a callee whose finally waits 2 times",
    "return() ends a loop that calls a callee whose finally waits 2 times by native yield*",
    "return() closes the callers by native yield* of a callee whose finally waits 3 times",
    "return() ends a loop that calls a callee whose finally waits 3 times by native yield*",
    "return() lets every finally in a chain of native yield* wait, as often as it wants",
  ].map((name) => ({
    name,
    why: "a bundle closes a native yield* differently, which is a known limit",
    runtimes: CHROMIUM,
  })),
  ...[
    "trace() says what it wants when it gets something else",
    "be() refuses what is no DNA, by a message that says what it should be",
    "Observable takes no property for observers that is not",
    "Bridges refuse Requests, which only gio can carry out, and go on after Yield",
  ].map((name) => ({
    name,
    why: "the bundler gives functions and classes other names",
    runtimes: CHROMIUM,
  })),
  ...[
    "any: having no observers at all is the same error",
    "any: none of the observers responding is an error that names message and number",
    "call: none of the observers responding is an error",
  ].map((name) => ({
    name: `Observable conforms: ${name}`,
    why: "the bundler gives the class another name",
    runtimes: CHROMIUM,
  })),
  ...[
    "fromIterable() and toReadableStream() read the characters of a text, as any iterable",
    "toReadableStream() runs nothing before it is read, but takes one item",
    "toReadableStream() cancelled closes the stage and the source",
    "fromIterable() gives EndOfStream, or the error of a stream, at each read after it",
    "toTransformStream() can be aborted by a signal in the middle",
    "toTransformStream() ends both sides when the stage ends",
    "toTransformStream() gives EndOfStream at each read after the end",
    "toReadableStream() reads arrays, iterables and streams",
    "toTransformStream() of random stages gives the same",
  ].map((name) => ({
    name,
    why: "needs ReadableStream.from, which Chromium does not have",
    runtimes: CHROMIUM,
  })),
  {
    name: "toReadableStream() reads arrays, iterables and streams",
    why: "the streams of Bun are not locked while they are iterated",
    runtimes: ["Bun"],
  },
  ...[
    "in a finally",
    "in a stage",
    "two by turns",
    "with stepping",
    "yield compose(sub())",
    "yield sub()",
    "yield* call(sub())",
  ].map((how) => ({
    name: `${RECURSION}${how}`,
    why: `${NO_NAMES}; and a bundle hides no frames`,
    runtimes: ["Bun", "Chromium"] as const,
  })),
  {
    name:
      "compose() takes the smaller limit of a composed coroutine that is called, and any of one it composes",
    why: NO_NAMES,
    runtimes: ["Bun"],
  },
  { name: "trace() takes any coroutine", why: NO_NAMES, runtimes: ["Bun"] },
  { name: "tailCall() keeps nothing of the first coroutine", why: NO_NAMES, runtimes: ["Bun"] },
];
