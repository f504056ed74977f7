/** files() and the file server of `@std/http` answer alike, but for what is listed here, each with its reason. */
import { assertEquals } from "@std/assert";
import { serveDir } from "@std/http/file-server";
import { HttpServer } from "../../http/mod.ts";
import { files } from "../../http/files/mod.ts";
import { listening } from "../_sockets.ts";
import { serverTest } from "./_live.ts";

const MODIFIED = new Date("2026-01-02T03:04:05.000Z");
const DATE = MODIFIED.toUTCString();
const EPOCH = new Date(0).toUTCString();

const FILES: Record<string, string> = {
  "index.html": "<h1>The root",
  "dir/index.html": "<h1>A directory",
  "empty/sub/file.txt": "",
  "a.txt": "hello world",
  "a b.txt": "a space",
  "é.txt": "an accent",
  "zero.txt": "",
  "app.js": "1",
  "style.css": "a {}",
  "data.json": "{}",
  "picture.png": "PNG",
  "picture.svg": "<svg/>",
  "program.wasm": "WASM",
  ".hidden": "a secret",
  ".well-known/security.txt": "Contact:",
};

/** What is compared of an answer. */
interface Facts {
  status: number;
  type: string | null;
  range: string | null;
  location: string | null;
  modified: string | null;
  body: string;
}

interface Difference {
  ours: Partial<Facts>;
  theirs: Partial<Facts>;
  why: string;
}

type Row = [request: string, headers?: Record<string, string>, difference?: Difference];

const WHOLE: Partial<Facts> = { status: 200, body: "hello world" };
const REFUSED: Partial<Facts> = { status: 412 };
const REDIRECTED: Partial<Facts> = { status: 301, location: "/a.txt" };

const ROWS: Row[] = [
  ...Object.keys(FILES).filter((name) => !name.startsWith(".") && name !== "data.json")
    .map((name): Row => [`GET /${encodeURI(name)}`]),
  ["GET /data.json", {}, {
    ours: { type: "application/json" },
    theirs: { type: "application/json; charset=utf-8" },
    why: "RFC 8259 11: JSON has no charset",
  }],
  ["HEAD /a.txt"],
  ["GET /"],
  ["GET /dir/"],
  ["GET /dir"],
  ["GET /empty"],
  ["GET /empty/"],
  ["GET /missing"],
  ["GET /missing", { "if-none-match": "*" }],
  ["GET /.hidden"],
  ["GET /.well-known/security.txt", {}, {
    ours: { status: 200, body: "Contact:" },
    theirs: { status: 404 },
    why: "RFC 8615: these are not hidden",
  }],
  ["GET /%2e%2e/secret"],
  ["GET //a.txt", {}, {
    ours: { status: 404 },
    theirs: REDIRECTED,
    why: "RFC 3986 6.2: an empty segment is another path; nothing links there",
  }],
  ["GET /dir%2findex.html", {}, {
    ours: { status: 404 },
    theirs: { status: 200, body: FILES["dir/index.html"]! },
    why: "RFC 3986 2.2: an encoded slash separates nothing; a file has one name",
  }],
  ["POST /a.txt"],
  ["DELETE /missing"],

  ["GET /a.txt", { range: "bytes=0-4" }],
  ["GET /a.txt", { range: "bytes=6-" }],
  ["GET /a.txt", { range: "bytes=6-100" }],
  ["GET /a.txt", { range: "bytes=-5" }],
  ["GET /a.txt", { range: "bytes=-0" }],
  ["GET /a.txt", { range: "bytes=11-" }],
  ["GET /a.txt", { range: "bytes=x" }],
  ["GET /a.txt", { range: "lines=1-2" }],
  ["HEAD /a.txt", { range: "bytes=0-4" }],
  ["GET /a.txt", { range: "bytes=5-2" }, {
    ours: WHOLE,
    theirs: { status: 416, range: "bytes */11" },
    why: "RFC 9110 14.1.1: it is invalid, and an invalid one may be ignored",
  }],
  ["GET /a.txt", { range: "bytes=0-1,3-4" }, {
    ours: { status: 206, range: "bytes 0-4/11", body: "hello" },
    theirs: WHOLE,
    why: "RFC 9110 15.3.7.2: it does not know several ranges; these are one, but for a few bytes",
  }],
  ["GET /a.txt", { range: "bytes=0-4", "if-range": DATE }],
  ["GET /a.txt", { range: "bytes=0-4", "if-range": '"other"' }, {
    ours: WHOLE,
    theirs: { status: 206, range: "bytes 0-4/11", body: "hello" },
    why: "RFC 9110 13.1.5: it does not know If-Range, and sends a part of another file",
  }],

  ["GET /a.txt", { "if-modified-since": DATE }],
  ["GET /a.txt", { "if-modified-since": EPOCH }],
  ["GET /a.txt", { "if-modified-since": "yesterday" }],
  ["GET /a.txt", { "if-none-match": "*" }],
  ["GET /a.txt", { "if-none-match": '"other"' }],
  ["GET /a.txt", { "if-none-match": '"other"', "if-modified-since": DATE }],
  ["GET /a.txt", { "if-match": "*" }],
  ["GET /a.txt", { "if-match": '"other"' }, {
    ours: REFUSED,
    theirs: WHOLE,
    why: "RFC 9110 13.1.1: it does not know If-Match",
  }],
  ["GET /a.txt", { "if-unmodified-since": EPOCH }, {
    ours: REFUSED,
    theirs: WHOLE,
    why: "RFC 9110 13.1.4: it does not know If-Unmodified-Since",
  }],
];

async function factsOf(response: Response, url: string): Promise<Facts> {
  const { status, headers } = response;
  const text = await response.text();
  const location = headers.get("location");
  const isSent = status === 200 || status === 206;
  return {
    status,
    type: isSent ? headers.get("content-type")!.toLowerCase() : null,
    range: headers.get("content-range"),
    location: location === null ? null : new URL(location, url).pathname,
    modified: isSent || status === 304 ? headers.get("last-modified") : null,
    body: isSent ? text : "",
  };
}

serverTest("files() answers as @std/http/file-server does, but for what is listed", async (
  reactor,
  errors,
) => {
  const root = await Deno.makeTempDir();
  for (const [name, content] of Object.entries(FILES)) {
    const path = `${root}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, content);
    await Deno.utime(path, MODIFIED, MODIFIED);
  }
  const server = new HttpServer(reactor, { ...listening, handler: files(root) });
  for (const [line, headers = {}, difference] of ROWS) {
    const [method, path] = line.split(" ");
    const url = server.url.replace(/\/$/, "") + path;
    const request = () => new Request(url, { method: method!, headers, redirect: "manual" });
    const ours = await factsOf(await fetch(request()), url);
    const theirs = await factsOf(await serveDir(request(), { fsRoot: root, quiet: true }), url);
    const what = `${line} ${JSON.stringify(headers)}`;
    if (difference === undefined) {
      assertEquals(ours, theirs, what);
      continue;
    }
    const found = (facts: Facts, listed: Partial<Facts>) =>
      Object.fromEntries(Object.keys(listed).map((name) => [name, facts[name as keyof Facts]]));
    assertEquals(found(ours, difference.ours), difference.ours, `ours: ${what}`);
    assertEquals(found(theirs, difference.theirs), difference.theirs, `theirs: ${what}`);
  }
  await Deno.remove(root, { recursive: true });
  assertEquals(errors, []);
});
