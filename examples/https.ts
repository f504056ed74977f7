/**
 * HTTPS with certificates by server name, which are read again on SIGHUP while the server runs, without refusing anybody.
 * Deno.listenTls() can do neither. So node:tls accepts, and the reactor adopts what it has accepted.
 *
 *     deno run --allow-net --allow-read=certificates examples/https.ts [--port 8443] [--hostname 127.0.0.1]
 *         [--directory certificates] [--selector auto]
 *
 * The directory has localhost.crt and localhost.key in PEM format, and the same for other names. Clients that ask for none of
 * them get that of localhost. For a trial:
 *
 *     mkdir -p certificates && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
 *         -subj /CN=localhost -keyout certificates/localhost.key -out certificates/localhost.crt
 */
import { Duplex } from "node:stream";
import tls from "node:tls";
import type { Coroutine } from "@weightless/io/compose";
import { gio } from "@weightless/io/gio";
import { type HttpRequest, ok, serveHttp } from "@weightless/io/http";
import { fromStreams } from "@weightless/io/reactor";
import { options, port, selector, serve } from "./_cli.ts";

const DEFAULT = "localhost";

type Certificate = { cert: string; key: string };

function readCertificates(directory: string): Map<string, Certificate> {
  const found = new Map<string, Certificate>();
  for (const { name } of Deno.readDirSync(directory)) {
    if (!name.endsWith(".crt")) continue;
    const path = `${directory}/${name.slice(0, -4)}`;
    const certificate = {
      cert: Deno.readTextFileSync(`${path}.crt`),
      key: Deno.readTextFileSync(`${path}.key`),
    };
    tls.createSecureContext(certificate); // Throws if it is none.
    found.set(name.slice(0, -4), certificate);
  }
  if (!found.has(DEFAULT)) throw new Error(`there is no ${DEFAULT}.crt in ${directory}`);
  return found;
}

function* hello({ url }: HttpRequest): Coroutine {
  yield ok({ "content-type": "text/plain; charset=utf-8" });
  yield `Hello from ${url.hostname}!\n`;
}

const given = options("https.ts [--port 8443] [--hostname 127.0.0.1] [--directory certificates]", {
  port: "8443",
  hostname: "127.0.0.1",
  directory: "certificates",
  selector: "auto",
});
const at = port(given.port);

await serve(
  { selector: selector(given.selector) },
  async (reactor) => {
    let certificates = readCertificates(given.directory);
    const server = tls.createServer({
      ...certificates.get(DEFAULT)!,
      SNICallback: (name: string, give: (error: null, context: tls.SecureContext) => void) => {
        const certificate = certificates.get(name) ?? certificates.get(DEFAULT)!;
        give(null, tls.createSecureContext(certificate));
      },
    }, (socket: tls.TLSSocket) => {
      const { readable, writable } = Duplex.toWeb(socket) as unknown as TransformStream;
      const connection = reactor.adopt(fromStreams({ readable, writable, name: "TLS" }));
      gio(reactor, connection, serveHttp(hello, { scheme: "https" }));
    });
    await new Promise<void>((resolve, reject) => {
      server.on("error", reject).listen(at, given.hostname, resolve);
    });
    const reload = () => {
      try {
        certificates = readCertificates(given.directory);
        server.setSecureContext(certificates.get(DEFAULT)!);
        console.log(`Uses the certificates of ${[...certificates.keys()].sort().join(", ")}`);
      } catch (error) {
        console.error(`Cannot use the new certificates: ${(error as Error).message}`);
      }
    };
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", reload);
    reactor.addShutdownHook(() => {
      server.close();
      if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGHUP", reload);
    });
    const { port } = server.address() as { port: number };
    return `https://${given.hostname}:${port}/`;
  },
);
