/** Servers of other people for the tests of the client: all serve the same folder, or answer the same paths. */
import { file, freePort, startNginx, startOnFreePort } from "../../bench/_ends.ts";
import { type Server, start, stop } from "../../bench/_servers.ts";
import { hostname } from "../_sockets.ts";
import { CERT, KEY } from "../reactor/_tls.ts";

/** A server that runs. */
export interface Peer extends AsyncDisposable {
  /** Where it is, without a slash at the end. */
  origin: string;
  /** Where it is with TLS. */
  secured: string;
  /** The path of its Unix socket, if it has one. */
  socketPath?: string;
  /** Where it is a proxy for `Ada` with the password `x:y`, if it is one. */
  proxy?: string;
}

/** How large the file `/large` is. */
export const LARGE = 3_000_000;
/** What is in the file `/text`, and comes compressed. */
export const TEXT: string = "All work and no play makes Jack a dull boy.\n".repeat(1000);

/** Makes the folder that servers of files serve. */
export async function site(): Promise<string> {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/put`);
  await Deno.writeFile(`${folder}/large`, pattern(LARGE));
  const texts = {
    text: TEXT,
    "text.txt": TEXT,
    hello: "Hello!",
    "hello.txt": "Hello!",
    trailed: "body",
  };
  for (const [name, text] of Object.entries(texts)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  await Deno.writeTextFile(`${folder}/cert.pem`, CERT);
  await Deno.writeTextFile(`${folder}/key.pem`, KEY);
  // The servers may give up the rights of root.
  for (const path of [folder, `${folder}/put`]) await Deno.chmod(path, 0o777);
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile) await Deno.chmod(`${folder}/${name}`, 0o644);
  }
  return folder;
}

/** Bytes that differ from their neighbours. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + (i >> 8);
  return bytes;
}

function peer({ port }: { port: number }, secured: number, end: () => Promise<unknown>): Peer {
  return {
    origin: `http://${hostname}:${port}`,
    secured: `https://${hostname}:${secured}`,
    async [Symbol.asyncDispose]() {
      await end();
    },
  };
}

async function ended(server: Server, folder?: string): Promise<void> {
  await stop(server);
  if (folder !== undefined) await Deno.remove(folder, { recursive: true });
}

/** What nginx serves of a folder. What comes next tells where it listens. */
export function nginxSite(root: string): string[] {
  return [
    "client_max_body_size 5m; default_type application/octet-stream;",
    "types { text/plain txt; } gzip on; gzip_types text/plain; gzip_min_length 100;",
    "server {",
    `ssl_certificate ${root}/cert.pem; ssl_certificate_key ${root}/key.pem;`,
    `root ${root};`,
    "location /put/ { dav_methods PUT DELETE; }",
    "location = /moved { return 301 /hello.txt; }",
    "location = /text { default_type text/plain; }",
    "location = /empty { return 204; }",
    'location = /trailed { add_trailer x y; return 200 "body"; }',
    'location = /limited { limit_rate 1; add_trailer x y; return 200 "slow"; }',
    "location = /closes { keepalive_timeout 0; try_files /hello.txt =404; }",
    "location = /drops { return 444; }",
  ];
}

/** A server of files, which takes those that are sent to `/put/`. */
export async function nginx(): Promise<Peer> {
  const root = await site();
  const secured = freePort();
  const server = await startNginx((port) => [
    "keepalive_requests 1000000;",
    ...nginxSite(root),
    `listen ${hostname}:${port}; listen ${hostname}:${secured} ssl; listen unix:${root}/socket;`,
    "}",
  ]);
  const started = peer(server, secured, () => ended(server, root));
  return Object.assign(started, { socketPath: `${root}/socket` });
}

/** As nginx(), and a proxy. */
export async function httpd(): Promise<Peer> {
  const root = await site();
  const secured = freePort();
  const proxy = freePort();
  const hash = await crypto.subtle.digest("SHA-1", new TextEncoder().encode("x:y"));
  const users = file(`${root}/users`, [`Ada:{SHA}${new Uint8Array(hash).toBase64()}`]);
  await Deno.chmod(users, 0o644);
  const modules = [
    ...[
      "mpm_event",
      "authz_core",
      "mime",
      "filter",
      "deflate",
      "alias",
      "dav",
      "dav_fs",
      "setenvif",
    ],
    ...["socache_shmcb", "ssl", "proxy", "proxy_connect", "proxy_http"],
    ...["authn_core", "authn_file", "auth_basic", "authz_user"],
  ];
  const server = await startOnFreePort("apache2", (port, folder) => [
    "-DFOREGROUND",
    "-f",
    file(`${folder}/httpd.conf`, [
      `ServerRoot ${folder}`,
      `ServerName ${hostname}`,
      `PidFile ${folder}/pid`,
      `DefaultRuntimeDir ${folder}`,
      `ErrorLog ${folder}/errors`,
      ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
      ...(Deno.uid() === 0 ? ["User www-data", "Group www-data"] : []),
      `Listen ${hostname}:${port}`,
      `Listen ${hostname}:${secured}`,
      `Listen ${hostname}:${proxy}`,
      "StartServers 1",
      "ServerLimit 1",
      "ThreadsPerChild 25",
      "MaxRequestWorkers 25",
      "KeepAlive On",
      "MaxKeepAliveRequests 0",
      "LimitRequestBody 5242880",
      "TypesConfig /dev/null",
      "AddType text/plain .txt",
      "AddOutputFilterByType DEFLATE text/plain",
      `DavLockDB ${root}/put/.lock`,
      `DocumentRoot ${root}`,
      `<Directory ${root}>`,
      "Require all granted",
      "</Directory>",
      "<Location /put>",
      "Dav On",
      "</Location>",
      "Redirect permanent /moved /hello.txt",
      `Alias /closes ${root}/hello.txt`,
      "SetEnvIf Request_URI ^/closes$ nokeepalive",
      `<VirtualHost ${hostname}:${secured}>`,
      "SSLEngine on",
      `SSLCertificateFile ${root}/cert.pem`,
      `SSLCertificateKeyFile ${root}/key.pem`,
      "</VirtualHost>",
      `<VirtualHost ${hostname}:${proxy}>`,
      "ProxyRequests On",
      "AllowCONNECT 1024-65535",
      "<Proxy *>",
      "AuthType Basic",
      "AuthName proxy",
      `AuthUserFile ${users}`,
      "Require valid-user",
      "</Proxy>",
      "</VirtualHost>",
    ]),
  ]);
  const started = peer(server, secured, () => ended(server, root));
  return Object.assign(started, { proxy: `http://Ada:x%3Ay@${hostname}:${proxy}` });
}

/** The handler of a program in Node, for both node:http and node:http2. */
export const NODE_HANDLER: string = `
const { cert, key } = JSON.parse(process.argv[1]);
const text = ${JSON.stringify(TEXT)};
${pattern}
const large = pattern(${LARGE});
const refused = new Set();
const handler = (request, response) => {
  // HTTP/2 has streams.
  const { stream } = response;
  switch (request.url.split("?")[0]) {
    case "/hello":
      return response.end("Hello!");
    case "/large":
      response.setHeader("content-length", large.length);
      return response.end(large);
    case "/empty":
      response.writeHead(204);
      return response.end();
    case "/never":
      return;
    case "/pieces":
      response.write("one, ");
      return setTimeout(() => { response.write("two, "); setTimeout(() => response.end("three"), 5); }, 5);
    case "/trailed":
      response.writeHead(200, { trailer: "x" });
      response.write("body");
      response.addTrailers({ x: "y" });
      return response.end();
    case "/hinted":
      response.writeEarlyHints({ link: "</a>; rel=preload" });
      return response.end("hinted");
    case "/cut":
      response.writeHead(200, { "content-length": 100 });
      response.write("part");
      return setTimeout(() => stream ? stream.close(2) : request.socket.destroy(), 5);
    case "/closes":
      response.shouldKeepAlive = false;
      return response.end("closed");
    case "/refuses":
      response.writeHead(413, stream ? {} : { connection: "close" });
      return response.end("too large");
    case "/text":
      response.setHeader("content-encoding", "gzip");
      return response.end(require("node:zlib").gzipSync(text));
    case "/moved":
      response.writeHead(307, { location: "/echo" });
      return response.end();
    case "/old": // HTTP_1_1_REQUIRED
      return stream ? stream.close(13) : response.end("old");
    case "/refused": // REFUSED_STREAM, once for each query
      if (!refused.has(request.url)) {
        refused.add(request.url);
        return stream.close(7);
      }
      // falls through
    case "/both":
    case "/echo":
      response.setHeader("x-method", request.method);
      return request.pipe(response);
  }
  response.writeHead(404);
  response.end("none");
};
`;

const PROGRAM = `
const http = require("node:http"), https = require("node:https");
${NODE_HANDLER}
const servers = [http.createServer(handler), https.createServer({ cert, key }, handler)];
for (const server of servers) {
  server.on("upgrade", (request, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n");
    socket.pipe(socket);
  });
}
servers[1].listen(0, "${hostname}", () => {
  servers[0].listen(0, "${hostname}", () => {
    const [port, secured] = servers.map((server) => server.address().port);
    console.log(\`\${secured} :\${port} \`);
  });
});
`;

/** A program of node:http, in Node. */
export async function node(): Promise<Peer> {
  const secured = freePort();
  const program = PROGRAM.replace(".listen(0,", `.listen(${secured},`);
  const server = await start("node", ["-e", program, JSON.stringify({ cert: CERT, key: KEY })]);
  return peer(server, secured, () => ended(server));
}

/** Answers the same as node(), where it can. */
export async function webHandler(request: Request): Promise<Response> {
  const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const encoder = new TextEncoder();
  switch (new URL(request.url).pathname) {
    case "/hello":
      return new Response("Hello!");
    case "/large":
      return new Response(pattern(LARGE));
    case "/empty":
      return new Response(null, { status: 204 });
    case "/never": {
      const { signal } = request;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      break;
    }
    case "/both":
      return new Response(request.body);
    case "/pieces":
      return new Response(
        new ReadableStream({
          async start(controller) {
            for (const piece of ["one, ", "two, ", "three"]) {
              controller.enqueue(encoder.encode(piece));
              await later(5);
            }
            controller.close();
          },
        }),
      );
    case "/cut":
      return new Response(
        new ReadableStream({
          async start(controller) {
            controller.enqueue(encoder.encode("part"));
            await later(5);
            controller.error(new Error("cut"));
          },
        }),
        { headers: { "content-length": "100" } },
      );
    case "/closes":
      return new Response("closed", { headers: { connection: "close" } });
    case "/refuses":
      return new Response("too large", { status: 413, headers: { connection: "close" } });
    case "/text":
      return new Response(
        new Blob([TEXT]).stream().pipeThrough(new CompressionStream("gzip")),
        { headers: { "content-encoding": "gzip" } },
      );
    case "/moved":
      return new Response(null, { status: 307, headers: { location: "/echo" } });
    case "/echo":
      return new Response(await request.bytes(), { headers: { "x-method": request.method } });
  }
  return new Response("none", { status: 404 });
}

/** Deno.serve. */
export function denoServe(): Promise<Peer> {
  const onListen = () => {};
  const onError = () => new Response(null, { status: 500 });
  const options = { hostname, port: 0, onListen, onError };
  const plain = Deno.serve(options, webHandler);
  const tls = Deno.serve({ ...options, cert: CERT, key: KEY }, webHandler);
  return Promise.resolve(
    peer(plain.addr, tls.addr.port, () => Promise.all([plain.shutdown(), tls.shutdown()])),
  );
}
