import type { Coroutine } from "../../compose/mod.ts";
import { Observable } from "../../pipeline/mod.ts";
import type { HttpRequest } from "../http_request.ts";
import { served } from "./_served.ts";
import { type Site, siteOf } from "./_site.ts";
import type { FilesOptions } from "./files_options.ts";

/**
 * {@linkcode files} as a component, for an `HttpProtocol`.
 *
 * It declines requests for what is not there, so the next observer is asked: another file server, or
 * whatever answers the rest.
 *
 * @example Files of two directories
 * ```ts
 * import { HttpProtocol, Server } from "@weightless/io/http";
 * import { FileServer } from "@weightless/io/http/files";
 * import { be } from "@weightless/io/pipeline";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const [own, shared] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
 * await Deno.writeTextFile(`${shared}/style.css`, "body {}");
 * using reactor = new Reactor();
 * const server = be([
 *   new Server(reactor, { hostname: "127.0.0.1", port: 0 }),
 *   [new HttpProtocol(), [new FileServer(own)], [new FileServer(shared)]],
 * ]);
 * const running = reactor.run();
 * const answer = await fetch(new URL("/style.css", server.url));
 * assertEquals(await answer.text(), "body {}");
 * const missing = await fetch(new URL("/missing", server.url));
 * assertEquals([missing.status, await missing.text()], [404, "Not Found"]);
 * reactor.requestShutdown();
 * await running;
 * for (const root of [own, shared]) await Deno.remove(root, { recursive: true });
 * ```
 *
 * @category Files
 */
export class FileServer extends Observable {
  readonly #site: Site;

  /**
   * Makes a component that serves the files of a directory.
   *
   * @param root The directory, as a path or a `file:` URL. It must be there; what is in it may change.
   * @param options What else is served, and how, as for {@linkcode files}.
   * @throws {TypeError} If an option makes no sense, or the root is no directory.
   * @throws {Deno.errors.NotFound} If there is no such root.
   */
  constructor(root: string | URL, options: FilesOptions = {}) {
    super();
    this.#site = siteOf(root, options);
  }

  /**
   * Answers a request with a file.
   *
   * @param request The request.
   * @returns The coroutine that answers it.
   * @throws {DeclineMessage} If there is no such file.
   */
  processRequest(request: HttpRequest): Coroutine {
    return served(this.#site, request, true);
  }
}
