/** A server that takes and gives as much as its clients want, and tells how it stands. */
import type { Coroutine } from "../compose/mod.ts";
import { sleep, wait } from "../gio/mod.ts";
import { files } from "../http/files/mod.ts";
import {
  fetchHandler,
  type HttpHandler,
  type HttpServer,
  ok,
  RemoteProtocolError,
  response,
} from "../http/mod.ts";
import { fileURLToPath } from "node:url";
import type { Reactor } from "../reactor/mod.ts";

/** What a server holds. */
export interface Held {
  /** Open connections. */
  connections: number;
  /** Handlers that have not ended. */
  handlers: number;
  /** Timers of the reactor. */
  timers: number;
  /** Readers, writers and processes that are registered with the reactor. */
  registered: number;
}

const PIECE = new Uint8Array(64 * 1024).fill(120);
/** So much is sent at a time. */
const MAX_SIZE = 2 ** 40;

const folder = files(fileURLToPath(new URL(".", import.meta.url)));

const web = fetchHandler(async (request) => {
  if (request.method === "GET") {
    const size = sizeOf(new URL(request.url).searchParams);
    let left = size;
    return new Response(
      new ReadableStream({
        pull(controller) {
          const piece = PIECE.subarray(0, left);
          left -= piece.length;
          if (piece.length > 0) controller.enqueue(piece);
          else controller.close();
        },
      }, { highWaterMark: 0 }),
      { headers: { "content-length": String(size) } },
    );
  }
  let length = 0;
  for await (const piece of request.body ?? []) length += piece.length;
  return new Response(String(length));
});

export class Abused {
  #handlers = 0;

  /**
   * Answers `GET /`, `GET /download?size=N` and `GET /chunked?size=N` with so many bytes, `GET /later?ms=N` after a moment,
   * `GET /never` never, `GET /file` with a file,
   * `POST /upload` with the length of the body, `POST /echo` with the body, `GET /tunnel` by an echo of its own protocol;
   * `GET /web?size=N` and `POST /web` do the same as a Web handler.
   */
  readonly handler: HttpHandler;

  constructor() {
    const count = (change: number) => this.#handlers += change;
    this.handler = function* (request) {
      count(1);
      try {
        switch (request.path) {
          case "/download":
            yield* download(sizeOf(request.query), true);
            break;
          case "/chunked":
            yield* download(sizeOf(request.query), false);
            break;
          case "/later":
            yield* sleep(Number(request.query.get("ms") ?? 20));
            yield ok();
            yield "later";
            break;
          case "/never":
            yield* wait(new Promise(() => {}));
            break;
          case "/upload":
            yield* upload();
            break;
          case "/echo":
            yield ok();
            yield* echo();
            break;
          case "/tunnel":
            yield response(101, { upgrade: "echo" });
            yield* echo();
            break;
          case "/web":
            yield* web(request) as Coroutine;
            break;
          case "/file":
            yield* folder(request.withPath("/abuse.ts"));
            break;
          default:
            yield ok({ "content-type": "text/plain" });
            yield "Hello!";
        }
      } finally {
        count(-1);
      }
    };
  }

  held(reactor: Reactor, server: HttpServer): Held {
    const all = reactor.inspect();
    const timers = all.filter(({ kind }) => kind === "timer").length;
    return {
      connections: server.statistics().open,
      handlers: this.#handlers,
      timers,
      registered: all.filter(({ kind }) => kind !== "timer" && kind !== "connection").length,
    };
  }
}

function sizeOf(query: URLSearchParams): number {
  return Math.min(MAX_SIZE, Number(query.get("size")));
}

function* download(size: number, isLengthKnown: boolean): Coroutine {
  yield ok(isLengthKnown ? { "content-length": String(size) } : {});
  for (let left = size; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left);
}

function* echo(): Coroutine {
  try {
    for (;;) yield yield;
  } catch (error) {
    // A client that is too slow is nothing to report.
    if (!(error instanceof RemoteProtocolError)) throw error;
  }
}

function* upload(): Coroutine {
  let length = 0;
  try {
    for (;;) length += ((yield) as Uint8Array).length;
  } catch {
    // The end of the body, or of the client.
  }
  yield ok();
  yield String(length);
}
