/**
 * Serves a directory over HTTP/1.1: its files, ranges of them, and pages that list them. The kernel sends large files, if
 * this is Linux and `--allow-ffi` is given; else they are copied.
 *
 *     deno run --allow-net --allow-ffi --allow-read=DIR examples/files.ts --dir DIR [--port 8006]
 *     curl -r 0-99 http://127.0.0.1:8006/some/file
 */
import { commonLog, HttpServer } from "@weightless/io/http";
import { files } from "@weightless/io/http/files";
import { ofDirectory, options, port, selector, serve } from "./_cli.ts";
import { sayIfCopied } from "./_reported.ts";

const given = options(
  "files.ts --dir DIR [--port 8006] [--hostname 127.0.0.1] [--selector auto|deno|epoll]",
  { dir: "", port: "8006", hostname: "127.0.0.1", selector: "auto" },
);
const at = { hostname: given.hostname, port: port(given.port) };
const handler = ofDirectory(
  given.dir,
  (dir) => files(dir, { listing: true, precompressed: ["br", "gzip"] }),
);
await serve({ selector: selector(given.selector) }, (reactor) => {
  sayIfCopied();
  return new HttpServer(reactor, {
    ...at,
    handler,
    accessLog: (entry) => console.log(commonLog(entry)),
  });
});
