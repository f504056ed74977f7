/**
 * What a file says of its names: where each is declared, what it stands for, and what a call makes.
 *
 * It knows only what it can see in this file. A name that it is not sure of stands for nothing, so
 * that the rules say nothing of it.
 */
import { CLASSES, FUNCTIONS, type Kind, MENTION, modulesFor } from "./_known.ts";

type Node = Deno.lint.Node;
export type GeneratorNode = Deno.lint.FunctionDeclaration | Deno.lint.FunctionExpression;
type FunctionNode = GeneratorNode | Deno.lint.ArrowFunctionExpression;
type ClassNode = Deno.lint.ClassDeclaration | Deno.lint.ClassExpression;
type TypeAnnotation = Deno.lint.TSTypeAnnotation | undefined;

/** What a name stands for. */
type Binding =
  | { is: "import"; module: string; name: string }
  | { is: "namespace"; module: string }
  | { is: "function"; node: FunctionNode }
  | { is: "value"; type: TypeAnnotation; init: Node | null }
  | { is: "first"; of: FunctionNode }
  | { is: "class" }
  | { is: "unknown" };

/** What an expression makes. */
export interface Made {
  kind: Kind;
  /** The expression, without what does not matter to its value. */
  node: Deno.lint.CallExpression | Deno.lint.NewExpression;
  /** How it is written, without its arguments: `sleep`, `new Suspend`, `client.get`. */
  what: string;
  /** What makes it: a function of the package, a method of its classes, or a function of this file. */
  by: "package" | "method" | "function";
  /** Whether it gives `any`, however it is yielded. */
  isAny: boolean;
  /** The function of this file, if it is a generator function. */
  fn?: GeneratorNode;
}

const SCOPES = new Set<Node["type"]>([
  "ArrowFunctionExpression",
  "BlockStatement",
  "CatchClause",
  "ForInStatement",
  "ForOfStatement",
  "ForStatement",
  "FunctionDeclaration",
  "FunctionExpression",
  "Program",
  "StaticBlock",
  "SwitchStatement",
  "TSModuleBlock",
]);
/** Where `var` is declared. */
const HOISTED = new Set<Node["type"]>([
  "ArrowFunctionExpression",
  "FunctionDeclaration",
  "FunctionExpression",
  "Program",
  "StaticBlock",
  "TSModuleBlock",
]);

const UNKNOWN: Binding = { is: "unknown" };

/** The expression itself, without assertions of its type. */
export function bare(node: Node): Node {
  switch (node.type) {
    case "ChainExpression":
    case "TSAsExpression":
    case "TSNonNullExpression":
    case "TSSatisfiesExpression":
    case "TSTypeAssertion":
      return bare(node.expression);
  }
  return node;
}

function isFunction(node: Node): node is FunctionNode {
  return node.type === "FunctionDeclaration" || node.type === "FunctionExpression" ||
    node.type === "ArrowFunctionExpression";
}

function parentOf(node: Node): Node | undefined {
  return node.type === "Program" ? undefined : (node as Deno.lint.Identifier).parent;
}

/** The function in which a node stands; undefined at the top, and in a field of a class. */
export function functionOf(node: Node): FunctionNode | undefined {
  for (let at = parentOf(node); at !== undefined; at = parentOf(at)) {
    if (isFunction(at)) return at;
    if (at.type === "PropertyDefinition" || at.type === "StaticBlock") return undefined;
  }
  return undefined;
}

/** Whether `yield*` of a request may stand here. */
export function isInCoroutine(node: Node): boolean {
  const fn = functionOf(node);
  return fn !== undefined && fn.type !== "ArrowFunctionExpression" && fn.generator && !fn.async;
}

/** Whether a node stands in a `finally` of its function. */
export function isInFinally(node: Node): boolean {
  let inner = node;
  for (let at = parentOf(node); at !== undefined && !isFunction(at); at = parentOf(at)) {
    if (at.type === "TryStatement" && at.finalizer === inner) return true;
    inner = at;
  }
  return false;
}

/** The class whose object `this` is. */
function classOfThis(node: Node): ClassNode | undefined {
  for (let at = parentOf(node); at !== undefined; at = parentOf(at)) {
    if (at.type === "StaticBlock") return undefined;
    const isOwn = at.type === "FunctionDeclaration" || at.type === "FunctionExpression";
    if (!isOwn && at.type !== "PropertyDefinition") continue;
    const member = at.type === "PropertyDefinition" ? at : parentOf(at)!;
    if (member.type !== "MethodDefinition" && member.type !== "PropertyDefinition") {
      return undefined;
    }
    return member.static ? undefined : parentOf(parentOf(member)!) as ClassNode;
  }
  return undefined;
}

/** The name of a member; `#` stands before a private one. */
function nameOf(key: Node): string | undefined {
  if (key.type === "Identifier") return key.name;
  return key.type === "PrivateIdentifier" ? `#${key.name.replace(/^#/, "")}` : undefined;
}

export class File {
  /** The imports of the package. */
  readonly imports: Deno.lint.ImportDeclaration[] = [];
  readonly #scopes = new Map<Node, Map<string, Binding>>();
  readonly #yields = new Map<Node, Deno.lint.YieldExpression[]>();
  readonly #returns = new Map<Node, Node[]>();
  /** The expressions whose class is being looked for. */
  readonly #looking = new Set<Node>();
  readonly #source: Deno.lint.SourceCode;
  /** The module of the package that is imported, if it is one. */
  readonly moduleOf: (source: string) => string | undefined;

  constructor({ sourceCode, filename }: Deno.lint.RuleContext) {
    this.#source = sourceCode;
    this.moduleOf = modulesFor(filename);
  }

  /** What is to be done at each node, so that the file is known at its end. */
  visitor(): Deno.lint.LintVisitor {
    const fn = (node: FunctionNode) => this.#declareFunction(node);
    const declareName = (node: { id: Deno.lint.Identifier | null } & Node) => {
      if (node.id !== null) this.#declare(this.#scopeOf(node), node.id.name, UNKNOWN);
    };
    return {
      ImportDeclaration: (node) => this.#declareImports(node),
      FunctionDeclaration: fn,
      FunctionExpression: fn,
      ArrowFunctionExpression: fn,
      VariableDeclaration: (node) => this.#declareVariables(node),
      ClassDeclaration: declareName,
      TSEnumDeclaration: declareName,
      TSImportEqualsDeclaration: declareName,
      CatchClause: (node) => {
        if (node.param !== null) this.#declarePattern(node, node.param);
      },
      YieldExpression: (node) => {
        const fn = functionOf(node);
        if (fn !== undefined) add(this.#yields, fn, node);
      },
      ReturnStatement: (node) => {
        const fn = functionOf(node);
        if (fn === undefined || node.argument === null) return;
        add(this.#returns, fn, node.argument);
      },
    };
  }

  /** What a name stands for at a node; undefined if it is not declared. */
  resolve(name: string, at: Node): Binding | undefined {
    for (let node: Node | undefined = at; node !== undefined; node = parentOf(node)) {
      const binding = this.#scopes.get(node)?.get(name);
      if (binding !== undefined) return binding;
    }
    return undefined;
  }

  /** How a function of the package can be written at a node, or undefined. */
  written(name: string, at: Node): string | undefined {
    const { from } = FUNCTIONS.get(name)!;
    for (const { specifiers, source, importKind } of this.imports) {
      const module = this.moduleOf(source.value)!;
      if (importKind === "type" || module !== "" && !from.includes(module)) continue;
      for (const one of specifiers) {
        const binding = this.resolve(one.local.name, at);
        if (binding?.is === "namespace") return `${one.local.name}.${name}`;
        if (binding?.is === "import" && binding.name === name) return one.local.name;
      }
    }
    return undefined;
  }

  /** What an expression makes that must be yielded. */
  made(expression: Node): Made | undefined {
    const node = bare(expression);
    if (node.type !== "CallExpression" && node.type !== "NewExpression") return undefined;
    const callee = bare(node.callee);
    const what = (node.type === "NewExpression" ? "new " : "") +
      this.#source.getText(node.callee);
    const made = (kind: Kind, by: Made["by"], isAny = false): Made => ({
      kind,
      node,
      what,
      by,
      isAny,
    });
    const name = this.#packageName(callee);
    if (name !== undefined) {
      const known = FUNCTIONS.get(name);
      const isClass = name === "Suspend";
      if (known === undefined || isClass !== (node.type === "NewExpression")) return undefined;
      return made(known.kind, "package");
    }
    if (node.type === "NewExpression") return undefined;
    const fn = this.#functionNode(callee);
    if (fn !== undefined) {
      if (fn.type !== "ArrowFunctionExpression" && fn.generator) {
        return fn.async ? undefined : { ...made("coroutine", "function", this.#givesAny(fn)), fn };
      }
      const isCoroutine = this.#typeName(fn.returnType) === "Coroutine";
      return isCoroutine ? made("coroutine", "function", this.#givesAny(fn)) : undefined;
    }
    if (callee.type !== "MemberExpression" || callee.computed) return undefined;
    // As in splice.both().
    const owner = this.#packageName(bare(callee.object));
    if (owner !== undefined && FUNCTIONS.get(owner)?.kind === "promised") {
      return made("promised", "package");
    }
    const method = CLASSES.get(this.#classOf(callee.object) ?? "")?.methods
      .get(nameOf(callee.property) ?? "");
    return method && made(method.kind, "method", method.isAny);
  }

  /** Whether a generator function in this file is meant to be run by compose. */
  isCoroutine(fn: GeneratorNode): boolean {
    if (fn.returnType !== undefined) return this.#typeName(fn.returnType) === "Coroutine";
    return this.#yieldsOf(fn).some(({ delegate, argument }) => {
      if (!delegate || argument === null) return false;
      const made = this.made(argument);
      return made !== undefined && made.fn === undefined;
    });
  }

  /** Whether the coroutine of a generator function returns what `pushBack()` gives. */
  pushesBack(fn: GeneratorNode): boolean {
    return (this.#returns.get(fn) ?? []).some((value) => {
      const node = bare(value);
      return node.type === "CallExpression" && this.#packageName(bare(node.callee)) === "pushBack";
    });
  }

  /** Whether it yields in a `finally`. */
  yieldsInFinally(fn: GeneratorNode): boolean {
    return this.#yieldsOf(fn).some(isInFinally);
  }

  #yieldsOf(fn: Node): Deno.lint.YieldExpression[] {
    return this.#yields.get(fn) ?? [];
  }

  /** The name by which the package exports what is written here. */
  #packageName(node: Node): string | undefined {
    if (node.type === "Identifier") {
      const binding = this.resolve(node.name, node);
      return binding?.is === "import" ? binding.name : undefined;
    }
    if (node.type !== "MemberExpression" || node.computed) return undefined;
    const object = bare(node.object);
    if (object.type !== "Identifier" || node.property.type !== "Identifier") return undefined;
    const binding = this.resolve(object.name, object);
    if (binding?.is !== "namespace") return undefined;
    return exported(binding.module, node.property.name);
  }

  /** The function in this file that is called. */
  #functionNode(callee: Node): FunctionNode | undefined {
    if (callee.type === "Identifier") {
      const binding = this.resolve(callee.name, callee);
      if (binding?.is === "function") return binding.node;
      const init = binding?.is === "value" && binding.init !== null ? bare(binding.init) : null;
      return init !== null && isFunction(init) ? init : undefined;
    }
    if (isFunction(callee)) return callee;
    if (callee.type !== "MemberExpression" || callee.computed) return undefined;
    if (callee.object.type !== "ThisExpression") return undefined;
    const name = nameOf(callee.property);
    const found =
      classOfThis(callee)?.body.body.filter((member) =>
        (member.type === "MethodDefinition" || member.type === "PropertyDefinition") &&
        !member.static && !member.computed && nameOf(member.key) === name
      ) ?? [];
    const [one] = found;
    if (found.length !== 1 || one?.type !== "MethodDefinition" || one.kind !== "method") {
      return undefined;
    }
    return one.value.type === "FunctionExpression" ? one.value : undefined;
  }

  /** The class of the package that an object is of. */
  #classOf(expression: Node): string | undefined {
    const node = bare(expression);
    // A name may stand for itself, in what somebody is just writing.
    if (this.#looking.has(node)) return undefined;
    this.#looking.add(node);
    try {
      return this.#knownClassOf(node);
    } finally {
      this.#looking.delete(node);
    }
  }

  #knownClassOf(node: Node): string | undefined {
    if (node.type === "NewExpression") return this.#packageName(bare(node.callee));
    if (node.type === "YieldExpression" || node.type === "AwaitExpression") {
      if (node.argument === null || node.type === "YieldExpression" && !node.delegate) return;
      const asked = this.made(node.argument)?.node.callee;
      if (asked === undefined) return undefined;
      if (this.#packageName(asked) === "accept") return "WebSocketConnection";
      if (asked.type !== "MemberExpression" || this.#classOf(asked.object) !== "HttpClient") {
        return undefined;
      }
      return nameOf(asked.property) === "webSocket" ? "WebSocketConnection" : "HttpResponse";
    }
    if (node.type === "Identifier") {
      const binding = this.resolve(node.name, node);
      if (binding?.is === "first") return this.#isHandler(binding.of) ? "HttpRequest" : undefined;
      if (binding?.is !== "value") return undefined;
      if (binding.type !== undefined) return this.#typeName(binding.type);
      return binding.init === null ? undefined : this.#classOf(binding.init);
    }
    if (node.type !== "MemberExpression" || node.computed) return undefined;
    if (node.object.type !== "ThisExpression") return undefined;
    const name = nameOf(node.property);
    for (const member of classOfThis(node)?.body.body ?? []) {
      if (member.type !== "PropertyDefinition" || member.static || member.computed) continue;
      if (nameOf(member.key) !== name) continue;
      if (member.typeAnnotation !== undefined) return this.#typeName(member.typeAnnotation);
      return member.readonly && member.value !== null ? this.#classOf(member.value) : undefined;
    }
    return undefined;
  }

  /** The name by which the package exports a type. */
  #typeName(annotation: TypeAnnotation): string | undefined {
    const type = annotation?.typeAnnotation;
    if (type?.type !== "TSTypeReference") return undefined;
    const { typeName } = type;
    if (typeName.type === "Identifier") {
      const binding = this.resolve(typeName.name, type);
      return binding?.is === "import" ? binding.name : undefined;
    }
    if (typeName.type !== "TSQualifiedName" || typeName.left.type !== "Identifier") return;
    const binding = this.resolve(typeName.left.name, type);
    if (binding?.is !== "namespace") return undefined;
    return exported(binding.module, typeName.right.name);
  }

  /** Whether the coroutine of a function returns `any`, or nothing. */
  #givesAny(fn: FunctionNode): boolean {
    if (fn.returnType === undefined) return !this.#returns.has(fn);
    const type = fn.returnType.typeAnnotation;
    if (type?.type !== "TSTypeReference" || type.typeArguments === undefined) return true;
    const [first] = type.typeArguments.params;
    return first === undefined || first.type === "TSAnyKeyword";
  }

  #scopeOf(node: Node, kinds: ReadonlySet<Node["type"]> = SCOPES): Node {
    let at = parentOf(node)!;
    while (!kinds.has(at.type)) at = parentOf(at)!;
    return at;
  }

  #declare(scope: Node, name: string, binding: Binding): void {
    let names = this.#scopes.get(scope);
    if (names === undefined) this.#scopes.set(scope, names = new Map());
    names.set(name, names.has(name) ? UNKNOWN : binding);
  }

  #declareImports(node: Deno.lint.ImportDeclaration): void {
    const module = this.moduleOf(node.source.value);
    if (module !== undefined) this.imports.push(node);
    const program = this.#scopeOf(node);
    for (const one of node.specifiers) {
      let binding = UNKNOWN;
      if (module !== undefined && one.type === "ImportNamespaceSpecifier") {
        binding = { is: "namespace", module };
      } else if (
        module !== undefined && one.type === "ImportSpecifier" && one.imported.type === "Identifier"
      ) {
        const name = exported(module, one.imported.name);
        if (name !== undefined) binding = { is: "import", module, name };
      }
      this.#declare(program, one.local.name, binding);
    }
  }

  #declareFunction(node: FunctionNode): void {
    if (node.type === "FunctionDeclaration" && node.id !== null) {
      this.#declare(this.#scopeOf(node), node.id.name, { is: "function", node });
    } else if (node.type === "FunctionExpression" && node.id !== null) {
      this.#declare(node, node.id.name, { is: "function", node });
    }
    node.params.forEach((param, index) => {
      if (param.type === "TSParameterProperty") this.#declarePattern(node, param.parameter);
      else if (param.type !== "Identifier") this.#declarePattern(node, param);
      else {
        const type = param.typeAnnotation ?? undefined;
        const isFirst = type === undefined && index === 0;
        this.#declare(
          node,
          param.name,
          isFirst ? { is: "first", of: node } : { is: "value", type, init: null },
        );
      }
    });
  }

  /** Whether it is the handler that is given to a server: `new HttpServer(…, { *handler() {} })`. */
  #isHandler(fn: FunctionNode): boolean {
    const property = parentOf(fn);
    if (property?.type !== "Property" || nameOf(property.key) !== "handler") return false;
    const made = parentOf(parentOf(property)!);
    return made?.type === "NewExpression" && this.#packageName(bare(made.callee)) === "HttpServer";
  }

  #declareVariables(node: Deno.lint.VariableDeclaration): void {
    const scope = this.#scopeOf(node, node.kind === "var" ? HOISTED : SCOPES);
    const isFixed = node.kind !== "var" && node.kind !== "let";
    for (const { id, init } of node.declarations) {
      if (id.type !== "Identifier") {
        this.#declarePattern(scope, id);
        continue;
      }
      const type = id.typeAnnotation ?? undefined;
      this.#declare(scope, id.name, { is: "value", type, init: isFixed ? init : null });
    }
  }

  /** Declares all that could be a name in a pattern. */
  #declareWords(scope: Node, pattern: Node): void {
    for (const [word] of this.#source.getText(pattern).matchAll(/[$\w]+/g)) {
      this.#declare(scope, word, UNKNOWN);
    }
  }

  #declarePattern(scope: Node, pattern: Node): void {
    switch (pattern.type) {
      case "Identifier":
        return this.#declare(scope, pattern.name, UNKNOWN);
      case "AssignmentPattern":
        return this.#declarePattern(scope, pattern.left);
      case "RestElement":
        return this.#declarePattern(scope, pattern.argument);
      case "ArrayPattern":
        for (const one of pattern.elements) if (one !== null) this.#declarePattern(scope, one);
        // Deno gives no elements if one is left out, as in `[, b]`.
        if (pattern.elements.length === 0) this.#declareWords(scope, pattern);
        return;
      case "ObjectPattern":
        for (const one of pattern.properties) {
          this.#declarePattern(scope, one.type === "RestElement" ? one : one.value);
        }
    }
  }
}

function add<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** The names that matter to the rules, and are no functions. */
const OTHERS: Record<string, readonly string[]> = {
  Coroutine: ["compose", "gio", "http"],
  HttpServer: ["http"],
  pushBack: ["compose"],
};

/** The name itself, if a module exports it, and a rule knows it. */
function exported(module: string, name: string): string | undefined {
  const class_ = CLASSES.get(name);
  const from = FUNCTIONS.get(name)?.from ?? (class_ ? [class_.module] : OTHERS[name]) ?? [];
  return from.length > 0 && (module === "" || from.includes(module)) ? name : undefined;
}

/** A rule that looks at a file when all of it is known. */
export function rule(
  look: (file: File, context: Deno.lint.RuleContext) => Deno.lint.LintVisitor,
): Deno.lint.Rule {
  return {
    create(context) {
      if (!MENTION.test(context.sourceCode.text)) return {};
      const file = new File(context);
      const later: (() => void)[] = [];
      const visitor = file.visitor() as Record<string, (node: Node) => void>;
      for (const [type, handle] of Object.entries(look(file, context))) {
        const know = visitor[type];
        visitor[type] = (node: Node) => {
          know?.(node);
          later.push(() => (handle as (node: Node) => void)(node));
        };
      }
      visitor["Program:exit"] = () => {
        if (file.imports.length > 0) later.forEach((handle) => handle());
      };
      return visitor;
    },
  };
}
