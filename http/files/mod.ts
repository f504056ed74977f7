/**
 * Files over HTTP: a directory as a handler, or as a component.
 *
 * Start with {@linkcode files}, which makes a handler for an `HttpServer`. {@linkcode FileServer} is
 * the same as a component of a DNA.
 *
 * It is an entry of its own because it takes the media types from an npm package,
 * [mime](https://www.npmjs.com/package/mime). Nothing else of this library needs one.
 *
 * ```ts
 * import { serveHttp } from "@weightless/io/http";
 * import { files } from "@weightless/io/http/files";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const root = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${root}/index.html`, "<h1>Hello</h1>");
 * const protocol = serveHttp(files(root, { precompressed: ["br", "gzip"] }));
 * protocol.next();
 * const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
 * assertStringIncludes(String(protocol.next(request).value), "content-type: text/html");
 * await Deno.remove(root, { recursive: true });
 * ```
 *
 * @module
 */
export * from "./file_server.ts";
export * from "./files.ts";
export * from "./files_options.ts";
