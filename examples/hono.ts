/**
 * A guest book with hono: routes, a middleware and a form. Any `(request) => Response` can be served this way.
 *
 *     deno run --allow-net examples/hono.ts [--port 8007]
 */
import { Hono } from "npm:hono@^4";
import { html } from "npm:hono@^4/html";
import { fetchHandler, HttpServer } from "@weightless/io/http";
import { options, port, selector, serve } from "./_cli.ts";

/** How many entries are kept, and how long they may be. */
const MAX_ENTRIES = 100;
const MAX_LENGTH = 200;

const entries: string[] = [];

const app = new Hono()
  .use(async ({ header }, next) => {
    const begin = performance.now();
    await next();
    header("server-timing", `app;dur=${(performance.now() - begin).toFixed(1)}`);
  })
  .get("/", (context) =>
    context.html(html`
      <!doctype html>
      <meta charset="utf-8">
      <title>Guest book</title>
      <form method="post">
        <input name="entry" maxlength="${MAX_LENGTH}" required autofocus>
        <button>Write</button>
      </form>
      <ol>${entries.map((entry) => html`<li>${entry}</li>`)}</ol>
    `))
  .post("/", async (context) => {
    const { entry } = await context.req.parseBody();
    if (typeof entry !== "string" || entry === "" || entry.length > MAX_LENGTH) {
      return context.text(`An entry has 1 to ${MAX_LENGTH} characters\n`, 400);
    }
    entries.push(entry);
    if (entries.length > MAX_ENTRIES) entries.shift();
    return context.redirect("/", 303);
  })
  .get("/entries", (context) => context.json(entries))
  .get("/entries/:number{\\d+}", (context) => {
    const entry = entries[Number(context.req.param("number")) - 1];
    return entry === undefined ? context.notFound() : context.text(`${entry}\n`);
  });

const given = options(
  "hono.ts [--port 8007] [--hostname 127.0.0.1] [--selector auto|deno|epoll]",
  { port: "8007", hostname: "127.0.0.1", selector: "auto" },
);
const at = { hostname: given.hostname, port: port(given.port) };
await serve(
  { selector: selector(given.selector) },
  (reactor) =>
    new HttpServer(reactor, {
      ...at,
      limits: { maxBodyBytes: 10_000 },
      handler: fetchHandler(app.fetch),
    }).url,
);
