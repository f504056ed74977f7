/** What the peer of a WebSocket may and may not send: one row for each case. */
import { concat } from "../../compose/_bytes.ts";
import type { WebSocketLimits } from "../../http/websocket/web_socket_limits.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  FIN,
  type Frames,
  PING,
  PONG,
  raw,
  type Role,
  RSV1,
  RSV2,
  RSV3,
  TEXT,
  told,
  toldPong,
  utf8,
} from "./_websocket.ts";

export interface Case {
  /** Of the RFC. */
  section: string;
  sent: string;
  /** The role that receives; both if it is missing. */
  role?: Role;
  /** Whether permessage-deflate was negotiated. */
  isDeflated?: boolean;
  limits?: Partial<WebSocketLimits>;
  /** Made by the peer. */
  frames(peer: Frames): Uint8Array[];
  /** What the wire reads and sends, as Fed tells it. */
  reaction: string[];
}

/** RFC 6455 7.1.7: the peer is told, and nothing more is read. */
const fails = (code: number) => [`sends Close ${code}`, `fault ${code}`];

const BROKEN = fails(1002);
const NOT_UTF8 = fails(1007);
const TOO_BIG = fails(1009);

const masking: Case[] = [
  {
    section: "6455 5.1",
    sent: "a frame that is not masked",
    role: "server",
    frames: (peer) => [peer.frame(FIN | TEXT, "a", { isMasked: false })],
    reaction: BROKEN,
  },
  {
    section: "6455 5.1",
    sent: "a Ping that is not masked",
    role: "server",
    frames: (peer) => [peer.frame(FIN | PING, "a", { isMasked: false })],
    reaction: BROKEN,
  },
  {
    section: "6455 5.1",
    sent: "a masked frame",
    role: "client",
    frames: (peer) => [peer.frame(FIN | TEXT, "a", { isMasked: true })],
    reaction: BROKEN,
  },
  {
    section: "6455 5.1",
    sent: "a masked Close",
    role: "client",
    frames: (peer) => [peer.frame(FIN | CLOSE, "", { isMasked: true })],
    reaction: BROKEN,
  },
  {
    section: "6455 5.3",
    sent: "a frame that is masked by 0",
    role: "server",
    frames: (peer) => [peer.frame(FIN | TEXT, "abc", { key: [0, 0, 0, 0] })],
    reaction: ['text "abc"'],
  },
  {
    section: "6455 5.3",
    sent: "frames masked by different keys",
    role: "server",
    frames: (peer) => [
      peer.frame(TEXT, "abcde", { key: [1, 2, 3, 4] }),
      peer.frame(FIN | CONTINUATION, "fghij", { key: [0xff, 0x80, 0x7f, 0] }),
    ],
    reaction: ['text "abcdefghij"'],
  },
];

const reserved = [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf];

const framing: Case[] = [
  ...[RSV1, RSV2, RSV3].map((bit): Case => ({
    section: "6455 5.2",
    sent: `RSV${[RSV1, RSV2, RSV3].indexOf(bit) + 1} without an extension`,
    frames: (peer) => [peer.text("a"), peer.frame(FIN | bit | TEXT, "b")],
    reaction: ['text "a"', ...BROKEN],
  })),
  {
    section: "6455 5.2",
    sent: "RSV1 in a Ping without an extension",
    frames: (peer) => [peer.frame(FIN | RSV1 | PING)],
    reaction: BROKEN,
  },
  ...reserved.map((opcode): Case => ({
    section: "6455 5.2",
    sent: `a frame with the opcode ${opcode}`,
    // The payload is right for a Close.
    frames: (peer) => [peer.frame(FIN | opcode, raw("\x03\xe8")), peer.text("b")],
    reaction: BROKEN,
  })),
  ...[0, 1, 125].map((length): Case => ({
    section: "6455 5.2",
    sent: `${length} bytes, whose length is in the second byte`,
    frames: (peer) => [peer.binary(new Uint8Array(length)), peer.text("b")],
    reaction: [binary(length), 'text "b"'],
  })),
  ...[126, 127, 128, 0xffff].map((length): Case => ({
    section: "6455 5.2",
    sent: `${length} bytes, whose length takes 2 bytes`,
    frames: (peer) => [peer.binary(new Uint8Array(length)), peer.text("b")],
    reaction: [binary(length), 'text "b"'],
  })),
  {
    section: "6455 5.2",
    sent: "65536 bytes, whose length takes 8 bytes",
    frames: (peer) => [peer.binary(new Uint8Array(65536)), peer.text("b")],
    reaction: [binary(65536), 'text "b"'],
  },
  {
    section: "6455 5.2",
    sent: "a length of 125 in 2 bytes",
    frames: (peer) => [peer.frame(FIN | TEXT, "a".repeat(125), { lengthBytes: 2 })],
    reaction: BROKEN,
  },
  {
    section: "6455 5.2",
    sent: "a length of 126 in 8 bytes",
    frames: (peer) => [peer.frame(FIN | TEXT, "a".repeat(126), { lengthBytes: 8 })],
    reaction: BROKEN,
  },
  {
    section: "6455 5.2",
    sent: "a length of 65535 in 8 bytes",
    frames: (peer) => [peer.frame(FIN | TEXT, "a", { lengthBytes: 8, length: 0xffffn })],
    reaction: BROKEN,
  },
  {
    section: "6455 5.2",
    sent: "a length of 2^63",
    frames: (peer) => [peer.frame(FIN | TEXT, "a", { length: 2n ** 63n })],
    reaction: BROKEN,
  },
  {
    section: "6455 5.2",
    sent: "a length of 2^53",
    frames: (peer) => [peer.frame(FIN | BINARY, "a", { length: 2n ** 53n })],
    reaction: TOO_BIG,
  },
];

const fragments: Case[] = [
  {
    section: "6455 5.4",
    sent: "text in fragments",
    frames: (peer) => [
      peer.frame(TEXT, "a"),
      peer.frame(CONTINUATION, "b"),
      peer.frame(FIN | CONTINUATION, "c"),
      peer.text("d"),
    ],
    reaction: ['text "abc"', 'text "d"'],
  },
  {
    section: "6455 5.4",
    sent: "bytes in fragments",
    frames: (peer) => [peer.frame(BINARY, "ab"), peer.frame(FIN | CONTINUATION, "c")],
    reaction: ['binary "abc"'],
  },
  {
    section: "6455 5.4",
    sent: "empty fragments",
    frames: (peer) => [
      peer.frame(TEXT),
      peer.frame(CONTINUATION),
      peer.frame(CONTINUATION, "a"),
      peer.frame(FIN | CONTINUATION),
    ],
    reaction: ['text "a"'],
  },
  {
    section: "6455 5.4",
    sent: "empty fragments only",
    frames: (peer) => [peer.frame(BINARY), peer.frame(FIN | CONTINUATION)],
    reaction: ['binary ""'],
  },
  {
    section: "6455 5.4",
    sent: "control frames between fragments",
    frames: (peer) => [
      peer.frame(TEXT, "a"),
      peer.ping("x"),
      peer.frame(CONTINUATION, "b"),
      peer.pong("y"),
      peer.frame(FIN | CONTINUATION, "c"),
    ],
    reaction: ['sends Pong "x"', 'text "abc"'],
  },
  {
    section: "6455 5.4",
    sent: "a continuation of no message",
    frames: (peer) => [peer.text("a"), peer.frame(CONTINUATION, "b")],
    reaction: ['text "a"', ...BROKEN],
  },
  {
    section: "6455 5.4",
    sent: "the last fragment of no message",
    frames: (peer) => [peer.frame(FIN | CONTINUATION, "a")],
    reaction: BROKEN,
  },
  {
    section: "6455 5.4",
    sent: "another message within one",
    frames: (peer) => [peer.frame(TEXT, "a"), peer.text("b")],
    reaction: BROKEN,
  },
  {
    section: "6455 5.4",
    sent: "the beginning of another message within one",
    frames: (peer) => [peer.frame(BINARY, "a"), peer.frame(BINARY, "b")],
    reaction: BROKEN,
  },
];

const control: Case[] = [
  ...[CLOSE, PING, PONG].map((opcode): Case => ({
    section: "6455 5.5",
    sent: `a control frame with the opcode ${opcode} in fragments`,
    frames: (peer) => [peer.frame(opcode), peer.frame(FIN | CONTINUATION)],
    reaction: BROKEN,
  })),
  ...[CLOSE, PING, PONG].map((opcode): Case => ({
    section: "6455 5.5",
    sent: `a control frame with the opcode ${opcode} of 126 bytes`,
    frames: (peer) => [peer.frame(FIN | opcode, new Uint8Array(126))],
    reaction: BROKEN,
  })),
  {
    section: "6455 5.5.1",
    sent: "an empty Close",
    frames: (peer) => [peer.close()],
    reaction: ['sends Close ""', 'closed 1005 ""'],
  },
  {
    section: "6455 5.5.1",
    sent: "a Close with a code",
    frames: (peer) => [peer.close(1001)],
    reaction: ["sends Close 1001", 'closed 1001 ""'],
  },
  {
    section: "6455 5.5.1",
    sent: "a Close with a code and a reason",
    frames: (peer) => [peer.close(4000, "günstig")],
    reaction: ["sends Close 4000", 'closed 4000 "günstig"'],
  },
  {
    section: "6455 5.5.1",
    sent: "a Close with a reason of 123 bytes",
    frames: (peer) => [peer.close(1000, "x".repeat(123))],
    reaction: ["sends Close 1000", `closed 1000 ${JSON.stringify("x".repeat(123))}`],
  },
  {
    section: "6455 5.5.1",
    sent: "a Close with one byte",
    frames: (peer) => [peer.frame(FIN | CLOSE, "a")],
    reaction: BROKEN,
  },
  {
    section: "6455 5.5.1",
    sent: "a Close with a reason that is not UTF-8",
    frames: (peer) => [peer.close(1000, raw("a\xff"))],
    reaction: NOT_UTF8,
  },
  {
    section: "6455 5.5.1",
    sent: "anything after a Close",
    frames: (peer) => [peer.text("a"), peer.close(1000), peer.text("b"), raw("\xff\xff")],
    reaction: ['text "a"', "sends Close 1000", 'closed 1000 ""'],
  },
  {
    section: "6455 5.5.1",
    sent: "a Close within a message",
    frames: (peer) => [peer.frame(TEXT, "a"), peer.close(1001)],
    reaction: ["sends Close 1001", 'closed 1001 ""'],
  },
  {
    section: "6455 5.5.2",
    sent: "Pings",
    frames: (peer) => [peer.ping(), peer.ping("abc"), peer.ping(new Uint8Array(125).fill(65))],
    reaction: ['sends Pong ""', 'sends Pong "abc"', toldPong(new Uint8Array(125).fill(65))],
  },
  {
    section: "6455 5.5.3",
    sent: "Pongs that nobody asked for",
    frames: (peer) => [peer.pong(), peer.pong("abc"), peer.text("a")],
    reaction: ['text "a"'],
  },
];

const notCodes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535];
const codes = [
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014],
  ...[3000, 3999, 4000, 4999],
];

const statusCodes: Case[] = [
  ...notCodes.map((code): Case => ({
    section: "6455 7.4",
    sent: `a Close with the code ${code}`,
    frames: (peer) => [peer.close(code)],
    reaction: BROKEN,
  })),
  ...codes.map((code): Case => ({
    section: "6455 7.4",
    sent: `a Close with the code ${code}`,
    frames: (peer) => [peer.close(code)],
    reaction: [`sends Close ${code}`, `closed ${code} ""`],
  })),
];

/** The RFC of UTF-8 gives them. */
const notUtf8: Record<string, string> = {
  "a byte that only continues": "a\x80b",
  "a character that is cut by another": "\xc3a",
  "a character in more bytes than it needs": "\xc0\xaf",
  "a character in 3 bytes instead of 2": "\xe0\x9f\xbf",
  "a character in 4 bytes instead of 3": "\xf0\x8f\xbf\xbf",
  "a surrogate": "\xed\xa0\x80",
  "a character above U+10FFFF": "\xf4\x90\x80\x80",
  "a byte of no character": "\xf5",
  "a byte 0xff": "abc\xff",
};

const text: Case[] = [
  {
    section: "6455 5.6",
    sent: "text of characters of 1 to 4 bytes",
    frames: (peer) => [peer.text("aé中😀\u{10ffff}\0\uffff")],
    reaction: [`text ${JSON.stringify("aé中😀\u{10ffff}\0\uffff")}`],
  },
  {
    section: "6455 5.6",
    sent: "text that begins with a byte order mark",
    frames: (peer) => [peer.text("\ufeffa")],
    reaction: ['text "\ufeffa"'],
  },
  {
    section: "6455 5.6",
    sent: "binary data that is not UTF-8",
    frames: (peer) => [peer.binary(raw("\xff\xc0"))],
    reaction: ['binary "\xff\xc0"'],
  },
  {
    section: "6455 5.6",
    sent: "text whose characters are cut by fragments",
    frames: (peer) => {
      const bytes = utf8("é中😀a");
      return Array.from(
        bytes,
        (_, i) =>
          peer.frame(
            (i === 0 ? TEXT : CONTINUATION) | (i === bytes.length - 1 ? FIN : 0),
            bytes.subarray(i, i + 1),
          ),
      );
    },
    reaction: ['text "é中😀a"'],
  },
  ...Object.entries(notUtf8).map(([what, bytes]): Case => ({
    section: "6455 8.1",
    sent: `text with ${what}`,
    frames: (peer) => [peer.text("a"), peer.text(raw(bytes)), peer.text("b")],
    reaction: ['text "a"', ...NOT_UTF8],
  })),
  ...Object.entries(notUtf8).map(([what, bytes]): Case => ({
    section: "6455 8.1",
    sent: `text with ${what}, before the message has ended`,
    frames: (peer) => [peer.frame(TEXT, raw(bytes))],
    reaction: NOT_UTF8,
  })),
  ...["\xe2\x82", "a\xc3", "\xf0\x9f\x98"].map((bytes): Case => ({
    section: "6455 8.1",
    sent: `text that ends within a character, ${JSON.stringify(bytes)}`,
    frames: (peer) => [peer.text(raw(bytes))],
    reaction: NOT_UTF8,
  })),
  {
    section: "6455 8.1",
    sent: "text in fragments that ends within a character",
    frames: (peer) => [peer.frame(TEXT, raw("a\xe2")), peer.frame(FIN | CONTINUATION, raw("\x82"))],
    reaction: NOT_UTF8,
  },
  {
    section: "6455 8.1",
    sent: "text whose fragments make a character that is none",
    frames: (peer) => [peer.frame(TEXT, raw("a\xe0")), peer.frame(CONTINUATION, raw("\x80"))],
    reaction: NOT_UTF8,
  },
];

const limited: Case[] = [
  {
    section: "6455 10.4",
    sent: "a frame that is too large",
    limits: { maxFrameBytes: 100 },
    frames: (peer) => [peer.binary(new Uint8Array(100)), peer.binary(new Uint8Array(101))],
    reaction: [binary(100), ...TOO_BIG],
  },
];

const compressed: Case[] = [
  {
    section: "7692 6",
    sent: "messages that are compressed, and one that is not",
    isDeflated: true,
    frames: (peer) => [
      peer.frame(FIN | RSV1 | TEXT, complement("abc")),
      peer.text("def"),
      peer.frame(RSV1 | BINARY, complement("gh")),
      peer.frame(CONTINUATION, ""),
      peer.frame(CONTINUATION, complement("i".repeat(200))),
      peer.frame(FIN | CONTINUATION, complement("k")),
      peer.frame(FIN | RSV1 | TEXT, ""),
    ],
    reaction: ['text "abc"', 'text "def"', told(raw(`gh${"i".repeat(200)}k`)), 'text ""'],
  },
  {
    section: "7692 6",
    sent: "RSV1 in a continuation",
    isDeflated: true,
    frames: (peer) => [
      peer.frame(RSV1 | TEXT, complement("a")),
      peer.frame(FIN | RSV1 | CONTINUATION, complement("b")),
    ],
    reaction: BROKEN,
  },
  {
    section: "7692 6",
    sent: "RSV1 in a Ping",
    isDeflated: true,
    frames: (peer) => [peer.frame(FIN | RSV1 | PING)],
    reaction: BROKEN,
  },
  {
    section: "7692 6",
    sent: "RSV2 in a message that is compressed",
    isDeflated: true,
    frames: (peer) => [peer.frame(FIN | RSV1 | RSV2 | TEXT, complement("a"))],
    reaction: BROKEN,
  },
  {
    section: "7692 7.2.2",
    sent: "data that cannot be decompressed",
    isDeflated: true,
    frames: (peer) => [peer.frame(FIN | RSV1 | BINARY, raw("\x9e\0"))],
    reaction: NOT_UTF8,
  },
  {
    section: "7692 7.2.2",
    sent: "text that is not UTF-8 when it has been decompressed",
    isDeflated: true,
    frames: (peer) => [peer.frame(RSV1 | TEXT, complement(raw("\xc0\x80")))],
    reaction: NOT_UTF8,
  },
];

export const cases: readonly Case[] = [
  ...masking,
  ...framing,
  ...fragments,
  ...control,
  ...statusCodes,
  ...text,
  ...limited,
  ...compressed,
];

/** What the codec of the tests makes of a payload: the complement of each byte. */
export function complement(payload: string | Uint8Array): Uint8Array {
  return (typeof payload === "string" ? utf8(payload) : payload).map((byte) => byte ^ 0xff);
}

function binary(length: number): string {
  return told(new Uint8Array(length));
}

/** All frames of a case, as one. */
export function bytesOf(one: Case, peer: Frames): Uint8Array {
  return concat(one.frames(peer));
}
