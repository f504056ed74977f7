/**
 * Random programs: both sides send and read in all ways at once, give up in the middle, close and abort.
 * No message is torn, comes twice or out of order; each side ends, and nothing is left.
 * WEBSOCKET_RANDOM_SEEDS tells how many, WEBSOCKET_RANDOM_SEED the first.
 */
import { assert } from "@std/assert";
import { concat } from "../../compose/_bytes.ts";
import { call, type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { race, spawn, wait } from "../../gio/mod.ts";
import { LocalProtocolError, RemoteProtocolError } from "../../http/mod.ts";
import {
  accept,
  Broadcast,
  type WebSocketCompression,
  type WebSocketConnection,
  WebSocketEnd,
} from "../../http/websocket/mod.ts";
import { PATIENCE_MS, turns } from "../_leaks.ts";
import { socketTest, type World } from "./_web_sockets.ts";

const SEED = Number(Deno.env.get("WEBSOCKET_RANDOM_SEED") ?? 1);
const SEEDS = Number(Deno.env.get("WEBSOCKET_RANDOM_SEEDS") ?? 12);
const SIZES = [0, 1, 5, 126, 300, 5000, 17_000, 66_000, 200_000];
const COMPRESSIONS: readonly (false | WebSocketCompression)[] = [
  false,
  { minBytes: 100 },
  { minBytes: 0, contextTakeover: true, peerContextTakeover: true },
];
/** Messages of a Broadcast have numbers from here on: they may be left out, and come between others. */
const BROADCAST = 1000;

const encoder = new TextEncoder();

/** Chooses one of `count` numbers. */
type Choose = (count: number) => number;

function random(seed: number): Choose {
  return (count) => {
    seed = (seed * 1103515245 + 12345) >>> 0;
    return Math.floor((seed >>> 8) / (1 << 24) * count);
  };
}

/** A message that tells its number and its size. */
function messageOf(number: number, size: number): string {
  return `${number}:${size}:${"é€😀xyz".repeat(Math.ceil(size / 7))}`;
}

function* pause(count: number): Coroutine<void> {
  yield* wait(turns(count));
}

function* write(socket: WebSocketConnection, choose: Choose, room: Broadcast): Coroutine<void> {
  using _ = socket.enter();
  for (let number = 1; number < 60; number++) {
    const message = messageOf(number, SIZES[choose(SIZES.length)]!);
    const bytes = encoder.encode(message);
    const data = choose(2) === 0 ? message : bytes;
    const ways: (() => Coroutine<unknown>)[] = [
      function* () {
        yield* race(socket.send(data), wait(turns(choose(3))));
      },
      function* () {
        yield* wait((async () => await socket.send(data))());
      },
      function* () {
        using _ = socket.stream(choose(2) === 0 ? "binary" : "text").enter();
        for (let from = 0; from < bytes.length;) {
          const to = from + 1 + choose(70_000);
          yield bytes.subarray(from, to);
          from = to;
          if (choose(3) === 0) yield* pause(1);
        }
      },
      function* () {
        const writer = socket.stream("text").writable.getWriter();
        yield* wait(writer.write(message).then(() => writer.close()));
      },
      function* () {
        yield* race(socket.ping(), wait(turns(choose(3))));
        yield data;
      },
      function* () {
        room.send(messageOf(number + BROADCAST, choose(70_000)));
        yield data;
      },
      function* () {
        yield data;
      },
    ];
    yield* call(ways[choose(ways.length)]!());
    if (choose(10) === 0) yield* pause(choose(5));
  }
}

type Piece = string | Uint8Array;

function textOf(pieces: readonly Piece[]): string {
  if (pieces.every((piece) => typeof piece === "string")) return pieces.join("");
  return new TextDecoder().decode(concat(pieces as Uint8Array[]));
}

/** Reads a message, or none of it to the end. */
function* readOne(socket: WebSocketConnection, choose: Choose): Coroutine<Piece | undefined> {
  switch (choose(6)) {
    case 0:
      return yield* socket.next();
    case 1: {
      using message = yield* socket.receive();
      using _ = message.enter();
      const pieces: Piece[] = [];
      try {
        while (choose(20) > 0) {
          pieces.push(yield);
          if (choose(10) === 0) yield* pause(1);
        }
        return undefined;
      } catch (error) {
        if (error instanceof WebSocketEnd || !(error instanceof EndOfStream)) throw error;
      }
      return textOf(pieces);
    }
    case 2: {
      const message = yield* socket.receive();
      return textOf(yield* wait(Array.fromAsync(message.stream() as AsyncIterable<Piece>)));
    }
    case 3:
      return yield* race(socket.next(), wait(turns(choose(3)).then(() => undefined)));
    case 4:
      return yield* wait((async () => await socket.next())());
    default:
      return yield;
  }
}

function* read(socket: WebSocketConnection, choose: Choose): Coroutine<void> {
  using _ = socket.enter();
  for (let last = 0;;) {
    const got = yield* call(readOne(socket, choose));
    if (choose(20) === 0) yield* pause(choose(5));
    if (got === undefined) continue;
    const text = textOf([got]);
    const [number, size] = text.split(":", 2).map(Number) as [number, number];
    assert(text === messageOf(number, size), `Torn: ${text.length} of ${text.slice(0, 30)}`);
    if (number >= BROADCAST) continue;
    assert(number > last, `${number} comes after ${last}`);
    last = number;
  }
}

function* end(socket: WebSocketConnection, choose: Choose): Coroutine<void> {
  yield* pause(choose(60));
  switch (choose(6)) {
    case 0:
      return socket.close(4000, "bye");
    case 1:
      return socket.abort();
    case 2:
      throw new Error("Thrown");
    case 3:
      socket.close();
      yield* pause(3);
      return socket.abort();
    case 4:
      yield* race(wait(socket.closed), pause(100));
  }
}

/** Whether it is how a WebSocket ends, and not a failure of the test. */
function isEnd(error: unknown): boolean {
  for (; error instanceof Error; error = error.cause) {
    if (error instanceof WebSocketEnd || error.message === "Thrown") return true;
    if (error instanceof LocalProtocolError || error instanceof RemoteProtocolError) return true;
  }
  return error instanceof DOMException && error.name === "AbortError";
}

/** A task that may fail by the end only. */
function* task(coroutine: Coroutine<void>, failures: unknown[]): Coroutine<void> {
  try {
    yield* call(coroutine);
  } catch (error) {
    if (!isEnd(error)) failures.push(error);
  }
}

/** One program. Returns what went wrong. */
async function play(world: World, seed: number): Promise<unknown[]> {
  const choose = random(seed);
  const failures: unknown[] = [];
  const compression = COMPRESSIONS[choose(COMPRESSIONS.length)]!;
  const room = new Broadcast({ slow: choose(2) === 0 ? "skip" : "close" });
  let open = 0;
  function* talk(socket: WebSocketConnection, seed: number): Coroutine<void> {
    open++;
    try {
      using _ = seed % 2 === 0 ? room.add(socket) : undefined;
      yield* spawn(task(write(socket, random(seed + 1), room), failures));
      yield* spawn(task(read(socket, random(seed + 2)), failures));
      yield* call(end(socket, random(seed + 3)));
    } finally {
      open--;
    }
  }
  let served = 0;
  const url = world.serve(function* (request) {
    const socket = yield* accept(request, { compression });
    yield* call(talk(socket, seed * 7 + served++));
  });
  const clients = Array.from({ length: 1 + choose(3) }, (_, at) =>
    world.run(task(
      function* () {
        const socket = yield* world.client.webSocket(url, { compression });
        yield* call(talk(socket, seed * 13 + at * 100));
      }(),
      failures,
    )));
  let isDone = false;
  void Promise.all(clients).then(() => isDone = true);
  const begun = performance.now();
  for (let quietAt = begun, last = -1; !isDone || open > 0 || room.size > 0;) {
    await turns();
    const now = performance.now();
    assert(now < begun + PATIENCE_MS, `Hangs: ${open} are open, ${room.size} are members`);
    const moved = world.counts.sent + world.counts.received;
    if (moved !== last) quietAt = now;
    last = moved;
    // Who waits for a peer that does nothing is told by the clock.
    if (now > quietAt + 300) world.clock.advance(10_000);
  }
  for (const error of world.errors.splice(0)) if (!isEnd(error)) failures.push(error);
  return failures;
}

socketTest("random programs tear no message, keep the order and end", async (world) => {
  for (let seed = SEED; seed < SEED + SEEDS; seed++) {
    const failures = await play(world, seed);
    assert(failures.length === 0, `Seed ${seed}: ${Deno.inspect(failures)}`);
  }
  // What ends late tells its errors late.
  await world.settled();
  assert(world.errors.splice(0).every(isEnd));
});
