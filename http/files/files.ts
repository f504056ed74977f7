import type { HttpHandler } from "../http_handler.ts";
import { served } from "./_served.ts";
import { siteOf } from "./_site.ts";
import type { FilesOptions } from "./files_options.ts";

/**
 * Makes a handler that serves the files of a directory to GET and HEAD.
 *
 * - The kernel sends large files by itself, ranges of them as well, on Linux with `--allow-ffi`.
 * - Conditional requests (304, 412) by ETag and Last-Modified; one range or several (206, 416), with
 *   If-Range. The ETag is made of the size and of the time when the file was modified. It is weak
 *   for two seconds after that.
 * - The media type is that of the name's extension. Text is UTF-8.
 * - What is not there is 404, what must not be read 403. It is 503 while there are no descriptors.
 * - Nothing outside of the root is ever served: not by `..`, however it is encoded, nor by a link.
 *   Neither are devices, FIFOs or sockets.
 * - A file that is removed or replaced while it is sent is sent as it was. If it becomes shorter, the
 *   connection is cut, or the answer is 500 if nothing has been sent. The client never gets more bytes
 *   than were announced.
 *
 * Files are opened synchronously, which takes some microseconds on a local disk: a thread for each
 * takes longer. So do not serve a network disk that may hang. Without `--allow-ffi`, or if there are
 * links in the root, whoever may make links or FIFOs there must be trusted: between the look at a
 * path and its opening there are some microseconds.
 *
 * @param root The directory, as a path or a `file:` URL. It must be there; what is in it may change.
 * @param options What else is served, and how.
 * @returns The handler, for `HttpServer` or `serveHttp()`.
 * @throws {TypeError} If an option makes no sense, or the root is no directory.
 * @throws {Deno.errors.NotFound} If there is no such root.
 *
 * @example A server of files
 * ```ts
 * import { HttpServer } from "@weightless/io/http";
 * import { files } from "@weightless/io/http/files";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const root = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${root}/hello.txt`, "Hello, World!");
 * using reactor = new Reactor();
 * const running = reactor.run();
 * using server = new HttpServer(reactor, {
 *   port: 0,
 *   hostname: "127.0.0.1",
 *   handler: files(root, { cacheControl: "max-age=60" }),
 * });
 * const url = new URL("/hello.txt", server.url);
 * const answer = await fetch(url, { headers: { range: "bytes=7-11" } });
 * assertEquals(answer.status, 206);
 * assertEquals(answer.headers.get("content-type"), "text/plain; charset=utf-8");
 * assertEquals(await answer.text(), "World");
 * reactor.requestShutdown();
 * await running;
 * await Deno.remove(root, { recursive: true });
 * ```
 *
 * @category Files
 */
export function files(root: string | URL, options: FilesOptions = {}): HttpHandler {
  const site = siteOf(root, options);
  return (request) => served(site, request, false);
}
