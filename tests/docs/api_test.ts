import { assertEquals } from "@std/assert";
import deno from "../../deno.json" with { type: "json" };
import {
  type Declaration,
  documented,
  type JsDoc,
  type Location,
  type Member,
  type Parameter,
  type Signature,
} from "../_doc.ts";

/** The entries whose pages are looked at, each with the groups of its symbols (`@category`). */
const ENTRIES: Record<string, readonly string[]> = {
  "./compose": ["Calling", "Coroutines", "Readers", "Running", "Requests"],
  "./pipeline": ["Pipelines", "Stages", "Streams", "Components", "Messages", "Pictures"],
  "./reactor": ["Reactor", "Time", "Sockets", "Datagrams", "Programs and streams", "Zero-copy"],
  "./gio": ["Running", "Contexts", "Waiting", "Tasks", "Testing"],
  "./http": [
    "Server",
    "Requests",
    "Answers",
    "Forms",
    "Events",
    "Content",
    "Compression",
    "Logs",
    "Client",
    "Components",
    "Protocol",
  ],
  "./http/files": ["Files"],
  "./http/protocol": ["Wires", "Events", "Requests", "Answers", "Server", "Client", "Protocol"],
  "./http/websocket": ["WebSocket"],
  "./lint": ["Plugin"],
};

const exports: Record<string, string> = deno.exports;
const all = await Promise.all(
  Object.entries(exports).map(async ([entry, path]) => [entry, await documented(path)] as const),
);
const documents = new Map(all);
/** All names that a user can import, or read about. */
const known = new Set(all.flatMap(([, { symbols }]) => symbols.map(({ name }) => name)));

Deno.test("the package's page leads to every entry", () => {
  const { moduleDoc } = documents.get(".")!;
  const entries = Object.keys(exports).filter((entry) => entry !== ".");
  const names = entries.map((entry) => entry.replace(".", deno.name));
  assertEquals(names.filter((name) => !moduleDoc.includes(`\n- \`${name}\`: `)), []);
});

for (const [entry, categories] of Object.entries(ENTRIES)) {
  const { moduleDoc, symbols } = documents.get(entry)!;
  const [, top] = exports[entry]!.split("/");
  const folder = new URL(`../../${top}/`, import.meta.url).href;
  /** What comes from another module is looked at there. */
  const own = symbols.flatMap(({ name, declarations }) => {
    const here = declarations.filter(({ location }) => location.filename.startsWith(folder));
    return here.length === 0 ? [] : [{ name, declarations: shown(here) }];
  });

  Deno.test(`${entry}: the module's page begins with what it is for, and what one starts with`, () => {
    const beginning = moduleDoc.split("```")[0]!;
    const start = [...beginning.matchAll(/^- \{@linkcode (\w+)\}: ./gm)].map(([, name]) => name!);
    const values = symbols.filter(({ declarations }) => declarations.some(isValue));
    assertEquals(
      start.length,
      values.length < 3 ? 0 : 3,
      "three things, in a list before the code",
    );
    assertEquals(start.filter((name) => !symbols.some((symbol) => symbol.name === name)), []);
    assertEquals(rawText(moduleDoc), []);
  });

  Deno.test(`${entry}: each symbol is in one group`, () => {
    const faults: string[] = [];
    const used = new Set<string>();
    for (const { name, declarations } of own) {
      const groups = declarations.flatMap(({ jsDoc }) => texts(jsDoc, "category"));
      const [group] = groups;
      if (new Set(groups).size !== 1) faults.push(`${name}: its groups are [${groups}]`);
      else if (!categories.includes(group!)) faults.push(`${name}: "${group}" is no group`);
      else used.add(group!);
    }
    assertEquals(faults, []);
    assertEquals([...used].sort(), [...categories].sort());
  });

  Deno.test(`${entry}: parameters, results, errors and examples are documented`, async () => {
    const faults: string[] = [];
    for (const { name, declarations } of own) {
      for (const declaration of declarations) {
        for (const one of documentedParts(name, declaration)) faults.push(...await faultsOf(one));
      }
      const { kind } = declarations[0]!;
      const examples = declarations.flatMap(({ jsDoc }) => texts(jsDoc, "example"));
      if ((kind === "function" || kind === "class") && examples.length === 0) {
        faults.push(`${name}: no @example`);
      }
    }
    assertEquals(faults, []);
  });

  Deno.test(`${entry}: signatures name only what is exported`, () => {
    const faults = own.flatMap(({ name, declarations }) =>
      hidden(declarations.map(({ def }) => def)).map((type) => `${name}: ${type}`)
    );
    assertEquals([...new Set(faults)], []);
  });
}

/** Something that has a comment of its own, and what it is called with if it is a function. */
interface Part {
  readonly name: string;
  readonly jsDoc: JsDoc | undefined;
  readonly location: Location | undefined;
  readonly signature?: Signature | undefined;
  /** A constructor gives what its class is. */
  readonly isConstructor?: boolean;
}

function documentedParts(name: string, { kind, jsDoc, location, def }: Declaration): Part[] {
  const parts: Part[] = [
    { name, jsDoc, location, signature: kind === "function" ? signatureOf(def) : undefined },
  ];
  for (const one of def.constructors ?? []) {
    if (one.accessibility === "private") continue;
    const { jsDoc, location } = one;
    parts.push({
      name: `new ${name}`,
      jsDoc,
      location,
      signature: signatureOf(one),
      isConstructor: true,
    });
  }
  for (const one of [...def.methods ?? [], ...def.callSignatures ?? []]) {
    if (one.accessibility === "private" || one.kind === "setter") continue;
    const signature = one.kind === "getter" ? undefined : signatureOf(one.functionDef ?? one);
    const { jsDoc, location } = one;
    parts.push({ name: `${name}.${one.name ?? "()"}`, jsDoc, location, signature });
  }
  for (const one of def.properties ?? []) {
    if (one.accessibility === "private") continue;
    parts.push({ name: `${name}.${one.name}`, jsDoc: one.jsDoc, location: one.location });
  }
  return parts;
}

async function faultsOf(part: Part): Promise<string[]> {
  const { name, jsDoc, location, signature } = part;
  const faults: string[] = [];
  const tags = jsDoc?.tags ?? [];
  if (tags.some(({ kind }) => kind === "internal")) faults.push("it is @internal, but shown");
  if (!jsDoc?.doc && !part.isConstructor) faults.push("no description");
  for (const { kind, doc } of tags) {
    if (kind === "example" && !/^[^`\s]/.test(doc ?? "")) {
      faults.push("an @example without a title");
    }
    if (kind === "throws" && !doc) faults.push("@throws says nothing");
  }
  for (const text of [jsDoc?.doc, ...tags.map(({ doc }) => doc)]) {
    for (const raw of rawText(text ?? "")) faults.push(`the page shows "${raw}"`);
  }
  if (signature !== undefined) {
    const wanted = signature.params.map(nameOf);
    const given = tags.filter(({ kind, doc }) => kind === "param" && doc).map(({ name }) => name);
    // A parameter that is taken apart has the name that the comment gives it.
    const named = wanted.map((name, i) => name ?? given[i]);
    if (given.join() !== named.join()) faults.push(`@param [${given}] of (${named})`);
    const result = signature.returnType?.repr;
    const says = tags.some(({ kind, doc }) => kind === "return" && doc);
    const isVoid = part.isConstructor || ["void", "never", "undefined"].includes(result ?? "");
    // What `[Symbol.iterator]()` and the like give is said by the language.
    if (isVoid === says && !name.includes("[Symbol.")) {
      faults.push(says ? "@returns, but it returns nothing" : "no @returns");
    }
    if (!tags.some(({ kind }) => kind === "throws")) {
      if (location !== undefined && await throws(location)) faults.push("no @throws");
      else if (/\b[Tt]hrows if\b/.test(jsDoc?.doc ?? "")) faults.push("@throws is in the text");
    }
  }
  return faults.map((fault) => `${name}: ${fault}`);
}

/** Overloads hide what implements them. */
function shown(declarations: readonly Declaration[]): readonly Declaration[] {
  const overloads = declarations.filter(({ kind, def }) => kind !== "function" || !def.hasBody);
  return overloads.length === 0 ? declarations : overloads;
}

function isValue({ kind }: Declaration): boolean {
  return kind === "function" || kind === "class" || kind === "variable";
}

function signatureOf({ params = [], returnType, hasBody = false }: Member): Signature {
  return { params, hasBody, ...returnType && { returnType } };
}

function nameOf({ name, left, arg }: Parameter): string | undefined {
  return name ?? (left ? nameOf(left) : arg && nameOf(arg));
}

function texts(jsDoc: JsDoc | undefined, kind: string): string[] {
  return (jsDoc?.tags ?? []).filter((tag) => tag.kind === kind).map(({ doc }) => doc?.trim() ?? "");
}

/** Tags that a page shows as they are written: in the middle of a line, or links to nothing. */
function rawText(doc: string): string[] {
  const text = doc.replace(/```[^]*?```/g, "").replace(/`[^`]*`/g, "");
  const links = [...text.matchAll(/\{@link(?:code)? (\w+)[^}]*\}/g)];
  const dead = links.filter(([, name]) => !known.has(name!)).map(([link]) => link);
  const tags = text.replace(/\{@link(code)? [^}]*\}/g, "").match(/\{?@[a-z]+/g) ?? [];
  return [...dead, ...tags];
}

/** Whether the function that begins there has a `throw` itself. It ends where its indentation does. */
async function throws({ filename, line, col }: Location): Promise<boolean> {
  const lines = (await Deno.readTextFile(new URL(filename))).split("\n").slice(line);
  if (!lines[0]!.includes("{") && !lines[0]!.endsWith("(")) return false;
  const end = lines.findIndex((one, i) => i > 0 && one === `${" ".repeat(col)}}`);
  return lines.slice(0, end).some((one) => /\bthrow /.test(one));
}

/** The types in signatures that come from the package and that nobody can import. */
function hidden(node: unknown): string[] {
  if (typeof node !== "object" || node === null) return [];
  if ("accessibility" in node && node.accessibility === "private") return [];
  const { typeName, resolution } = node as { typeName?: string; resolution?: { kind: string } };
  const found = Object.entries(node).flatMap(([key, value]) =>
    key === "jsDoc" ? [] : hidden(value)
  );
  if (typeName !== undefined && resolution !== undefined && resolution.kind !== "typeParam") {
    if (!known.has(typeName.split(".")[0]!)) found.push(typeName);
  }
  return found;
}
