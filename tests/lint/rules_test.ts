import { assertEquals } from "@std/assert";
import { fixed, found } from "./_found.ts";

const HEADER = `
import { call, type Coroutine, pushBack, readLine } from "@weightless/io/compose";
import { all, Queue, race, sleep, spawn, Suspend, wait } from "@weightless/io/gio";
import { HttpClient, HttpRequest, HttpResponse, HttpServer, ok } from "@weightless/io/http";
import { accept, WebSocketConnection } from "@weightless/io/http/websocket";
import { here, sendFile, splice } from "@weightless/io/reactor";
function* word(): Coroutine<string> { const [a, ...rest] = (yield).split(" "); return pushBack(a, ...rest); }
function* tidy(): Coroutine { try { yield "x"; } finally { yield "bye"; } }
function* pair(): Coroutine { yield "a"; yield "b"; }
function* later() { yield* sleep(1); return 1; }
function* tree() { yield 1; yield* tree(); }
`;

/** What is found in the body of a coroutine, and what the body is after the fixes. */
function inCoroutine(body: string): { findings: string[]; body: string } {
  const source = `${HEADER}function* main(): Coroutine {\n${body}\n}\n`;
  const start = source.indexOf("function* main") + "function* main(): Coroutine {\n".length;
  return {
    findings: found(source).map(({ rule, message }) => `${rule}: ${message}`),
    body: fixed(source).slice(start, -"\n}\n".length),
  };
}

const FOUND: [body: string, finding: string, mended: string][] = [
  [
    "sleep(1);",
    "yield-request: sleep() does nothing by itself: write yield* sleep(…)",
    "yield* sleep(1);",
  ],
  [
    "new Suspend(() => {});",
    "yield-request: new Suspend() does nothing by itself: write yield* new Suspend(…)",
    "yield* new Suspend(() => {});",
  ],
  [
    "readLine();",
    "yield-request: readLine() does nothing by itself: write yield* call(readLine(…))",
    "yield* call(readLine());",
  ],
  [
    "word();",
    "yield-request: word() does nothing by itself: write yield* call(word(…))",
    "yield* call(word());",
  ],
  [
    "call(word());",
    "yield-request: call() does nothing by itself: write yield* call(…)",
    "yield* call(word());",
  ],
  [
    "const a = call(word());",
    "yield-request: call() does nothing by itself: write yield* call(…)",
    "const a = call(word());", // It may be given to `yield*` later.
  ],
  ["ok();", "yield-request: ok() does nothing by itself: write yield ok(…)", "yield ok();"],
  [
    "sendFile(here, path);",
    "yield-request: sendFile() is not waited for: write yield* sendFile(…)",
    "yield* sendFile(here, path);",
  ],
  [
    "splice.both(a, b);",
    "yield-request: splice.both() is not waited for: write yield* splice.both(…)",
    "yield* splice.both(a, b);",
  ],
  [
    "for (;;) sleep(1);",
    "yield-request: sleep() does nothing by itself: write yield* sleep(…)",
    "for (;;) yield* sleep(1);",
  ],
  [
    "for (const x of y) { sleep(x); }",
    "yield-request: sleep() does nothing by itself: write yield* sleep(…)",
    "for (const x of y) { yield* sleep(x); }",
  ],
  [
    "x && sleep(1);",
    "yield-request: sleep() does nothing by itself: write yield* sleep(…)",
    "x && sleep(1);",
  ],
  [
    "x ? sleep(1) : 0;",
    "yield-request: sleep() does nothing by itself: write yield* sleep(…)",
    "x ? sleep(1) : 0;",
  ],
  [
    "using client = new HttpClient();\nclient.get(url);",
    "yield-request: client.get() is not waited for: write yield* client.get(…)",
    "using client = new HttpClient();\nyield* client.get(url);",
  ],
  [
    "accept(request);",
    "yield-request: accept() does nothing by itself: write yield* call(accept(…))",
    "yield* call(accept(request));",
  ],
  [
    'const s = yield* accept(request);\ns.send("x");',
    "yield-request: s.send() is not waited for: write yield* s.send(…)",
    'const s = yield* accept(request);\nyield* s.send("x");',
  ],
  [
    "const c = new HttpClient();\nconst s = yield* c.webSocket(url);\ns.ping();",
    "yield-request: s.ping() is not waited for: write yield* s.ping(…)",
    "const c = new HttpClient();\nconst s = yield* c.webSocket(url);\nyield* s.ping();",
  ],
  [
    "const s: WebSocketConnection = make();\nconst m = yield s.next();",
    "yield-star: yield s.next() gives any: write yield* s.next(…)",
    "const s: WebSocketConnection = make();\nconst m = yield* s.next();",
  ],
  [
    "const c: HttpClient = make();\nc.post(url, { body });",
    "yield-request: c.post() is not waited for: write yield* c.post(…)",
    "const c: HttpClient = make();\nyield* c.post(url, { body });",
  ],
  [
    "const client = new HttpClient();\nconst r = yield* client.get(url);\nr.text();",
    "yield-request: r.text() does nothing by itself: write yield* call(r.text(…))",
    "const client = new HttpClient();\nconst r = yield* client.get(url);\nyield* call(r.text());",
  ],
  [
    "const r: HttpResponse = x;\nr.saveTo(path);",
    "yield-request: r.saveTo() does nothing by itself: write yield* call(r.saveTo(…))",
    "const r: HttpResponse = x;\nyield* call(r.saveTo(path));",
  ],
  [
    "const queue = new Queue();\nqueue.put(1);",
    "yield-request: queue.put() is not waited for: write yield* queue.put(…)",
    "const queue = new Queue();\nyield* queue.put(1);",
  ],
  [
    "const f = function* () { yield* sleep(1); };\nf();",
    "yield-request: f() does nothing by itself: write yield* call(f(…))",
    "const f = function* () { yield* sleep(1); };\nyield* call(f());",
  ],
  [
    "function* inner() { sleep(1); }\nyield* inner();",
    "yield-request: sleep() does nothing by itself: write yield* sleep(…)",
    "function* inner() { yield* sleep(1); }\nyield* inner();",
  ],
  [
    "yield call(word());",
    "yield-star: yield call() is an error: write yield* call(…)",
    "yield* call(word());",
  ],
  [
    "const a = yield wait(p);",
    "yield-star: yield wait() gives any: write yield* wait(…)",
    "const a = yield* wait(p);",
  ],
  [
    "return yield all(later());",
    "yield-star: yield all() gives any: write yield* all(…)",
    "return yield* all(later());",
  ],
  [
    "const a = yield (spawn(later()));",
    "yield-star: yield spawn() gives any: write yield* spawn(…)",
    "const a = yield* (spawn(later()));",
  ],
  [
    "const { bytes } = yield splice(a, b);",
    "yield-star: yield splice() gives any: write yield* splice(…)",
    "const { bytes } = yield* splice(a, b);",
  ],
  [
    "const line = yield readLine();",
    "yield-star: yield readLine() gives any: write yield* call(readLine(…))",
    "const line = yield* call(readLine());",
  ],
  [
    "const c = new HttpClient();\nconst r = yield c.get(url);",
    "yield-star: yield c.get() gives any: write yield* c.get(…)",
    "const c = new HttpClient();\nconst r = yield* c.get(url);",
  ],
  [
    "const r: HttpResponse = x;\nconst t = yield r.text();",
    "yield-star: yield r.text() gives any: write yield* call(r.text(…))",
    "const r: HttpResponse = x;\nconst t = yield* call(r.text());",
  ],
  [
    "yield* readLine();",
    "call-reader: yield* readLine() is an error: write yield* call(readLine(…))",
    "yield* call(readLine());",
  ],
  [
    "const line = (yield* readLine()).trim();",
    "call-reader: yield* readLine() is an error: write yield* call(readLine(…))",
    "const line = (yield* call(readLine())).trim();",
  ],
  [
    "const a = yield* word();",
    "call-coroutine: yield* word() loses what it pushes back: write yield* call(word(…))",
    "const a = yield* call(word());",
  ],
  [
    "yield* tidy();",
    "call-coroutine: yield* tidy() does not wait for its finally: write yield* call(tidy(…))",
    "yield* call(tidy());",
  ],
];

for (const [body, finding, mended] of FOUND) {
  Deno.test(`the lint plugin finds and mends: ${body.replaceAll("\n", " ")}`, () => {
    assertEquals(inCoroutine(body), { findings: [finding], body: mended });
  });
}

const RIGHT = [
  "yield* sleep(1);",
  "yield sleep(1);",
  "yield spawn(later());",
  "yield readLine();",
  "yield word();",
  "const a = yield word();",
  "yield* call(word());",
  "yield* later();",
  "yield* pair();",
  "try {} finally { yield* tidy(); }",
  "const kept = sleep(1);",
  "const kept = word();",
  "const both = [sleep(1), readLine()];",
  "yield* all(sleep(1), word(), call2());",
  "yield ok();",
  "const head = ok();",
  "return wait(p);",
  "object.sleep(1);",
  "object.readLine();",
  "void sleep(1);",
  "const client = new HttpClient();\nconst asked = client.get(url);",
  "const client = new HttpClient();\nclient.close();",
  "const client = make();\nclient.get(url);",
  "let client = new HttpClient();\nclient.get(url);", // it may be another
  "const map = new Map();\nmap.get(1);",
  "const r: HttpResponse = x;\nr.close();",
  "const r: HttpResponse = x;\nconst body: { a: string } = yield r.json();",
  "const r: Response = x;\nr.text();",
  "function sleep(n) {}\nsleep(1);",
  "const word = () => {};\nword();",
  "{ const sleep = () => {}; sleep(1); }",
  "for (const sleep of list) sleep(1);",
  "try {} catch (sleep) { sleep(1); }",
  "const { sleep } = other;\nsleep(1);",
  "const [, wait = 1, ...race] = other;\nwait(); race();",
  "const f = (sleep) => { sleep(1); };",
  "const f = () => sleep(1);",
  "const f = function* () { yield* sleep(1); };\nconst kept = f();",
  "const f = async () => { const c = new HttpClient(); await c.get(url); };",
  "const f = async () => { const c = new HttpClient(); const r = await c.get(url); await r.text(); };",
  "const f = async () => { await sendFile(a, b); await splice.both(a, b); };",
  "const f = async (r: HttpResponse) => { await r.json(); };",
  "const f = async () => { const c = new HttpClient(); c.get(url); };", // goes out at once
  "async function* f(r: HttpResponse) { yield r.text(); yield sleep(1); }",
  "for (const x of tree()) yield x;",
];

for (const body of RIGHT) {
  Deno.test(`the lint plugin leaves alone: ${body.replaceAll("\n", " ")}`, () => {
    assertEquals(inCoroutine(body), { findings: [], body });
  });
}

/** What is found in a whole file, as `text: message`. */
function inFile(source: string): string[] {
  return found(source).map(({ text, message }) => `${text} | ${message}`);
}

Deno.test("the lint plugin knows members of the package imported as a whole", () => {
  const source = `
    import * as gio from "@weightless/io/gio";
    import * as weightless from "@weightless/io";
    function* main(): weightless.Coroutine {
      gio.sleep(1);
      yield* weightless.readLine();
      const r = new weightless.HttpClient();
      r.get(url);
      gio.readLine();
      const kept = gio.sleep(1);
      const gio2 = { sleep() {} };
      gio2.sleep(1);
    }
    function other(gio) { gio.sleep(1); }`;
  assertEquals(inFile(source), [
    "gio.sleep(1) | gio.sleep() does nothing by itself: write yield* gio.sleep(…)",
    "r.get(url) | r.get() is not waited for: write yield* r.get(…)",
    "yield* weightless.readLine() | yield* weightless.readLine() is an error: write yield* call(weightless.readLine(…))",
  ]);
  const mended = fixed(source);
  assertEquals(found(mended), []);
  assertEquals(mended.includes("yield* weightless.call(weightless.readLine());"), true);
});

Deno.test("the lint plugin knows methods of a class, and not those of others", () => {
  const source = `
    import { type Coroutine, pushBack } from "@weightless/io/compose";
    import { HttpClient } from "@weightless/io/http";
    class Protocol extends Base {
      readonly #client = new HttpClient();
      static client = new HttpClient();
      other: HttpClient;
      *#word() { return pushBack(yield); }
      *word(): Coroutine<string> { return pushBack(yield); }
      plain() {}
      *twice() {}
      *["computed"]() {}
      *run(): Coroutine {
        this.#word();
        yield* this.word();
        this.#client.get(url);
        this.other.get(url);
        const inner = () => { this.word(); };
        this.plain();
        this.inherited();
        this.client.get(url);
        function notMine() { this.word(); }
        const object = { word() {}, f() { this.word(); } };
        that.word();
      }
      static s() { this.word(); }
    }`;
  assertEquals(inFile(source), [
    "this.#word() | this.#word() does nothing by itself: write yield* call(this.#word(…))",
    "this.#client.get(url) | this.#client.get() is not waited for: write yield* this.#client.get(…)",
    "this.other.get(url) | this.other.get() is not waited for: write yield* this.other.get(…)",
    "this.word() | this.word() runs nothing of its coroutine: give it to gio() or asProcess()",
    "yield* this.word() | yield* this.word() loses what it pushes back: write yield* call(this.word(…))",
  ]);
});

Deno.test("the lint plugin knows the request of a handler", () => {
  const source = (made: string) => `
    import { HttpServer } from "@weightless/io/http";
    new ${made}(reactor, { *handler(request) { request.text(); } });`;
  assertEquals(inFile(source("HttpServer")), [
    "request.text() | request.text() does nothing by itself: write yield* call(request.text(…))",
  ]);
  assertEquals(inFile(source("Other")), []);
});

Deno.test("the lint plugin finds what is awaited, although only a coroutine can wait for it", () => {
  const source = `
    import { sleep } from "@weightless/io/gio";
    import { readLine } from "@weightless/io/compose";
    function* work() { yield* sleep(1); }
    async function main() { await sleep(1); await readLine(); await work(); work(); }
    await sleep(2);`;
  assertEquals(inFile(source), [
    "sleep(1) | sleep() does nothing by itself: write yield* sleep(…)",
    "readLine() | readLine() does nothing by itself: write yield* call(readLine(…))",
    "work() | work() does nothing by itself: write yield* call(work(…))",
    "work() | work() runs nothing of its coroutine: give it to gio() or asProcess()",
    "sleep(2) | sleep() does nothing by itself: write yield* sleep(…)",
  ]);
  assertEquals(fixed(source), source); // `yield*` cannot stand there
});

Deno.test("the lint plugin says nothing of a file that imports nothing of the package", () => {
  for (const from of ["effection", "./gio.ts", "@other/weightless/io", "my@weightless/iota"]) {
    const source = `
      import { sleep, readLine } from "${from}";
      function* work() { yield; }
      function* main() { sleep(1); work(); yield* readLine(); }`;
    assertEquals(inFile(source), []);
  }
});

Deno.test("the lint plugin says nothing of names that a module does not export", () => {
  const source = `
    import { sleep } from "@weightless/io/http";
    export { wait } from "@weightless/io/gio";
    function* main() { sleep(1); wait(1); }`;
  assertEquals(inFile(source), []);
});

const IMPORTS: [before: string, after: string | undefined][] = [
  [
    'import { readLine as line } from "@weightless/io/compose";',
    'import { readLine as line, call } from "@weightless/io/compose";',
  ],
  [
    'import { readLine as line, call as c } from "@weightless/io/compose";',
    'import { readLine as line, call as c } from "@weightless/io/compose";',
  ],
  [
    'import { readLine as line, } from "jsr:@weightless/io@^0.1.0";',
    'import { readLine as line, call, } from "jsr:@weightless/io@^0.1.0";',
  ],
  [
    'import { HttpResponse } from "@weightless/io/http";',
    'import { call } from "@weightless/io/compose";\nimport { HttpResponse } from "@weightless/io/http";',
  ],
  [
    'import type { HttpResponse } from "../http/mod.ts";',
    'import { call } from "../compose/mod.ts";\nimport type { HttpResponse } from "../http/mod.ts";',
  ],
  [
    'import { type HttpResponse } from "jsr:@weightless/io@1/http";',
    'import { call } from "jsr:@weightless/io@1/compose";\nimport { type HttpResponse } from "jsr:@weightless/io@1/http";',
  ],
  ['import { readLine as line } from "@weightless/io/compose";\nconst call = 1;', undefined],
];

for (const [before, after] of IMPORTS) {
  Deno.test(`a fix of the lint plugin imports call where it is not: ${before.replaceAll("\n", " ")}`, () => {
    const what = before.includes("readLine") ? "line()" : "response.text()";
    const rest = (mended: boolean) => {
      const call = before.includes(" as c ") ? "c" : "call";
      const made = mended ? `yield* ${call}(${what})` : what;
      return `\nfunction* main(response: HttpResponse) {\n  ${made};\n  ${made};\n}\n`;
    };
    const source = before + rest(false);
    assertEquals(found(source).length, 2);
    assertEquals(fixed(source), after === undefined ? source : after + rest(true));
  });
}

Deno.test("deno lint --fix mends a file, and what it has written is right", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/main.ts`;
    const source = `import { readLine } from "@weightless/io/compose";
import { sleep } from "@weightless/io/gio";
export function* main(): Generator {
  yield* readLine();
  readLine();
  sleep(1);
  yield* readLine();
}
`;
    await Deno.writeTextFile(path, source);
    const plugin = new URL("../../lint/mod.ts", import.meta.url).href;
    const rules = { tags: [] };
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      JSON.stringify({ lint: { plugins: [plugin], rules } }),
    );
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["lint", "--fix", "main.ts"],
      cwd: folder,
      stdout: "null",
      stderr: "null",
    }).output();
    assertEquals(success, true);
    assertEquals(
      await Deno.readTextFile(path),
      `import { readLine, call } from "@weightless/io/compose";
import { sleep } from "@weightless/io/gio";
export function* main(): Generator {
  yield* call(readLine());
  yield* call(readLine());
  yield* sleep(1);
  yield* call(readLine());
}
`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what stands for itself ends no rule", () => {
  const IMPORT = `import { sleep, type Coroutine } from "@weightless/io/gio";\n`;
  for (
    const source of [
      "function* f() { const r = yield* r.get(); r.text(); }",
      "function* f(res) { { const res = yield* res.text(); res.x(); } }",
      "class A { readonly a = this.a; *m() { this.a.get(); yield* this.a.get(); } }",
      "function* f() { const a = b; const b = a; a.get(); yield* b.get(); }",
      "const f = f; f(); f.g();",
      "function* f() { yield* f(); f(); }",
      "const { a } = a; a.get(); class B extends B {} new B().get();",
    ]
  ) found(IMPORT + source);
});

Deno.test("code of others that has modules of the same names is none of the plugin's business", () => {
  const source = `
    import { ok } from "../http/mod.ts";
    import { call } from "https://example.org/compose/mod.ts";
    export function* f() { const x = call(1, 2); ok(); yield x; }`;
  assertEquals(found(source, "/home/ada/main.ts"), []);
  assertEquals(found(source).length > 0, true);
});
