/**
 * Downloads: GET and HEAD of the files of a directory over HTTP/1.1. The kernel sends them, if this is Linux and
 * `--allow-ffi` is given; else they are copied.
 *
 *     deno run --allow-net --allow-ffi --allow-read=DIR examples/send_file.ts --dir DIR [--port 8001]
 *     curl -O http://127.0.0.1:8001/some/file
 */
import type { Coroutine } from "@weightless/io/compose";
import { type HttpRequest, HttpServer, methodNotAllowed, ok, response } from "@weightless/io/http";
import { here, sendFile } from "@weightless/io/reactor";
import { ofDirectory, options, port, selector, serve } from "./_cli.ts";
import { sayIfCopied } from "./_reported.ts";

/** Answers a request with a file of the directory. */
function* download(directory: string, { method, path }: HttpRequest): Coroutine {
  if (method !== "GET" && method !== "HEAD") return yield methodNotAllowed(method, ["GET", "HEAD"]);
  let found: Deno.FsFile | undefined;
  try {
    found = find(directory, path);
  } catch (error) {
    console.error(`Cannot open a file: ${(error as Error).message}`);
    return yield response(503);
  }
  using file = found;
  if (file === undefined) return yield response(404);
  const { size } = file.statSync();
  yield ok({ "content-length": size });
  yield* sendFile(here, file, { length: size });
}

/** Opens the file that is meant: undefined if there is none, or it is elsewhere, by `..` or by a link. */
function find(directory: string, path: string): Deno.FsFile | undefined {
  try {
    const found = Deno.realPathSync(directory + decodeURIComponent(path));
    const isInside = found.startsWith(directory === "/" ? "/" : `${directory}/`);
    return isInside && Deno.statSync(found).isFile ? Deno.openSync(found) : undefined;
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
const directory = ofDirectory(given.dir, Deno.realPathSync);
await serve({ selector: selector(given.selector) }, (reactor) => {
  sayIfCopied();
  return new HttpServer(reactor, {
    ...at,
    handler: (request) => download(directory, request),
  });
});
