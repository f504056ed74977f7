/**
 * Makes the site in site/: the guides by VitePress, the API pages by `deno doc`.
 *
 *     deno task docs [--serve]
 */
import { HttpServer } from "@weightless/io/http";
import { files } from "@weightless/io/http/files";
import { Reactor } from "@weightless/io/reactor";
import { build } from "vitepress";
import { writeApi } from "./api.ts";

await build("docs");
await writeApi("site/api");

if (Deno.args.includes("--serve")) {
  using reactor = new Reactor();
  const at = { hostname: "127.0.0.1", port: 8000 };
  console.log(new HttpServer(reactor, { ...at, handler: files("site") }).url);
  await reactor.run();
}
