/** The wire of a WebSocket: every rule for both roles, what it sends, and what it keeps. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat } from "../../compose/_bytes.ts";
import { isCloseCode } from "../../http/websocket/_close_code.ts";
import { FrameReader } from "../../http/websocket/_frame_reader.ts";
import { TextPieces } from "../../http/websocket/_utf8.ts";
import { encoded, WebSocketWire } from "../../http/websocket/_wire.ts";
import { LocalProtocolError } from "../../http/local_protocol_error.ts";
import { RemoteProtocolError } from "../../http/remote_protocol_error.ts";
import { WebSocketFault } from "../../http/websocket/web_socket_fault.ts";
import {
  ComplementCompressor,
  ComplementDecompressor,
  complementDeflate,
} from "./_complement_codec.ts";
import { bytesOf, type Case, cases } from "./_rfc6455.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  Fed,
  fed,
  FIN,
  Frames,
  framesOf,
  PING,
  pingPayload,
  PONG,
  raw,
  readings,
  type Role,
  roles,
  RSV1,
  taken,
  TEXT,
  told,
  toldPong,
  utf8,
} from "./_websocket.ts";
import { action, perform } from "./_websocket_actions.ts";

const other = (role: Role): Role => role === "client" ? "server" : "client";

/** From this size on, only cuts near the ends are tried. */
const LARGE = 500;

function optionsOf({ limits = {}, isDeflated = false }: Case) {
  return { limits, deflate: isDeflated ? complementDeflate(0) : undefined };
}

function* cutsOf(length: number): Generator<number> {
  for (let at = 0; at <= length; at++) {
    if (length < LARGE || at < 40 || at > length - 40) yield at;
  }
}

for (const role of roles) {
  for (const one of cases) {
    if (one.role !== undefined && one.role !== role) continue;
    Deno.test(`RFC ${one.section}: ${one.sent}, to a ${role}`, () => {
      const bytes = bytesOf(one, new Frames(other(role)));
      for (const reading of readings) {
        assertEquals(fed(role, reading, bytes, [], optionsOf(one)), one.reaction, reading);
        const each = Array.from(bytes, (_, i) => i);
        assertEquals(fed(role, reading, bytes, each, optionsOf(one)), one.reaction, reading);
        for (const cut of cutsOf(bytes.length)) {
          assertEquals(fed(role, reading, bytes, [cut], optionsOf(one)), one.reaction);
        }
      }
    });
  }
}

Deno.test("isCloseCode() takes what RFC 6455 7.4 and IANA give a meaning", () => {
  const good = (code: number) =>
    (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
    (code >= 3000 && code <= 4999);
  for (let code = 0; code <= 0xffff; code++) assertEquals(isCloseCode(code), good(code));
});

Deno.test("TextPieces takes what TextDecoder takes, at any cut, and fails as early", () => {
  const decoder = () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const attempt = (f: () => string): string | undefined => {
    try {
      return f();
    } catch {
      return undefined;
    }
  };
  const interesting = [0, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf]
    .concat([0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff]);
  const check = (parts: Uint8Array[]) => {
    const pieces = new TextPieces();
    const expected = decoder();
    for (const part of parts) {
      const text = attempt(() => expected.decode(part, { stream: true }));
      assertEquals(pieces.push(part), text);
      if (text === undefined) return;
    }
    assertEquals(pieces.isWhole, attempt(() => expected.decode()) !== undefined);
  };
  // Every beginning of up to 3 bytes, one at a time and together.
  for (const a of interesting) {
    for (const b of interesting) {
      for (const c of interesting) {
        check([Uint8Array.of(a), Uint8Array.of(b), Uint8Array.of(c)]);
        check([Uint8Array.of(a, b), Uint8Array.of(c)]);
        check([Uint8Array.of(a, b, c)]);
      }
    }
  }
  const byte = fc.constantFrom(...interesting);
  const good = fc.string({ unit: "binary", maxLength: 100 }).map((text) => utf8(text));
  const bytes = fc.oneof(good, fc.array(byte, { maxLength: 5 }).map((all) => Uint8Array.from(all)));
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 4 }), fc.nat(200), fc.nat(200), (all, i, k) => {
      const bytes = concat(all);
      const [from, to] = [Math.min(i, k, bytes.length), Math.min(Math.max(i, k), bytes.length)];
      check([bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)]);
    }),
  );
});

Deno.test("a fault says what the peer did, goes to the peer, and comes again", () => {
  for (const call of ["next", "begin", "skip"] as const) {
    const wire = new WebSocketWire("server");
    wire.send("before");
    if (call === "skip") {
      wire.receive(new Frames("client").frame(TEXT, "a"));
      assertEquals(wire.begin(), "text");
    }
    wire.receive(raw("\xf1\x80"));
    const fault = assertThrows(() => wire[call](), WebSocketFault);
    assert(fault instanceof RemoteProtocolError);
    assertEquals(
      fault.message,
      "Cannot go on with the WebSocket: the peer has sent a frame with a reserved bit set",
    );
    const [before, close, ...rest] = framesOf(taken(wire));
    assertEquals(before!.first, FIN | TEXT);
    assertEquals(close!.first, FIN | CLOSE);
    assertEquals(close!.payload, raw("\x03\xeaa frame with a reserved bit set"));
    assertEquals(rest, []);
    wire.receive(new Frames("client").text("a"));
    assertEquals(assertThrows(() => wire.next()), fault);
    assertEquals(assertThrows(() => wire.begin()), fault);
    assertEquals(wire.closed, undefined);
    assertThrows(() => wire.send("a"), LocalProtocolError, "Close has been sent");
    assertEquals(taken(wire).length, 0);
  }
});

Deno.test("a fault within a message comes again, and is not its end", () => {
  for (const reading of ["next", "piece", "skip"] as const) {
    const wire = new WebSocketWire("server");
    wire.receive(new Frames("client").text(raw("a\xff")).slice(0, 8));
    if (reading !== "next") assertEquals(wire.begin(), "text");
    const fault = assertThrows(() => wire[reading](), WebSocketFault, "not UTF-8");
    for (const call of ["piece", "skip", "next", "begin"] as const) {
      assertEquals(assertThrows(() => wire[call]()), fault);
    }
  }
});

Deno.test("each reason of a fault fits into a Close", () => {
  for (const role of roles) {
    for (const one of cases) {
      if (one.role !== undefined && one.role !== role) continue;
      const wire = new WebSocketWire(role, optionsOf(one));
      wire.receive(bytesOf(one, new Frames(other(role))));
      try {
        while (wire.next() !== undefined);
      } catch {
        const close = framesOf(taken(wire)).at(-1)!;
        assertEquals(close.first, FIN | CLOSE);
        assert(close.payload.length > 2 && close.payload.length <= 125);
      }
    }
  }
});

Deno.test("a Pong answers its Ping, and those before", () => {
  const wire = new WebSocketWire("client");
  const after = (...payloads: (string | Uint8Array)[]) => {
    wire.receive(concat(payloads.map((payload) => new Frames("server").pong(payload))));
    assertEquals(wire.next(), undefined);
    return wire.ponged;
  };
  assertEquals(after("", "abcd", pingPayload(0), pingPayload(1)), 0);
  assertEquals([wire.ping(), wire.ping(), wire.ping()], [1, 2, 3]);
  assertEquals(after("", "abcd", "abcde", pingPayload(4), pingPayload(2 ** 32 - 1)), 0);
  assertEquals(after(pingPayload(1), "abcd"), 1);
  assertEquals(after(pingPayload(3), pingPayload(2)), 3);
});

Deno.test("limits: a message that is read whole", () => {
  const peer = new Frames("client");
  const limits = { maxMessageBytes: 300, maxFragments: 3 };
  const options = { limits };
  const tooBig = ["sends Close 1009", "fault 1009"];
  const text = (length: number) => told(a(length));
  const a = (length: number) => "a".repeat(length);
  const cases: [string, Uint8Array[], string[]][] = [
    ["one frame", [peer.text(a(300)), peer.text(a(301))], [text(300), ...tooBig]],
    ["the head of a frame", [peer.text(a(301)).slice(0, 8)], tooBig],
    [
      "fragments",
      [peer.frame(TEXT, a(200)), peer.frame(FIN, a(100)), peer.frame(TEXT, a(200))],
      [text(300)],
    ],
    [
      "the head of a fragment",
      [peer.frame(TEXT, a(200)), peer.frame(0, a(101)).slice(0, 6)],
      tooBig,
    ],
    [
      "3 fragments",
      [peer.frame(TEXT, a(50)), peer.frame(0), peer.frame(FIN), peer.frame(TEXT), peer.frame(0)],
      [text(50)],
    ],
    ["4 fragments", [peer.frame(TEXT), peer.frame(0), peer.frame(0), peer.frame(FIN)], tooBig],
  ];
  for (const [what, frames, expected] of cases) {
    const bytes = concat(frames);
    assertEquals(fed("server", "whole", bytes, [], options), expected, what);
    for (let cut = 0; cut < bytes.length; cut++) {
      assertEquals(fed("server", "whole", bytes, [cut], options), expected, what);
    }
  }
  const none = { limits: { maxMessageBytes: 0 } };
  assertEquals(fed("server", "whole", peer.text(""), [], none), ['text ""']);
  assertEquals(fed("server", "whole", peer.text("a"), [], none), tooBig);
  const unread = { limits: { maxFragments: 0 } };
  assertEquals(fed("server", "whole", peer.text("a"), [], unread), tooBig);
});

Deno.test("limits: a message that is compressed counts as what comes of it", () => {
  const peer = new Frames("client");
  const bytes = peer.frame(FIN | RSV1 | BINARY, new Uint8Array(301).fill(1));
  const options = () => ({ deflate: complementDeflate(), limits: { maxMessageBytes: 300 } });
  assertEquals(fed("server", "whole", bytes, [], options()), ["sends Close 1009", "fault 1009"]);
  const allowed = fed("server", "in pieces", bytes, [], options());
  assertEquals(allowed, [told(new Uint8Array(301).fill(0xfe))]);
});

Deno.test("limits: a message that is read piece by piece", () => {
  const peer = new Frames("client");
  const limits = { maxMessageBytes: 0, maxFragments: 1, maxStreamBytes: 300 };
  const message = (length: number) => [
    ...[peer.frame(BINARY, new Uint8Array(200)), peer.frame(CONTINUATION)],
    peer.frame(FIN | CONTINUATION, new Uint8Array(length - 200)),
  ];
  const bytes = concat([...message(300), ...message(301)]);
  assertEquals(fed("server", "in pieces", bytes, [], { limits }), [
    told(new Uint8Array(300)),
    "sends Close 1009",
    "fault 1009",
  ]);
});

Deno.test("limits that are none are refused", () => {
  assertThrows(
    () => new WebSocketWire("server", { limits: { maxMessageBytes: -1 } }),
    RangeError,
    "maxMessageBytes",
  );
  const unknown = { maxBytes: 1 } as Record<string, number>;
  assertThrows(() => new WebSocketWire("server", { limits: unknown }), TypeError, "maxBytes");
});

Deno.test("begin() tells the type before the content has come", () => {
  const wire = new WebSocketWire("server");
  const bytes = new Frames("client").text("abc");
  wire.receive(bytes.slice(0, 5));
  assertEquals(wire.begin(), undefined);
  wire.receive(bytes.slice(5, 6));
  assertEquals(wire.begin(), "text");
  assertEquals(wire.piece(), undefined);
  wire.receive(bytes.slice(6, 7));
  assertEquals(wire.piece(), "a");
  assertEquals(wire.piece(), undefined);
  wire.receive(bytes.slice(7));
  assertEquals([wire.piece(), wire.piece(), wire.piece()], ["bc", null, null]);
});

Deno.test("begin() goes on with a message that next() has read in part", () => {
  for (
    const [type, expected] of [["text", ["é", "中"]], ["binary", [
      utf8("é\xff").subarray(0, 3),
    ]]] as const
  ) {
    const peer = new Frames("client");
    const wire = new WebSocketWire("server");
    const content = type === "text" ? utf8("é中") : utf8("é\xff").subarray(0, 3);
    wire.receive(peer.frame(type === "text" ? TEXT : BINARY, content.subarray(0, 3)));
    assertEquals(wire.next(), undefined);
    wire.receive(concat([peer.frame(FIN, content.subarray(3)), peer.text("next")]));
    assertEquals(wire.begin(), type);
    const pieces: unknown[] = [];
    for (let piece; (piece = wire.piece()) !== null;) pieces.push(piece);
    assertEquals(pieces, [...expected]);
    assertEquals(wire.next(), "next");
  }
});

Deno.test("a message that was begun is dropped by skip(), next() or begin()", () => {
  const peer = new Frames("client");
  for (const isDeflated of [false, true]) {
    for (const call of ["skip", "next", "begin"] as const) {
      const deflate = isDeflated ? complementDeflate() : undefined;
      const wire = new WebSocketWire("server", { deflate });
      const first = isDeflated ? RSV1 | TEXT : TEXT;
      wire.receive(peer.frame(first, isDeflated ? raw("\x9e\x9d") : "ab"));
      assertEquals(wire.begin(), "text");
      assertEquals(wire.piece(), "ab");
      wire.receive(peer.ping("p"));
      if (call === "skip") assertEquals(wire.skip(), false);
      else assertEquals(wire[call](), undefined);
      wire.receive(peer.frame(FIN, isDeflated ? raw("\x9c") : "c"));
      if (call === "skip") assertEquals(wire.skip(), true);
      else assertEquals(wire[call](), undefined);
      assertEquals(deflate?.decompressor.ended ?? 1, 1);
      wire.receive(peer.text("next"));
      if (call === "begin") {
        assertEquals([wire.begin(), wire.piece(), wire.piece()], ["text", "next", null]);
      } else assertEquals(wire.next(), "next");
      assertEquals(framesOf(taken(wire)).length, 1);
    }
  }
});

Deno.test("pieces are views of what was received; so are short messages", () => {
  const peer = new Frames("client");
  const bytes = concat([peer.binary(new Uint8Array(1000).fill(7)), peer.binary("a")]);
  const wire = new WebSocketWire("server");
  wire.receive(bytes);
  assertEquals(wire.begin(), "binary");
  const piece = wire.piece() as Uint8Array;
  assert(piece.buffer === bytes.buffer);
  assertEquals(piece, new Uint8Array(1000).fill(7));
  const short = wire.next() as Uint8Array;
  assert(short.buffer === bytes.buffer);
  assertEquals(short, utf8("a"));
});

Deno.test("a message is unmasked at any alignment", () => {
  const peer = new Frames("client");
  for (let offset = 0; offset < 8; offset++) {
    for (let length = 30; length < 80; length++) {
      const payload = Uint8Array.from({ length }, (_, i) => i * 7);
      const frame = peer.binary(payload);
      const chunk = new Uint8Array(offset + frame.length + 9).fill(0xaa);
      chunk.set(frame, offset);
      const wire = new WebSocketWire("server");
      wire.receive(chunk.subarray(offset, offset + frame.length));
      assertEquals(wire.next(), payload as Uint8Array<ArrayBuffer>);
      assert(chunk.subarray(offset + frame.length).every((byte) => byte === 0xaa));
    }
  }
});

Deno.test("a character anywhere in text is found, masked or not, at once or in parts", () => {
  for (const role of roles) {
    const peer = new Frames(other(role));
    for (const length of [10, 60, 130, 5000]) {
      for (let at = 0; at < length; at += length > 1000 ? 511 : 1) {
        const text = `${"a".repeat(at)}é${"a".repeat(length - at - 1)}`;
        const bytes = peer.text(text);
        const wire = new WebSocketWire(role);
        wire.receive(bytes.slice());
        assertEquals(wire.next(), text);
        wire.receive(bytes.slice(0, length / 2));
        assertEquals(wire.next(), undefined);
        wire.receive(bytes.slice(length / 2));
        assertEquals(wire.next(), text);
      }
    }
  }
});

Deno.test("a Close is answered by its code only, and by an empty one if it has none", () => {
  for (const [code, answer] of [[4000, "\x88\x02\x0f\xa0"], [undefined, "\x88\0"]] as const) {
    const wire = new WebSocketWire("server");
    wire.receive(new Frames("client").close(code, code === undefined ? "" : "because"));
    assertEquals(wire.next(), undefined);
    assertEquals(taken(wire), raw(answer));
  }
});

Deno.test("the decompressor is told the end of each message, also if nothing comes with it", () => {
  const peer = new Frames("client");
  const deflate = complementDeflate();
  const wire = new WebSocketWire("server", { deflate });
  const a = raw("\x9e");
  wire.receive(concat([
    ...[peer.frame(FIN | RSV1 | TEXT, a), peer.frame(FIN | RSV1 | TEXT)],
    ...[peer.frame(RSV1 | TEXT, a), peer.frame(FIN), peer.text("plain")],
    ...[peer.frame(RSV1 | TEXT, a), peer.frame(FIN, a)],
  ]));
  const read: unknown[] = [];
  for (let text; (text = wire.next()) !== undefined;) read.push([text, deflate.decompressor.ended]);
  assertEquals(read, [["a", 1], ["", 2], ["a", 3], ["plain", 3], ["aa", 4]]);
});

Deno.test("a frame that has come in part keeps nothing else of what came with it", () => {
  const reader = new FrameReader({ control() {} }, {
    isMasked: true,
    isDeflated: false,
    limits: { maxFrameBytes: Infinity },
  });
  const chunk = new Uint8Array(1000);
  chunk.set(new Frames("client").ping("abc"));
  reader.receive(chunk.subarray(0, 8));
  assertEquals(reader.readHead(), false);
  assertEquals(reader.bytes.buffer.byteLength, 8);
  reader.receive(chunk.subarray(8, 9));
  assertEquals(reader.readHead(), false);
  assertEquals(reader.bytes.buffer.byteLength, 0);
});

Deno.test("what the peer promises takes no memory", () => {
  const wire = new WebSocketWire("server");
  wire.receive(new Frames("client").frame(FIN | BINARY, "a", { length: 16_000_000n }));
  assertEquals(wire.next(), undefined);
  wire.receive(new Uint8Array(100));
  assertEquals(wire.next(), undefined);
  const received = wire.begin() === "binary" && wire.piece() as Uint8Array;
  assert(received && received.length === 101 && received.buffer.byteLength < 5000);
});

Deno.test("a message of 1 GiB is read in pieces", () => {
  const chunk = new Uint8Array(64 * 1024);
  const length = 2 ** 30;
  const wire = new WebSocketWire("client");
  wire.receive(new Frames("server").frame(FIN | BINARY, "", { length: BigInt(length) }));
  assertEquals(wire.begin(), "binary");
  let sum = 0;
  for (let at = 0; at < length; at += chunk.length) {
    wire.receive(chunk);
    const piece = wire.piece() as Uint8Array;
    assert(piece.buffer === chunk.buffer);
    sum += piece.length;
  }
  assertEquals([sum, wire.piece()], [length, null]);
});

Deno.test("sends what RFC 6455 5.7 shows", () => {
  const server = new WebSocketWire("server");
  server.send("Hello");
  assertEquals(taken(server), raw("\x81\x05Hello"));
  server.sendPiece("text", "Hel");
  server.sendPiece("text", "lo");
  server.sendEnd();
  assertEquals(taken(server), raw("\x01\x03Hel\x00\x02lo\x80\x00"));
  server.ping();
  assertEquals(taken(server), raw("\x89\x04\0\0\0\x01"));
  server.send(new Uint8Array(256));
  assertEquals(taken(server), concat([raw("\x82\x7e\x01\x00"), new Uint8Array(256)]));
  server.send(new Uint8Array(65536));
  assertEquals(
    taken(server),
    concat([raw("\x82\x7f\0\0\0\0\0\x01\0\0"), new Uint8Array(65536)]),
  );
  server.close();
  assertEquals(taken(server), raw("\x88\x02\x03\xe8"));
  const client = new WebSocketWire("client");
  client.close(4000, "é");
  const bytes = taken(client);
  assertEquals(bytes.subarray(0, 2), raw("\x88\x84"));
  assertEquals(framesOf(bytes)[0]!.payload, raw("\x0f\xa0\xc3\xa9"));
});

Deno.test("text of every length near the limits of heads is sent right", () => {
  const lengths = [0, 1, 23, 24, 25, 62, 63, 124, 125, 126, 127, 4095, 4096, 4097, 16384, 16385]
    .concat([65535, 65536, 100_000]);
  for (const role of roles) {
    for (const unit of ["a", "é", "中", "😀", "\ud800"]) {
      for (const length of lengths) {
        const text = unit.repeat(length / unit.length);
        const wire = new WebSocketWire(role);
        wire.send(text);
        wire.send("end");
        const [frame, end] = framesOf(taken(wire));
        assertEquals(frame!.payload, utf8(text));
        assertEquals(end!.payload, utf8("end"));
      }
    }
  }
});

Deno.test("a client masks each frame with another key, and leaves what it sends as it is", () => {
  const client = new WebSocketWire("client");
  const keys = new Set<string>();
  const data = [new Uint8Array(10), new Uint8Array(1000), new Uint8Array(20_000)];
  for (let i = 0; i < 1200; i++) {
    client.send(data[i % 3]!);
  }
  for (const { isMasked, key, payload } of framesOf(taken(client))) {
    assert(isMasked && payload.every((byte) => byte === 0));
    keys.add(key.join());
  }
  // Two of 1200 keys are alike once in 6000 runs.
  assert(keys.size >= 1199);
  assert(data.every((bytes) => bytes.every((byte) => byte === 0)));
});

Deno.test("a server does not copy a large payload", () => {
  const wire = new WebSocketWire("server");
  const payload = new Uint8Array(100_000);
  wire.send("a");
  wire.send(payload);
  wire.send("b");
  const sent: Uint8Array[] = [];
  const sendv = (chunks: readonly Uint8Array[]) => {
    sent.push(...chunks);
    return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  };
  assert(wire.flush({ send: (bytes) => sendv([bytes]), sendv }));
  assertEquals(sent.map((chunk) => chunk.length), [13, 100_000, 3]);
  assert(sent[1]!.buffer === payload.buffer);
});

Deno.test("small frames are sent as one chunk", () => {
  const wires = roles.map((role) => new WebSocketWire(role));
  for (const wire of wires) {
    for (let i = 0; i < 100; i++) wire.send(i % 2 === 0 ? "text" : utf8("bytes"));
    let calls = 0;
    assert(wire.flush({ send: (bytes) => (calls++, bytes.length) }));
    assertEquals(calls, 1);
  }
});

Deno.test("wires that write in turn do not mix", () => {
  const wires = Array.from({ length: 3 }, () => new WebSocketWire("server"));
  for (let i = 0; i < 100; i++) for (const [k, wire] of wires.entries()) wire.send(`${k}:${i}`);
  for (const [k, wire] of wires.entries()) {
    const texts = framesOf(taken(wire)).map(({ payload }) => new TextDecoder().decode(payload));
    assertEquals(texts, Array.from({ length: 100 }, (_, i) => `${k}:${i}`));
  }
});

Deno.test("frames that fill the shared memory are whole", () => {
  for (const role of roles) {
    for (const [count, most] of [[2000, 130], [30_000, 5]] as const) {
      const wire = new WebSocketWire(role);
      const expected: string[] = [];
      for (let i = 0; i < count; i++) {
        const data = "中".repeat(i % most);
        expected.push(told(utf8(data)));
        wire.send(i % 3 === 0 ? utf8(data) : data);
      }
      assertEquals(framesOf(taken(wire)).map(({ payload }) => told(payload)), expected);
    }
  }
});

Deno.test("what a socket has accepted is never written again", () => {
  const wire = new WebSocketWire("server");
  const kept: [Uint8Array, Uint8Array][] = [];
  const sender = {
    send(bytes: Uint8Array) {
      kept.push([bytes, bytes.slice()]);
      return bytes.length;
    },
  };
  for (let i = 0; i < 3000; i++) {
    wire.send(`message ${i} ${"x".repeat(i % 100)}`);
    wire.flush(sender);
  }
  for (const [bytes, copy] of kept) assertEquals(bytes, copy);
});

Deno.test("flush() goes on where the socket stopped, whatever it accepts", () => {
  const accepts = [0, 1, 2, 7, 1000, 20_000];
  for (const isVectored of [false, true]) {
    for (const most of accepts.filter((most) => most > 0)) {
      const wire = new WebSocketWire("server");
      const sent: Uint8Array[] = [];
      let calls = 0;
      const take = (bytes: Uint8Array) => {
        const count = Math.min(bytes.length, calls++ % 3 === 0 ? 0 : most);
        sent.push(bytes.slice(0, count));
        return count;
      };
      const sender = isVectored
        ? { send: take, sendv: (chunks: readonly Uint8Array[]) => take(concat(chunks)) }
        : { send: take };
      wire.send("one");
      wire.flush(sender);
      wire.send("x".repeat(100));
      wire.flush(sender);
      wire.send(new Uint8Array(20_000));
      wire.flush(sender);
      wire.append(encoded("two"));
      wire.append(encoded(new Uint8Array(30_000)));
      for (let i = 0; !wire.flush(sender); i++) assert(i < 100_000);
      assertEquals(wire.size, 0);
      assertEquals(
        framesOf(concat(sent)).map(({ payload }) => payload.length),
        [3, 100, 20_000, 3, 30_000],
      );
    }
  }
});

Deno.test("a flood of Pings takes no memory while nothing is sent", () => {
  const peer = new Frames("client");
  const wire = new WebSocketWire("server");
  for (let i = 0; i < 2000; i++) {
    wire.receive(peer.ping(`${i} ${"x".repeat(100)}`));
    assertEquals(wire.next(), undefined);
  }
  assert(wire.size < 20_000);
  const sent = framesOf(taken(wire));
  assert(sent.length < 200);
  assertMatch(new TextDecoder().decode(sent[0]!.payload), /^0 /);
  const last = sent.at(-1)!;
  assertEquals(last.first, FIN | PONG);
  assertMatch(new TextDecoder().decode(last.payload), /^1999 /);
  assertEquals(taken(wire).length, 0);
});

Deno.test("nothing follows a Close, not even a Pong that waits", () => {
  const peer = new Frames("client");
  const wire = new WebSocketWire("server");
  wire.send(new Uint8Array(20_000));
  wire.receive(peer.ping("late"));
  assertEquals(wire.next(), undefined);
  wire.close(1001, "bye");
  wire.receive(concat([peer.ping("later"), peer.text("still read"), peer.close(1001)]));
  assertEquals(wire.next(), "still read");
  assertEquals(wire.next(), undefined);
  assertEquals(wire.closed, { code: 1001, reason: "" });
  assertEquals(framesOf(taken(wire)).map(({ first }) => first), [FIN | BINARY, FIN | CLOSE]);
  const calls: (() => void)[] = [
    () => wire.send("a"),
    () => wire.sendPiece("text", "a"),
    () => wire.sendEnd(),
    () => wire.ping(),
    () => wire.close(),
    () => wire.append(encoded("a")),
  ];
  for (const call of calls) assertThrows(call, LocalProtocolError, "Close has been sent");
  assertEquals(taken(wire).length, 0);
});

Deno.test("only control frames may come between the pieces of a message", () => {
  const wire = new WebSocketWire("server");
  assertThrows(() => wire.sendEnd(), LocalProtocolError, "none is being sent");
  wire.sendPiece("text", "a");
  assertThrows(() => wire.send("b"), LocalProtocolError, "another is being sent in pieces");
  assertThrows(() => wire.append(encoded("b")), LocalProtocolError, "another is being sent");
  assertThrows(() => wire.sendPiece("binary", "b"), LocalProtocolError, "the message is text");
  wire.ping();
  wire.sendPiece("text", "c");
  wire.sendEnd();
  wire.send("d");
  assertEquals(
    framesOf(taken(wire)).map(({ first }) => first),
    [TEXT, FIN | PING, CONTINUATION, FIN | CONTINUATION, FIN | TEXT],
  );
});

Deno.test("a message in pieces may have none, and empty ones send nothing", () => {
  const wire = new WebSocketWire("server");
  wire.sendPiece("binary", "");
  wire.sendPiece("binary", new Uint8Array(0));
  assertEquals(wire.size, 0);
  wire.sendEnd();
  assertEquals(taken(wire), raw("\x82\0"));
});

Deno.test("pieces of text may cut characters", () => {
  const wire = new WebSocketWire("server");
  const client = new WebSocketWire("client");
  const arrived = (...pieces: (string | Uint8Array)[]) => {
    for (const piece of pieces) wire.sendPiece("text", piece);
    wire.sendEnd();
    client.receive(taken(wire));
    return client.next();
  };
  const emoji = utf8("😀");
  assertEquals(arrived("\ud83d", "\ude00"), "😀");
  assertEquals(arrived("a\ud83d", "", "\ude00b"), "a😀b");
  assertEquals(arrived("\ud83d"), "\ufffd");
  assertEquals(arrived("\ud83d", "\ud83d", "\ude00"), "\ufffd😀");
  assertEquals(arrived("\ud83d", emoji), "\ufffd😀");
  assertEquals(arrived(emoji.subarray(0, 1), emoji.subarray(1, 3), emoji.subarray(3), "a"), "😀a");
  assertEquals(arrived("a", emoji), "a😀");
});

Deno.test("bytes of text that are no UTF-8 are not sent", () => {
  const notText = (call: () => void) =>
    assertThrows(call, LocalProtocolError, "they are not UTF-8");
  const wire = new WebSocketWire("server");
  notText(() => wire.sendPiece("text", raw("\xff")));
  const cut = new WebSocketWire("server");
  cut.sendPiece("text", raw("a\xe2\x82"));
  notText(() => cut.sendEnd());
  notText(() => cut.sendPiece("text", "a"));
  cut.sendPiece("text", raw("\xac"));
  cut.sendEnd();
  assertEquals(taken(cut), raw("\x01\x01a\x00\x03\xe2\x82\xac\x80\x00"));
});

Deno.test("text may be sent as pieces of binary data", () => {
  const wire = new WebSocketWire("server");
  wire.sendPiece("binary", "é");
  wire.sendPiece("binary", raw("\xff"));
  wire.sendEnd();
  assertEquals(taken(wire), raw("\x02\x02\xc3\xa9\x00\x01\xff\x80\x00"));
});

Deno.test("close() refuses what may not be sent", () => {
  const wire = new WebSocketWire("client");
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, NaN]) {
    assertThrows(() => wire.close(code), RangeError, `the code ${code}`);
  }
  assertThrows(() => wire.close("1000" as unknown as number), RangeError, 'the code "1000"');
  assertThrows(() => wire.close(1000, "é".repeat(62)), RangeError, "124 bytes");
  assertEquals(wire.size, 0);
  wire.close(1000, "é".repeat(61));
  assertEquals(framesOf(taken(wire)).map(({ payload }) => payload.length), [124]);
});

Deno.test("encoded() gives what send() sends; a client refuses it", () => {
  for (const data of ["", "text é", "x".repeat(5000), utf8("bytes"), new Uint8Array(70_000)]) {
    const wire = new WebSocketWire("server");
    wire.send(data);
    assertEquals(taken(wire), encoded(data) as Uint8Array<ArrayBuffer>);
    const { compressor, decompressor } = complementDeflate();
    const reader = new WebSocketWire("client", { deflate: { compressor, decompressor } });
    reader.receive(encoded(data, compressor));
    assertEquals(told(reader.next()!), told(data));
    assertThrows(() => reader.append(encoded(data)), LocalProtocolError, "use send()");
  }
});

Deno.test("messages are compressed if that is worth it, and in pieces always", () => {
  const wire = new WebSocketWire("server", { deflate: complementDeflate() });
  wire.send("ab");
  wire.send("abc");
  wire.send(utf8("abc"));
  wire.sendPiece("text", "a");
  wire.sendPiece("text", "b");
  wire.sendEnd();
  wire.ping();
  const bytes = taken(wire);
  assertEquals(
    framesOf(bytes).map(({ first, payload }) => [first, payload.length]),
    [[FIN | TEXT, 2], [FIN | RSV1 | TEXT, 3], [FIN | RSV1 | BINARY, 3]]
      .concat([[RSV1 | TEXT, 1], [FIN | CONTINUATION, 1], [FIN | PING, 4]]),
  );
  const client = new Fed("client", "whole", { deflate: complementDeflate() });
  client.receive(bytes);
  assertEquals(
    client.log,
    ['text "ab"', 'text "abc"', 'binary "abc"', 'text "ab"', toldPong(pingPayload(1))],
  );
});

/** Nothing of a message depends on earlier ones. */
class Forgetful extends ComplementDecompressor {
  override readonly keepsContext = false;
  fed = 0;

  override feed(payload: Uint8Array, isLast: boolean): void {
    this.fed += payload.length;
    super.feed(payload, isLast);
  }
}

Deno.test("what is dropped is not decompressed, unless later messages depend on it", () => {
  const server = new WebSocketWire("server", { deflate: complementDeflate() });
  server.send("dropped".repeat(100));
  server.send("read");
  const bytes = taken(server);
  server.send("dropped as well".repeat(100));
  server.close(3000, "end");
  const rest = taken(server);

  const decompressor = new Forgetful();
  const deflate = { compressor: new ComplementCompressor(), decompressor };
  const client = new WebSocketWire("client", { deflate });
  client.receive(bytes.slice(0, 20));
  assertEquals(client.begin(), "text");
  assertEquals(client.skip(), false);
  client.receive(bytes.slice(20));
  assertEquals([client.next(), decompressor.fed], ["read", 4]);
  client.receive(rest);
  client.drop();
  assertEquals([client.closed, decompressor.fed], [{ code: 3000, reason: "end" }, 4]);
});

Deno.test("whatever one wire sends arrives at the other, at any cut", () => {
  const codec = fc.boolean();
  const sizes = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5000 })),
    {
      minLength: 1,
      maxLength: 10,
    },
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...roles),
      fc.constantFrom(...readings),
      fc.array(action, { maxLength: 12 }),
      sizes,
      codec,
      (role, reading, actions, sizes, isDeflated) => {
        const options = () => isDeflated ? { deflate: complementDeflate() } : {};
        const wire = new WebSocketWire(role, options());
        const expected: string[] = [];
        for (const one of actions) perform(wire, role, one, expected);
        wire.close(4321, "end");
        expected.push("sends Close 4321", 'closed 4321 "end"');
        const bytes = taken(wire);
        // Large ones are cut at fewer places.
        const scale = Math.ceil(bytes.length / 4000);
        const cuts: number[] = [];
        for (let at = 0, i = 0; (at += scale * sizes[i++ % sizes.length]!) < bytes.length;) {
          cuts.push(at);
        }
        assertEquals(fed(other(role), reading, bytes, cuts, options()), expected);
      },
    ),
    { numRuns: 150 },
  );
});
