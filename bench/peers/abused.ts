/**
 * A server to be abused, by TLS if there is a certificate. It tells on SIGUSR2 what it holds, by a line of JSON.
 *
 *     deno run -A bench/peers/abused.ts auto|deno|epoll MAX_CONNECTIONS TIMEOUT_MS [CERT KEY]
 */
import { HttpServer } from "../../http/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { Abused } from "../_abused.ts";

const [selector, maxConnections, timeoutMs, cert, key] = Deno.args as [
  "auto" | "deno" | "epoll",
  string,
  string,
  string?,
  string?,
];
const ms = Number(timeoutMs);
using reactor = new Reactor({ selector });
const abused = new Abused();
const server = new HttpServer(reactor, {
  hostname: "127.0.0.1",
  port: 0,
  maxConnections: Number(maxConnections),
  timeouts: { headMs: ms, idleMs: ms, bodyMs: ms, writeMs: ms },
  handler: abused.handler,
  ...(cert !== undefined && key !== undefined && {
    cert: Deno.readTextFileSync(cert),
    key: Deno.readTextFileSync(key),
  }),
});
Deno.addSignalListener("SIGUSR2", () => console.log(JSON.stringify(abused.held(reactor, server))));
console.log(`Listening on ${server.url}`);
await reactor.run();
