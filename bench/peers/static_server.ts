/**
 * Serves the files of a folder.
 *
 *     deno run -A bench/peers/static_server.ts FOLDER weightless|Deno.serve [auto|deno|epoll]
 *
 * Prints where it listens. `Deno.serve` streams an open file, as its documentation shows, with the headers that any
 * server of files sends.
 */
import { HttpServer } from "../../http/mod.ts";
import { files } from "../../http/files/mod.ts";
import { Reactor } from "../../reactor/mod.ts";

const hostname = "127.0.0.1";
const [folder, means, selector] = Deno.args as [string, string, ("auto" | "deno" | "epoll")?];

if (means === "weightless") {
  using reactor = new Reactor({ selector: selector ?? "auto" });
  using server = new HttpServer(reactor, { hostname, port: 0, handler: files(folder) });
  console.log(`Listening on ${server.url}`);
  await reactor.run();
} else {
  Deno.serve({
    hostname,
    port: 0,
    onListen: ({ port }) => console.log(`Listening on ${hostname}:${port}`),
  }, async (request) => {
    const file = await Deno.open(folder + new URL(request.url).pathname);
    const { size, mtime } = await file.stat();
    return new Response(file.readable, {
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(size),
        "last-modified": mtime!.toUTCString(),
        etag: `"${size.toString(16)}-${mtime!.getTime().toString(16)}"`,
      },
    });
  });
}
