/* What the rules know of the package: its modules, its functions, and the methods of its classes. */

/**
 * What a call makes:
 *
 * - "request": to be given to `yield*`; `yield` works, but gives `any`;
 * - "promised": a request that also begins when it is awaited;
 * - "call": what `call()` makes, which is of use only in `yield*`;
 * - "reader": a coroutine that can only be called;
 * - "coroutine": a coroutine, to be called, or given to a driver;
 * - "head": what a handler of HTTP yields.
 */
export type Kind = "request" | "promised" | "call" | "reader" | "coroutine" | "head";

interface Known {
  kind: Kind;
  /** The modules that export it. */
  from: readonly string[];
}

function known(kind: Kind, from: string[], names: string): [string, Known][] {
  return names.split(" ").map((name) => [name, { kind, from }]);
}

/** The functions, and the classes that are requests, by name. */
export const FUNCTIONS: ReadonlyMap<string, Known> = new Map([
  ...known("request", ["gio"], "all closeWrite connectTo race shield sleep spawn wait"),
  ...known("request", ["gio", "reactor"], "Suspend"),
  ...known("promised", ["reactor"], "sendFile splice"),
  ...known("call", ["compose"], "call"),
  ...known("reader", ["compose"], "copyBytes readAll readExactly readLine readRe readUntil"),
  ...known("coroutine", ["http/websocket"], "accept"),
  ...known("head", ["http"], "methodNotAllowed ok response trailers"),
]);

/** What a method makes. */
export interface Method {
  kind: Kind;
  /** Whether its result is `any`, so that no type is lost. */
  isAny?: boolean;
}

function methods(kind: Kind, names: string): [string, Method][] {
  return names.split(" ").map((name) => [name, { kind, isAny: name === "json" }]);
}

/** The classes whose objects have methods that make something, by name. */
export const CLASSES: ReadonlyMap<string, { module: string; methods: Map<string, Method> }> =
  new Map([
    ["HttpClient", {
      module: "http",
      methods: new Map(
        methods("promised", "delete get head options patch post put request webSocket"),
      ),
    }],
    ["HttpResponse", {
      module: "http",
      methods: new Map(methods("coroutine", "bytes json saveTo text")),
    }],
    ["HttpRequest", {
      module: "http",
      methods: new Map(methods("coroutine", "bytes formData json text")),
    }],
    ["WebSocketConnection", {
      module: "http/websocket",
      methods: new Map(methods("promised", "next ping receive send")),
    }],
    ["Queue", { module: "gio", methods: new Map(methods("promised", "get put")) }],
  ]);

const MODULES = "compose|pipeline|reactor|gio|http|http/websocket";
const PACKAGE = new RegExp(`(?:^|:)@weightless/io(?:@[^/]*)?(?:/(${MODULES}))?$`);
const FILE = new RegExp(`(?:^|/)(${MODULES})/mod\\.ts$`);

/** What stands in the text of each file that imports the package. */
export const MENTION: RegExp = /@weightless\/io|\/mod\.ts/;

/** The folder of the package, where its own files are imported by their paths. */
const OWN = new URL("../", import.meta.url).pathname;

/**
 * Gives what tells, for a file, the module that is imported: "" is the whole package, undefined a module of
 * others.
 */
export function modulesFor(filename: string): (source: string) => string | undefined {
  const isOwn = filename.startsWith(OWN);
  return (source) => {
    const match = PACKAGE.exec(source) ?? (isOwn ? FILE.exec(source) : null);
    return match === null ? undefined : match[1] ?? "";
  };
}

/** The specifier of compose beside that of another module of the package. */
export function composeBeside(source: string): string {
  return source.replace(new RegExp(`/(${MODULES})(/mod\\.ts)?$`), "/compose$2");
}
