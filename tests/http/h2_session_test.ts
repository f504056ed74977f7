import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ByteQueue } from "../../http/h2/_byte_queue.ts";
import { MAX_WINDOW, PREFACE } from "../../http/h2/_codes.ts";
import type { H2Stream } from "../../http/h2/_stream.ts";
import { Side, talk } from "./_h2_sessions.ts";

const GET = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a"];
const POST = [":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a"];
const OK = [":status", "200", "content-type", "text/plain"];

/** A conversation with everything in it. Returns what both sides were told. */
function converse(size: number): { client: string[]; server: string[] } {
  const server = new Side(true);
  const client = new Side(false);
  server.onOpened = (stream) => {
    server.session.head(stream, [":status", "103", "link", "</a>"], false);
    server.session.answer(stream, OK, "now", undefined, false);
    stream.write("Hello ".repeat(30_000));
    stream.end(["x-sum", "1"]);
  };
  talk(client, server, size);
  client.open(GET);
  client.open([...GET, "cookie", "a=b", "x-long", "y".repeat(40_000)]);
  const post = client.open(POST, false);
  post.write("body");
  post.end(["x-trailer", "z"]);
  talk(client, server, size);
  client.open(GET).reset(8, new Error("not needed"));
  client.session.ping(() => client.log.push("pong"));
  server.session.goAway(7);
  talk(client, server, size);
  return { client: client.log, server: server.log };
}

Deno.test("sessions of both roles understand each other, cut at any size", () => {
  const whole = converse(Infinity);
  assertEquals(whole.client.filter((line) => line.startsWith("1 ")), [
    "1 head :status: 103|link: </a>|",
    "1 head :status: 200|content-type: text/plain|date: now|",
    "1 trailers x-sum: 1",
    "1 body 180000",
    "1 closed",
  ]);
  assertEquals(whole.server.filter((line) => line.startsWith("5 ")), [
    "5 opened :method: POST|:scheme: http|:path: /|:authority: a|",
    "5 trailers x-trailer: z",
    "5 body body",
    "5 closed",
  ]);
  assertEquals(whole.server.filter((line) => line.startsWith("7 ")), [
    "7 opened :method: GET|:scheme: http|:path: /|:authority: a|",
    "7 body ",
    "7 closed",
    "7 lost: The peer has reset the stream: CANCEL",
  ]);
  assertEquals(whole.client.slice(-2), [
    "goes away after 7: The peer ends the connection: NO_ERROR",
    "pong",
  ]);
  for (const size of [1, 2, 3, 7, 8, 9, 10, 11, 100, 16384, 16393]) {
    const cut = converse(size);
    for (let id = 1; id <= 7; id += 2) {
      const of = (log: string[]) => log.filter((line) => line.startsWith(`${id} `));
      assertEquals(of(cut.client), of(whole.client), `size ${size}`);
      assertEquals(of(cut.server), of(whole.server), `size ${size}`);
    }
  }
});

/** What a server has answered, as frames: type, flags, stream and length. */
function framesOf(bytes: Uint8Array): number[][] {
  const frames: number[][] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
    frames.push([bytes[at + 3]!, bytes[at + 4]!, bytes[at + 8]!, length]);
    at += 9 + length;
  }
  return frames;
}

function connected(limits = {}): { client: Side; server: Side } {
  const client = new Side(false);
  const server = new Side(true, limits);
  talk(client, server);
  return { client, server };
}

const DATA = 0;

Deno.test("gather() takes frames of streams in turn, and those of a lower urgency first", () => {
  const { client, server } = connected();
  for (let i = 0; i < 4; i++) client.open(GET);
  talk(client, server);
  const [a, b, c, d] = server.streams as [H2Stream, H2Stream, H2Stream, H2Stream];
  d.urgency = 1;
  c.urgency = 5;
  for (const stream of [a, b, c, d]) {
    server.session.head(stream, OK, false);
    stream.write("x".repeat(20_000));
  }
  for (const stream of [c, b, a, d]) stream.end();
  const order = framesOf(server.take()).filter(([type]) => type === DATA).map(([, , id]) => id);
  // The window of the connection is shut after 65,535 bytes.
  assertEquals(order, [d.id, d.id, b.id, a.id, b.id, a.id, c.id]);
  assertEquals(server.session.gather(1_000_000), true);
});

Deno.test("a stream with a priority that is not incremental is sent at a stretch", () => {
  const { client, server } = connected();
  for (let i = 0; i < 2; i++) client.open(GET);
  talk(client, server);
  const [a, b] = server.streams as [H2Stream, H2Stream];
  a.isSequential = true;
  for (const stream of [a, b]) {
    server.session.head(stream, OK, false);
    stream.write("x".repeat(20_000));
    stream.end();
  }
  const order = framesOf(server.take()).filter(([type]) => type === DATA).map(([, , id]) => id);
  assertEquals(order, [a.id, a.id, b.id, b.id]);
});

Deno.test("a stream waits for its window, and others go on", () => {
  const { client, server } = connected();
  client.open(GET);
  client.open(GET);
  talk(client, server);
  const [a, b] = server.streams as [H2Stream, H2Stream];
  a.sendWindow = 10;
  for (const stream of [a, b]) {
    server.session.head(stream, OK, false);
    stream.write("x".repeat(100));
    stream.end();
  }
  const data = framesOf(server.take()).filter(([type]) => type === DATA);
  assertEquals(data, [[DATA, 0, a.id, 10], [DATA, 1, b.id, 100]]);
  a.widen(50);
  a.widen(1000);
  assertEquals(framesOf(server.take()), [[DATA, 1, a.id, 90]]);
});

Deno.test("reading gives the peer a window, and not reading does not", () => {
  const { client, server } = connected();
  const post = client.open(POST, false);
  server.onOpened = (stream) => {
    stream.user = { received() {}, trailed() {}, drained() {}, lost() {} };
  };
  post.write("x".repeat(200_000));
  post.end();
  talk(client, server);
  const [stream] = server.streams as [H2Stream];
  assertEquals(stream.inputBytes, 65_535);
  assertEquals(post.queued, 200_000 - 65_535);
  let length = 0;
  for (let i = 0; i < 10; i++) {
    for (let piece; (piece = stream.read()) !== undefined;) length += piece.length;
    talk(client, server);
  }
  assertEquals(length, 200_000);
  assertEquals(stream.isAtEnd, true);
});

Deno.test("a session ends the connection when a peer sends too much that brings nothing", () => {
  const ping = new Uint8Array([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
  const { server } = connected({ maxIdleFrames: 50 });
  for (let i = 0; i < 200 && !server.session.isFailed; i++) {
    server.now += 1;
    server.session.receive(ping);
  }
  assertStringIncludes(server.log.at(-1)!, "too many frames that bring nothing");
  // Slowly it may ask for ever.
  const slow = connected({ maxIdleFrames: 50 }).server;
  for (let i = 0; i < 1000; i++) {
    slow.now += 250;
    slow.session.receive(ping);
  }
  assertEquals(slow.session.isFailed, false);
});

Deno.test("a session ends the connection when too many streams are reset", () => {
  const { client, server } = connected({ maxResets: 50 });
  for (let i = 0; i < 60; i++) {
    client.open(GET, false).reset(8, new Error("rapid"));
    talk(client, server);
  }
  assertStringIncludes(server.log.at(-1)!, "too many streams that were reset");
  assertStringIncludes(client.log.join(), "ENHANCE_YOUR_CALM");
});

Deno.test("a session stops when the turn of its user is over, and reads the rest later", () => {
  const limits = { maxStreams: 1000, maxResets: 1000 };
  const { client, server: whole } = connected(limits);
  const { server } = connected(limits);
  for (let i = 0; i < 300; i++) {
    const post = client.open(POST, false);
    post.write("body");
    if (i % 2 === 0) post.end();
    else post.reset(8, new Error("not needed"));
  }
  const bytes = client.take();
  assertEquals(whole.session.receive(bytes), bytes.length);
  server.isTurnOver = () => true;
  let turns = 0;
  for (let at = 0; at < bytes.length; turns++) at = server.session.receive(bytes, at);
  assert(turns > 3);
  assertEquals(server.log, whole.log);
});

Deno.test("a session remembers the priorities of some streams that are not open", () => {
  const { client, server } = connected({ maxStreams: Infinity, maxIdleFrames: 5000 });
  const count = 1500;
  const ids = Array.from({ length: count }, (_, i) => 2 * i + 1);
  for (const id of ids) {
    const update = [0, 0, 7, 16, 0, 0, 0, 0, 0, 0, 0, id >> 8, id & 0xff, 0x75, 0x3d, 0x31]; // u=1
    server.session.receive(Uint8Array.from(update));
  }
  for (let i = 0; i < count; i++) client.open(GET);
  talk(client, server);
  assertEquals(server.streams.filter(({ urgency }) => urgency === 1).length, 1000);
});

Deno.test("an invalid preface is an error at its first wrong byte", () => {
  const server = new Side(true);
  server.session.receive(PREFACE.subarray(0, 10));
  assertEquals(server.log, []);
  server.session.receive(new Uint8Array([0x58]));
  assertStringIncludes(server.log[0]!, "an invalid preface");
});

Deno.test("a window beyond 2^31 - 1 is an error of its stream", () => {
  const { client, server } = connected();
  client.open(GET, false);
  talk(client, server);
  const id = server.streams[0]!.id;
  client.session.giveWindow(id, MAX_WINDOW);
  talk(client, server);
  assertStringIncludes(client.log.at(-1)!, "FLOW_CONTROL_ERROR");
});

Deno.test("an end needs no window: it is sent while that of the connection is shut", () => {
  const { client, server } = connected();
  client.open(GET);
  client.open(GET);
  client.open(GET);
  talk(client, server);
  const [a, b, c] = server.streams as [H2Stream, H2Stream, H2Stream];
  for (const stream of [a, b, c]) server.session.head(stream, OK, false);
  a.write("x".repeat(100_000));
  a.flush();
  b.end();
  c.end(["x-sum", "1"]);
  const ends = framesOf(server.take()).filter(([, flags]) => (flags! & 1) === 1);
  assertEquals(ends.map(([type, , id]) => [type, id]), [[DATA, b.id], [1, c.id]]);
  assertEquals(server.session.isShut, true);
});

Deno.test("a stream that was lost is sent nothing more", () => {
  const { client, server } = connected();
  client.open(GET).reset(8, new Error("reset"));
  talk(client, server);
  const [stream] = server.streams as [H2Stream];
  server.session.head(stream, OK, false);
  server.session.answer(stream, OK, undefined, 1, false);
  server.session.body(stream, "x", 1);
  stream.write("y");
  stream.end();
  assertEquals(framesOf(server.take()), []);
});

Deno.test("ByteQueue keeps all bytes in their order, and joins small pieces", () => {
  const queue = new ByteQueue();
  let pushed = 0;
  let taken = 0;
  const next = (length: number) => Uint8Array.from({ length }, () => pushed++ % 251);
  const check = (piece: Uint8Array) => {
    for (const byte of piece) assertEquals(byte, taken++ % 251);
  };
  for (let i = 0; i < 3000; i++) {
    queue.push(next([1, 2, 700, 1024, 5000][i % 5]!));
    assertEquals(queue.length, pushed - taken);
    if (i % 7 === 3) {
      const pieces: Uint8Array[] = [];
      queue.take(Math.min(queue.length, i), pieces);
      pieces.forEach(check);
    }
    if (i % 11 === 5) check(queue.shift()!);
    if (i % 13 === 5) {
      const piece = queue.shift();
      if (piece !== undefined) queue.unshift(piece);
    }
  }
  for (let piece; (piece = queue.shift()) !== undefined;) check(piece);
  assertEquals([taken, queue.length], [pushed, 0]);
  for (let i = 0; i < 10_000; i++) queue.push(next(1));
  let count = 0;
  for (; queue.shift() !== undefined; count++);
  assertEquals(count, 1);
});
