/** The examples that ask: download.ts, crawl.ts and health_check.ts. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { hostname } from "../_sockets.ts";
import { assertSameBytes, pattern } from "../reactor/_transfer_ends.ts";
import { runExample } from "./_server.ts";

/** A server of the platform, and what it was asked. */
function served(handler: (request: Request) => Response | Promise<Response>) {
  const asked: Request[] = [];
  const server = Deno.serve({ hostname, port: 0, onListen() {} }, (request) => {
    asked.push(request);
    return handler(request);
  });
  return {
    asked,
    url: `http://${hostname}:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const CONTENT = pattern(300_000);
const HALF = 150_000;

/** Serves the content with ranges, as it has the etag, which changes. */
function ranges(etag: () => string | undefined) {
  return (request: Request): Response => {
    const tag = etag();
    const headers = new Headers(tag === undefined ? {} : { etag: tag });
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "") ?? [];
    if (tag === undefined || from === undefined || request.headers.get("if-range") !== tag) {
      return new Response(CONTENT, { headers });
    }
    const isAll = Number(from) === CONTENT.length;
    const range = isAll ? "*" : `${from}-${CONTENT.length - 1}`;
    headers.set("content-range", `bytes ${range}/${CONTENT.length}`);
    return isAll
      ? new Response(null, { status: 416, headers })
      : new Response(CONTENT.subarray(Number(from)), { status: 206, headers });
  };
}

const DOWNLOADS: [
  what: string,
  part: number,
  tag: string,
  now: string | undefined,
  said: string,
][] = [
  ["from its beginning", 0, "", '"a"', ""],
  ["without an etag", 0, "", undefined, ""],
  ["where it was cut", HALF, '"a"', '"a"', `, ${HALF} of which were there`],
  ["anew if it has changed", HALF, '"a"', '"b"', ""],
  ["anew if the server does not know ranges", HALF, '"a"', undefined, ""],
  ["anew if only a weak etag is known", HALF, "", 'W/"a"', ""],
  ["that is there but for its name", CONTENT.length, '"a"', '"a"', ", 300000 of which were there"],
];
for (const permissions of [["--allow-net"], ["--allow-net", "--allow-ffi"]]) {
  for (const [what, length, tag, now, said] of DOWNLOADS) {
    Deno.test(`download.ts fetches a file ${what} (${permissions.at(-1)})`, async () => {
      await using server = served(ranges(() => now));
      const dir = await Deno.makeTempDir();
      if (length > 0) {
        // The bytes of a file that has changed are others.
        const isSame = tag === now;
        const part = isSame ? CONTENT.subarray(0, length) : new Uint8Array(length);
        await Deno.writeFile(`${dir}/file.part`, part);
        if (tag !== "") await Deno.writeTextFile(`${dir}/file.part.etag`, tag);
      }
      const args = ["--dir", dir, `${server.url}/a/file`];
      const { code, stdout, stderr } = await runExample("download.ts", args, [
        ...permissions,
        "--allow-read",
        "--allow-write",
      ]);
      assertEquals([code, stdout, stderr], [0, `file: 300000 bytes${said}\n`, ""]);
      assertSameBytes(await Deno.readFile(`${dir}/file`), CONTENT);
      assertEquals([...Deno.readDirSync(dir)].length, 1);
      await Deno.remove(dir, { recursive: true });
    });
  }
}

Deno.test("download.ts fetches no more than so many files at once, and tells which failed", async () => {
  let now = 0, most = 0;
  await using server = served(async (request) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 20));
    now--;
    return new URL(request.url).pathname === "/3"
      ? new Response(null, { status: 404 })
      : new Response(new URL(request.url).pathname);
  });
  const dir = await Deno.makeTempDir();
  const urls = ["1", "2", "3", "4", "5"].map((name) => `${server.url}/${name}`);
  const run = (...args: string[]) =>
    runExample("download.ts", ["--dir", dir, ...args], [
      "--allow-net",
      "--allow-read",
      "--allow-write",
    ]);
  const { code, stdout } = await run("--at-once", "2", ...urls);
  assertEquals([code, most], [1, 2]);
  assertEquals(stdout.trim().split("\n").sort(), [
    "1: 2 bytes",
    "2: 2 bytes",
    "3: the server answered 404 Not Found",
    "4: 2 bytes",
    "5: 2 bytes",
  ]);
  assertEquals([...Deno.readDirSync(dir)].map(({ name }) => name).sort(), ["1", "2", "4", "5"]);
  for (
    const [args, message] of [
      [[], /^Give a URL\. Usage: /],
      [["ftp://x/"], /^Cannot use ftp:\/\/x\/: it must be a URL of http or https$/m],
      [
        [`${server.url}/1`, `${server.url}/x/1`],
        /^Cannot download: some files would have the same/,
      ],
    ] as [string[], RegExp][]
  ) {
    const { code, stderr } = await run(...args);
    assertEquals(code, 1);
    assertMatch(stderr, message);
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("download.ts keeps what has come when the server cuts the file, and goes on", async () => {
  let isCut = true;
  using listener = Deno.listen({ hostname, port: 0 });
  const accepting = (async () => {
    for await (const conn of listener) {
      const buffer = new Uint8Array(4096);
      const head = new TextDecoder().decode(buffer.subarray(0, (await conn.read(buffer))!));
      const isPart = /^range: bytes=3-\r$/m.test(head) && /^if-range: "a"\r$/m.test(head);
      const answer = isCut
        ? 'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 6\r\n\r\nabc'
        : isPart
        ? 'HTTP/1.1 206 Partial\r\nETag: "a"\r\nContent-Range: bytes 3-5/6\r\nContent-Length: 3\r\n\r\ndef'
        : "HTTP/1.1 500 No\r\n\r\n";
      await conn.write(new TextEncoder().encode(answer));
      conn.close();
    }
  })();
  const dir = await Deno.makeTempDir();
  const url = `http://${hostname}:${(listener.addr as Deno.NetAddr).port}/file`;
  const run = () =>
    runExample("download.ts", ["--dir", dir, url], [
      "--allow-net",
      "--allow-read",
      "--allow-write",
    ]);
  const cut = await run();
  assertEquals(cut.code, 1);
  assertMatch(cut.stdout, /^file: .*after 3 of 6 bytes of its body\n$/);
  assertEquals(await Deno.readTextFile(`${dir}/file.part`), "abc");
  isCut = false;
  const { code, stdout } = await run();
  assertEquals([code, stdout], [0, "file: 6 bytes, 3 of which were there\n"]);
  assertEquals(await Deno.readTextFile(`${dir}/file`), "abcdef");
  listener.close();
  await accepting;
  await Deno.remove(dir, { recursive: true });
});

Deno.test("crawl.ts visits what is linked, not too deep and not elsewhere, and finds broken links", async () => {
  const html = { "content-type": "text/html" };
  const pages: Record<string, () => Response> = {
    "/": () =>
      new Response(
        `<a href="/a">a</a> <A class=x HREF='b?x=1&amp;y=2#there'>b</A> <a href=/a#again>a</a> <a href=/private/x>no</a>
         <a href="/private/open">yes</a> <a href="http://127.0.0.1:1/">elsewhere</a> <a href="mailto:a@b">mail</a>`,
        { headers: html },
      ),
    "/a": () => new Response(null, { status: 301, headers: { location: "/moved" } }),
    "/moved": () =>
      new Response(`<a href="/deep">deep</a><a href="/missing">m</a>`, { headers: html }),
    "/b": () => new Response("12345"),
    "/private/open": () => new Response("open"),
    "/robots.txt": () =>
      new Response(
        "User-agent: *\nDisallow: /private/ # secret\nAllow: /private/open\n\nUser-agent: other\nDisallow: /\n",
      ),
    "/deep": () => new Response(`<a href="/deeper">deeper</a>`, { headers: html }),
  };
  await using server = served((request) =>
    pages[new URL(request.url).pathname]?.() ?? new Response(null, { status: 404 })
  );
  const { code, stdout, stderr } = await runExample("crawl.ts", ["--delay", "1", `${server.url}/`]);
  assertEquals([code, stderr], [1, ""]);
  const lines = stdout.replaceAll(server.url, "").replaceAll(/ +/g, " ").trim().split("\n");
  const end = lines.splice(-2);
  assertEquals(lines[0], "200 226 /");
  assertEquals(
    lines.slice(1).sort(),
    [
      "200 4 /private/open",
      "200 5 /b?x=1&y=2",
      "200 48 /moved",
      "200 28 /deep",
      "301 0 /a",
      "404 0 /missing",
      "robots /private/x",
    ].sort(),
  );
  assertEquals(end, ["Broken: 404 /missing from /moved", "8 links, 1 broken"]);
  const { pathname } = new URL(server.asked[0]!.url);
  assertEquals(pathname, "/robots.txt");
});

Deno.test("crawl.ts asks a host only now and then, and so many at once at most", async () => {
  const times: number[] = [];
  let now = 0, most = 0;
  await using server = served(async ({ url }) => {
    times.push(performance.now());
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 60));
    now--;
    if (new URL(url).pathname !== "/") return new Response("page");
    const links = Array.from({ length: 6 }, (_, i) => `<a href="/${i}">${i}</a>`);
    return new Response(links.join(), { headers: { "content-type": "text/html" } });
  });
  const args = ["--delay", "20", "--at-once", "2", server.url];
  const { code, stdout } = await runExample("crawl.ts", args);
  assertEquals([code, stdout.trim().split("\n").length, most], [0, 8, 2]);
  assert(times.at(-1)! - times[0]! > 100); // 7 times 20 ms, less what the way here may shorten.
});

Deno.test("health_check.ts tells by its exit code whether all servers are well", async () => {
  await using server = served(async (request) => {
    switch (new URL(request.url).pathname) {
      case "/slow":
        await new Promise((resolve) => setTimeout(resolve, 600));
        return new Response();
      case "/bad":
        return new Response(null, { status: 503 });
      default:
        return new Response(new Uint8Array(100_000));
    }
  });
  const well = await runExample("health_check.ts", [server.url, `${server.url}/other`]);
  assertEquals([well.code, well.stderr], [0, ""]);
  assertMatch(well.stdout, /\n2 of 2 are well\n$/);
  using closed = Deno.listen({ hostname, port: 0 });
  const { port } = closed.addr as Deno.NetAddr;
  closed.close();
  const { code, stdout } = await runExample("health_check.ts", [
    ...["--timeout", "300", server.url, `${server.url}/slow`, `${server.url}/bad`],
    `http://${hostname}:${port}/`,
  ]);
  assertEquals(code, 1);
  for (
    const line of [
      /^well +\d+ ms +\S+\/ +200 OK$/m,
      /^FAIL +\d+ ms +\S+\/slow +.*it took longer than 300 ms$/m,
      /^FAIL +\d+ ms +\S+\/bad +503 Service Unavailable$/m,
      /^FAIL +\d+ ms +\S+ +.*refused/m,
      /^1 of 4 are well$/m,
    ]
  ) assertMatch(stdout, line);
});
