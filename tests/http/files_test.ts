/** Files on live sockets, of both kinds, against curl and hostile clients. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { stub } from "@std/testing/mock";
import fc from "fast-check";
import { HttpProtocol, HttpServer, ok, Server } from "../../http/mod.ts";
import { files, FileServer, type FilesOptions } from "../../http/files/mod.ts";
import { isHidden, namesOf } from "../../http/files/_names.ts";
import { be } from "../../pipeline/mod.ts";
import { here, type Reactor, sendFile } from "../../reactor/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { hasCommand, output } from "../_peers.ts";
import { listening } from "../_sockets.ts";
import { faultyLibc } from "../reactor/_faulty_libc.ts";
import { answerTo, exchange, serverTest } from "./_live.ts";

const linux = Deno.build.os === "linux";
/** Longer ago than two seconds: its tag is strong. */
const OLD = new Date("2026-01-02T03:04:05.678Z");
const DATE = "Fri, 02 Jan 2026 03:04:05 GMT";
const SECRET = "the secret";

function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
}

/** A folder with a root in it, and beside it what nobody may get. */
class Folder implements Disposable {
  readonly path = Deno.realPathSync(Deno.makeTempDirSync());
  readonly root = `${this.path}/root`;

  constructor() {
    Deno.mkdirSync(this.root);
    Deno.writeTextFileSync(`${this.path}/secret`, SECRET);
    Deno.writeTextFileSync(`${this.path}/rootsecret`, SECRET);
  }

  write(name: string, content: string | Uint8Array, mtime = OLD): string {
    const path = `${this.root}/${name}`;
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content);
    Deno.utimeSync(path, mtime, mtime);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

interface Site {
  readonly folder: Folder;
  readonly port: number;
  readonly url: string;
  readonly errors: unknown[];
  /** The answer to a request with this head, on a connection of its own. */
  ask(path: string, headers?: Record<string, string>, method?: string): Promise<Answer>;
}

interface Answer {
  status: number;
  headers: Headers;
  body: string;
}

function answerOf(text: string): Answer {
  const end = text.indexOf("\r\n\r\n");
  const [status, ...lines] = text.slice(0, end).split("\r\n");
  const pairs = lines.map((line) => line.split(/: (.*)/).slice(0, 2) as [string, string]);
  return {
    status: Number(status!.split(" ")[1]),
    headers: new Headers(pairs),
    body: text.slice(end + 4),
  };
}

/** A test of a server of a new folder, on both back ends. */
function filesTest(
  name: string,
  options: FilesOptions,
  fn: (site: Site) => Promise<void>,
  serve: (reactor: Reactor, root: string, options: FilesOptions) => { port: number } = (
    reactor,
    root,
    options,
  ) => new HttpServer(reactor, { ...listening, handler: files(root, options) }),
): void {
  serverTest(name, async (reactor, errors) => {
    using folder = new Folder();
    const { port } = serve(reactor, folder.root, options);
    await fn({
      folder,
      port,
      errors,
      url: `http://127.0.0.1:${port}`,
      async ask(path, headers = {}, method = "GET") {
        const lines = Object.entries({ host: "a", connection: "close", ...headers })
          .map(([name, value]) => `${name}: ${value}\r\n`).join("");
        return answerOf(await answerTo(port, `${method} ${path} HTTP/1.1\r\n${lines}\r\n`));
      },
    });
    assertEquals(errors, []);
  });
}

const latin1 = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

filesTest("files() sends files with their type, length and validators", {}, async (site) => {
  const { folder, ask } = site;
  const small = folder.write("a b/é.txt", "Hello");
  const large = pattern(300_001);
  folder.write("large", large);
  folder.write("empty.css", "");
  for (const name of ["css", "a.CSS", "a.min.css", "dot.", "x.constructor"]) {
    folder.write(name, "x");
  }
  const cases: [path: string, body: string, type: string][] = [
    ["/a%20b/%C3%A9.txt?query", "Hello", "text/plain; charset=utf-8"],
    ["/large", latin1(large), "application/octet-stream"],
    ["/empty.css", "", "text/css; charset=utf-8"],
    ["http://a/empty.css", "", "text/css; charset=utf-8"],
    ["/css", "x", "application/octet-stream"],
    ["/a.CSS", "x", "text/css; charset=utf-8"],
    ["/a.min.css", "x", "text/css; charset=utf-8"],
    ["/dot.", "x", "application/octet-stream"],
    ["/x.constructor", "x", "application/octet-stream"],
  ];
  for (const [path, body, type] of cases) {
    const answer = await ask(path);
    assertEquals([answer.status, answer.headers.get("content-type")], [200, type]);
    assert(answer.body === body, path);
    assertEquals(answer.headers.get("content-length"), String(body.length));
    assertEquals(answer.headers.get("last-modified"), DATE);
    assertEquals(answer.headers.get("accept-ranges"), "bytes");
    assertEquals(answer.headers.get("vary"), null);
    const head = await ask(path, {}, "HEAD");
    for (const one of [answer, head]) one.headers.delete("date");
    assertEquals([head.status, head.body], [200, ""]);
    assertEquals([...head.headers], [...answer.headers]);
  }
  assertEquals(
    (await ask("/a%20b/%C3%A9.txt")).headers.get("etag"),
    `"5-${OLD.getTime().toString(16)}"`,
  );
  // It may be modified once more without a trace.
  const now = new Date();
  Deno.utimeSync(small, now, now);
  assertMatch((await ask("/a%20b/%C3%A9.txt")).headers.get("etag")!, /^W\/"5-/);
  // RFC 9110 8.8.2.1: never later than Date.
  const later = new Date(Date.now() + 86_400_000);
  Deno.utimeSync(small, later, later);
  const { headers } = await ask("/a%20b/%C3%A9.txt");
  assert(Date.parse(headers.get("last-modified")!) <= Date.parse(headers.get("date")!));
});

filesTest("files() refuses all methods but GET and HEAD", {}, async ({ folder, ask }) => {
  folder.write("a", "Hello");
  for (const path of ["/a", "/", "/missing"]) {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      const { status, headers } = await ask(path, { "content-length": "0" }, method);
      assertEquals([status, headers.get("allow")], [405, "GET, HEAD"]);
    }
    assertEquals((await ask(path, {}, "BREW")).status, 501);
  }
});

filesTest("files() answers conditional requests", {}, async ({ folder, ask }) => {
  folder.write("a.txt", "Hello");
  const tag = `"5-${OLD.getTime().toString(16)}"`;
  const cases: [Record<string, string>, number][] = [
    [{ "if-none-match": tag }, 304],
    [{ "if-none-match": `"x", W/${tag}` }, 304],
    [{ "if-none-match": "*" }, 304],
    [{ "if-none-match": '"x"' }, 200],
    [{ "if-none-match": '"x"', "if-modified-since": DATE }, 200],
    [{ "if-modified-since": DATE }, 304],
    [{ "if-modified-since": "Fri, 02 Jan 2026 03:04:04 GMT" }, 200],
    [{ "if-match": tag }, 200],
    [{ "if-match": `W/${tag}` }, 412],
    [{ "if-match": '"x"' }, 412],
    [{ "if-unmodified-since": DATE }, 200],
    [{ "if-unmodified-since": "Fri, 02 Jan 2026 03:04:04 GMT" }, 412],
    [{ "if-none-match": tag, range: "bytes=0-0" }, 304],
  ];
  for (const [conditions, expected] of cases) {
    const { status, headers, body } = await ask("/a.txt", conditions);
    assertEquals([conditions, status], [conditions, expected]);
    if (status === 304) assertEquals([headers.get("etag"), body], [tag, ""]);
    if (status === 412) assertEquals(body, "Precondition Failed");
    assertEquals(
      (await ask("/a.txt", conditions, "HEAD")).status,
      expected === 206 ? 200 : expected,
    );
  }
});

filesTest("files() sends ranges", {}, async ({ folder, ask }) => {
  const content = pattern(200_000);
  const text = latin1(content);
  folder.write("a.bin", content);
  folder.write("empty", "");
  const tag = `"${content.length.toString(16)}-${OLD.getTime().toString(16)}"`;
  const cases: [Record<string, string>, from: number, to: number][] = [
    [{ range: "bytes=0-0" }, 0, 1],
    [{ range: "bytes=1-199998" }, 1, 199_999],
    [{ range: "bytes=-5" }, 199_995, 200_000],
    [{ range: "bytes=199999-" }, 199_999, 200_000],
    [{ range: "bytes=100-70000000" }, 100, 200_000],
    [{ range: "bytes=5-9", "if-range": tag }, 5, 10],
    [{ range: "bytes=5-9", "if-range": DATE }, 5, 10],
  ];
  for (const [asked, from, to] of cases) {
    const { status, headers, body } = await ask("/a.bin", asked);
    assertEquals([asked, status], [asked, 206]);
    assertEquals(headers.get("content-range"), `bytes ${from}-${to - 1}/200000`);
    assert(body === text.slice(from, to));
  }
  for (
    const asked of [
      { range: "bytes=5-9", "if-range": '"x"' },
      { range: "bytes=5-9", "if-range": `W/${tag}` },
      { range: "bytes=9-5" },
      { range: "lines=1-2" },
    ]
  ) {
    const { status, body } = await ask("/a.bin", asked);
    assert(status === 200 && body === text, JSON.stringify(asked));
  }
  const none = await ask("/a.bin", { range: "bytes=200000-" });
  assertEquals([none.status, none.headers.get("content-range")], [416, "bytes */200000"]);
  assertEquals((await ask("/empty", { range: "bytes=0-" })).status, 416);

  const several = await ask("/a.bin", { range: "bytes=0-9,1000-100999,-1" });
  assertEquals(several.status, 206);
  const boundary = /^multipart\/byteranges; boundary=(.+)$/
    .exec(several.headers.get("content-type")!)![1];
  const parts = [[0, 10], [1000, 101_000], [199_999, 200_000]].map(([from, to]) =>
    `--${boundary}\r\ncontent-type: application/octet-stream\r\n` +
    `content-range: bytes ${from}-${to! - 1}/200000\r\n\r\n${text.slice(from, to)}\r\n`
  );
  assert(several.body === `${parts.join("")}--${boundary}--\r\n`);
  assertEquals(several.headers.get("content-length"), String(several.body.length));
});

filesTest("files() sends siblings that are compressed already", {
  precompressed: ["br", "zstd", "gzip"],
}, async ({ folder, ask }) => {
  folder.write("app.js", "plain");
  folder.write("app.js.br", "the br");
  folder.write("app.js.gz", "the gz");
  folder.write("plain.js", "only plain");
  Deno.symlinkSync(`${folder.path}/secret`, `${folder.root}/plain.js.br`);
  Deno.mkdirSync(`${folder.root}/plain.js.gz`);
  const cases: [accepted: string | undefined, body: string, coding: string | null][] = [
    [undefined, "plain", null],
    ["", "plain", null],
    ["br", "the br", "br"],
    ["gzip, deflate, br, zstd", "the br", "br"],
    ["gzip;q=0.9, br;q=0.1", "the gz", "gzip"],
    ["zstd", "plain", null],
    ["zstd, gzip;q=0.5", "the gz", "gzip"],
    ["br;q=0, gzip", "the gz", "gzip"],
    ["*", "the br", "br"],
    ["identity, gzip;q=0.5", "plain", null],
  ];
  const tags = new Set<string>();
  for (const [accepted, body, coding] of cases) {
    const headers = accepted === undefined ? {} : { "accept-encoding": accepted };
    const answer = await ask("/app.js", headers);
    assertEquals([accepted, answer.status, answer.body], [accepted, 200, body]);
    assertEquals(answer.headers.get("content-encoding"), coding);
    assertEquals(answer.headers.get("content-type"), "text/javascript; charset=utf-8");
    assertEquals(answer.headers.get("vary"), "accept-encoding");
    tags.add(answer.headers.get("etag")!);
  }
  assertEquals(tags.size, 3);
  const part = await ask("/app.js", { "accept-encoding": "br", range: "bytes=4-5" });
  assertEquals([part.status, part.body, part.headers.get("content-encoding")], [206, "br", "br"]);
  const plain = await ask("/plain.js", { "accept-encoding": "br, gzip" });
  assertEquals([plain.body, plain.headers.get("content-encoding")], ["only plain", null]);
});

filesTest("files() redirects to directories and sends their index", {
  cacheControl: (path) => path.startsWith("a/") ? "max-age=60" : undefined,
}, async ({ folder, ask }) => {
  folder.write("index.html", "the root");
  folder.write("a/index.html", "in a");
  folder.write("a:b/c", "x");
  Deno.mkdirSync(`${folder.root}/odd/index.html`, { recursive: true });
  assertEquals((await ask("/")).body, "the root");
  const { status, body, headers } = await ask("/a/");
  assertEquals([status, body, headers.get("cache-control")], [200, "in a", "max-age=60"]);
  assertEquals((await ask("/index.html")).headers.get("cache-control"), null);
  const redirections = [["/a", "./a/"], ["/a?q=1", "./a/?q=1"], ["/a:b", "./a%3Ab/"]] as const;
  for (const [path, location] of redirections) {
    const { status, headers } = await ask(path);
    assertEquals([status, headers.get("location")], [301, location]);
  }
  for (const path of ["/a:b/", "/odd/", "/index.html/", "/a/index.html/x", "/a//", "//a"]) {
    assertEquals([path, (await ask(path)).status], [path, 404]);
  }
});

filesTest("files() lists directories if that is wanted, and names inject nothing", {
  listing: true,
}, async ({ folder, ask }) => {
  const evil = `<img src=x onerror="alert('1')">&amp;`;
  folder.write(`sub/${evil}`, "evil");
  folder.write("sub/javascript:alert(1)", "x");
  folder.write("sub/.hidden", "x");
  folder.write("sub/back\\slash", "x");
  folder.write("sub/deeper/x", "x");
  Deno.symlinkSync(`${folder.path}/secret`, `${folder.root}/sub/link`);
  if (linux) new Deno.Command("mkfifo", { args: [`${folder.root}/sub/fifo`] }).outputSync();
  const { status, headers, body } = await ask("/sub/");
  assertEquals([status, headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  const links = [...body.matchAll(/<a href="([^"]*)">([^<]*)<\/a>/g)].map(([, href, text]) => [
    href,
    text,
  ]);
  assertEquals(links, [
    ["./../", "../"],
    [
      `./${encodeURIComponent(evil).replaceAll("'", "%27")}`,
      "&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;",
    ],
    ["./deeper/", "deeper/"],
    ["./javascript%3Aalert(1)", "javascript:alert(1)"],
  ]);
  assert(!body.includes("<img"));
  for (const [href] of links) {
    assertEquals((await ask(new URL(href!, "http://a/sub/").pathname)).status, 200);
  }
  assertEquals((await ask("/sub/", {}, "HEAD")).body, "");
  assert(!(await ask("/")).body.includes("../"));
});

/** Requests that try to get out, or in where nothing is. */
const HOSTILE = [
  "/../secret",
  "/sub/../../secret",
  "/%2e%2e/secret",
  "/%2E%2E%2Fsecret",
  "/..%2fsecret",
  "/sub/..%2f..%2fsecret",
  "/..%5csecret",
  "/%2e%2e%5csecret",
  "/%252e%252e/secret",
  "/%252e%252e%252fsecret",
  "/%c0%ae%c0%ae/secret",
  "/%e0%80%ae%e0%80%ae/secret",
  "/%uff0e%uff0e/secret",
  "/a.txt%00",
  "/a.txt%00.html",
  "/%00",
  "//etc/passwd",
  "/%2fetc%2fpasswd",
  "/%2fetc/passwd",
  "/etc/passwd",
  "/link",
  "/linked/secret",
  "/%6cinked/secret",
  "/.hidden",
  "/%2ehidden",
  "/to-hidden",
  "/sub/.git/config",
  "/./a.txt",
  "/sub/./x",
  "/%2e/a.txt",
  "/a.txt/",
  "/a.txt/x",
  "/a.txt/..",
  "/../rootsecret",
  "/loop",
  "/dangling",
  `/${"a".repeat(300)}`,
  `/${"a/".repeat(2500)}`,
  "/a.txt::$DATA",
  "/A.TXT%20",
  "/%ff",
  "/%zz",
  "/~root",
  "/fifo",
  "/socket",
  "/device",
  "*",
  "",
  "secret",
  "file:///etc/passwd",
];

for (const component of [false, true]) {
  const what = component ? "FileServer" : "files()";
  filesTest(
    `${what} gives nobody what is outside or special, and tells nothing`,
    { listing: true },
    async ({ folder, port }) => {
      const { root, path } = folder;
      folder.write("a.txt", "Hello");
      folder.write(".hidden", SECRET);
      folder.write("sub/.git/config", SECRET);
      Deno.symlinkSync(`${path}/secret`, `${root}/link`);
      Deno.symlinkSync(path, `${root}/linked`);
      Deno.symlinkSync(".hidden", `${root}/to-hidden`);
      Deno.symlinkSync("loop", `${root}/loop`);
      Deno.symlinkSync("nothing", `${root}/dangling`);
      Deno.symlinkSync("/dev/zero", `${root}/device`);
      let listener: Deno.Listener | undefined;
      if (linux) {
        new Deno.Command("mkfifo", { args: [`${root}/fifo`] }).outputSync();
        listener = Deno.listen({ transport: "unix", path: `${root}/socket` });
      }
      for (const target of HOSTILE) {
        for (const method of ["GET", "HEAD"]) {
          const answer = await exchange(
            port,
            `${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
          );
          assertMatch(answer!, /^HTTP\/1\.1 (400|404) /, target);
          assert(!answer!.includes(SECRET) && !answer!.includes(path), target);
          assert(!/os error|No such|at .*:\d/.test(answer!), target);
        }
      }
      listener?.close();
    },
    component
      ? (reactor, root, options) =>
        be([new Server(reactor, listening), [new HttpProtocol(), [new FileServer(root, options)]]])
      : undefined,
  );
}

filesTest("files() follows links if that is wanted, and serves hidden files", {
  followLinks: true,
  dotfiles: "allow",
}, async ({ folder, ask }) => {
  folder.write(".hidden", "x");
  Deno.symlinkSync(`${folder.path}/secret`, `${folder.root}/link`);
  assertEquals((await ask("/link")).body, SECRET);
  assertEquals((await ask("/.hidden")).body, "x");
  assertEquals((await ask("/../secret")).status, 404);
});

filesTest("files() follows links that stay in the root", {}, async ({ folder, ask }) => {
  folder.write("a/b.txt", "x");
  folder.write(".well-known/acme", "y");
  folder.write("a/c/d/e.txt", "deep");
  Deno.symlinkSync("a", `${folder.root}/current`);
  assertEquals((await ask("/current/b.txt")).body, "x");
  for (const path of ["/a/c/d/e.txt", "/current/c/d/e.txt"]) {
    assertEquals((await ask(path)).body, "deep");
  }
  assertEquals((await ask("/.well-known/acme")).body, "y");
});

filesTest("files() never answers 200 for what is no plain file below the root", {
  index: false,
}, async ({ folder, port }) => {
  const contents: Record<string, string> = { "a": "in a", "b/c": "in c", "b/a": "in b/a" };
  for (const [name, content] of Object.entries(contents)) folder.write(name, content);
  Deno.symlinkSync("..", `${folder.root}/up`);
  Deno.symlinkSync("b", `${folder.root}/down`);
  const atom = fc.constantFrom(
    ..."a b c . .. / // % %2e %2E %2f %5c \\ %00 %25 2e 2f up down secret root rootsecret ~ : ; ?"
      .split(" "),
  );
  const paths = fc.array(atom, { maxLength: 8 }).map((atoms) => `/${atoms.join("")}`);
  await fc.assert(
    fc.asyncProperty(paths, async (path) => {
      const text = await answerTo(
        port,
        `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );
      const { status, body } = answerOf(text);
      // The reference: names are split first, then decoded, and each must be a plain one.
      let expected: string | undefined;
      const names = path.replace(/\?.*/, "").slice(1).split("/").map((name) => {
        try {
          return decodeURIComponent(name);
        } catch {
          return "..";
        }
      });
      if (names[0] === "down") names[0] = "b";
      if (names.every((name) => /^[a-z]+$/.test(name))) expected = contents[names.join("/")];
      if (expected === undefined) assert(status !== 200, `${path}: ${text}`);
      else assertEquals([path, status, body], [path, 200, expected]);
      assert(!text.includes(SECRET));
    }),
    { numRuns: 300 },
  );
});

Deno.test("namesOf() gives names that mean nothing else, whatever the path", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    for (const name of namesOf(`/${text}`)?.slice(0, -1) ?? []) {
      assert(name !== "" && name !== "." && name !== ".." && !/[/\\\0]/.test(name));
    }
  }));
  assertEquals(namesOf("/a%20b/c/"), ["a b", "c", ""]);
  assertEquals(namesOf("/a%252fb"), ["a%2fb"]);
  assertEquals(isHidden([".well-known", "a"]), false);
  assertEquals(isHidden(["a", ".well-known"]), true);
});

/** Files are opened by Deno's calls, until it is disposed of. */
function onlyByDeno(): Disposable | undefined {
  return linux ? faultyLibc({ openat2: () => -1 }) : undefined;
}

filesTest("files() answers alike, whoever opens the files", {}, async ({ folder, ask }) => {
  folder.write("a/b.txt", "Hello", new Date("2001-02-03T04:05:06.789Z"));
  folder.write("large", pattern(200_000));
  folder.write("empty", "");
  Deno.symlinkSync("a", `${folder.root}/link`);
  const all = async () => {
    const answers = [];
    for (const path of ["/a/b.txt", "/link/b.txt", "/large", "/empty", "/a", "/a/", "/none"]) {
      const { status, body, headers } = await ask(path);
      answers.push([path, status, body, headers.get("etag"), headers.get("last-modified")]);
    }
    return answers;
  };
  const expected = await all();
  using _ = onlyByDeno();
  assertEquals(await all(), expected);
});

/** What may happen to a file after it was looked at, and before it is read. */
const MEANWHILE: [what: string, (path: string) => void, isServed: boolean][] = [
  ["is removed", (path) => Deno.removeSync(path), true],
  ["is replaced", (path) => {
    Deno.writeTextFileSync(`${path}.new`, "other");
    Deno.renameSync(`${path}.new`, path);
  }, true],
  ["is truncated", (path) => Deno.truncateSync(path, 10), false],
];

for (const [what, change, isServed] of MEANWHILE) {
  for (const size of [100, 200_000]) {
    serverTest(
      `files() never sends less than it announced as if that were all, if a file of ${size} bytes ${what} meanwhile`,
      async (reactor, errors) => {
        using folder = new Folder();
        const path = folder.write("a", "x".repeat(size));
        // It is called after the file was opened, and before anything is sent.
        const cacheControl = () => void change(path);
        const handler = files(folder.root, { cacheControl });
        const { port } = new HttpServer(reactor, { ...listening, handler });
        const request = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        const answer = await exchange(port, request);
        if (isServed) assertEquals(answerOf(answer!).body, "x".repeat(size));
        else {
          const { status, body } = answerOf(answer ?? "HTTP/1.1 200 OK\r\n\r\n");
          // The head of a small file has not been sent by then.
          assertEquals(status, size === 100 ? 500 : 200);
          assert(status === 500 || body.length <= 10);
          await turnsUntil(() => errors.length > 0);
        }
        assertEquals(errors.length, isServed ? 0 : 1);
      },
    );
  }
}

serverTest("sendFile() of a file that is missing cuts the connection after the head", async (
  reactor,
  errors,
) => {
  const { port } = new HttpServer(reactor, {
    ...listening,
    *handler() {
      yield ok({ "content-length": 10 });
      yield* sendFile(here, "/there is no such file");
    },
  });
  const answer = await exchange(port, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  if (answer !== undefined) assertEquals(answerOf(answer).body, "");
  await turnsUntil(() => errors.length > 0);
  assert(errors[0] instanceof Deno.errors.NotFound);
});

serverTest("files() gives nothing if another file comes between the look and the opening", async (
  reactor,
  errors,
) => {
  using folder = new Folder();
  const path = folder.write("a", "x");
  const { port } = new HttpServer(reactor, { ...listening, handler: files(folder.root) });
  using _ = onlyByDeno();
  const { openSync } = Deno;
  using _opening = stub(Deno, "openSync", (...args) => {
    Deno.removeSync(path);
    Deno.symlinkSync(`${folder.path}/secret`, path);
    return openSync(...args);
  });
  const text = await answerTo(port, "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assertEquals(answerOf(text).status, 404);
  assert(!text.includes(SECRET));
  assertEquals(errors, []);
});

Deno.test({
  name: "files() does not read what Deno denies to read",
  ignore: !linux,
  async fn() {
    using folder = new Folder();
    folder.write("private/a", SECRET);
    folder.write("b", "open");
    const program = `
      import { files } from ${JSON.stringify(import.meta.resolve("../../http/files/mod.ts"))};
      import { serveHttp } from ${JSON.stringify(import.meta.resolve("../../http/mod.ts"))};
      for (const path of ["b", "private/a"]) {
        const protocol = serveHttp(files(${JSON.stringify(folder.root)}));
        protocol.next();
        const head = "GET /" + path + " HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n";
        console.log(String(protocol.next(new TextEncoder().encode(head)).value).slice(9, 12));
      }`;
    const path = `${folder.path}/program.ts`;
    Deno.writeTextFileSync(path, program);
    const denied = `--deny-read=${folder.root}/private`;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "-c", config, "--allow-ffi", "--allow-read", denied, path],
    }).output();
    const told = new TextDecoder().decode(stdout);
    assertEquals(told, "200\n403\n", new TextDecoder().decode(stderr));
  },
});

/** What the system may answer to who opens a file, and what the client is told. */
const FAILURES: [code: string, status: number][] = [
  ["EACCES", 403],
  ["EPERM", 403],
  ["EMFILE", 503],
  ["ENFILE", 503],
  ["ENOENT", 404],
  ["ELOOP", 404],
  ["EIO", 500],
];

serverTest("files() answers what the system refuses, and reports what it cannot do", async (
  reactor,
  errors,
) => {
  using folder = new Folder();
  folder.write("a", "x");
  const { port } = new HttpServer(reactor, { ...listening, handler: files(folder.root) });
  using _ = onlyByDeno();
  for (const [code, expected] of FAILURES) {
    using _ = stub(Deno, "openSync", () => {
      throw Object.assign(new Error(`Failure of ${folder.root}`), { code });
    });
    const text = await answerTo(port, "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const { status, body } = answerOf(text);
    assertEquals([code, status], [code, expected]);
    assert(!text.includes("Failure"), body);
    assertEquals(errors.splice(0).length, expected === 500 ? 1 : 0);
  }
});

serverTest(
  "files() cuts the connection if a file becomes shorter meanwhile",
  async (reactor, errors) => {
    using folder = new Folder();
    const size = 64_000_000;
    const path = folder.write("a", "");
    Deno.truncateSync(path, size);
    const { port } = new HttpServer(reactor, { ...listening, handler: files(folder.root) });
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(new TextEncoder().encode("GET /a HTTP/1.1\r\nHost: a\r\n\r\n"));
    const buffer = new Uint8Array(65536);
    assert(await conn.read(buffer) !== null);
    Deno.truncateSync(path, 1000);
    let length = 0;
    try {
      for (let n; (n = await conn.read(buffer)) !== null;) length += n;
    } catch (error) {
      assert(error instanceof Deno.errors.ConnectionReset);
    }
    assert(length < size);
    await turnsUntil(() => errors.length > 0);
    assertMatch(String(errors[0]), /shorter|truncated|less/);
  },
);

serverTest("files() sends no more than it announced if a file grows meanwhile", async (reactor) => {
  using folder = new Folder();
  const path = folder.write("a", "");
  Deno.truncateSync(path, 32_000_000);
  const { port } = new HttpServer(reactor, { ...listening, handler: files(folder.root) });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(
    new TextEncoder().encode("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
  );
  const buffer = new Uint8Array(65536);
  let n = await conn.read(buffer);
  const head = new TextDecoder().decode(buffer.subarray(0, n!)).indexOf("\r\n\r\n") + 4;
  Deno.truncateSync(path, 40_000_000);
  let length = n! - head;
  while ((n = await conn.read(buffer)) !== null) length += n;
  assertEquals(length, 32_000_000);
});

filesTest("files() tells nobody of a client that goes away", {}, async ({ folder, port }) => {
  folder.write("a", "");
  Deno.truncateSync(`${folder.root}/a`, 64_000_000);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode("GET /a HTTP/1.1\r\nHost: a\r\n\r\n"));
  await conn.read(new Uint8Array(10));
  conn.close();
});

filesTest("FileServer leaves to others what is not there", {}, async ({ folder, ask }) => {
  folder.write("a.txt", "own");
  for (const name of ["a.txt", "b.txt"]) {
    Deno.writeTextFileSync(`${folder.path}/other/${name}`, "other");
  }
  assertEquals((await ask("/a.txt")).body, "own");
  assertEquals((await ask("/b.txt")).body, "other");
  assertEquals((await ask("/c.txt")).status, 404);
  assertEquals((await ask("/a.txt", { "content-length": "0" }, "POST")).status, 405);
  assertEquals((await ask("/c.txt", { "content-length": "0" }, "POST")).status, 404);
}, (reactor, root, options) =>
  be([new Server(reactor, listening), [
    new HttpProtocol(),
    [new FileServer(root, options)],
    [new FileServer(lazily(`${root}/../other`), options)],
  ]]));

/** Makes the directory, which the test fills. */
function lazily(path: string): string {
  Deno.mkdirSync(path, { recursive: true });
  return path;
}

if (hasCommand("curl")) {
  filesTest("files() serves curl", { precompressed: ["gzip"] }, async ({ folder, url }) => {
    folder.write("a.txt", "0123456789");
    const gzipped = await new Response(
      new Blob(["compressed!"]).stream().pipeThrough(new CompressionStream("gzip")),
    ).bytes();
    folder.write("a.txt.gz", gzipped);
    const curl = async (...args: string[]) =>
      (await output("curl", ["-sS", ...args, `${url}/a.txt`])).text;
    assertEquals(await curl(), "0123456789");
    assertEquals(await curl("-r", "2-4"), "234");
    assertEquals(await curl("-r", "-3"), "789");
    assertMatch(await curl("-I"), /^HTTP\/1\.1 200 OK\r\n[^]*content-length: 10\r\n[^]*\r\n\r\n$/);
    assertEquals(await curl("--compressed"), "compressed!");
    const status = ["-o", "/dev/null", "-w", "%{http_code}"];
    assertEquals(await curl(...status, "-z", DATE), "304");
    assertEquals(await curl(...status, "-z", "Thu, 01 Jan 2026 00:00:00 GMT"), "200");
    assertEquals(await curl(...status, "-r", "10-"), "416");
  });
}

Deno.test("files() refuses options that make no sense, and names them", () => {
  using folder = new Folder();
  const cases: [unknown, RegExp][] = [
    [{ indexes: "x" }, /no option indexes/],
    [{ index: "../secret" }, /index/],
    [{ index: true }, /index/],
    [{ index: "" }, /index/],
    [{ listing: "yes" }, /listing/],
    [{ followLinks: 1 }, /followLinks/],
    [{ dotfiles: "deny" }, /dotfiles/],
    [{ precompressed: true }, /precompressed/],
    [{ precompressed: ["deflate"] }, /precompressed/],
    [{ cacheControl: 60 }, /cacheControl/],
    [{ cacheControl: "a\r\nb: c" }, /cache-control/],
  ];
  for (const [options, message] of cases) {
    const error = assertThrows(() => files(folder.root, options as FilesOptions), Error);
    assertMatch((error as Error).message, message);
  }
  assertThrows(() => files(`${folder.path}/secret`), TypeError, "no directory");
  assertThrows(() => files(`${folder.path}/missing`), Deno.errors.NotFound);
});
