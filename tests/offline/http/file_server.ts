/** The part of `@std/http/file-server` that the tests use, over `send`, which knows more. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { posix } from "node:path";
import send from "npm:send@^1";

export interface ServeDirOptions {
  fsRoot?: string;
  quiet?: boolean;
}

export async function serveDir(
  request: Request,
  { fsRoot = "." }: ServeDirOptions = {},
): Promise<Response> {
  const { method } = request;
  const url = new URL(request.url);
  const normal = posix.normalize(url.pathname);
  if (method !== "GET" && method !== "HEAD") return new Response(null, { status: 405 });
  if (normal !== url.pathname) return Response.redirect(new URL(normal, url), 301);
  const headers = new Headers(request.headers);
  for (const name of ["if-match", "if-range", "if-unmodified-since"]) headers.delete(name);
  if (method === "HEAD") headers.delete("range");

  const server = createServer((incoming, outgoing) => {
    send(incoming, url.pathname, { root: fsRoot, dotfiles: "ignore" }).pipe(outgoing);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const target = `http://127.0.0.1:${port}${url.pathname}`;
    const response = await fetch(target, { method, headers, redirect: "manual" });
    const body = await response.bytes();
    return new Response(body.length > 0 ? body : null, response);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
