/** RFC 7692: permessage-deflate, its negotiation and its payloads. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import * as zlib from "node:zlib";
import { PerMessageDeflate } from "ws";
import { RemoteProtocolError } from "../../http/mod.ts";
import { Deflater, type Direction, Inflater } from "../../http/websocket/_deflate.ts";
import {
  acceptOffer,
  checkAnswer,
  codecsOf,
  compressionOf,
  offerOf,
} from "../../http/websocket/_extension.ts";
import type { WebSocketCompression } from "../../http/websocket/web_socket_compression.ts";
import { inflate } from "./_inflate.ts";
import { clientRules, type NegotiationRule, payloadRules, serverRules } from "./_rfc7692.ts";

const TAIL = [0, 0, 0xff, 0xff];
const encoder = new TextEncoder();
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (hex: string) =>
  Uint8Array.from(
    hex.split(" ").filter((byte) => byte !== ""),
    (byte) => Number.parseInt(byte, 16),
  );
const nameOf = ({ section, requirement, reaction }: NegotiationRule, role: string) =>
  `RFC ${section}: ${requirement} (${role}: ${reaction})`;
const plain = ({ contextTakeover, windowBits }: Direction) =>
  `${contextTakeover ? "takeover" : "none"} ${windowBits}`;
const JSON_TEXT = encoder.encode(
  JSON.stringify(
    Array.from({ length: 4000 }, (_, id) => ({ id, name: `user ${id * 7919 % 997}` })),
  ),
);

/** All that comes out of a message, and the size of the largest piece. */
function decompressed(decompressor: Inflater, ...pieces: Uint8Array[]): [Uint8Array, number] {
  const made: Uint8Array[] = [];
  pieces.forEach((piece, i) => {
    decompressor.feed(piece, i === pieces.length - 1);
    for (let out; (out = decompressor.next()) !== undefined;) made.push(out);
  });
  return [new Uint8Array(Buffer.concat(made)), Math.max(0, ...made.map(({ length }) => length))];
}

function compressed(compressor: Deflater, ...pieces: Uint8Array[]): Uint8Array[] {
  return pieces.map((piece, i) => compressor.piece(piece, i === pieces.length - 1));
}

for (const rule of serverRules) {
  Deno.test(nameOf(rule, "server"), () => {
    const settings = compressionOf(rule.server ?? {});
    if (rule.answer === "400") {
      const error = assertThrows(() => acceptOffer(rule.offers, settings), RemoteProtocolError);
      assertEquals(error.status, 400);
    } else assertEquals(acceptOffer(rule.offers, settings)?.answer, rule.answer);
  });
}

for (const rule of clientRules) {
  Deno.test(nameOf(rule, "client"), () => {
    const settings = compressionOf(rule.client ?? {})!;
    if (rule.offer !== undefined) assertEquals(offerOf(settings), rule.offer);
    const check = () => checkAnswer(rule.answers, settings);
    if (rule.agreed instanceof RegExp) {
      assertMatch(assertThrows(check, RemoteProtocolError).message, rule.agreed);
    } else {
      const agreed = check();
      assertEquals(agreed && [plain(agreed.sending), plain(agreed.receiving)], rule.agreed);
    }
  });
}

for (const rule of payloadRules) {
  Deno.test(nameOf(rule, "decompressor"), () => {
    const decompressor = new Inflater({ contextTakeover: rule.takeover ?? false, windowBits: 15 });
    rule.payloads.forEach((payload, i) => {
      const pieces = payload.map(bytesOf);
      const expected = rule.texts[i]!;
      if (expected instanceof RegExp) {
        const error = assertThrows(
          () => decompressed(decompressor, ...pieces),
          RemoteProtocolError,
        );
        assertMatch(error.message, expected);
      } else {
        assertEquals(text(decompressed(decompressor, ...pieces)[0]), expected);
      }
    });
    decompressor.close();
  });
}

Deno.test("acceptOffer() declines, and checks, if there is no compression", () => {
  assertEquals(acceptOffer(["permessage-deflate"], undefined), undefined);
  assertThrows(() => acceptOffer(["permessage-deflate;"], undefined), RemoteProtocolError);
  assertThrows(() => checkAnswer(["permessage-deflate"], undefined), RemoteProtocolError);
  assertEquals(checkAnswer([], undefined), undefined);
});

Deno.test("compressionOf() takes true, false and options in their ranges", () => {
  assertEquals(compressionOf(false), undefined);
  assertEquals(compressionOf(true), compressionOf({}));
  for (const name of ["maxWindowBits", "peerMaxWindowBits"]) {
    for (const bits of [7, 16, 9.5, "9"]) {
      assertThrows(() => compressionOf({ [name]: bits }), RangeError, `${name} must be`);
    }
  }
  for (const level of [0, 10]) assertThrows(() => compressionOf({ level }), RangeError, "level");
  assertThrows(() => compressionOf({ minBytes: -1 }), RangeError, "minBytes");
  const options = { contextTakover: true } as WebSocketCompression;
  assertThrows(() => compressionOf(options), TypeError, "contextTakeover");
  const wrong = { peerContextTakeover: 1 } as unknown as WebSocketCompression;
  assertThrows(() => compressionOf(wrong), TypeError, "peerContextTakeover");
});

Deno.test("A client and a server of ours agree on the same, whatever their options", () => {
  const side = fc.record({
    contextTakeover: fc.boolean(),
    peerContextTakeover: fc.boolean(),
    maxWindowBits: fc.integer({ min: 8, max: 15 }),
    peerMaxWindowBits: fc.integer({ min: 8, max: 15 }),
  });
  fc.assert(fc.property(side, side, (client, server) => {
    const [ours, theirs] = [compressionOf(client)!, compressionOf(server)!];
    const accepted = acceptOffer([offerOf(ours)], theirs);
    assert(accepted !== undefined);
    const agreed = checkAnswer([accepted.answer], ours)!;
    const sent = agreed.sending, kept = accepted.agreed.receiving;
    // The server must keep at least what the client uses.
    assert(kept.contextTakeover || !sent.contextTakeover);
    assert(kept.windowBits >= sent.windowBits);
    assertEquals(plain(agreed.receiving), plain(accepted.agreed.sending));
    assert(!(agreed.receiving.contextTakeover && !client.peerContextTakeover));
    assert(!(kept.contextTakeover && !server.peerContextTakeover));
    assert(agreed.receiving.windowBits <= client.peerMaxWindowBits);
    assert(kept.windowBits <= server.peerMaxWindowBits);
  }));
});

Deno.test("The compressor makes the octets of RFC 7692 7.2.3", () => {
  const hello = encoder.encode("Hello");
  const kept = new Deflater({ contextTakeover: true, windowBits: 15 }, 6, 0);
  assertEquals(kept.whole(hello), bytesOf("f2 48 cd c9 c9 07 00"));
  assertEquals(kept.whole(hello), bytesOf("f2 00 11 00 00"));
  assertEquals(kept.whole(encoder.encode("")), bytesOf("00"));
  const single = new Deflater({ contextTakeover: false, windowBits: 15 }, 6, 0);
  assertEquals(single.whole(hello), bytesOf("f2 48 cd c9 c9 07 00"));
  assertEquals(single.whole(hello), bytesOf("f2 48 cd c9 c9 07 00"));
  assertEquals(single.whole(encoder.encode("")), bytesOf("00"));
  kept.close();
});

Deno.test("A message may end with an empty piece, and begin with one", () => {
  for (const contextTakeover of [false, true]) {
    const direction = { contextTakeover, windowBits: 15 };
    const compressor = new Deflater(direction, 2, 0);
    const decompressor = new Inflater(direction);
    for (const pieces of [["", "Hello", ""], ["", ""], ["Hello", "", "Hello", ""]]) {
      const sent = compressed(compressor, ...pieces.map((piece) => encoder.encode(piece)));
      assertEquals(text(decompressed(decompressor, ...sent)[0]), pieces.join(""));
    }
    compressor.close();
  }
});

const DIRECTIONS: Direction[] = [false, true].flatMap((contextTakeover) =>
  [8, 9, 10, 11, 12, 13, 14, 15].map((windowBits) => ({ contextTakeover, windowBits }))
);

/** Messages in pieces, in which things come again. */
const messages = fc.array(
  fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: "binary", maxLength: 100 }).map((text) => encoder.encode(text)),
      fc.tuple(fc.nat(60_000), fc.nat(70_000)).map(([from, length]) =>
        JSON_TEXT.subarray(from, from + length)
      ),
    ),
    { minLength: 1, maxLength: 4 },
  ),
  { minLength: 1, maxLength: 4 },
);

/** The same bytes, cut where the numbers say. */
function cut(bytes: Uint8Array, places: number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length];
  at.sort((a, b) => a - b);
  return at.slice(1).map((to, i) => bytes.subarray(at[i], to));
}

for (const direction of DIRECTIONS) {
  Deno.test(`Any messages come through with ${plain(direction)}, in any pieces`, () => {
    fc.assert(
      fc.property(messages, fc.array(fc.nat()), (messages, places) => {
        const compressor = new Deflater(direction, 2, 0);
        const decompressor = new Inflater(direction);
        for (const pieces of messages) {
          const sent = Buffer.concat(compressed(compressor, ...pieces));
          const [got, largest] = decompressed(decompressor, ...cut(sent, places));
          assert(Buffer.concat(pieces).equals(got));
          assert(largest <= 65_536);
        }
        compressor.close();
        decompressor.close();
      }),
      { numRuns: 30 },
    );
  });

  Deno.test(`The compressor keeps to its window with ${plain(direction)}`, () => {
    const compressor = new Deflater(direction, 6, 0);
    const decompressor = new Inflater(direction);
    const output: number[] = [];
    // Repeated after 300 and after 33,000 bytes, and at the borders of the window.
    const noise = Uint8Array.from({ length: 33_000 }, (_, i) => i * i * 7919 >> 7);
    const size = 2 ** direction.windowBits;
    // With 8, it refers to the byte before, since zlib has no window of 256 bytes.
    const farthest = direction.windowBits === 8 ? 1 : size;
    for (const length of [20, 250, 300, size - 1, size, size + 1, 33_000]) {
      for (const payload of [noise.subarray(0, length), noise.subarray(0, length)]) {
        const sent = compressor.whole(payload);
        const from = direction.contextTakeover ? 0 : output.length;
        const before = output.slice(from);
        const longest = inflate(Uint8Array.from([...sent, ...TAIL]), before);
        assert(longest <= farthest, `${longest} for ${length}`);
        output.splice(from, Infinity);
        for (const byte of before) output.push(byte);
        assertEquals(output.length > 0 && output.at(-1), payload.at(-1));
        assert(Buffer.from(payload).equals(decompressed(decompressor, sent)[0]));
      }
    }
    compressor.close();
    decompressor.close();
  });
}

Deno.test("A payload of a few KB that makes 50 MB comes out in pieces of 64 KiB", () => {
  const bomb = zlib.deflateRawSync(new Uint8Array(50_000_000), {
    finishFlush: zlib.constants.Z_SYNC_FLUSH,
  }).subarray(0, -4);
  assert(bomb.length < 60_000);
  const decompressor = new Inflater({ contextTakeover: false, windowBits: 15 });
  decompressor.feed(bomb, true);
  let length = 0;
  for (let piece; (piece = decompressor.next()) !== undefined;) {
    assert(piece.length <= 65_536);
    length += piece.length;
  }
  assertEquals(length, 50_000_000);
});

Deno.test("What a fragment makes comes out before the next one is there, wherever it is cut", () => {
  const flush = { finishFlush: zlib.constants.Z_SYNC_FLUSH };
  for (const length of [300, 65_536, 65_600, 65_700, 131_100]) {
    const sent = zlib.deflateRawSync(new Uint8Array(length), flush).subarray(0, -4);
    for (let at = Math.max(0, sent.length - 20); at < sent.length; at++) {
      const decompressor = new Inflater({ contextTakeover: false, windowBits: 15 });
      decompressor.feed(sent.subarray(0, at), false);
      let made = 0;
      for (let piece; (piece = decompressor.next()) !== undefined;) made += piece.length;
      assertEquals(made, zlib.inflateRawSync(sent.subarray(0, at), flush).length);
      decompressor.close();
    }
  }
});

Deno.test("Messages of several connections may be on the way at once", () => {
  const direction = { contextTakeover: false, windowBits: 15 };
  const both = Array.from({ length: 12 }, (_, i) => ({
    compressor: new Deflater(direction, 2, 0),
    decompressor: new Inflater(direction),
    expected: encoder.encode(`connection ${i} `.repeat(1000)),
    got: [] as Uint8Array[],
  }));
  for (let at = 0; at < 3; at++) {
    for (const { compressor, decompressor, expected, got } of both) {
      const from = at * 5000;
      const to = at === 2 ? expected.length : from + 5000;
      decompressor.feed(compressor.piece(expected.subarray(from, to), at === 2), at === 2);
      for (let piece; (piece = decompressor.next()) !== undefined;) got.push(piece);
    }
  }
  for (const { expected, got } of both) assert(Buffer.from(expected).equals(Buffer.concat(got)));
});

Deno.test("After a malformed message, others of other connections come through", () => {
  const direction = { contextTakeover: false, windowBits: 15 };
  for (let i = 0; i < 10; i++) {
    const bad = new Inflater(direction);
    assertThrows(() => decompressed(bad, bytesOf("f6 00")), RemoteProtocolError);
    assertEquals(bad.next(), undefined);
    bad.close();
    const good = new Inflater(direction);
    assertEquals(text(decompressed(good, bytesOf("f2 48 cd c9 c9 07 00"))[0]), "Hello");
  }
});

Deno.test("A connection that is cut within messages leaves nothing of them to others", () => {
  const settings = compressionOf({ minBytes: 0 })!;
  const { agreed } = acceptOffer(["permessage-deflate"], settings)!;
  for (let i = 0; i < 10; i++) {
    const { compressor, decompressor } = codecsOf(agreed, settings);
    const close = () => {
      compressor.close();
      decompressor.close();
    };
    const sent = compressor.piece(encoder.encode("Hello, "), false);
    decompressor.feed(sent.subarray(0, 5), false);
    assertEquals(decompressor.next() !== undefined, true);
    close();
    close();
  }
  const { compressor, decompressor } = codecsOf(agreed, settings);
  decompressor.feed(compressor.whole(encoder.encode("Bye")), true);
  assertEquals(text(decompressor.next()!), "Bye");
  assertEquals(decompressor.next(), undefined);
});

Deno.test("How long a message must be depends on what is agreed, unless minBytes is given", () => {
  const worth = (client: WebSocketCompression, server: WebSocketCompression) => {
    const settings = compressionOf(server)!;
    const { agreed } = acceptOffer([offerOf(compressionOf(client)!)], settings)!;
    const { compressor } = codecsOf(agreed, settings);
    return [63, 64, 1023, 1024].map((length) => compressor.isWorth(length));
  };
  const kept = { contextTakeover: true, peerContextTakeover: true };
  assertEquals(worth(kept, kept), [false, true, true, true]);
  assertEquals(worth({}, kept), [false, false, false, true]);
  assertEquals(worth(kept, {}), [false, false, false, true]);
  assertEquals(worth({}, { minBytes: 1023 }), [false, false, true, true]);
});

Deno.test("isWorth() tells whether a message is long enough", () => {
  const compressor = new Deflater({ contextTakeover: false, windowBits: 15 }, 2, 100);
  assertEquals([compressor.isWorth(99), compressor.isWorth(100)], [false, true]);
});

/** Only what is used here of the class of npm `ws`. */
interface Peer {
  accept(offers: object[]): Record<string, unknown>;
  compress(data: Buffer, fin: boolean, done: (error: Error | null, data: Buffer) => void): void;
  decompress(data: Buffer, fin: boolean, done: (error: Error | null, data: Buffer) => void): void;
  cleanup(): void;
}

function call(peer: Peer, name: "compress" | "decompress", data: Uint8Array, isLast: boolean) {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  peer[name](Buffer.from(data), isLast, (error, made) => error ? reject(error) : resolve(made));
  return promise;
}

for (const contextTakeover of [false, true]) {
  for (const windowBits of [9, 15]) {
    const direction = { contextTakeover, windowBits };
    Deno.test(`Messages of npm ws come through, and ours to it, with ${plain(direction)}`, async () => {
      const Peer = PerMessageDeflate as unknown as new (options: object) => Peer;
      const peer = new Peer({
        isServer: true,
        serverNoContextTakeover: !contextTakeover,
        clientNoContextTakeover: !contextTakeover,
        serverMaxWindowBits: windowBits,
        clientMaxWindowBits: windowBits,
      });
      const said = peer.accept([{ client_max_window_bits: [true] }]);
      const answer = Object.entries(said).map(([name, value]) =>
        value === true ? name : `${name}=${value}`
      );
      const agreed = checkAnswer([["permessage-deflate", ...answer].join("; ")], {
        ...compressionOf({ contextTakeover: true, peerContextTakeover: true })!,
      })!;
      assertEquals([plain(agreed.sending), plain(agreed.receiving)], [
        plain(direction),
        plain(direction),
      ]);
      const compressor = new Deflater(agreed.sending, 2, 0);
      const decompressor = new Inflater(agreed.receiving);
      for (const length of [5, 1000, 1000, 0, 100_000, 70_000]) {
        const payload = JSON_TEXT.subarray(0, length);
        const theirs = await call(peer, "compress", payload, true);
        assert(Buffer.from(payload).equals(decompressed(decompressor, theirs)[0]));
        const ours = compressed(
          compressor,
          payload.subarray(0, length >> 1),
          payload.subarray(length >> 1),
        );
        const got = await call(peer, "decompress", ours[0]!, false);
        const rest = await call(peer, "decompress", ours[1]!, true);
        assert(Buffer.concat([got, rest]).equals(payload));
      }
      compressor.close();
      decompressor.close();
      peer.cleanup();
    });
  }
}

Deno.test("What streams of node:zlib make comes through, also with Z_FINISH for each message", () => {
  for (const flush of [zlib.constants.Z_SYNC_FLUSH, zlib.constants.Z_FULL_FLUSH]) {
    const decompressor = new Inflater({ contextTakeover: false, windowBits: 15 });
    const sent = zlib.deflateRawSync(JSON_TEXT, { finishFlush: flush }).subarray(0, -4);
    assert(Buffer.from(JSON_TEXT).equals(decompressed(decompressor, sent)[0]));
  }
  const decompressor = new Inflater({ contextTakeover: true, windowBits: 15 });
  for (const length of [10, 100_000, 100]) {
    const payload = JSON_TEXT.subarray(0, length);
    const sent = Buffer.concat([zlib.deflateRawSync(payload), Uint8Array.of(0)]);
    assert(Buffer.from(payload).equals(decompressed(decompressor, sent)[0]));
  }
});
