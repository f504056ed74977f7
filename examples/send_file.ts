/**
 * Downloads: GET and HEAD of the files of a directory over HTTP/1.1, one for each connection. The kernel sends them, if this
 * is Linux and `--allow-ffi` is given; else they are copied.
 *
 *     deno run --allow-net --allow-ffi --allow-read=DIR examples/send_file.ts --dir DIR [--port 8001]
 *     curl -O http://127.0.0.1:8001/some/file
 */
import { call, type Coroutine, readUntil } from "@weightless/io/compose";
import { gio, timeout } from "@weightless/io/gio";
import { Acceptor, here, Reactor, sendFile } from "@weightless/io/reactor";
import { fail, options, port, selector, serve } from "./_cli.ts";
import { name, sayIfCopied } from "./_reported.ts";

/** Serves one connection. For keep-alive and all else there is to HTTP, see hello.ts. */
function* download(directory: string): Coroutine {
  let request: string;
  try {
    using _ = timeout(10_000);
    request = yield* call(readUntil("\r\n\r\n", 16 * 1024));
  } catch {
    return yield head("400 Bad Request");
  }
  // RFC 9112 3: request-line = method SP request-target SP HTTP-version
  const [, method, target] = /^([^ ]+) (\/[^ ]*) HTTP\/1\.\d(?:\r\n|$)/.exec(request) ?? [];
  if (target === undefined) return yield head("400 Bad Request");
  if (method !== "GET" && method !== "HEAD") return yield head("405 Method Not Allowed");
  let found: Deno.FsFile | undefined;
  try {
    found = find(directory, target);
  } catch (error) {
    console.error(`Cannot open a file: ${(error as Error).message}`);
    return yield head("503 Service Unavailable");
  }
  using file = found;
  if (file === undefined) return yield head("404 Not Found");
  const { size } = file.statSync();
  yield head("200 OK", size);
  if (method === "GET") yield* sendFile(here, file, { length: size });
}

function head(status: string, length = 0): string {
  const date = new Date().toUTCString();
  return `HTTP/1.1 ${status}\r\ndate: ${date}\r\nallow: GET, HEAD\r\ncontent-length: ${length}\r\n` +
    `connection: close\r\n\r\n`;
}

/** Opens the file that is meant: undefined if there is none, or it is elsewhere, by `..` or by a link. */
function find(directory: string, target: string): Deno.FsFile | undefined {
  try {
    const path = Deno.realPathSync(directory + decodeURIComponent(target.replace(/\?.*/, "")));
    const isInside = path.startsWith(directory === "/" ? "/" : `${directory}/`);
    return isInside && Deno.statSync(path).isFile ? Deno.openSync(path) : undefined;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "EMFILE" || code === "ENFILE") throw error;
    return undefined; // Not there, not permitted, or not a path.
  }
}

const given = options(
  "send_file.ts --dir DIR [--port 8001] [--hostname 127.0.0.1] [--selector auto|deno|epoll]",
  { dir: "", port: "8001", hostname: "127.0.0.1", selector: "auto" },
);
const at = { hostname: given.hostname, port: port(given.port) };
let directory: string;
try {
  directory = Deno.realPathSync(given.dir);
} catch (error) {
  fail(`Cannot serve --dir "${given.dir}": ${(error as Error).message}`);
}
await serve(() => new Reactor({ selector: selector(given.selector) }), (reactor) => {
  const acceptor = new Acceptor(reactor, at, (client) => {
    gio(reactor, client, download(directory));
  });
  sayIfCopied();
  return `http://${name({ hostname: at.hostname, port: acceptor.port })}/`;
});
