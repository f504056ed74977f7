/**
 * An application as DNA: public pages, an area with a password, and one for this machine only.
 *
 *     deno run --allow-net examples/application.ts [--port 8000] [--hostname 127.0.0.1] [--selector auto]
 *         [--user ada --password secret] [--admin 127.0.0.1]
 */
import type { Coroutine } from "@weightless/io/compose";
import {
  ApacheLogger,
  BasicAuthentication,
  HttpProtocol,
  type HttpRequest,
  IpFilter,
  knownUsers,
  methodNotAllowed,
  ok,
  PathFilter,
  PathRename,
  Server,
} from "@weightless/io/http";
import { be, Observable, type Strand } from "@weightless/io/pipeline";
import { options, port, selector, serve } from "./_cli.ts";

/** Answers with what a function gives: text, or anything else as JSON. */
class Page extends Observable {
  constructor(readonly content: () => unknown) {
    super();
  }

  *processRequest({ method }: HttpRequest): Coroutine {
    if (method !== "GET" && method !== "HEAD") {
      return yield methodNotAllowed(method, ["GET", "HEAD"]);
    }
    const content = this.content();
    const isText = typeof content === "string";
    yield ok({ "content-type": isText ? "text/plain; charset=utf-8" : "application/json" });
    yield isText ? content : JSON.stringify(content);
  }
}

const given = options("application.ts [--port 8000] [--user ada --password secret] …", {
  port: "8000",
  hostname: "127.0.0.1",
  selector: "auto",
  user: "ada",
  password: "secret",
  admin: "127.0.0.1",
});

await serve(
  { selector: selector(given.selector) },
  (reactor) => {
    const server = new Server(reactor, { port: port(given.port), hostname: given.hostname });
    const check = knownUsers({ [given.user]: given.password });
    const users = new BasicAuthentication({ realm: "members", check });
    const greeting = () => `Hello, ${BasicAuthentication.user.get()}!\n`;

    const members: Strand = [new PathFilter(["/members"]), [users, [new Page(greeting)]]];
    const admin: Strand = [
      new PathFilter(["/admin"]),
      [new IpFilter({ allow: [given.admin] }), [new Page(() => server.statistics())]],
    ];
    const others = new PathFilter(["/"], { excluding: ["/members", "/admin"] });
    const site: Strand = [others, [new Page(() => "Hello!\n")]];
    // The members had another path formerly.
    const rename = new PathRename((path) => path.replace(/^\/private(?=\/|$)/, "/members"));

    be([
      server,
      [new HttpProtocol(), [new ApacheLogger(console.log), [rename, members, admin, site]]],
    ]);
    return server;
  },
);
