/** The compression of header fields in HTTP/2: RFC 7541, with its examples, and against another program. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { fileURLToPath } from "node:url";
import { ByteWriter } from "../../http/h2/_byte_writer.ts";
import { FieldList } from "../../http/h2/_field_list.ts";
import { HpackDecoder } from "../../http/h2/_hpack_decoder.ts";
import { HpackEncoder } from "../../http/h2/_hpack_encoder.ts";
import { HpackError } from "../../http/h2/_hpack_error.ts";
import { decodeHuffman, encodeHuffman, huffmanLength, maxDecoded } from "../../http/h2/_huffman.ts";
import { ReceivedTable } from "../../http/h2/_received_table.ts";
import { hasCommand, output } from "../_peers.ts";
import { bytes, text } from "./_drive.ts";
import { decode, encode, type Field, hex, sizeOf, tableOf } from "./_hpack.ts";

// RFC 7541 C.2 to C.6: blocks on one connection, and after each of them the fields in the table.

interface Example {
  block: string;
  fields: Field[];
  table: Field[];
  size: number;
}

const CUSTOM: Field = ["custom-key", "custom-header"];
const GET: Field = [":method", "GET"];
const AUTHORITY: Field = [":authority", "www.example.com"];
const NO_CACHE: Field = ["cache-control", "no-cache"];
const CUSTOM_VALUE: Field = ["custom-key", "custom-value"];
const PRIVATE: Field = ["cache-control", "private"];
const DATE: Field = ["date", "Mon, 21 Oct 2013 20:13:21 GMT"];
const LATER: Field = ["date", "Mon, 21 Oct 2013 20:13:22 GMT"];
const LOCATION: Field = ["location", "https://www.example.com"];
const GZIP: Field = ["content-encoding", "gzip"];
const COOKIE: Field = ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"];
const status = (status: string): Field => [":status", status];

const REQUESTS: Omit<Example, "block">[] = [
  {
    fields: [GET, [":scheme", "http"], [":path", "/"], AUTHORITY],
    table: [AUTHORITY],
    size: 57,
  },
  {
    fields: [GET, [":scheme", "http"], [":path", "/"], AUTHORITY, NO_CACHE],
    table: [NO_CACHE, AUTHORITY],
    size: 110,
  },
  {
    fields: [GET, [":scheme", "https"], [":path", "/index.html"], AUTHORITY, CUSTOM_VALUE],
    table: [CUSTOM_VALUE, NO_CACHE, AUTHORITY],
    size: 164,
  },
];

const RESPONSES: Omit<Example, "block">[] = [
  {
    fields: [status("302"), PRIVATE, DATE, LOCATION],
    table: [LOCATION, DATE, PRIVATE, status("302")],
    size: 222,
  },
  {
    fields: [status("307"), PRIVATE, DATE, LOCATION],
    table: [status("307"), LOCATION, DATE, PRIVATE],
    size: 222,
  },
  {
    fields: [status("200"), PRIVATE, LATER, LOCATION, GZIP, COOKIE],
    table: [COOKIE, GZIP, LATER],
    size: 215,
  },
];

function examples(what: Omit<Example, "block">[], blocks: string[]): Example[] {
  return what.map((example, i) => ({ ...example, block: blocks[i]! }));
}

const EXAMPLES: Record<string, Example[]> = {
  "C.2.1, a literal that is added": [{
    block: "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
    fields: [CUSTOM],
    table: [CUSTOM],
    size: 55,
  }],
  "C.2.2, a literal that is not added": [{
    block: "040c 2f73 616d 706c 652f 7061 7468",
    fields: [[":path", "/sample/path"]],
    table: [],
    size: 0,
  }],
  "C.2.3, a literal that is never added": [{
    block: "1008 7061 7373 776f 7264 0673 6563 7265 74",
    fields: [["password", "secret"]],
    table: [],
    size: 0,
  }],
  "C.2.4, an indexed field": [{ block: "82", fields: [GET], table: [], size: 0 }],
  "C.3, requests without Huffman code": examples(REQUESTS, [
    "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "8286 84be 5808 6e6f 2d63 6163 6865",
    "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
  ]),
  "C.4, requests with Huffman code": examples(REQUESTS, [
    "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
    "8286 84be 5886 a8eb 1064 9cbf",
    "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
  ]),
  "C.5, responses without Huffman code": examples(RESPONSES, [
    `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
     2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70
     6c65 2e63 6f6d`,
    "4803 3330 37c1 c0bf",
    `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d
     54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049
     5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e
     3d31`,
  ]),
  "C.6, responses with Huffman code": examples(RESPONSES, [
    `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
     2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
    "4883 640e ffc1 c0bf",
    `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab
     77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f
     9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
  ]),
};

/** RFC 7541 C.5: there, the table is smaller. */
const tableSize = (name: string) => /^C\.[56]/.test(name) ? 256 : 4096;

for (const [name, blocks] of Object.entries(EXAMPLES)) {
  Deno.test(`HpackDecoder decodes example ${name}`, () => {
    const decoder = new HpackDecoder(tableSize(name));
    for (const { block, fields, table, size } of blocks) {
      assertEquals(decode(decoder, hex(block)), fields);
      assertEquals(tableOf(decoder), table);
      assertEquals(sizeOf(tableOf(decoder)), size);
    }
  });
}

Deno.test("HpackEncoder encodes the requests of the examples as these do", () => {
  const encoder = new HpackEncoder();
  for (const { block, fields } of EXAMPLES["C.4, requests with Huffman code"]!) {
    assertEquals(encode(encoder, fields), hex(block));
  }
});

Deno.test("HpackEncoder encodes the responses of the examples with its own choice of what to add", () => {
  const encoder = new HpackEncoder(256);
  const decoder = new HpackDecoder(256);
  // The dates take more than a quarter of the table; the locations differ, and the cookie is secret.
  const tables = [
    [PRIVATE, status("302")],
    [status("307"), PRIVATE, status("302")],
    [GZIP, status("307"), PRIVATE, status("302")],
  ];
  for (const [i, { fields }] of RESPONSES.entries()) {
    assertEquals(decode(decoder, encode(encoder, fields)), fields);
    assertEquals(tableOf(decoder), tables[i]);
  }
});

Deno.test("HpackDecoder knows the static table", () => {
  const block = Uint8Array.from({ length: 61 }, (_, i) => 0x81 + i);
  const fields = decode(new HpackDecoder(), block);
  assertEquals(fields.slice(0, 3), [[":authority", ""], GET, [":method", "POST"]]);
  assertEquals(fields[15], ["accept-encoding", "gzip, deflate"]);
  assertEquals(fields[60], ["www-authenticate", ""]);
  assertEquals(sizeOf(fields), 61 * 32 + 684);
});

// What is malformed.

const INDEX = (index: number) =>
  `Cannot decode a field with index ${index}: the tables have 61 (RFC 7541 2.3.3)`;
const ZERO = "Cannot decode a field with index 0 (RFC 7541 6.1)";
const INTEGER = "Cannot decode an integer beyond 2^31 - 1 (RFC 7541 5.1)";
const CUT = "Cannot decode a field that goes on behind its block (RFC 7541 5)";
const SYMBOL_EOS = "Cannot decode a string with the symbol EOS (RFC 7541 5.2)";
const PADDING =
  "Cannot decode a string that ends with other than up to 7 bits of ones (RFC 7541 5.2)";
const TOO_LARGE = (size: number, max: number) =>
  `Cannot decode an update to size ${size}: the most is ${max} (RFC 7541 6.3)`;
const BEHIND = "Cannot decode a size update behind a field: it is at the beginning (RFC 7541 4.2)";
const MISSING =
  "Cannot decode a block without the size update that a smaller table needs (RFC 7541 4.2)";

interface Malformed {
  what: string;
  /** The sizes of the table that were set before it. */
  sizes?: number[];
  block: string;
  told: string;
}

const MALFORMED: Malformed[] = [
  { what: "index 0", block: "80", told: ZERO },
  { what: "an index beyond the tables", block: "be", told: INDEX(62) },
  { what: "an index in two bytes beyond the tables", block: "ff00", told: INDEX(127) },
  { what: "the largest integer as an index", block: "ff80 ffff ff07", told: INDEX(2 ** 31 - 1) },
  { what: "the index of a name beyond the tables", block: "7e 0161", told: INDEX(62) },
  { what: "such an index, not added", block: "0f2f 0161", told: INDEX(62) },
  { what: "such an index, never added", block: "1f2f 0161", told: INDEX(62) },
  { what: "an integer of 2^31", block: "ff81 ffff ff07", told: INTEGER },
  { what: "a length of 2^31", block: "007f 81ff ffff 07", told: INTEGER },
  { what: "an integer with zeros without end", block: "ff80 8080 8080 00", told: INTEGER },
  { what: "a name longer than the block", block: "0003 6162", told: CUT },
  { what: "a value longer than the block", block: "0001 6103 6162", told: CUT },
  { what: "a value with Huffman code longer than the block", block: "0001 6182 1f", told: CUT },
  { what: "a value of 2 GiB", block: "0001 617f 80ff ffff 0762", told: CUT },
  { what: "EOS", block: "0001 6184 ffff fffc", told: SYMBOL_EOS },
  { what: "EOS behind a symbol, and more", block: "0001 6186 1fff ffff ff1f", told: SYMBOL_EOS },
  { what: "EOS in a name", block: "0084 ffff fffc 0161", told: SYMBOL_EOS },
  { what: "padding of 8 bits", block: "0001 6181 ff", told: PADDING },
  { what: "padding of 11 bits", block: "0001 6182 1fff", told: PADDING },
  { what: "padding of zeros", block: "0001 6181 18", told: PADDING },
  { what: "padding with a zero", block: "0001 6181 1e", told: PADDING },
  { what: "an update beyond the most", block: "3fe2 1f", told: TOO_LARGE(4097, 4096) },
  { what: "an update beyond what was set", sizes: [100], block: "3f46", told: TOO_LARGE(101, 100) },
  { what: "an update behind a field", block: "8220", told: BEHIND },
  { what: "an update at the end", block: "3f45 823f 45", told: BEHIND },
  { what: "no update, which is needed", sizes: [100], block: "82", told: MISSING },
  { what: "no update in an empty block", sizes: [100], block: "", told: MISSING },
  { what: "no update to the lowest", sizes: [100, 4096], block: "3fe1 1f82", told: MISSING },
  { what: "an update to not quite the lowest", sizes: [100, 200], block: "3f46", told: MISSING },
];

for (const { what, sizes = [], block, told } of MALFORMED) {
  Deno.test(`HpackDecoder refuses ${what}`, () => {
    const decoder = new HpackDecoder();
    for (const size of sizes) decoder.setMaxTableSize(size);
    const error = assertThrows(() => decode(decoder, hex(block)), HpackError);
    assertEquals(error.message, told);
  });
}

/** Odd, but allowed. */
const ALLOWED: Record<string, { sizes?: number[]; block: string; fields: Field[] }> = {
  "an empty block": { block: "", fields: [] },
  "empty names and values": { block: "0000 00", fields: [["", ""]] },
  "empty strings with Huffman code": { block: "0080 80", fields: [["", ""]] },
  "padding of 7 bits": { block: "0001 6184 ffff f67f", fields: [["a", "\xc7"]] },
  "an integer with needless bytes": { block: "0f8d 8000 0161", fields: [["content-length", "a"]] },
  "an update to what it was": { block: "3fe1 1f82", fields: [GET] },
  "two updates": { sizes: [100, 4096], block: "3f45 3fe1 1f82", fields: [GET] },
  "two updates, down to nothing": { sizes: [0, 4096], block: "203f e11f 82", fields: [GET] },
  "an update below what was set": { sizes: [100], block: "3f44 82", fields: [GET] },
  "no update if the table was smaller": { sizes: [8192], block: "82", fields: [GET] },
};

for (const [what, { sizes = [], block, fields }] of Object.entries(ALLOWED)) {
  Deno.test(`HpackDecoder allows ${what}`, () => {
    const decoder = new HpackDecoder();
    for (const size of sizes) decoder.setMaxTableSize(size);
    assertEquals(decode(decoder, hex(block)), fields);
  });
}

Deno.test("HpackDecoder refuses a block that is cut within a field", () => {
  let cuts = 0;
  for (const [name, blocks] of Object.entries(EXAMPLES)) {
    for (const [i, { block, fields }] of blocks.entries()) {
      for (let length = 0; length < hex(block).length; length++) {
        const decoder = new HpackDecoder(tableSize(name));
        for (const { block } of blocks.slice(0, i)) decode(decoder, hex(block));
        let seen: Field[];
        try {
          seen = decode(decoder, hex(block).subarray(0, length));
        } catch (error) {
          assert(error instanceof HpackError);
          assertEquals(error.message, CUT);
          cuts++;
          continue;
        }
        assertEquals(seen, fields.slice(0, seen.length));
        assert(seen.length < fields.length);
      }
    }
  }
  assert(cuts > 300);
});

Deno.test("HpackDecoder decodes whatever bytes, or refuses them", () => {
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 0x40, 0x10, 0x20, 0x82, 0xbe, 1, 0x81));
  fc.assert(
    fc.property(fc.array(fc.array(byte, { maxLength: 30 }), { maxLength: 5 }), (blocks) => {
      const decoder = new HpackDecoder(200);
      try {
        for (const block of blocks) {
          decode(decoder, Uint8Array.from(block));
          assert(sizeOf(tableOf(decoder)) <= 200);
        }
      } catch (error) {
        assert(error instanceof HpackError, String(error));
      }
    }),
    { seed: 7541, numRuns: 5000 },
  );
});

// What is sent is received.

const latin1 = (maxLength: number) => fc.uint8Array({ maxLength }).map(text);
const name = fc.oneof(
  fc.constantFrom(
    ":status",
    ":path",
    "server",
    "content-type",
    "content-length",
    "cookie",
    "authorization",
    "x-a",
    "x-b",
  ),
  latin1(12),
);
const value = fc.oneof(
  fc.constantFrom("200", "/", "GET", "gzip, deflate", "text/html", "a", "b", "c"),
  fc.nat(50).map(String),
  latin1(40),
  fc.nat(300).map((length) => "0".repeat(length)),
);

const SIZES = [0, 33, 60, 100, 300, 1000, 4096, 8192];

/** Blocks on one connection, and the sizes of the table that are set before each of them. */
const connections = fc.array(
  fc.record({
    sizes: fc.oneof(
      { weight: 4, arbitrary: fc.constant<number[]>([]) },
      { weight: 1, arbitrary: fc.array(fc.constantFrom(...SIZES), { maxLength: 3 }) },
    ),
    fields: fc.array(fc.tuple(name, value), { maxLength: 12 }),
  }),
  { maxLength: 12 },
);

Deno.test("what HpackEncoder encodes, HpackDecoder decodes, whatever the size of the table", () => {
  const list = new FieldList();
  const again = new FieldList();
  let stable = 0;
  let evictions = 0;
  const check = (blocks: { sizes: number[]; fields: Field[] }[], most: number) => {
    const encoder = new HpackEncoder(most);
    const decoder = new HpackDecoder(most);
    let table: Field[] = [];
    let limit = Math.min(most, 4096);
    for (const { sizes, fields } of blocks) {
      for (const size of sizes) {
        encoder.setMaxTableSize(size);
        decoder.setMaxTableSize(size);
        limit = Math.min(size, most);
      }
      const versions = [encoder.version, decoder.version];
      const block = encode(encoder, fields);
      assertEquals(decode(decoder, block, list), fields);
      assertEquals(list.size, sizeOf(fields));
      const before = table;
      table = tableOf(decoder);
      assert(sizeOf(table) <= limit);
      // RFC 7541 2.3.2: nothing needs to be there twice.
      assertEquals(new Set(table.map((field) => field.join("\0"))).size, table.length);
      if (table.length > 0 && before.length > table.length) evictions++;
      assertEquals(list.isStable, decoder.version === versions[1]);
      if (list.isStable) {
        assertEquals(table, before);
        assertEquals(decode(decoder, block, again), fields);
      }
      // Who keeps the block while the version stays may send it again.
      if (encoder.version === versions[0] && fields.length > 0) {
        stable++;
        assertEquals(decode(decoder, block, again), fields);
        assertEquals(encode(encoder, fields), block);
      }
    }
  };
  fc.assert(
    fc.property(connections, fc.constantFrom(...SIZES), check),
    { seed: 9113, numRuns: 1000 },
  );
  assert(stable > 100 && evictions > 100, `${stable} stable blocks, ${evictions} evictions`);
});

Deno.test("HpackEncoder does not add to the table what changes, is secret, or is large", () => {
  const long = "0".repeat(1024);
  const first = (name: string, value: string) => {
    const block = encode(new HpackEncoder(), [[name, value]]);
    assertEquals(decode(new HpackDecoder(), block), [[name, value]]);
    return block[0]! >= 0x40 ? "added" : block[0]! >= 0x10 ? "never" : "not added";
  };
  assertEquals(first("content-type", "text/css"), "added");
  assertEquals(first("x-own", "1"), "added");
  assertEquals(first(":path", "/a"), "not added");
  assertEquals(first("content-length", "13"), "not added");
  assertEquals(first("x-request-id", "b7e1"), "not added");
  assertEquals(first("x-own", long.slice(32 + 5)), "added");
  assertEquals(first("x-own", long.slice(32 + 4)), "not added");
  assertEquals(first("authorization", "Basic YTpi"), "never");
  assertEquals(first("proxy-authorization", "Basic YTpi"), "never");
  assertEquals(first("set-cookie", "a=b"), "never");
  assertEquals(first("cookie", "a=0123456789abcdefg"), "never");
  assertEquals(first("cookie", "a=0123456789abcdefgh"), "added");
});

Deno.test("HpackEncoder tells the peer of a smaller table, once, and of the smallest that there was", () => {
  const encoder = new HpackEncoder();
  const sent = (...sizes: number[]) => {
    for (const size of sizes) encoder.setMaxTableSize(size);
    return encode(encoder, [GET]).toHex();
  };
  assertEquals(sent(), "82");
  assertEquals(sent(4096), "82");
  // It does not want more than 4096 bytes.
  assertEquals(sent(65536), "82");
  assertEquals(sent(100), "3f4582");
  assertEquals(sent(), "82");
  assertEquals(sent(0, 4096), "203fe11f82");
  assertEquals(sent(200, 100), "3f4582");
  assertEquals(sent(200), "3fa90182");
  assertEquals(sent(), "82");
});

Deno.test("HpackEncoder tells of a smaller table also if it does not use what there was", () => {
  const encoder = new HpackEncoder(50);
  encoder.setMaxTableSize(2000);
  assertEquals(encode(encoder, [GET]).toHex(), "3f1382");
});

Deno.test("setMaxTableSize() changes the version, so that no block from before is used again", () => {
  for (const coder of [new HpackEncoder(), new HpackDecoder()]) {
    const { version } = coder;
    coder.setMaxTableSize(100);
    assert(coder.version !== version);
  }
});

Deno.test("HpackEncoder makes room in the buffer", () => {
  const fields: Field[] = [CUSTOM, ["x", "\xff".repeat(300)], GET];
  for (let room = 0; room < 400; room++) {
    const encoder = new HpackEncoder();
    encoder.setMaxTableSize(1000);
    const out = new ByteWriter();
    out.reserve(1);
    out.at = out.bytes.length - room;
    out.take();
    encoder.begin(out);
    for (const [name, value] of fields) encoder.field(out, name, value);
    assertEquals(decode(new HpackDecoder(), out.take()), fields);
  }
});

// Bombs.

/** Blocks that add a field of the largest size, and fields that refer to it. */
const BOMBS = {
  "indices of a large field": {
    adds: `\x40\x01x\x7f\xe0\x1e${"v".repeat(4063)}`,
    refers: "\xbe",
    /** What a dropped field writes: what is in the block, and what separates it. */
    written: 0,
  },
  "literals with a large name": {
    adds: `\x40\x7f\xe0\x1e${"n".repeat(4063)}\x01x`,
    refers: "\x0f\x2f\x01x",
    written: ": x\r\n".length,
  },
};

for (const [what, { adds, refers, written }] of Object.entries(BOMBS)) {
  Deno.test(`HpackDecoder does not copy what is too much: ${what}`, () => {
    const decoder = new HpackDecoder();
    assertEquals(decode(decoder, bytes(adds)).length, 1);
    const list = new FieldList();
    list.reserve(20_000);
    list.bytes.fill(0xaa);
    const times = 65536 / refers.length;
    // The third field is too much.
    decode(decoder, bytes(`\xbe\xbe\xbe${refers.repeat(times)}`), list, 10_000);
    assertEquals(list.count, 2);
    assertEquals(list.isTooLarge, true);
    assertEquals(list.size, 4096 * (times + 3));
    assertEquals(list.bytes.filter((byte) => byte !== 0xaa).length, list.length + written);
    assertEquals(list.bytes.length, 20_000);
  });
}

for (const [what, { adds, refers }] of Object.entries(BOMBS)) {
  Deno.test(`HpackDecoder makes room in the list for ${what}`, () => {
    const decoder = new HpackDecoder();
    const [field] = decode(decoder, bytes(adds));
    assertEquals(decode(decoder, bytes(refers.repeat(5))), Array(5).fill(field));
  });
}

Deno.test("HpackDecoder keeps its table in step while it drops fields", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  const list = new FieldList();
  const fields: Field[] = [AUTHORITY, NO_CACHE, DATE, PRIVATE];
  assertEquals(decode(decoder, encode(encoder, fields), list, 100), [AUTHORITY]);
  assertEquals(list.isTooLarge, true);
  assertEquals(list.size, sizeOf(fields));
  assertEquals(tableOf(decoder), fields.toReversed());
  assertEquals(decode(decoder, encode(encoder, fields), list, sizeOf(fields)), fields);
  assertEquals(list.isTooLarge, false);
});

Deno.test("ReceivedTable has twice its size at the most, and nothing before it is used", () => {
  const table = new ReceivedTable(4096);
  assertEquals(table.bytes.length + table.at.length, 0);
  const list = new FieldList();
  const insert = (line: string, value: number) => {
    list.reserve(line.length);
    list.bytes.set(bytes(line));
    table.insert(list, value, line.length - 2);
    assert(table.bytes.length <= 2 * 4096);
    assert(table.at.length <= 2 * 3 * 4096 / 32);
  };
  for (let i = 0; i < 1000; i++) insert(": \r\n", 2);
  assertEquals(table.count, 4096 / 32);
  for (let i = 0; i < 5000; i++) insert(`x: ${"v".repeat(i)}\r\n`, 3);
  assertEquals(table.count, 0);
  for (let i = 0; i < 5000; i++) insert(`x: ${"v".repeat(i % 97)}\r\n`, 3);
  assert(table.count > 40);
});

// Huffman code.

function huffman(text: string): Uint8Array {
  const code = new Uint8Array(huffmanLength(text));
  assertEquals(encodeHuffman(text, code, 0), code.length);
  return code;
}

function plain(code: Uint8Array): string {
  const bytes = new Uint8Array(maxDecoded(code.length));
  return text(bytes.subarray(0, decodeHuffman(code, 0, code.length, bytes, 0)));
}

Deno.test("decodeHuffman() decodes what encodeHuffman() encodes: each byte, alone and between others", () => {
  for (let byte = 0; byte < 256; byte++) {
    const character = String.fromCharCode(byte);
    for (const text of [character, character.repeat(9), `a${character}b`, `${character}\xff\0`]) {
      assertEquals(plain(huffman(text)), text);
    }
  }
});

Deno.test("decodeHuffman() decodes what encodeHuffman() encodes: any bytes", () => {
  fc.assert(
    fc.property(latin1(200), (text) => assertEquals(plain(huffman(text)), text)),
    { seed: 5, numRuns: 2000 },
  );
});

Deno.test("decodeHuffman() decodes any bytes to what they encode, or refuses them", () => {
  let decoded = 0;
  const byte = fc.oneof(fc.nat(255), fc.nat(0x7f), fc.constant(0xff));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 8 }), (bytes) => {
      const code = Uint8Array.from(bytes);
      let text: string;
      try {
        text = plain(code);
      } catch (error) {
        assert(error instanceof HpackError, String(error));
        return;
      }
      decoded++;
      assertEquals(huffman(text), code);
    }),
    { seed: 52, numRuns: 10_000 },
  );
  assert(decoded > 1000, `${decoded}`);
});

// The buffer that blocks are written to.

Deno.test("ByteWriter keeps what was taken, and moves what was not to a new buffer", () => {
  const writer = new ByteWriter();
  const write = (length: number, byte: number) => {
    writer.reserve(length);
    writer.bytes.fill(byte, writer.at, writer.at += length);
  };
  assertEquals(writer.take().length, 0);
  write(30_000, 1);
  const first = writer.take();
  write(20_000, 2);
  write(20_000, 3);
  const second = writer.take();
  write(10, 4);
  const third = writer.take();
  write(100_000, 5);
  assertEquals(first, new Uint8Array(30_000).fill(1));
  assertEquals([second.length, second[0], second[20_000]], [40_000, 2, 3]);
  assert(second.buffer !== first.buffer);
  assertEquals(third, Uint8Array.of(4, 4, 4, 4, 4, 4, 4, 4, 4, 4));
  assert(third.buffer === second.buffer);
  assertEquals(writer.take(), new Uint8Array(100_000).fill(5));
});

// Another program.

/** The Python of the distribution, which has its packages. */
const PYTHON = "/usr/bin/python3";

function hasHpack(): boolean {
  if (!hasCommand(PYTHON)) return false;
  // On CI, the program that lacks it must fail.
  if (Deno.env.get("CI")) return true;
  return new Deno.Command(PYTHON, { args: ["-c", "import hpack"], stderr: "null" }).outputSync()
    .success;
}

interface PeerAnswer {
  answer: unknown;
  table: Field[];
}

Deno.test({
  name: "HpackEncoder and HpackDecoder understand the package hpack of Python, and it them",
  ignore: !hasHpack(),
  async fn() {
    // The package tells of each size, so the decoder needs the lowest first.
    const samples = fc.sample(connections, { seed: 42, numRuns: 300 }).map((blocks) =>
      blocks.map(({ sizes, fields }) => ({ sizes: sizes.slice(0, 1), fields }))
    );
    samples.push([{
      sizes: [],
      fields: decode(new HpackDecoder(), Uint8Array.from({ length: 61 }, (_, i) => 0x81 + i)),
    }]);
    const lines: unknown[] = [];
    const tables: Field[][] = [];
    for (const blocks of samples) {
      const encoder = new HpackEncoder(8192);
      const decoder = new HpackDecoder(8192);
      lines.push(blocks.map(({ sizes, fields }) => {
        for (const size of sizes) {
          encoder.setMaxTableSize(size);
          decoder.setMaxTableSize(size);
        }
        const block = encode(encoder, fields);
        decode(decoder, block);
        tables.push(tableOf(decoder));
        return { sizes, block: block.toHex() };
      }));
    }
    for (const huffman of [false, true]) {
      for (const blocks of samples) lines.push(blocks.map((block) => ({ ...block, huffman })));
    }
    const script = fileURLToPath(new URL("_hpack_peer.py", import.meta.url));
    const input = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const { text, errors } = await output(PYTHON, [script], new TextEncoder().encode(input));
    assertEquals(errors, "");
    const answers: PeerAnswer[][] = text.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(answers.length, lines.length);

    const received = answers.slice(0, samples.length);
    assertEquals(
      received.map((blocks) => blocks.map(({ answer }) => answer)),
      samples.map((blocks) => blocks.map(({ fields }) => fields)),
    );
    assertEquals(received.flat().map(({ table }) => table), tables);

    for (const [i, blocks] of answers.slice(samples.length).entries()) {
      const decoder = new HpackDecoder(8192);
      const sample = samples[i % samples.length]!;
      for (const [j, { answer, table }] of blocks.entries()) {
        for (const size of sample[j]!.sizes) decoder.setMaxTableSize(size);
        assertEquals(decode(decoder, hex(answer as string)), sample[j]!.fields);
        assertEquals(tableOf(decoder), table);
      }
    }
  },
});
