import { assert } from "@std/assert";
import { call, type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { concat } from "../../compose/_bytes.ts";
import { race, spawn, wait } from "../../gio/mod.ts";
import type { WebSocketCompression, WebSocketConnection } from "../../http/websocket/mod.ts";
import { accept } from "../../http/websocket/mod.ts";
import { turns } from "../_leaks.ts";
import { socketTest } from "./_web_sockets.ts";

/*
 * Random programs: both ends send messages in all ways and in random order, while they read what comes in all ways.
 * Whatever they do, all messages must come whole and in order, and everybody must come to the end.
 */

type Message = string | Uint8Array;

const PROGRAMS = 12;
const SIZES = [0, 1, 5, 125, 126, 300, 5000, 17_000, 66_000, 200_000];
const COMPRESSIONS: readonly (false | WebSocketCompression)[] = [
  false,
  { minBytes: 100 },
  { minBytes: 0, contextTakeover: true, peerContextTakeover: true },
];
const encoder = new TextEncoder();

/** Whole numbers below `n`, which depend on the seed only. */
function random(seed: number): (n: number) => number {
  return (n) => {
    seed = (seed * 1103515245 + 12345) >>> 0;
    return Math.floor((seed >>> 8) / (1 << 24) * n);
  };
}

/** The message of this number: text and bytes in turns. */
function messageOf(number: number, size: number): Message {
  if (number % 2 === 0) return new Uint8Array(size).map((_, at) => number + 31 * at);
  return "é€😀xyz".repeat(Math.ceil(size / 7));
}

/** A moment in which others go on. */
function pause(count: number): Coroutine<void> {
  return wait(turns(count))[Symbol.iterator]() as unknown as Coroutine<void>;
}

function* write(socket: WebSocketConnection, sizes: number[], seed: number): Coroutine<void> {
  const choose = random(seed);
  using _ = socket.enter();
  for (const [number, size] of sizes.entries()) {
    const message = messageOf(number, size);
    switch (choose(5)) {
      case 0:
        yield* socket.send(message);
        break;
      case 1:
        yield* wait((async () => await socket.send(message))());
        break;
      case 2: {
        using _ = socket.stream(number % 2 === 0 ? "binary" : "text").enter();
        const bytes = typeof message === "string" ? encoder.encode(message) : message;
        for (let from = 0; from < bytes.length;) {
          const to = from + 1 + choose(70_000);
          yield bytes.subarray(from, to);
          from = to;
          if (choose(3) === 0) yield* pause(1);
        }
        break;
      }
      default:
        yield message;
    }
    if (choose(20) === 0) yield* pause(choose(5));
    if (choose(30) === 0) yield* socket.ping();
  }
}

function* readOne(socket: WebSocketConnection, choose: (n: number) => number): Coroutine<Message> {
  switch (choose(5)) {
    case 0:
      return yield* socket.next();
    case 1: {
      using message = yield* socket.receive();
      const pieces: Message[] = [];
      using _ = message.enter();
      try {
        for (;;) {
          pieces.push(yield);
          if (choose(10) === 0) yield* pause(1);
        }
      } catch (error) {
        if (!(error instanceof EndOfStream)) throw error;
      }
      return joined(message.type, pieces);
    }
    case 2: {
      const message = yield* socket.receive();
      return joined(message.type, yield* wait(Array.fromAsync(message.stream())));
    }
    case 3: { // What is not waited for any more is not lost.
      const first = yield* race(socket.next(), wait(turns(choose(3))));
      return first ?? (yield);
    }
    default:
      return yield;
  }
}

function joined(type: "text" | "binary", pieces: Message[]): Message {
  return type === "text" ? pieces.join("") : concat(pieces as Uint8Array[]);
}

function isSame(a: Message, b: Message): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function* talk(
  socket: WebSocketConnection,
  out: number[],
  expected: number[],
  seed: number,
): Coroutine<void> {
  const writing = yield* spawn(write(socket, out, seed));
  const choose = random(seed + 1);
  for (const [number, size] of expected.entries()) {
    const got = yield* call(readOne(socket, choose));
    assert(isSame(got, messageOf(number, size)), `seed ${seed}: message ${number} is another one`);
    if (choose(20) === 0) yield* pause(choose(5));
  }
  yield* writing;
}

socketTest("random programs send and read all messages, in order", function* ({ serve, client }) {
  for (let seed = 1; seed <= PROGRAMS; seed++) {
    const choose = random(seed);
    const sizes = () => Array.from({ length: 5 + choose(40) }, () => SIZES[choose(SIZES.length)]!);
    const [down, up] = [sizes(), sizes()];
    const compression = COMPRESSIONS[choose(COMPRESSIONS.length)]!;
    const url = serve(function* (request) {
      const socket = yield* accept(request, { compression });
      yield* call(talk(socket, down, up, 2 * seed));
    });
    using socket = yield* client.webSocket(url, { compression });
    yield* call(talk(socket, up, down, 3 * seed));
    socket.close();
    yield* wait(socket.closed);
  }
});
