/** WebSockets between a server and a client on real sockets, and what is left of them. */
import { assertEquals } from "@std/assert";
import { concat } from "../../compose/_bytes.ts";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { gio, wait } from "../../gio/mod.ts";
import {
  HttpClient,
  type HttpClientOptions,
  type HttpHandler,
  HttpServer,
} from "../../http/mod.ts";
import {
  accept,
  type IncomingMessage,
  type WebSocketConnection,
  WebSocketEnd,
  type WebSocketOptions,
} from "../../http/websocket/mod.ts";
import { inspectedText, Reactor, TestClock } from "../../reactor/mod.ts";
import { leakTest, PATIENCE_MS, turns, turnsUntil } from "../_leaks.ts";
import { hostname, listening, SELECTORS } from "../_sockets.ts";
import { Peer, requestHead } from "./_web_socket_peer.ts";

export const WIRES = [["1.1", false], ["2", "prior-knowledge"]] as const;

export class World {
  readonly errors: unknown[] = [];
  /** Nobody moves it but the test. */
  readonly clock: TestClock = new TestClock();
  readonly reactor: Reactor;
  readonly client: HttpClient;
  readonly servers: HttpServer[] = [];
  /** How often and how much sockets of the reactor have sent and received. */
  readonly counts = { sends: 0, sent: 0, received: 0 };

  constructor(selector: "deno" | "epoll", readonly wire: "1.1" | "2", client: HttpClientOptions) {
    this.reactor = new Reactor({
      selector,
      clock: this.clock,
      onError: (error) => this.errors.push(error),
      events: {
        sent: (_, length) => {
          this.counts.sends++;
          this.counts.sent += length;
        },
        received: (_, length) => this.counts.received += length,
      },
    });
    this.client = new HttpClient({ ...client, reactor: this.reactor });
  }

  /** Begins to serve. Returns the URL. */
  readonly serve = (handler: HttpHandler): string => {
    const server = new HttpServer(this.reactor, { ...listening, handler });
    this.servers.push(server);
    return `ws://${hostname}:${server.port}/`;
  };

  /** Runs a coroutine. */
  run<R>(coroutine: Coroutine<R>): Promise<R> {
    return gio(this.reactor, undefined, coroutine).result;
  }

  /** Waits until a number does not change any more: everybody waits for somebody else. */
  async settled(read: () => number = () => this.counts.sent + this.counts.received): Promise<void> {
    for (let quiet = 0, last = NaN; quiet < 25; quiet++) {
      const now = read();
      if (now !== last) quiet = 0;
      last = now;
      // Deno looks for input and output while another thread has something to do.
      await crypto.subtle.digest("SHA-1", new Uint8Array(0));
      await turns(5);
    }
  }

  /** Ends all, and makes sure that nothing is left: no connection, registration, timer or coroutine. */
  async end(): Promise<void> {
    this.client.close();
    await this.#until(() => this.client.inspect().length === 0);
    for (const server of this.servers) {
      await this.#until(() => server.statistics().open === 0);
      server.close();
    }
    await this.#until(() => this.reactor.inspect().length === 0);
    assertEquals(this.reactor.openConnections.size, 0);
  }

  /** Tells what is left, if it stays. */
  async #until(done: () => boolean): Promise<void> {
    try {
      await turnsUntil(done);
    } catch (cause) {
      throw new Error(`Left: ${inspectedText(this.reactor.inspect())}`, { cause });
    }
  }
}

export interface Options {
  client?: HttpClientOptions;
  /** The messages of the errors that are reported, or how many there are. */
  errors?: string[] | number;
  /** The only wire for which it is. */
  wire?: "1.1" | "2";
}

/** Registers a test for both wires and both back ends. Nothing may be left after it. */
export function socketTest(
  name: string,
  fn: (world: World) => Promise<void> | Coroutine<void>,
  { client = {}, errors = [], wire: only }: Options = {},
): void {
  for (const [wire, http2] of WIRES) {
    if ((only ?? wire) !== wire) continue;
    for (const selector of SELECTORS) {
      leakTest(`${name}, over HTTP/${wire} (${selector})`, async () => {
        const world = new World(selector, wire, { http2, ...client });
        const { reactor } = world;
        const running = reactor.run();
        try {
          const given = fn(world);
          await patiently(world, given instanceof Promise ? given : world.run(given));
          await world.end();
          const messages = world.errors.map((error) => (error as Error).message);
          if (typeof errors === "number") assertEquals(messages.length, errors, messages.join());
          else assertEquals(messages, errors);
        } finally {
          world.client.close();
          reactor.requestShutdown();
          await running;
          reactor[Symbol.dispose]();
        }
      });
    }
  }
}

/** Fails with what there is, if that takes longer than any working program needs. */
async function patiently(world: World, promise: Promise<void>): Promise<void> {
  let timer;
  const late = new Promise<never>((_, reject) =>
    timer = setTimeout(
      () => reject(new Error(`Waited in vain: ${inspectedText(world.reactor.inspect())}`)),
      PATIENCE_MS,
    )
  );
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Reads up to the end, and tells what it was. */
export function* ended(): Coroutine<[code: number, reason: string]> {
  for (;;) {
    try {
      yield;
    } catch (error) {
      if (!(error instanceof WebSocketEnd)) throw error;
      return [error.code, error.reason];
    }
  }
}

/** What a WebSocket says about its end. */
export async function closedOf(socket: WebSocketConnection): Promise<[number, string]> {
  const { code, reason } = await socket.closed;
  return [code, reason];
}

/** What a handler does with its WebSocket. */
type Handle = (socket: WebSocketConnection) => Coroutine<unknown>;

/** Leaves it to the test. */
function* untilClosed(socket: WebSocketConnection): Coroutine<void> {
  yield* wait(socket.closed);
}

/** Opens a WebSocket: the client's end of it, and the server's. */
export async function connected(
  world: World,
  options: WebSocketOptions = {},
  handle: Handle = untilClosed,
): Promise<[client: WebSocketConnection, server: WebSocketConnection]> {
  let served: WebSocketConnection | undefined;
  const url = world.serve(function* (request) {
    served = yield* accept(request, options);
    yield* handle(served);
  });
  const socket = await world.client.webSocket(url, options);
  await turnsUntil(() => served !== undefined);
  return [socket, served!];
}

/** Opens a WebSocket of a server over HTTP/1.1, whose peer does what the test wants. */
export async function served(
  world: World,
  options: WebSocketOptions = {},
  handle: Handle = untilClosed,
): Promise<[peer: Peer, socket: WebSocketConnection]> {
  let socket: WebSocketConnection | undefined;
  const peer = await Peer.connect(world.serve(function* (request) {
    socket = yield* accept(request, options);
    yield* handle(socket);
  }));
  await peer.send(requestHead(options.compression !== undefined));
  await peer.head();
  return [peer, socket!];
}

/** The same for a peer that takes nothing. */
export async function stalled(
  world: World,
  options: WebSocketOptions = {},
  handle: Handle = untilClosed,
): Promise<[conn: Deno.TcpConn, socket: WebSocketConnection]> {
  let socket: WebSocketConnection | undefined;
  const url = new URL(world.serve(function* (request) {
    socket = yield* accept(request, options);
    yield* handle(socket);
  }));
  const conn = await Deno.connect({ hostname, port: Number(url.port) });
  await conn.write(requestHead());
  await turnsUntil(() => socket !== undefined);
  return [conn, socket!];
}

/** Lets a peer send, and waits until it has come. */
export async function arrived(world: World, peer: Peer, ...parts: Uint8Array[]): Promise<void> {
  const { received } = world.counts;
  const bytes = concat(parts);
  await peer.send(bytes);
  await turnsUntil(() => world.counts.received >= received + bytes.length);
}

/** Reads a message by pieces to its end. It throws if it is cut. */
export function* gathered(message: IncomingMessage): Coroutine<string> {
  using _ = message.enter();
  const pieces: (string | Uint8Array)[] = [];
  try {
    for (;;) pieces.push(yield);
  } catch (error) {
    if (error instanceof WebSocketEnd || !(error instanceof EndOfStream)) throw error;
  }
  return textOf(pieces);
}

/** The text of pieces of either type. */
export function textOf(pieces: (string | Uint8Array)[]): string {
  if (pieces.every((piece) => typeof piece === "string")) return pieces.join("");
  return new TextDecoder().decode(concat(pieces as Uint8Array[]));
}
