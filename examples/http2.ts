/**
 * HTTP/2: a page with 200 small images, which come on one connection, all at once. The page says how many came by which
 * protocol. Nothing in the program is about HTTP/2: browsers choose it by TLS, and curl does.
 *
 *     deno run --allow-net --allow-read examples/http2.ts --cert cert.pem --key key.pem [--port 8443] [--hostname 127.0.0.1]
 *     curl --insecure --http2 --write-out '%{http_version}\n' https://127.0.0.1:8443/tile/1.svg
 *
 * The certificate and its key are in PEM format. For a trial:
 *
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
 *         -keyout key.pem -out cert.pem
 */
import type { Coroutine } from "@weightless/io/compose";
import { type HttpRequest, HttpServer, methodNotAllowed, ok, response } from "@weightless/io/http";
import { options, port, selector, serve } from "./_cli.ts";

const TILES = 200;

const html = ok({ "content-type": "text/html; charset=utf-8" });

const page = `<!doctype html>
<meta charset="utf-8">
<title>HTTP/2</title>
<link rel="icon" href="data:,">
<style>img { width: 40px; height: 40px; margin: 1px }</style>
<p id="result">…</p>
${Array.from({ length: TILES }, (_, i) => `<img src="/tile/${i + 1}.svg" alt="">`).join("\n")}
<script>
  addEventListener("load", () => {
    const tiles = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".svg"));
    const count = {}, connections = new Set();
    for (const { nextHopProtocol, serverTiming } of tiles) {
      count[nextHopProtocol] = (count[nextHopProtocol] ?? 0) + 1;
      connections.add(serverTiming[0].description);
    }
    const protocols = Object.entries(count).map(([protocol, n]) => n + " images by " + protocol);
    const began = Math.min(...tiles.map(({ startTime }) => startTime));
    const ended = Math.max(...tiles.map(({ responseEnd }) => responseEnd));
    document.getElementById("result").textContent =
      protocols.join(", ") + "; connections: " + connections.size + "; " + Math.round(ended - began) + " ms";
  });
</script>
`;

function tile(n: number): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">
<rect width="40" height="40" fill="hsl(${n * 360 / TILES} 70% 75%)"/>
<text x="20" y="26" text-anchor="middle" font-family="sans-serif" font-size="16">${n}</text>
</svg>
`;
}

function* handler({ method, path, connection: { remoteAddr } }: HttpRequest): Coroutine {
  if (method !== "GET" && method !== "HEAD") return yield methodNotAllowed(method, ["GET", "HEAD"]);
  if (path === "/") {
    yield html;
    return yield page;
  }
  const n = Number(/^\/tile\/(\d{1,3})\.svg$/.exec(path)?.[1]);
  if (!(n >= 1 && n <= TILES)) return yield response(404);
  // The client's port tells connections apart. A page can read this header of its images, and no other one.
  const client = (remoteAddr as Deno.NetAddr).port;
  yield ok({ "content-type": "image/svg+xml", "server-timing": `client;desc="${client}"` });
  yield tile(n);
}

const given = options(
  "http2.ts --cert FILE --key FILE [--port 8443] [--hostname 127.0.0.1] [--selector auto|deno|epoll]",
  { cert: "", key: "", port: "8443", hostname: "127.0.0.1", selector: "auto" },
);
const at = { hostname: given.hostname, port: port(given.port) };
await serve(
  { selector: selector(given.selector) },
  (reactor) => {
    const [cert, key] = [Deno.readTextFileSync(given.cert), Deno.readTextFileSync(given.key)];
    return new HttpServer(reactor, { ...at, cert, key, handler });
  },
);
