/** A server of HTTP/2 for the programs of other people. */
import { assertEquals } from "@std/assert";
import { Abused } from "../../bench/_abused.ts";
import { call, type Coroutine, EndOfStream } from "../../compose/mod.ts";
import {
  type HttpRequest,
  HttpServer,
  type HttpServerOptions,
  ok,
  response,
  trailers,
} from "../../http/mod.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { CA_CERT, CERT, KEY } from "../reactor/_tls.ts";
import { serverTest } from "./_live.ts";

/** The file of the authority that has signed the server's certificate. */
export const CA_FILE: string = Deno.makeTempFileSync({ suffix: ".pem" });
Deno.writeTextFileSync(CA_FILE, CA_CERT);
addEventListener("unload", () => Deno.removeSync(CA_FILE));

/** Whether it is by TLS, where the protocol is chosen by ALPN; else a client must know it. */
export type Scheme = "http" | "https";

/** A server that runs. */
export class Served {
  readonly reactor: Reactor;
  readonly server: HttpServer;
  readonly scheme: Scheme;
  /** The versions of the requests that have come. */
  readonly versions: Set<string> = new Set();
  readonly #abused = new Abused();

  constructor(reactor: Reactor, scheme: Scheme) {
    this.reactor = reactor;
    this.scheme = scheme;
    const secured = scheme === "https" ? { cert: CERT, key: KEY } : {};
    const options: HttpServerOptions = {
      ...listening,
      ...secured,
      handler: (request) => this.#handle(request),
    };
    this.server = new HttpServer(reactor, options);
  }

  /** Its port. */
  get port(): number {
    return this.server.port;
  }

  /** Where it is, without a slash at the end. */
  get origin(): string {
    return `${this.scheme}://${hostname}:${this.port}`;
  }

  /** How many handlers have not ended. */
  get handlers(): number {
    return this.#abused.held(this.reactor, this.server).handlers;
  }

  /** Answers as {@linkcode Abused} does, and some paths more. */
  *#handle(request: HttpRequest): Coroutine {
    this.versions.add(request.version);
    switch (request.path) {
      case "/headers":
        yield ok({ "content-type": "application/json" });
        return yield JSON.stringify([...request.headers]);
      case "/trailed": {
        yield ok();
        let length = 0;
        try {
          for (;;) length += ((yield) as Uint8Array).length;
        } catch (error) {
          if (!(error instanceof EndOfStream)) throw error;
        }
        yield `${length} bytes`;
        return yield trailers({ "x-seen": request.trailers?.get("x-sent") ?? "none" });
      }
      case "/hinted":
        yield response(103, { link: "</page.css>; rel=preload" });
        yield ok();
        return yield "hinted";
      case "/empty":
        return yield response(204);
      case "/asked":
        yield ok();
        return yield `${request.method} ${request.url}`;
      default:
        yield* call(this.#abused.handler(request));
    }
  }
}

/** Registers a test for each kind of socket and scheme. At its end nothing is left of the clients, and nothing was reported. */
export function h2Test(
  name: string,
  fn: (served: Served) => Promise<void>,
  schemes: readonly Scheme[] = ["http", "https"],
): void {
  for (const scheme of schemes) {
    serverTest(`${name}, ${scheme}`, async (reactor, errors) => {
      const served = new Served(reactor, scheme);
      await fn(served);
      await turnsUntil(() => served.handlers === 0 && served.server.statistics().open === 0);
      assertEquals(errors, []);
    });
  }
}
