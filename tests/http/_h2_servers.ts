/** Servers of HTTP/2, of other people and ours, for the tests of the client. They answer the paths of `_client_peers.ts`. */
import { fileURLToPath } from "node:url";
import { file, freePort, startNginx, startOnFreePort } from "../../bench/_ends.ts";
import { type Server, start, stop } from "../../bench/_servers.ts";
import { call, type Coroutine } from "../../compose/mod.ts";
import {
  fetchHandler,
  type HttpRequest,
  HttpServer,
  ok,
  response,
  trailers,
} from "../../http/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { hostname } from "../_sockets.ts";
import { CERT, KEY } from "../reactor/_tls.ts";
import { nginxSite, NODE_HANDLER, site, webHandler } from "./_client_peers.ts";
import type { Scheme } from "./_h2_peers.ts";

/** A server that runs, by one scheme only. Whoever disposes of it stops it. */
export class H2Server implements AsyncDisposable {
  readonly port: number;
  readonly #stop: () => Promise<unknown>;
  readonly #kill: () => Promise<unknown>;
  #ended: Promise<unknown> | undefined = undefined;

  constructor(port: number, stop: () => Promise<unknown>, kill: () => Promise<unknown> = stop) {
    this.port = port;
    this.#stop = stop;
    this.#kill = kill;
  }

  /** Ends it, in good order if it knows how. */
  stop(): Promise<unknown> {
    return this.#ended ??= this.#stop();
  }

  /** Ends it at once, if it is a process of its own. */
  kill(): Promise<unknown> {
    return this.#ended ??= this.#kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts a server, on any free port unless it is given. */
export type StartH2 = (scheme: Scheme, port?: number) => Promise<H2Server>;

/** So many streams they allow, where that can be chosen. */
export const MAX_STREAMS = 5;

/** What the servers of files serve, and the certificate. */
const root = await site();
addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
const cert = `${root}/cert.pem`, key = `${root}/key.pem`;
Deno.writeTextFileSync(`${root}/both.pem`, CERT + KEY);

function running(server: Server): H2Server {
  return new H2Server(server.port, () => stop(server), () => stop(server, "SIGKILL"));
}

/** A server of files that has trailers with each response. */
export async function nghttpd(scheme: Scheme, port?: number): Promise<H2Server> {
  const server = await startOnFreePort("nghttpd", (port) => [
    ...[`--address=${hostname}`, `--htdocs=${root}`, "--echo-upload", "--trailer=x: y"],
    `--max-concurrent-streams=${MAX_STREAMS}`,
    ...(scheme === "http" ? ["--no-tls", String(port)] : [String(port), key, cert]),
  ], port);
  return running(server);
}

/** A server of files. */
export async function h2o(scheme: Scheme, port?: number): Promise<H2Server> {
  const server = await startOnFreePort("h2o", (port, folder) => {
    const tls = scheme === "http"
      ? ""
      : `, ssl: { certificate-file: ${cert}, key-file: ${key}, ocsp-update-interval: 0 }`;
    const config = [
      "num-threads: 1",
      ...(Deno.uid() === 0 ? ["user: root"] : []),
      "error-log: /dev/null",
      `http2-max-concurrent-requests-per-connection: ${MAX_STREAMS}`,
      `listen: { host: ${hostname}, port: ${port}${tls} }`,
      "compress: ON",
      "hosts:",
      "  default:",
      "    paths:",
      "      /text: { redirect: { url: /text.txt, status: 302, internal: YES } }",
      `      /moved: { redirect: { url: /hello.txt, status: 301, internal: NO } }`,
      `      /: { file.dir: ${root} }`,
    ];
    return ["-c", file(`${folder}/h2o.conf`, config)];
  }, port);
  return running(server);
}

/** A server of files that ends connections after some requests. */
export async function nginx(scheme: Scheme, port?: number): Promise<H2Server> {
  const server = await startNginx(
    (port) => [
      `http2_max_concurrent_streams ${MAX_STREAMS}; keepalive_requests 100;`,
      ...nginxSite(root),
      `listen ${hostname}:${port} http2${{ http: "", https: " ssl" }[scheme]};`,
      "}",
    ],
    [],
    port,
  );
  return running(server);
}

/** A program of node:http2, in Node. With TLS it knows HTTP/1.1 as well. */
export async function node(scheme: Scheme, port: number = 0): Promise<H2Server> {
  const program = `
    const http2 = require("node:http2");
    ${NODE_HANDLER}
    const settings = { maxConcurrentStreams: ${MAX_STREAMS} };
    const options = { settings, maxSessionMemory: 100 };
    const server = ${
    {
      http: "http2.createServer(options, handler)",
      https: "http2.createSecureServer({ ...options, cert, key, allowHTTP1: true }, handler)",
    }[scheme]
  };
    const sessions = new Set();
    server.on("session", (session) => {
      sessions.add(session);
      session.on("close", () => sessions.delete(session));
    });
    server.on("connect", (request, response) => {
      response.writeHead(200);
      request.pipe(response);
    });
    process.on("SIGTERM", () => {
      server.close();
      for (const session of sessions) session.close();
    });
    server.listen(${port}, "${hostname}", () => console.log(\`:\${server.address().port} \`));
  `;
  return running(await start("node", ["-e", program, JSON.stringify({ cert: CERT, key: KEY })]));
}

/** That of the system, for which python3-h2 is installed. */
export const PYTHON = "/usr/bin/python3";

/** A program of python3-h2. */
export async function pythonH2(scheme: Scheme, port: number = 0): Promise<H2Server> {
  const script = fileURLToPath(new URL("_h2_server.py", import.meta.url));
  const tls = scheme === "http" ? [] : [cert, key];
  return running(await start(PYTHON, [script, String(port), ...tls]));
}

/** Deno.serve, in this process. */
export function denoServe(scheme: Scheme, port: number = 0): Promise<H2Server> {
  const tls = scheme === "http" ? {} : { cert: CERT, key: KEY };
  const server = Deno.serve({ hostname, port, onListen() {}, ...tls }, webHandler);
  return Promise.resolve(new H2Server(server.addr.port, () => server.shutdown()));
}

const web = fetchHandler(webHandler);

function* handler(request: HttpRequest): Coroutine {
  switch (request.method === "CONNECT" ? "/both" : request.path) {
    case "/trailed":
      yield ok();
      yield "body";
      return yield trailers({ x: "y" });
    case "/hinted":
      yield response(103, { link: "</a>; rel=preload" });
      yield ok();
      return yield "hinted";
    case "/both":
      yield ok();
      for (;;) yield yield;
    default:
      yield* call(web(request));
  }
}

/** Our own, in this process, with a reactor of its own. */
export function ours(scheme: Scheme, port: number = 0): Promise<H2Server> {
  const reactor = new Reactor();
  const server = new HttpServer(reactor, {
    hostname,
    port,
    handler,
    limits: { maxConcurrentStreams: MAX_STREAMS },
    ...(scheme === "https" && { cert: CERT, key: KEY }),
  });
  const running = reactor.run();
  const end = async () => {
    await server.shutdown();
    reactor.requestShutdown();
    await running;
  };
  return Promise.resolve(new H2Server(server.port, end));
}

/** HAProxy in front of our own, which it asks by HTTP/1.1. */
export async function haproxy(scheme: Scheme, port: number = freePort()): Promise<H2Server> {
  const far = await ours("http");
  const secured = scheme === "http" ? "proto h2" : `ssl crt ${root}/both.pem alpn h2`;
  const server = await startOnFreePort("haproxy", (port, folder) => [
    ...["-db", "-q", "-f"],
    file(`${folder}/haproxy.cfg`, [
      "global",
      "nbthread 1",
      `tune.h2.max-concurrent-streams ${MAX_STREAMS}`,
      "defaults",
      "mode http",
      "option http-server-close", // What it kept would seem to be left of a test.
      ...["connect", "client", "server"].map((what) => `timeout ${what} 60s`),
      "listen relay",
      `bind ${hostname}:${port} ${secured}`,
      `server far ${hostname}:${far.port}`,
    ]),
  ], port);
  const end = async (signal: Deno.Signal) => {
    await stop(server, signal);
    await far.stop();
  };
  return new H2Server(server.port, () => end("SIGUSR1"), () => end("SIGKILL"));
}
