/*
 * What stands in for `@std` where JSR does not answer is neither more permissive nor stricter than the true one. Both are
 * held against the table below: the adapters always, and the true ones as well on machines where JSR answers.
 */
import type * as std from "@std/assert";
import { assertEquals } from "@std/assert";
import * as adapters from "./assert.ts";
import importMap from "./import_map.json" with { type: "json" };
import config from "../../deno.json" with { type: "json" };

// deno-lint-ignore no-explicit-any
type Class<E> = abstract new (...args: any[]) => E;
type Comparison = <T>(actual: T, expected: T, msg?: string) => void;

/** What `@std/assert` 1.x exports, of which the tests may use what is in this table. */
interface True {
  AssertionError: new (message: string, options?: ErrorOptions) => Error;
  assert: (expr: unknown, msg?: string) => asserts expr;
  assertFalse: (
    expr: unknown,
    msg?: string,
  ) => asserts expr is false | 0 | 0n | "" | null | undefined;
  assertEquals: Comparison;
  assertNotEquals: Comparison;
  assertStrictEquals: <T>(actual: unknown, expected: T, msg?: string) => asserts actual is T;
  assertMatch: (actual: string, expected: RegExp, msg?: string) => void;
  assertStringIncludes: (actual: string, expected: string, msg?: string) => void;
  // deno-lint-ignore no-explicit-any
  assertInstanceOf: <T extends abstract new (...args: any[]) => any>(
    actual: unknown,
    expectedType: T,
    msg?: string,
  ) => asserts actual is InstanceType<T>;
  assertThrows: {
    (fn: () => unknown, msg?: string): unknown;
    <E extends Error = Error>(
      fn: () => unknown,
      ErrorClass: Class<E>,
      msgIncludes?: string,
      msg?: string,
    ): E;
  };
  assertRejects: {
    (fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
    <E extends Error = Error>(
      fn: () => PromiseLike<unknown>,
      ErrorClass: Class<E>,
      msgIncludes?: string,
      msg?: string,
    ): Promise<E>;
  };
}

/** Whether two types are the same, not only assignable: `any` equals nothing else. */
type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends (<X>() => X extends B ? 1 : 2) ? true
  : false;
/** The names whose types differ from the table. */
type Different<Module> = {
  [Name in keyof True]: Name extends keyof Module
    ? Equal<Signature<Module[Name]>, True[Name]> extends true ? never : Name
    : Name;
}[keyof True];
/** Of a class the constructor only: the class itself has a name, and a prototype, and so on. */
type Signature<F> = F extends new (...args: infer A) => infer I
  ? new (...args: A) => Equal<keyof I, keyof Error> extends true ? Error : I
  : F;

/** Does not compile when there is a difference, and names it. */
function sameTypes<_Different extends never>(): void {}

Deno.test("@std/assert and what stands in for it have the types of the table", () => {
  sameTypes<Different<typeof adapters>>();
  sameTypes<Different<typeof std>>();
  sameTypes<Exclude<keyof typeof adapters, keyof True>>();
});

Deno.test("a difference in types is seen when one is more permissive or stricter", () => {
  function throwing(_fn: () => unknown, _msg?: string): Error {
    return new Error();
  }
  function comparing<T>(_actual: T, _expected: unknown, _msg?: string): void {}
  const other = { ...adapters, assertThrows: throwing, assertEquals: comparing };
  const found: Equal<Different<typeof other>, "assertThrows" | "assertEquals"> = true;
  const missing: Equal<Different<Omit<typeof adapters, "assertMatch">>, "assertMatch"> = true;
  assertEquals([found, missing], [true, true]);
});

Deno.test("import_map.json has the package's own names, and the rest as in deno.json", () => {
  const own = Object.entries(config.exports).map(([name, path]) => [
    config.name + name.slice(1),
    path.replace("./", "../../"),
  ]);
  // An import map does not know the entries of a package: each has a line there.
  const entries = Object.keys(importMap.imports).filter((name) => name.startsWith("@std/"));
  const others = Object.entries(config.imports).flatMap(([name, target]) => {
    if (!name.startsWith("@std/")) return [[name, target]];
    return entries.filter((entry) => entry === name || entry.startsWith(`${name}/`)).map((
      entry,
    ) => [
      entry,
      `${entry.replace("@std/", "./").replaceAll("-", "_")}.ts`,
    ]);
  });
  assertEquals(importMap.imports, Object.fromEntries([...own, ...others]));
});

/** What the code and the documentation of a folder import of `@std`, types aside: `@std/assert: fail`. */
function* imported(folder: URL): Generator<[module: string, name: string]> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (name.startsWith(".") || name === "node_modules") continue;
    const url = new URL(isDirectory ? `${name}/` : name, folder);
    if (isDirectory) yield* imported(url);
    else if (/\.(ts|md)$/.test(name)) {
      const text = Deno.readTextFileSync(url).replaceAll(/^ +\* ?/gm, "");
      for (const it of text.matchAll(/^(?:import|export)\s([^;"']*?)\sfrom "(@std\/[^"]+)"/gm)) {
        for (const item of it[1]!.replaceAll(/[{}]/g, "").split(",")) {
          const [symbol] = item.trim().split(" as ");
          // The compiler looks after types.
          if (symbol && !symbol.startsWith("type ")) yield [it[2]!, symbol];
        }
      }
    }
  }
}

Deno.test("what files import of @std is what stands in for it, and nothing else does", async () => {
  const found = new Map<string, Set<string>>();
  for (const [module, name] of imported(new URL("../../", import.meta.url))) {
    if (!found.has(module)) found.set(module, new Set());
    if (name !== "*") found.get(module)!.add(name);
  }
  const names: Record<string, string[]> = {};
  for (const [module, path] of Object.entries(importMap.imports)) {
    if (module.startsWith("@std/")) names[module] = Object.keys(await import(path));
  }
  assertEquals([...found.keys()].filter((module) => !(module in names)), []);
  for (const [module, used] of found) {
    assertEquals([...used].sort(), names[module]!.toSorted(), module);
    const real = Object.keys(await import(module));
    assertEquals(names[module]!.filter((name) => !real.includes(name)), [], module);
  }
});
