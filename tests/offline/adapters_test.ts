/*
 * What stands in for `@std/testing` and `@std/http` is used as the true ones are: each test here runs with the adapters,
 * and with what the imports give, which are the true ones where JSR answers, or with `STD`. See deno.ts beside this file.
 */
import { assertEquals } from "@std/assert";
import * as cookie from "@std/http/cookie";
import * as etag from "@std/http/etag";
import * as fileServer from "@std/http/file-server";
import * as negotiation from "@std/http/negotiation";
import * as mock from "@std/testing/mock";
import * as time from "@std/testing/time";
import * as types from "@std/testing/types";
import * as cookieAdapter from "./http/cookie.ts";
import * as etagAdapter from "./http/etag.ts";
import * as fileServerAdapter from "./http/file_server.ts";
import * as negotiationAdapter from "./http/negotiation.ts";
import * as mockAdapter from "./testing/mock.ts";
import * as timeAdapter from "./testing/time.ts";
import * as typesAdapter from "./testing/types.ts";

/** Both have the type of the adapter: what compiles with the adapter compiles with the true one. */
function bothTest<M>(name: string, adapter: M, real: M, fn: (module: M) => void | Promise<void>) {
  Deno.test(`${name} (adapter)`, () => fn(adapter));
  Deno.test(`${name} (@std)`, () => fn(real));
}

bothTest("assertType() compares types exactly", typesAdapter, types, ({ assertType }) => {
  assertType(true);
});

/** What IsExact says of the same types in both. */
type Said<A, B> = [types.IsExact<A, B>, typesAdapter.IsExact<A, B>];

Deno.test("IsExact is true for the same types only", () => {
  const said: [
    Said<string, string>,
    Said<string | undefined, string | undefined>,
    Said<string, string | undefined>,
    Said<string, "text">,
    // deno-lint-ignore no-explicit-any
    Said<any, any>,
    // deno-lint-ignore no-explicit-any
    Said<any, string>,
    // deno-lint-ignore no-explicit-any
    Said<unknown, any>,
    Said<[string, number], [string, number]>,
    Said<[string, number], (string | number)[]>,
    Said<Promise<string>, Promise<number>>,
    Said<void, undefined>,
  ] = [
    [true, true],
    [true, true],
    [false, false],
    [false, false],
    [true, true],
    [false, false],
    [false, false],
    [true, true],
    [false, false],
    [false, false],
    [false, false],
  ];
  assertEquals(said.length, 11);
});

bothTest("stub() records calls until its end", mockAdapter, mock, ({ stub }) => {
  const target = {
    factor: 2,
    times(n: number): number {
      return this.factor * n;
    },
  };
  const { times } = target;
  const oops = new Error("oops");
  {
    using stubbed = stub(target, "times", function (n) {
      if (n === 0) throw oops;
      return this.factor + n;
    });
    assertEquals(target.times(5), 7);
    try {
      target.times(0);
    } catch (error) {
      assertEquals(error, oops);
    }
    const [first, second] = stubbed.calls;
    assertEquals([first!.args, first!.returned, first!.self], [[5], 7, target]);
    assertEquals([second!.args, second!.error, stubbed.calls.length], [[0], oops, 2]);
  }
  assertEquals([target.times, target.times(5)], [times, 10]);
  {
    using stubbed = stub(target, "times");
    assertEquals(target.times(5), undefined);
    assertEquals(stubbed.calls.map(({ args }) => args), [[5]]);
  }
  const inheriting: typeof target = Object.create(target);
  {
    using _ = stub(inheriting, "times", () => 1);
    assertEquals([inheriting.times(5), target.times(5)], [1, 10]);
  }
  assertEquals([inheriting.times(5), Object.hasOwn(inheriting, "times")], [10, false]);
});

bothTest("FakeTime moves timers and the date", timeAdapter, time, ({ FakeTime }) => {
  const { setTimeout: real, Date: realDate } = globalThis;
  const went: string[] = [];
  {
    using time = new FakeTime();
    const begin = Date.now();
    setTimeout(() => went.push("b"), 20);
    setTimeout(() => went.push("a"), 10);
    const cleared = setTimeout(() => went.push("no"), 5);
    const interval = setInterval(() => went.push("i"), 8);
    clearTimeout(cleared);
    time.tick(9);
    assertEquals([went, Date.now() - begin], [["i"], 9]);
    clearInterval(interval);
    time.tick(1);
    assertEquals(went, ["i", "a"]);
    assertEquals([time.next(), went, new Date().getTime() - begin], [true, ["i", "a", "b"], 20]);
    assertEquals(time.next(), false);
    time.tick();
  }
  assertEquals([globalThis.setTimeout, globalThis.Date], [real, realDate]);
});

bothTest(
  "cookies are set and read as they are",
  cookieAdapter,
  cookie,
  ({ getCookies, getSetCookies, setCookie }) => {
    const read = getCookies(new Headers({ cookie: "a=1; b=%20x=y; c=" }));
    assertEquals({ ...read }, { a: "1", b: "%20x=y", c: "" });
    assertEquals({ ...getCookies(new Headers()) }, {});

    const headers = new Headers();
    const expires = new Date("2026-01-02T03:04:05.000Z");
    const full = { name: "a", value: "%20", domain: "a.example", path: "/b", secure: true };
    setCookie(headers, { ...full, expires, maxAge: 5 });
    setCookie(headers, { name: "b", value: "", maxAge: 0 });
    headers.append("set-cookie", "c=d=e; path=/; Domain=.a; HttpOnly; expires=never");
    const [first, second, third, ...others] = getSetCookies(headers);
    assertEquals({ ...first! }, { ...full, expires, maxAge: 5 });
    assertEquals({ ...second! }, { name: "b", value: "", maxAge: 0 });
    const { name, value, path, domain } = third!;
    assertEquals([name, value, path, domain, others], ["c", "d=e", "/", ".a", []]);
    assertEquals(getSetCookies(new Headers()), []);
  },
);

bothTest("entity tags are compared", etagAdapter, etag, ({ ifMatch, ifNoneMatch }) => {
  const rows: [value: string | null, tag: string | undefined, match: boolean, none: boolean][] = [
    ['"a"', '"a"', true, false],
    ['"b", "a"', '"a"', true, false],
    ['W/"a"', '"a"', false, false],
    ['"a"', 'W/"a"', false, false],
    ['"b"', '"a"', false, true],
    ["*", '"a"', true, false],
    ["*", 'W/"a"', false, false],
    [null, '"a"', false, true],
    ['"a"', undefined, false, true],
  ];
  for (const [value, tag, match, none] of rows) {
    assertEquals([ifMatch(value, tag), ifNoneMatch(value, tag)], [match, none], `${value} ${tag}`);
  }
});

bothTest(
  "what a client accepts is found",
  negotiationAdapter,
  negotiation,
  ({ accepts, acceptsEncodings, acceptsLanguages }) => {
    const asked = (name: string, value: string) => ({ headers: new Headers({ [name]: value }) });
    const nothing = { headers: new Headers() };
    const types = asked("accept", "text/html;q=0.5, image/*");
    assertEquals(accepts(types, "text/html", "image/png"), "image/png");
    assertEquals(accepts(types, "audio/mpeg"), undefined);
    assertEquals(accepts(nothing, "a/b", "c/d"), "a/b");
    const encodings = asked("accept-encoding", "gzip;q=0.5, br");
    assertEquals(acceptsEncodings(encodings, "gzip", "br"), "br");
    assertEquals(acceptsEncodings(encodings, "zstd", "identity"), "identity");
    const languages = asked("accept-language", "de-CH, en;q=0.5");
    assertEquals(acceptsLanguages(languages, "en", "de"), "de");
    assertEquals(acceptsLanguages(languages, "fr"), undefined);
  },
);

bothTest("a folder is served", fileServerAdapter, fileServer, async ({ serveDir }) => {
  const fsRoot = await Deno.makeTempDir();
  await Deno.writeTextFile(`${fsRoot}/a.txt`, "hello");
  const ask = (path: string, init?: RequestInit) =>
    serveDir(new Request(`http://localhost${path}`, init), { fsRoot, quiet: true });
  const found = await ask("/a.txt");
  assertEquals([found.status, await found.text()], [200, "hello"]);
  const part = await ask("/a.txt", { headers: { range: "bytes=1-2", "if-range": '"other"' } });
  assertEquals([part.status, await part.text()], [206, "el"]);
  const head = await ask("/a.txt", { method: "HEAD", headers: { range: "bytes=1-2" } });
  assertEquals([head.status, head.headers.get("content-length"), head.body], [200, "5", null]);
  for (const [path, method, status] of [["/b", "GET", 404], ["/a.txt", "PUT", 405]] as const) {
    const answer = await ask(path, { method });
    await answer.body?.cancel();
    assertEquals(answer.status, status);
  }
  const moved = await ask("//a.txt");
  assertEquals([moved.status, moved.headers.get("location")], [301, "http://localhost/a.txt"]);
  await Deno.remove(fsRoot, { recursive: true });
});
