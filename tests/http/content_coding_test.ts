/** RFC 9110 8.4: content codings, made and read whole, byte by byte, and at every split. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { stub } from "@std/testing/mock";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import * as zlib from "node:zlib";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { asProcess, gio, memory } from "../../gio/mod.ts";
import {
  compress,
  type ContentCoding,
  decodeWhole,
  decompress,
  encodeWhole,
  RemoteProtocolError,
} from "../../http/mod.ts";
import { fromIterable, pipe } from "../../pipeline/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { turns } from "../_leaks.ts";

const CODINGS: ContentCoding[] = ["gzip", "deflate", "br", "zstd"];

const encoder = new TextEncoder();
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const concat = (...pieces: Uint8Array[]) => new Uint8Array(Buffer.concat(pieces));

/** What node:zlib makes of it, as long as it is whole. */
const PEERS: Record<ContentCoding, (bytes: Uint8Array) => Uint8Array> = {
  gzip: zlib.gunzipSync,
  deflate: zlib.inflateSync,
  br: zlib.brotliDecompressSync,
  zstd: zlib.zstdDecompressSync,
};

const SMALL = encoder.encode("Hello, World! Hello, World!");
const LARGE = encoder.encode(
  JSON.stringify(
    Array.from({ length: 3000 }, (_, id) => ({ id, name: `user ${id * 7919 % 997}` })),
  ),
);
let random = 1;
/** It cannot be compressed. */
const NOISE = Uint8Array.from({ length: 150_000 }, () => {
  random ^= random << 13;
  random ^= random >>> 17;
  return random ^= random << 5;
});

/** Runs a stage over pieces. Returns what it yields. */
async function run(stage: Coroutine, pieces: Iterable<unknown>): Promise<Uint8Array> {
  const connection = memory();
  await asProcess(pipe(from(pieces), stage), { connection });
  return connection.bytes;
}

function* from(pieces: Iterable<unknown>): Coroutine {
  yield* pieces;
}

async function statusOf(doing: () => unknown): Promise<number | undefined> {
  try {
    await doing();
  } catch (error) {
    if (error instanceof RemoteProtocolError) return error.status;
    throw error;
  }
}

/** How many streams of node:zlib are left open by what makes at least one. */
async function leftOpen(doing: () => Promise<void>): Promise<number> {
  const prototype: { on(name: string, listener: () => void): unknown } = Readable.prototype;
  const { on } = prototype;
  const made = new Set<Readable>();
  using _ = stub(prototype, "on", function (name, listener) {
    if (name === "readable") made.add(this as Readable);
    return on.call(this, name, listener);
  });
  await doing();
  assert(made.size > 0);
  return [...made].filter(({ destroyed }) => !destroyed).length;
}

const single = (bytes: Uint8Array) => Array.from(bytes, (byte) => new Uint8Array([byte]));

for (const coding of CODINGS) {
  Deno.test(`encodeWhole() and decodeWhole() do ${coding} as others do`, () => {
    for (const body of [new Uint8Array(), SMALL, LARGE, NOISE]) {
      const encoded = encodeWhole(coding, body);
      assertEquals(encoded.constructor, Uint8Array);
      assertEquals(new Uint8Array(PEERS[coding](encoded)), body);
      assertEquals(decodeWhole(coding, encoded), body);
    }
    assertEquals(text(decodeWhole(coding, encodeWhole(coding, "€"))), "€");
  });

  Deno.test(`compress() does ${coding} of pieces of text and bytes`, async () => {
    const pieces = ["a€", encoder.encode("bc"), "", new Uint8Array(), LARGE, "end"];
    const whole = concat(encoder.encode("a€bc"), LARGE, encoder.encode("end"));
    for (const gatherBytes of [0, 3, 1000, Infinity]) {
      const encoded = await run(compress(coding, { gatherBytes }), pieces);
      assertEquals(new Uint8Array(PEERS[coding](encoded)), whole, `${gatherBytes}`);
    }
    assertEquals(await run(compress(coding), []), encodeWhole(coding, ""));
  });

  Deno.test(`compress() of ${coding} gives out each piece so that it can be decoded at once`, async () => {
    const got: string[] = [];
    function* look(): Coroutine {
      for (;;) got.push(text(yield));
    }
    await asProcess(
      pipe(from(["one", "two", "three"]), compress(coding), decompress(coding), look()),
    );
    assertEquals(got, ["one", "two", "three"]);
  });

  Deno.test(`compress() of ${coding} gathers pieces until there is an empty one`, async () => {
    const got: string[] = [];
    function* look(): Coroutine {
      for (;;) got.push(text(yield));
    }
    const pieces = ["one", "two", "", "", "three", "four", "", "five"];
    const gathering = compress(coding, { gatherBytes: 10 });
    await asProcess(pipe(from(pieces), gathering, decompress(coding), look()));
    assertEquals(got, ["onetwo", "threefour", "five"]);
  });

  Deno.test(`decompress() reads ${coding} whole, byte by byte and at every split`, async () => {
    const encoded = encodeWhole(coding, SMALL);
    assertEquals([...fromIterable([encoded], decompress(coding))], [SMALL]); // without waiting
    assertEquals(await run(decompress(coding), single(encoded)), SMALL);
    for (let at = 0; at <= encoded.length; at++) {
      const pieces = [encoded.subarray(0, at), encoded.subarray(at)];
      assertEquals(await run(decompress(coding), pieces), SMALL, `at ${at}`);
    }
    for (const large of [LARGE, NOISE]) {
      const encoded = encodeWhole(coding, large);
      const pieces = [encoded.subarray(0, 1000), encoded.subarray(1000)];
      assertEquals(await run(decompress(coding), pieces), large);
      assertEquals(await run(decompress(coding), [encoded]), large);
    }
  });

  Deno.test(`decompress() takes ${coding} that is not complete or faulty for faulty`, async () => {
    const encoded = encodeWhole(coding, SMALL);
    for (let length = 1; length < encoded.length; length++) {
      const part = encoded.subarray(0, length);
      assertEquals(await statusOf(() => decodeWhole(coding, part)), 400, `whole, ${length}`);
      assertEquals(await statusOf(() => run(decompress(coding), [part])), 400, `${length}`);
      const bytes = single(part);
      assertEquals(await statusOf(() => run(decompress(coding), bytes)), 400, `bytes, ${length}`);
    }
    for (const body of ["\xff".repeat(20), "\x00\x00\x00\x00\x00", "Hello, World!"]) {
      const faulty = Uint8Array.from(body, (character) => character.charCodeAt(0));
      for (const whole of [faulty, concat(encoded, faulty)]) {
        assertEquals(await statusOf(() => decodeWhole(coding, whole)), 400, body);
        assertEquals(await statusOf(() => run(decompress(coding), [whole])), 400, body);
        assertEquals(await statusOf(() => run(decompress(coding), single(whole))), 400, body);
      }
      const large = encodeWhole(coding, NOISE);
      const parts = [concat(large, faulty), large.subarray(0, -1)];
      for (const part of parts) {
        assertEquals(await statusOf(() => run(decompress(coding), [part])), 400, body);
      }
    }
  });

  Deno.test(`decompress() of ${coding} takes a body without bytes as it is`, async () => {
    assertEquals(decodeWhole(coding, new Uint8Array()), new Uint8Array());
    assertEquals(await run(decompress(coding), []), new Uint8Array());
    assertEquals(await run(decompress(coding), [new Uint8Array()]), new Uint8Array());
    const encoded = encodeWhole(coding, "");
    assertEquals(await run(decompress(coding), [encoded]), new Uint8Array());
    assertEquals(await run(decompress(coding), single(encoded)), new Uint8Array());
  });

  Deno.test(`decompress() of ${coding} has a limit, to the byte`, async () => {
    for (const body of [SMALL, LARGE, NOISE]) {
      const encoded = encodeWhole(coding, body);
      const exact = { maxBytes: body.length }, less = { maxBytes: body.length - 1 };
      assertEquals(decodeWhole(coding, encoded, exact), body);
      assertEquals(await statusOf(() => decodeWhole(coding, encoded, less)), 413);
      for (const pieces of [[encoded], [encoded.subarray(0, 9), encoded.subarray(9)]]) {
        assertEquals(await run(decompress(coding, exact), pieces), body);
        assertEquals(await statusOf(() => run(decompress(coding, less), pieces)), 413);
      }
    }
    const none = { maxBytes: 0 };
    assertEquals(decodeWhole(coding, encodeWhole(coding, ""), none), new Uint8Array());
    assertEquals(await statusOf(() => decodeWhole(coding, encodeWhole(coding, "1"), none)), 413);
  });

  Deno.test(`decompress() of ${coding} is not blown up by a bomb, and takes it piece by piece`, async () => {
    const bomb = encodeWhole(coding, new Uint8Array(20_000_000));
    assertEquals(await statusOf(() => run(decompress(coding), [bomb])), 413);
    assertEquals(await statusOf(() => decodeWhole(coding, bomb)), 413);
    let length = 0;
    let largest = 0;
    function* look(): Coroutine {
      for (;;) {
        const bytes: Uint8Array = yield;
        length += bytes.length;
        largest = Math.max(largest, bytes.length);
      }
    }
    const stage = decompress(coding, { maxBytes: Infinity });
    await asProcess(pipe(from([bomb]), stage, look()));
    assertEquals(length, 20_000_000);
    assert(largest <= 1_048_576, `${largest}`);
  });

  Deno.test(`${coding} closed half-way leaves nothing behind`, async () => {
    const encoded = encodeWhole(coding, NOISE).subarray(0, 50_000);
    const ways: [() => Coroutine, Uint8Array][] = [
      [() => compress(coding), SMALL],
      [() => compress(coding), NOISE],
      [() => decompress(coding), encoded],
      [() => decompress(coding), encoded.subarray(0, 10)],
    ];
    for (const [make, piece] of ways) {
      for (const stepsBefore of [1, 10]) {
        using reactor = new Reactor();
        const peer = memory();
        peer.room = 0;
        const left = await leftOpen(async () => {
          const task = gio(reactor, peer, make());
          peer.write(piece);
          for (let i = 0; i < stepsBefore; i++) {
            reactor.step();
            await turns();
          }
          task.cancel();
          await task.result.catch(() => {});
        });
        assertEquals(left, 0);
      }
    }
    assertEquals(await leftOpen(async () => void await run(compress(coding), [SMALL])), 0);
    const piecemeal = [encoded.subarray(0, 5), encoded.subarray(5)];
    assertEquals(
      await leftOpen(async () => void await run(decompress(coding), piecemeal).catch(() => {})),
      0,
    );
  });

  Deno.test(`decompress() survives whatever arrives instead of ${coding}`, async () => {
    const encoded = encodeWhole(coding, LARGE);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(encoded.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.nat(encoded.length),
        fc.uint8Array({ maxLength: 20 }),
        async (at, change, cut, noise) => {
          const faulty = encoded.slice();
          faulty[at]! ^= change;
          const pieces = [faulty.subarray(0, cut), noise, faulty.subarray(cut)];
          for (const all of [pieces, [concat(...pieces)]]) {
            let decoded: Uint8Array | undefined;
            const status = await statusOf(async () => {
              decoded = await run(decompress(coding), all);
            });
            // br and zstd have nothing to check data with; gzip does not check its own head.
            if (decoded === undefined) assert(status === 400 || status === 413, `${status}`);
            else if (coding === "gzip" || coding === "deflate") assertEquals(decoded, LARGE);
          }
        },
      ),
      { seed: 1952, numRuns: 60 },
    );
  });

  Deno.test(`${coding} of anything, cut anywhere, is what it was`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 5 }),
        fc.nat(2000),
        fc.array(fc.nat(20_000), { maxLength: 4 }),
        async (pieces, gatherBytes, cuts) => {
          const encoded = await run(compress(coding, { gatherBytes }), pieces);
          const at = cuts.map((cut) => cut % (encoded.length + 1)).sort((a, b) => a - b);
          const cut = [0, ...at].map((from, i) => encoded.subarray(from, at[i]));
          assertEquals(await run(decompress(coding), cut), concat(...pieces));
        },
      ),
      { seed: 8478, numRuns: 30 },
    );
  });
}

Deno.test("decompress() reads gzip of several members, and zstd of several frames", async () => {
  for (const coding of ["gzip", "zstd"] as const) {
    const [one, two] = [encodeWhole(coding, SMALL), encodeWhole(coding, LARGE)];
    const both = concat(one, two);
    const body = concat(SMALL, LARGE);
    assertEquals(decodeWhole(coding, both), body);
    for (
      const pieces of [[both], [one, two], single(both.subarray(0, 200)).concat(both.subarray(200))]
    ) {
      assertEquals(await run(decompress(coding), pieces), body);
    }
    const less = { maxBytes: body.length - 1 };
    assertEquals(await statusOf(() => run(decompress(coding, less), [one, two])), 413);
    assertEquals(await statusOf(() => run(decompress(coding), [one, two.subarray(0, -1)])), 400);
  }
  // Frames are not made to cost time.
  const many = concat(...Array.from({ length: 2000 }, () => encodeWhole("zstd", "")));
  assertEquals(await statusOf(() => decodeWhole("zstd", many)), 400);
  assertEquals(await statusOf(() => run(decompress("zstd"), [many])), 400);
});

Deno.test("decompress() reads raw deflate, as browsers do", async () => {
  for (const body of [SMALL, LARGE, NOISE]) {
    const raw = new Uint8Array(zlib.deflateRawSync(body));
    assertEquals(decodeWhole("deflate", raw), body);
    assertEquals(
      await run(decompress("deflate"), single(raw.subarray(0, 20)).concat(raw.subarray(20))),
      body,
    );
  }
});

Deno.test("decompress() undoes several codings in the right order", async () => {
  const encoded = encodeWhole("br", encodeWhole("gzip", LARGE));
  for (const list of ["gzip, br", "gzip,br", " GZip ,, identity,\tBR,", "x-gzip, br"]) {
    assertEquals(decodeWhole(list, encoded), LARGE);
    assertEquals(await run(decompress(list), [encoded]), LARGE);
    const pieces = [...single(encoded.subarray(0, 200)), encoded.subarray(200)];
    assertEquals(await run(decompress(list), pieces), LARGE);
  }
  assertEquals(await statusOf(() => run(decompress("br, gzip"), [encoded])), 400);
  for (const none of ["", "identity", ","]) {
    assertEquals(decodeWhole(none, SMALL), SMALL);
    assertEquals(await run(decompress(none), [SMALL]), SMALL);
    const less = { maxBytes: SMALL.length - 1 };
    assertEquals(await statusOf(() => decodeWhole(none, SMALL, less)), 413);
    assertEquals(await statusOf(() => run(decompress(none, less), [SMALL])), 413);
  }
});

Deno.test("decompress() does not know other codings", async () => {
  for (
    const list of ["compress", "gzip, foo", "gzip gzip", "gzip;q=1", "gzip, gzip, gzip, gzip, gzip"]
  ) {
    assertEquals(await statusOf(() => decompress(list)), 415, list);
    assertEquals(await statusOf(() => decodeWhole(list, SMALL)), 415, list);
  }
});

Deno.test("codings refuse what makes no sense", () => {
  const cases: [() => unknown, RegExp][] = [
    [
      () => compress("lzma" as "gzip"),
      /Cannot encode as "lzma": give one of zstd, gzip, br, deflate/,
    ],
    [() => encodeWhole("lzma" as "gzip", ""), /Cannot encode as "lzma"/],
    [() => encodeWhole("gzip", 42 as unknown as string), /expected text or bytes, got 42/],
    [() => compress("gzip", { level: 10 }), /as gzip: the level must be .* from 1 to 9, not 10/],
    [
      () => encodeWhole("br", "", { level: -1 }),
      /as br: the level must be .* from 0 to 11, not -1/,
    ],
    [() => compress("gzip", { gatherBytes: -1 }), /gatherBytes must be a whole number/],
    [() => compress("gzip", { gatherBytes: NaN }), /gatherBytes must be a whole number/],
    [() => decompress("gzip", { maxBytes: 1.5 }), /maxBytes must be a whole number/],
    [() => decodeWhole("gzip", SMALL, { maxBytes: NaN }), /maxBytes must be a whole number/],
    [() => [...fromIterable([1], compress("gzip"))], /compress\(\): expected text or bytes, got 1/],
    [() => [...fromIterable(["a"], decompress("gzip"))], /decompress\(\): expected bytes, got "a"/],
  ];
  for (const [doing, message] of cases) {
    const error = assertThrows(doing) as Error;
    assert(message.test(error.message), error.message);
  }
});

Deno.test("stages of codings pass errors and closing on", () => {
  for (const stage of [compress("gzip"), decompress("gzip"), decompress("")]) {
    stage.next();
    assertThrows(() => stage.throw(new TypeError("mine")), TypeError, "mine");
    assertEquals(stage.next().done, true);
  }
  const stage = decompress("gzip");
  stage.next();
  assertEquals(stage.throw(new EndOfStream()).done, true);
});
