/** What clients of HTTP/2 may and may not send: one row for each case. */
import { assertEquals } from "@std/assert";
import { text } from "./_drive.ts";
import { hex } from "./_hpack.ts";
import {
  answered,
  type Case,
  connectionError,
  data,
  does,
  get,
  headers,
  http1,
  ignored,
  post,
  SETTINGS_ACK,
  type Step,
  streamError,
} from "./_h2_cases.ts";
import {
  ACK,
  block,
  CONTINUATION,
  DATA,
  ENABLE_CONNECT_PROTOCOL,
  ENABLE_PUSH,
  END_HEADERS,
  END_STREAM,
  type ErrorName,
  frame,
  GOAWAY,
  HEADER_TABLE_SIZE,
  HEADERS,
  INITIAL_WINDOW_SIZE,
  join,
  MAX_CONCURRENT_STREAMS,
  MAX_FRAME_SIZE,
  MAX_HEADER_LIST_SIZE,
  NO_RFC7540_PRIORITIES,
  PADDED,
  PING,
  PREFACE,
  PRIORITY,
  PRIORITY_UPDATE,
  PUSH_PROMISE,
  type RawPeer,
  request,
  RST_STREAM,
  SETTINGS,
  settings,
  string,
  uint32,
  WINDOW_UPDATE,
  WITH_PRIORITY,
} from "./_h2_raw.ts";

/** The payload of PRIORITY. */
const priority = (dependsOn: number, weight: number) => join(uint32(dependsOn), weight);
const reset = (id: number, code = 8) => frame(RST_STREAM, 0, id, uint32(code));
const widen = (id: number, by: number) => frame(WINDOW_UPDATE, 0, id, uint32(by));
const whole = request("GET", "/");

/** The opening of a client that lets no DATA come. */
const SHUT = join(PREFACE, settings([INITIAL_WINDOW_SIZE, 0]), SETTINGS_ACK);

const opening: Case[] = [
  {
    section: "9113 3.4",
    sent: "the preface and SETTINGS",
    opening: join(PREFACE, settings()),
    steps: [],
    reaction: does("SETTINGS first, and an answer to those of the client", async (peer) => {
      const first = await peer.take("frame", () => true);
      assertEquals([first.type, first.flags, first.id], [SETTINGS, 0, 0]);
      await peer.take("ACK", ({ type, flags }) => type === SETTINGS && flags === ACK);
    }),
  },
  {
    section: "9113 3.4",
    sent: "another preface",
    opening: join("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"),
    steps: [],
    reaction: http1("505"),
  },
  {
    section: "9113 3.4",
    sent: "no SETTINGS after the preface, but PING",
    opening: PREFACE,
    steps: [frame(PING, 0, 0, "01234567")],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: "9113 3.4",
    sent: "an answer to SETTINGS after the preface",
    opening: PREFACE,
    steps: [SETTINGS_ACK],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: "9113 3.4",
    sent: "a request right after SETTINGS, before those of the server have come",
    opening: join(PREFACE, settings()),
    steps: [get(1)],
    reaction: answered("200 GET /"),
  },
];

const format: Case[] = [
  {
    section: "9113 4.1",
    sent: "a frame of an unknown type",
    steps: [frame(0xff, 0xff, 0, "unknown")],
    reaction: ignored,
  },
  {
    section: "9113 4.1",
    sent: "a frame of an unknown type on a stream that is idle",
    steps: [frame(0xff, 0, 7, "unknown")],
    reaction: ignored,
  },
  {
    section: "9113 4.1",
    sent: "PING with flags that are not defined",
    steps: [frame(PING, 0xfe, 0, "01234567")],
    reaction: does("PING with ACK only", async (peer) => {
      assertEquals((await peer.take("PING", ({ type }) => type === PING)).flags, ACK);
    }),
  },
  {
    section: "9113 4.1",
    sent: "HEADERS with flags that are not defined",
    steps: [headers(1, whole, END_STREAM | END_HEADERS | 0xd2)],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 4.1",
    sent: "PING with the reserved bit of the stream identifier",
    steps: [frame(PING, 0, 0x80000000, "01234567")],
    reaction: does("PING with ACK", async (peer) => {
      assertEquals((await peer.take("PING", ({ type }) => type === PING)).flags, ACK);
    }),
  },
  {
    section: "9113 4.1",
    sent: "HEADERS with the reserved bit of the stream identifier",
    steps: [headers(0x80000001, whole)],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 4.2",
    sent: "DATA of 16384 bytes",
    steps: [post(1, "/length"), data(1, "x".repeat(16384))],
    reaction: answered("200 16384"),
  },
  {
    section: "9113 4.2",
    sent: "DATA of 16385 bytes",
    steps: [post(1), data(1, "x".repeat(16385))],
    reaction: connectionError("FRAME_SIZE_ERROR"),
  },
  {
    section: "9113 4.2",
    sent: "HEADERS of 16385 bytes",
    steps: [get(1, "/", `x: ${"x".repeat(16385 - whole.length - 6)}`)],
    reaction: connectionError("FRAME_SIZE_ERROR"),
  },
  {
    section: "9113 4.2",
    sent: "SETTINGS of 16386 bytes, the header alone",
    steps: [frame(SETTINGS, 0, 0, "", 16386)],
    reaction: connectionError("FRAME_SIZE_ERROR"),
  },
  {
    section: "9113 4.3",
    sent: "a header block that cannot be decoded",
    steps: [headers(1, Uint8Array.of(0x40))],
    reaction: connectionError("COMPRESSION_ERROR"),
  },
  {
    section: "9113 4.3",
    sent: "a header block that ends within a field",
    steps: [headers(1, whole.subarray(0, -1))],
    reaction: connectionError("COMPRESSION_ERROR"),
  },
  {
    section: "9113 4.3",
    sent: "PRIORITY within a header block",
    steps: [headers(1, whole, END_STREAM), frame(PRIORITY, 0, 1, priority(0, 15))],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: "9113 4.3",
    sent: "HEADERS of another stream within a header block",
    steps: [headers(1, whole, END_STREAM), get(3)],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: "9113 4.3",
    sent: "a frame of an unknown type within a header block",
    steps: [headers(1, whole, END_STREAM), frame(0xff, 0, 1, "")],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
];

const waits = get(1, "/waits");
const RFC_5_1 = "9113 5.1";

const states: Case[] = [
  {
    section: RFC_5_1,
    sent: "idle: DATA",
    steps: [data(1, "x")],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: RFC_5_1,
    sent: "idle: RST_STREAM",
    steps: [reset(1)],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: RFC_5_1,
    sent: "idle: WINDOW_UPDATE",
    steps: [widen(1, 100)],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: RFC_5_1,
    sent: "idle: CONTINUATION",
    steps: [frame(CONTINUATION, END_HEADERS, 1, whole)],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: RFC_5_1,
    sent: "idle: PRIORITY",
    steps: [frame(PRIORITY, 0, 1, priority(0, 15))],
    reaction: ignored,
  },
  {
    section: RFC_5_1,
    sent: "idle: DATA on a stream of the server",
    steps: [data(2, "x")],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: RFC_5_1,
    sent: "open: PRIORITY",
    steps: [post(1), frame(PRIORITY, 0, 1, priority(0, 15)), data(1, "x")],
    reaction: answered("200 POST / x"),
  },
  {
    section: RFC_5_1,
    sent: "open: WINDOW_UPDATE",
    steps: [post(1), widen(1, 100), data(1, "x")],
    reaction: answered("200 POST / x"),
  },
  {
    section: RFC_5_1,
    sent: "open: RST_STREAM",
    steps: [post(1), reset(1)],
    reaction: ignored,
  },
  {
    section: RFC_5_1,
    sent: "half-closed (remote): DATA",
    steps: [waits, data(1, "x")],
    reaction: streamError("STREAM_CLOSED"),
  },
  {
    section: RFC_5_1,
    sent: "half-closed (remote): HEADERS",
    steps: [waits, get(1)],
    reaction: streamError("STREAM_CLOSED"),
  },
  {
    section: RFC_5_1,
    sent: "half-closed (remote): CONTINUATION",
    opening: SHUT,
    steps: [get(1), frame(CONTINUATION, END_HEADERS, 1, whole)],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: RFC_5_1,
    sent: "half-closed (remote): WINDOW_UPDATE",
    steps: [waits, widen(1, 100)],
    reaction: ignored,
  },
  {
    section: RFC_5_1,
    sent: "half-closed (remote): PRIORITY",
    steps: [waits, frame(PRIORITY, 0, 1, priority(0, 15))],
    reaction: ignored,
  },
  {
    section: RFC_5_1,
    sent: "half-closed (remote): RST_STREAM",
    steps: [waits, reset(1)],
    reaction: ignored,
  },
  {
    section: RFC_5_1,
    sent: "closed by RST_STREAM of the client: DATA",
    steps: [post(1), reset(1), data(1, "x")],
    reaction: connectionError("STREAM_CLOSED"),
  },
  {
    section: RFC_5_1,
    sent: "closed by RST_STREAM of the client: HEADERS",
    steps: [post(1), reset(1), get(1)],
    reaction: connectionError("STREAM_CLOSED"),
  },
  {
    section: RFC_5_1,
    sent: "closed by RST_STREAM of the client: CONTINUATION",
    steps: [post(1), reset(1), frame(CONTINUATION, END_HEADERS, 1, whole)],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: RFC_5_1,
    sent: "closed by RST_STREAM of the client: RST_STREAM",
    steps: [post(1), reset(1), reset(1)],
    reaction: ignored,
  },
  {
    section: RFC_5_1,
    sent: "closed by RST_STREAM of the server: DATA",
    steps: [waits, data(1, "x"), (peer) => peer.wasReset(1), data(1, "y")],
    reaction: ignored,
  },
  {
    section: RFC_5_1,
    sent: "closed by RST_STREAM of the server: HEADERS",
    steps: [waits, data(1, "x"), (peer) => peer.wasReset(1), get(1)],
    reaction: ignored,
  },
  {
    section: RFC_5_1,
    sent: "closed by RST_STREAM of the server: WINDOW_UPDATE",
    steps: [waits, data(1, "x"), (peer) => peer.wasReset(1), widen(1, 1)],
    reaction: ignored,
  },
  {
    section: RFC_5_1,
    sent: "closed by RST_STREAM of the server: RST_STREAM",
    steps: [waits, data(1, "x"), (peer) => peer.wasReset(1), reset(1)],
    reaction: ignored,
  },
  {
    section: RFC_5_1,
    sent: "closed by its end: DATA",
    steps: [get(1), (peer) => peer.answer(1), data(1, "x")],
    reaction: connectionError("STREAM_CLOSED"),
  },
  {
    section: RFC_5_1,
    sent: "closed by its end: HEADERS",
    steps: [get(1), (peer) => peer.answer(1), get(1)],
    reaction: connectionError("STREAM_CLOSED"),
  },
  {
    section: RFC_5_1,
    sent: "closed by its end: CONTINUATION",
    steps: [get(1), (peer) => peer.answer(1), frame(CONTINUATION, END_HEADERS, 1, whole)],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: RFC_5_1,
    sent: "closed by its end: WINDOW_UPDATE",
    steps: [get(1), (peer) => peer.answer(1), widen(1, 100)],
    reaction: ignored,
  },
  {
    section: RFC_5_1,
    sent: "closed by its end: PRIORITY",
    steps: [get(1), (peer) => peer.answer(1), frame(PRIORITY, 0, 1, priority(0, 15))],
    reaction: ignored,
  },
  {
    section: RFC_5_1,
    sent: "closed by its end: RST_STREAM",
    steps: [get(1), (peer) => peer.answer(1), reset(1)],
    reaction: ignored,
  },
  {
    section: "9113 5.1.1",
    sent: "HEADERS on a stream with an even identifier",
    steps: [get(2)],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: "9113 5.1.1",
    sent: "HEADERS on a stream that was passed over",
    steps: [get(5), (peer) => peer.answer(5), get(3)],
    reaction: connectionError("PROTOCOL_ERROR"),
  },
  {
    section: "9113 5.1.1",
    sent: "DATA on a stream that was passed over",
    steps: [get(5), (peer) => peer.answer(5), data(3, "x")],
    reaction: connectionError("STREAM_CLOSED"),
  },
  {
    section: "9113 5.1.1",
    sent: "a request on a stream far beyond the first",
    steps: [get(77)],
    reaction: answered("200 GET /", 77),
  },
  {
    section: "9113 5.1.1",
    sent: "a request on the last stream that there is",
    steps: [get(0x7fffffff)],
    reaction: {
      text: "`200 GET /`",
      async check(peer) {
        const { status, body } = await peer.answer(0x7fffffff);
        assertEquals(`${status} ${body}`, "200 GET /");
        await peer.sync();
      },
    },
  },
  {
    section: "9113 5.1.2",
    sent: "more streams than allowed",
    steps: [waits, get(3)],
    reaction: {
      text: "stream error `REFUSED_STREAM`",
      async check(peer) {
        assertEquals(await peer.wasReset(3), "REFUSED_STREAM");
        await peer.sync();
      },
    },
    options: { limits: { maxConcurrentStreams: 1 } },
  },
  {
    section: "9113 5.1.2",
    sent: "another stream after the one that was allowed has ended",
    steps: [get(1), (peer) => peer.answer(1), get(3)],
    reaction: answered("200 GET /", 3),
    options: { limits: { maxConcurrentStreams: 1 } },
  },
  {
    section: "9113 5.3.2",
    sent: "HEADERS that depend on their own stream, with the weight 256",
    steps: [
      headers(
        1,
        join(priority(1, 255), whole),
        END_STREAM | END_HEADERS | WITH_PRIORITY,
      ),
    ],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 5.3.2",
    sent: "PRIORITY that depends on its own stream",
    steps: [frame(PRIORITY, 0, 1, priority(1, 15))],
    reaction: ignored,
  },
  {
    section: "9113 5.3.2",
    sent: "PRIORITY that depends on another stream alone",
    steps: [frame(PRIORITY, 0, 3, priority(0x80000001, 15))],
    reaction: ignored,
  },
  {
    section: "9113 5.3.2",
    sent: "PRIORITY of a stream, then a request on a lower one",
    steps: [frame(PRIORITY, 0, 5, priority(0, 0)), get(3)],
    reaction: answered("200 GET /", 3),
  },
  {
    section: "9113 5.4.1",
    sent: "PING that is too short, after a request",
    steps: [get(1), frame(PING, 0, 0, "")],
    reaction: {
      text: "`200 GET /`, then connection error `FRAME_SIZE_ERROR` with the last stream",
      async check(peer) {
        const { status, body } = await peer.answer(1);
        assertEquals(`${status} ${body}`, "200 GET /");
        const { payload } = await peer.takeOf(GOAWAY, 0);
        assertEquals(payload.subarray(0, 8), join(uint32(1), uint32(6)));
        await peer.closed();
      },
    },
  },
  {
    section: "9113 5.4.1",
    sent: "another request after a connection error",
    steps: [frame(PING, 0, 0, ""), get(1)],
    reaction: {
      text: "connection error `FRAME_SIZE_ERROR`, and no answer",
      async check(peer) {
        assertEquals(await peer.goneAway(), "FRAME_SIZE_ERROR");
        await peer.closed();
        peer.checkNone(HEADERS);
      },
    },
  },
];

/** A case that ends in a connection error. */
function wrong(section: string, sent: string, error: ErrorName, ...steps: Step[]): Case {
  return { section, sent, steps, reaction: connectionError(error) };
}

function setting(name: number, value: number): Uint8Array {
  return settings([name, value]);
}

const piece = async (peer: RawPeer) => text((await peer.takeOf(DATA, 1)).payload);
const full = "x".repeat(16384);
/** As much as a stream takes at first. */
const window = (id: number) => Array.from({ length: 16 }, () => data(id, full, 0));

const dataFrames: Case[] = [
  {
    section: "9113 6.1",
    sent: "several frames of DATA, one of them empty",
    steps: [post(1), data(1, "a", 0), data(1, "", 0), data(1, "b", 0), data(1, "")],
    reaction: answered("200 POST / ab"),
  },
  {
    section: "9113 6.1",
    sent: "DATA with padding",
    steps: [post(1), data(1, join(5, "abc", "\0\0\0\0\0"), PADDED | END_STREAM)],
    reaction: answered("200 POST / abc"),
  },
  {
    section: "9113 6.1",
    sent: "DATA with padding only",
    steps: [post(1), data(1, join(2, "\0\0"), PADDED), data(1, "abc")],
    reaction: answered("200 POST / abc"),
  },
  {
    section: "9113 6.1",
    sent: "DATA with padding that is not zeros",
    steps: [post(1), data(1, join(2, "abc", "xy"), PADDED | END_STREAM)],
    reaction: answered("200 POST / abc"),
  },
  wrong("9113 6.1", "DATA on stream 0", "PROTOCOL_ERROR", data(0, "x")),
  wrong(
    "9113 6.1",
    "DATA with padding that is as long as the payload",
    "PROTOCOL_ERROR",
    post(1),
    data(1, join(4, "abc"), PADDED | END_STREAM),
  ),
  wrong(
    "9113 6.1",
    "DATA with the flag of padding, and empty",
    "PROTOCOL_ERROR",
    post(1),
    data(1, "", PADDED | END_STREAM),
  ),
];

const headerFrames: Case[] = [
  {
    section: "9113 6.2",
    sent: "HEADERS with padding",
    steps: [headers(1, join(3, whole, "\0\0\0"), END_STREAM | END_HEADERS | PADDED)],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 6.2",
    sent: "HEADERS with a priority",
    steps: [headers(1, join(priority(0, 15), whole), END_STREAM | END_HEADERS | WITH_PRIORITY)],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 6.2",
    sent: "HEADERS with padding and a priority",
    steps: [
      headers(
        1,
        join(1, priority(0, 15), whole, 0),
        END_STREAM | END_HEADERS | WITH_PRIORITY | PADDED,
      ),
    ],
    reaction: answered("200 GET /"),
  },
  wrong("9113 6.2", "HEADERS on stream 0", "PROTOCOL_ERROR", get(0)),
  wrong(
    "9113 6.2",
    "HEADERS with more padding than there is",
    "PROTOCOL_ERROR",
    headers(1, join(whole.length + 1, whole), END_STREAM | END_HEADERS | PADDED),
  ),
  wrong(
    "9113 6.2",
    "HEADERS with the flag of padding, and empty",
    "PROTOCOL_ERROR",
    headers(1, join(), END_STREAM | END_HEADERS | PADDED),
  ),
  wrong(
    "9113 6.2",
    "HEADERS that are too short for their priority",
    "FRAME_SIZE_ERROR",
    headers(1, join("abcd"), END_STREAM | END_HEADERS | WITH_PRIORITY),
  ),
  wrong(
    "9113 6.3",
    "PRIORITY on stream 0",
    "PROTOCOL_ERROR",
    frame(PRIORITY, 0, 0, priority(0, 1)),
  ),
  {
    section: "9113 6.3",
    sent: "PRIORITY of 4 bytes",
    steps: [waits, frame(PRIORITY, 0, 1, "abcd")],
    reaction: streamError("FRAME_SIZE_ERROR"),
  },
  {
    section: "9113 6.3",
    sent: "PRIORITY of 6 bytes on a stream that is idle",
    steps: [frame(PRIORITY, 0, 1, "abcdef")],
    reaction: connectionError("FRAME_SIZE_ERROR"),
  },
  wrong("9113 6.4", "RST_STREAM on stream 0", "PROTOCOL_ERROR", reset(0)),
  wrong(
    "9113 6.4",
    "RST_STREAM of 3 bytes",
    "FRAME_SIZE_ERROR",
    post(1),
    frame(RST_STREAM, 0, 1, "abc"),
  ),
  wrong(
    "9113 6.4",
    "RST_STREAM of 5 bytes",
    "FRAME_SIZE_ERROR",
    post(1),
    frame(RST_STREAM, 0, 1, "abcde"),
  ),
];

const settingsFrames: Case[] = [
  {
    section: "9113 6.5",
    sent: "SETTINGS that are empty",
    steps: [(peer) => peer.sync(), settings()],
    reaction: does("an answer to each SETTINGS", async (peer) => {
      await peer.take("ACK", ({ type, flags }) => type === SETTINGS && flags === ACK);
      await peer.take("ACK", ({ type, flags }) => type === SETTINGS && flags === ACK);
    }),
  },
  wrong(
    "9113 6.5",
    "SETTINGS with ACK, and not empty",
    "FRAME_SIZE_ERROR",
    frame(SETTINGS, ACK, 0, settings([INITIAL_WINDOW_SIZE, 1]).subarray(9)),
  ),
  wrong("9113 6.5", "SETTINGS on a stream", "PROTOCOL_ERROR", frame(SETTINGS, 0, 1)),
  wrong("9113 6.5", "SETTINGS of 3 bytes", "FRAME_SIZE_ERROR", frame(SETTINGS, 0, 0, "abc")),
  {
    section: "9113 6.5.2",
    sent: "ENABLE_PUSH of 0 and of 1",
    steps: [settings([ENABLE_PUSH, 0], [ENABLE_PUSH, 1])],
    reaction: ignored,
  },
  wrong("9113 6.5.2", "ENABLE_PUSH of 2", "PROTOCOL_ERROR", setting(ENABLE_PUSH, 2)),
  wrong(
    "9113 6.5.2",
    "INITIAL_WINDOW_SIZE of 2^31",
    "FLOW_CONTROL_ERROR",
    setting(INITIAL_WINDOW_SIZE, 2 ** 31),
  ),
  {
    section: "9113 6.5.2",
    sent: "INITIAL_WINDOW_SIZE of 2^31 - 1",
    steps: [setting(INITIAL_WINDOW_SIZE, 2 ** 31 - 1), get(1)],
    reaction: answered("200 GET /"),
  },
  wrong("9113 6.5.2", "MAX_FRAME_SIZE of 16383", "PROTOCOL_ERROR", setting(MAX_FRAME_SIZE, 16383)),
  wrong("9113 6.5.2", "MAX_FRAME_SIZE of 2^24", "PROTOCOL_ERROR", setting(MAX_FRAME_SIZE, 2 ** 24)),
  {
    section: "9113 6.5.2",
    sent: "MAX_FRAME_SIZE of 2^24 - 1",
    steps: [setting(MAX_FRAME_SIZE, 2 ** 24 - 1), get(1, "/large")],
    reaction: does("DATA of 16384 bytes", async (peer) => {
      assertEquals((await piece(peer)).length, 16384);
    }),
  },
  {
    section: "9113 6.5.2",
    sent: "MAX_CONCURRENT_STREAMS of 0",
    steps: [setting(MAX_CONCURRENT_STREAMS, 0), get(1)],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 6.5.2",
    sent: "MAX_HEADER_LIST_SIZE of 0",
    steps: [setting(MAX_HEADER_LIST_SIZE, 0), get(1)],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 6.5.2",
    sent: "a setting that is unknown",
    steps: [setting(0xff, 1)],
    reaction: ignored,
  },
  {
    section: "9113 6.5.3",
    sent: "INITIAL_WINDOW_SIZE twice in one frame: 100, then 1",
    steps: [settings([INITIAL_WINDOW_SIZE, 100], [INITIAL_WINDOW_SIZE, 1]), get(1)],
    reaction: does("DATA of 1 byte", async (peer) => assertEquals(await piece(peer), "G")),
  },
  wrong(
    "8441 3",
    "ENABLE_CONNECT_PROTOCOL of 2",
    "PROTOCOL_ERROR",
    setting(ENABLE_CONNECT_PROTOCOL, 2),
  ),
  wrong(
    "9218 2.1",
    "NO_RFC7540_PRIORITIES of 2",
    "PROTOCOL_ERROR",
    setting(NO_RFC7540_PRIORITIES, 2),
  ),
];

const otherFrames: Case[] = [
  wrong(
    "9113 6.6",
    "PUSH_PROMISE",
    "PROTOCOL_ERROR",
    frame(PUSH_PROMISE, END_HEADERS, 1, join(uint32(2), whole)),
  ),
  {
    section: "9113 6.7",
    sent: "PING",
    steps: [frame(PING, 0, 0, "01234567")],
    reaction: does("PING with ACK and the same bytes", async (peer) => {
      const { flags, payload } = await peer.takeOf(PING, 0);
      assertEquals([flags, text(payload)], [ACK, "01234567"]);
    }),
  },
  {
    section: "9113 6.7",
    sent: "PING with ACK that nobody has asked for",
    steps: [frame(PING, ACK, 0, "01234567")],
    reaction: does("ignored", async (peer) => {
      await peer.sync();
      peer.checkNone(PING);
    }),
  },
  wrong("9113 6.7", "PING on a stream", "PROTOCOL_ERROR", frame(PING, 0, 1, "01234567")),
  wrong("9113 6.7", "PING of 7 bytes", "FRAME_SIZE_ERROR", frame(PING, 0, 0, "0123456")),
  wrong("9113 6.7", "PING of 9 bytes", "FRAME_SIZE_ERROR", frame(PING, 0, 0, "012345678")),
  {
    section: "9113 6.8",
    sent: "GOAWAY while the body of a request is under way",
    steps: [post(1), frame(GOAWAY, 0, 0, join(uint32(0), uint32(0), "bye")), data(1, "x")],
    reaction: answered("200 POST / x"),
  },
  wrong(
    "9113 6.8",
    "GOAWAY on a stream",
    "PROTOCOL_ERROR",
    frame(GOAWAY, 0, 1, join(uint32(0), uint32(0))),
  ),
  wrong("9113 6.8", "GOAWAY of 7 bytes", "FRAME_SIZE_ERROR", frame(GOAWAY, 0, 0, "0123456")),
  wrong("9113 6.9", "WINDOW_UPDATE of 0 on stream 0", "PROTOCOL_ERROR", widen(0, 0)),
  {
    section: "9113 6.9",
    sent: "WINDOW_UPDATE of 0 on a stream",
    steps: [waits, widen(1, 0)],
    reaction: streamError("PROTOCOL_ERROR"),
  },
  wrong(
    "9113 6.9",
    "WINDOW_UPDATE of 3 bytes",
    "FRAME_SIZE_ERROR",
    frame(WINDOW_UPDATE, 0, 0, "abc"),
  ),
  wrong(
    "9113 6.9",
    "WINDOW_UPDATE of 5 bytes on a stream",
    "FRAME_SIZE_ERROR",
    post(1),
    frame(WINDOW_UPDATE, 0, 1, "abcde"),
  ),
  {
    section: "9113 6.9",
    sent: "WINDOW_UPDATE with the reserved bit",
    opening: SHUT,
    steps: [get(1), frame(WINDOW_UPDATE, 0, 1, uint32(0x80000005))],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 6.9.1",
    sent: "a window of 1, and WINDOW_UPDATE when it is used up",
    steps: [
      setting(INITIAL_WINDOW_SIZE, 1),
      get(1),
      async (peer) => assertEquals(await piece(peer), "G"),
      widen(1, 4),
    ],
    reaction: does("DATA of 1 byte, then the rest", async (peer) => {
      assertEquals(await piece(peer), "ET /");
    }),
  },
  {
    section: "9113 6.9.1",
    sent: "a request for more than the window of the connection",
    steps: [setting(INITIAL_WINDOW_SIZE, 100_000), get(1, "/large")],
    reaction: {
      text: "DATA of 65535 bytes, and the rest after WINDOW_UPDATE",
      async check(peer) {
        let length = 0;
        while (length < 65535) length += (await piece(peer)).length;
        assertEquals(length, 65535);
        await peer.sync();
        peer.checkNone(DATA);
        await peer.send(widen(0, 100_000));
        assertEquals((await piece(peer)).length, 70_000 - 65535);
      },
    },
  },
  {
    section: "9113 6.9.1",
    sent: "a request for an empty answer while the window is shut",
    opening: SHUT,
    steps: [get(1, "/204")],
    reaction: answered("204"),
  },
  wrong(
    "9113 6.9.1",
    "WINDOW_UPDATE of the connection beyond 2^31 - 1",
    "FLOW_CONTROL_ERROR",
    widen(0, 2 ** 31 - 1),
  ),
  {
    section: "9113 6.9.1",
    sent: "WINDOW_UPDATE of a stream beyond 2^31 - 1",
    steps: [waits, widen(1, 2 ** 31 - 1)],
    reaction: streamError("FLOW_CONTROL_ERROR"),
  },
  {
    section: "9113 6.9.1",
    sent: "DATA that fill the window of a stream whose body nobody reads",
    steps: [post(1, "/waits"), ...window(1)],
    reaction: ignored,
  },
  {
    section: "9113 6.9.1",
    sent: "DATA beyond the window of a stream whose body nobody reads",
    steps: [post(1, "/waits"), ...window(1), data(1, "x")],
    reaction: streamError("FLOW_CONTROL_ERROR"),
  },
  {
    section: "9113 6.9.1",
    sent: "DATA beyond the window of the connection",
    opening: SHUT,
    steps: [
      ...[1, 3, 5, 7].flatMap((id) => [post(id, "/endless"), ...window(id)]),
      post(9, "/endless"),
      data(9, "x"),
    ],
    reaction: connectionError("FLOW_CONTROL_ERROR"),
  },
  {
    section: "9113 6.9.2",
    sent: "INITIAL_WINDOW_SIZE of 0, HEADERS, then INITIAL_WINDOW_SIZE of 1",
    opening: SHUT,
    steps: [get(1), (peer) => peer.sync(), setting(INITIAL_WINDOW_SIZE, 1)],
    reaction: does("DATA of 1 byte", async (peer) => assertEquals(await piece(peer), "G")),
  },
  {
    section: "9113 6.9.2",
    sent: "INITIAL_WINDOW_SIZE of 3, then of 2 when 3 bytes have come, then WINDOW_UPDATE of 2",
    steps: [
      setting(INITIAL_WINDOW_SIZE, 3),
      get(1),
      async (peer) => assertEquals(await piece(peer), "GET"),
      setting(INITIAL_WINDOW_SIZE, 2),
      widen(1, 2),
    ],
    reaction: does("DATA of 1 byte", async (peer) => assertEquals(await piece(peer), " ")),
  },
  {
    section: "9113 6.9.2",
    sent: "INITIAL_WINDOW_SIZE that makes the window of a stream larger than 2^31 - 1",
    opening: SHUT,
    steps: [post(1), widen(1, 2 ** 31 - 1), setting(INITIAL_WINDOW_SIZE, 1)],
    reaction: connectionError("FLOW_CONTROL_ERROR"),
  },
];

const continuations: Case[] = [
  {
    section: "9113 6.10",
    sent: "HEADERS and three CONTINUATION, one of them empty",
    steps: [
      headers(1, whole.subarray(0, 10), END_STREAM),
      frame(CONTINUATION, 0, 1, whole.subarray(10, 20)),
      frame(CONTINUATION, 0, 1, ""),
      frame(CONTINUATION, END_HEADERS, 1, whole.subarray(20)),
    ],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 6.10",
    sent: "HEADERS that are empty, and CONTINUATION with the whole block",
    steps: [headers(1, join(), END_STREAM), frame(CONTINUATION, END_HEADERS, 1, whole)],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 6.10",
    sent: "HEADERS with padding, and CONTINUATION",
    steps: [
      headers(1, join(2, whole.subarray(0, 10), "\0\0"), END_STREAM | PADDED),
      frame(CONTINUATION, END_HEADERS, 1, whole.subarray(10)),
    ],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 6.10",
    sent: "trailers in HEADERS and CONTINUATION",
    steps: [
      post(1, "/field"),
      data(1, "a", 0),
      headers(1, block("x: y").subarray(0, 2), END_STREAM),
      frame(CONTINUATION, END_HEADERS, 1, block("x: y").subarray(2)),
    ],
    reaction: answered("200 anone, trailer y"),
  },
  wrong(
    "9113 6.10",
    "CONTINUATION after the end of the block",
    "PROTOCOL_ERROR",
    post(1),
    frame(CONTINUATION, END_HEADERS, 1, whole),
  ),
  wrong(
    "9113 6.10",
    "CONTINUATION of stream 0 within a block",
    "PROTOCOL_ERROR",
    headers(1, whole, END_STREAM),
    frame(CONTINUATION, END_HEADERS, 0, ""),
  ),
  wrong(
    "9113 6.10",
    "CONTINUATION of another stream within a block",
    "PROTOCOL_ERROR",
    headers(1, whole, END_STREAM),
    frame(CONTINUATION, END_HEADERS, 3, ""),
  ),
  wrong(
    "9113 6.10",
    "CONTINUATION after DATA",
    "PROTOCOL_ERROR",
    post(1),
    data(1, "x", 0),
    frame(CONTINUATION, END_HEADERS, 1, ""),
  ),
  wrong(
    "9113 6.10",
    "CONTINUATION after a block that ended with another one, and DATA",
    "PROTOCOL_ERROR",
    headers(1, whole.subarray(0, 10), 0),
    frame(CONTINUATION, END_HEADERS, 1, whole.subarray(10)),
    data(1, "x", 0),
    frame(CONTINUATION, END_HEADERS, 1, ""),
  ),
  wrong(
    "9113 6.10",
    "DATA within a block",
    "PROTOCOL_ERROR",
    headers(1, whole, 0),
    data(1, "x"),
  ),
  {
    section: "9113 7",
    sent: "RST_STREAM with an error code that is unknown",
    steps: [waits, reset(1, 0xff)],
    reaction: ignored,
  },
  {
    section: "9113 7",
    sent: "GOAWAY with an error code that is unknown",
    steps: [frame(GOAWAY, 0, 0, join(uint32(0), uint32(0xff)))],
    reaction: ignored,
  },
];

const exchanges: Case[] = [
  { section: "9113 8.1", sent: "GET", steps: [get(1)], reaction: answered("200 GET /") },
  {
    section: "9113 8.1",
    sent: "HEAD",
    steps: [headers(1, request("HEAD", "/"))],
    reaction: answered("200"),
  },
  {
    section: "9113 8.1",
    sent: "POST with a body",
    steps: [post(1), data(1, "x")],
    reaction: answered("200 POST / x"),
  },
  {
    section: "9113 8.1",
    sent: "POST with a body and trailers",
    steps: [post(1, "/field"), data(1, "a", 0), headers(1, block("x: y"))],
    reaction: answered("200 anone, trailer y"),
  },
  {
    section: "9113 8.1",
    sent: "POST with trailers and no body",
    steps: [post(1, "/field"), headers(1, block("x: y"))],
    reaction: answered("200 none, trailer y"),
  },
  {
    section: "9113 8.1",
    sent: "GET of an answer with trailers",
    steps: [get(1, "/trailed")],
    reaction: does("`200 one` and trailers", async (peer) => {
      const { body, trailers } = await peer.answer(1);
      assertEquals([body, trailers], ["one", [["x", "y"]]]);
    }),
  },
  {
    section: "9113 8.1",
    sent: "two requests at once, the first of which waits",
    steps: [waits, get(3)],
    reaction: answered("200 GET /", 3),
  },
  {
    section: "9113 8.1",
    sent: "a request whose answer does not need its body",
    steps: [post(1, "/unread")],
    reaction: does("`200 unread`; the body is dropped", async (peer) => {
      assertEquals((await peer.answer(1)).body, "unread");
    }),
  },
  {
    section: "9113 8.1",
    sent: "a body for which `expect` asks first",
    steps: [post(1, "/", "expect: 100-continue")],
    reaction: does("`100`, then `200 POST / x`", async (peer) => {
      assertEquals((await peer.takeOf(HEADERS, 1)).fields, [[":status", "100"]]);
      await peer.send(data(1, "x"));
      assertEquals((await peer.answer(1)).body, "POST / x");
    }),
  },
  {
    section: "9113 8.1",
    sent: "trailers that do not end the stream",
    steps: [post(1), headers(1, block("x: y"), END_HEADERS)],
    reaction: streamError("PROTOCOL_ERROR"),
  },
  {
    section: "9113 8.1",
    sent: "a pseudo-field in trailers",
    steps: [post(1), headers(1, block(":method: GET"))],
    reaction: streamError("PROTOCOL_ERROR"),
  },
  {
    section: "9113 8.1",
    sent: "a name with a capital in trailers",
    steps: [post(1), headers(1, block("X: y"))],
    reaction: streamError("PROTOCOL_ERROR"),
  },
  {
    section: "9113 8.1.1",
    sent: "a malformed request, then a good one on the same table",
    steps: [
      headers(1, join(block("X: y"), 0x40, string("x"), string("kept"))),
      headers(3, join(request("GET", "/field"), 0xbe)),
    ],
    reaction: does("stream error `PROTOCOL_ERROR`, then `200 kept`", async (peer) => {
      assertEquals(await peer.wasReset(1), "PROTOCOL_ERROR");
      assertEquals((await peer.answer(3)).body, "kept");
    }),
  },
  {
    section: "9113 8.1.1",
    sent: "a body as long as `content-length`",
    steps: [post(1, "/", "content-length: 2"), data(1, "a", 0), data(1, "b")],
    reaction: answered("200 POST / ab"),
  },
  ...([
    ["longer than", "1", [data(1, "ab")]],
    ["shorter than", "3", [data(1, "ab")]],
    ["in two frames and shorter than", "3", [data(1, "a", 0), data(1, "b")]],
    ["in two frames and longer than", "1", [data(1, "a", 0), data(1, "b")]],
    ["that ends with trailers and is shorter than", "3", [
      data(1, "a", 0),
      headers(1, block("x: y")),
    ]],
  ] as const).map(([how, length, steps]): Case => ({
    section: "9113 8.1.1",
    sent: `a body ${how} \`content-length\``,
    steps: [post(1, "/", `content-length: ${length}`), ...steps],
    reaction: streamError("PROTOCOL_ERROR"),
  })),
  {
    section: "9113 8.1.1",
    sent: "`content-length`, and no body",
    steps: [get(1, "/", "content-length: 1")],
    reaction: streamError("PROTOCOL_ERROR"),
  },
  {
    section: "9113 8.2.3",
    sent: "three fields `cookie`",
    steps: [get(1, "/cookie", "cookie: a=1", "x: y", "cookie: b=2", "cookie: c=3")],
    reaction: answered("200 a=1; b=2; c=3"),
  },
  {
    section: "9113 8.2.2",
    sent: "`te: trailers`",
    steps: [get(1, "/", "te: trailers")],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 8.2.1",
    sent: "a value with octets from 0x80 on",
    steps: [get(1, "/field", "x: é")],
    reaction: answered("200 é"),
  },
  {
    section: "9113 8.2.1",
    sent: "a value that is empty",
    steps: [get(1, "/field", "x: ")],
    reaction: answered("200"),
  },
];

/** Requests that are malformed: what is wrong, and the fields. */
const malformed: [section: string, sent: string, fields: string[]][] = [
  ["9113 8.3.1", "an empty `:method`", pseudo("")],
  ["9113 8.3.1", "a `:method` that is no token", pseudo("G T")],
  ...[
    ["a name with a capital", "X: y"],
    ["a name with a space", "a b: y"],
    ["a name with a control character", "a\x01: y"],
    ["a name with a colon in it", "a:b: y"],
    ["a name with an octet from 0x80 on", "é: y"],
    ["a value with NUL", "x: a\0b"],
    ["a value with CR", "x: a\rb"],
    ["a value with LF", "x: a\nb"],
    ["a value that begins with a space", "x:  a"],
    ["a value that ends with a tab", "x: a\t"],
  ].map((
    [sent, field],
  ): [string, string, string[]] => ["9113 8.2.1", sent!, pseudo("GET", field!)]),
  ...[
    "connection: close",
    "keep-alive: timeout=5",
    "proxy-connection: keep-alive",
    "transfer-encoding: chunked",
    "upgrade: x",
    "te: gzip",
    "te: trailers, deflate",
  ].map((
    field,
  ): [string, string, string[]] => ["9113 8.2.2", `\`${field}\``, pseudo("GET", field)]),
  ["9113 8.3", "a pseudo-field that is unknown", [":test: x", ...pseudo("GET")]],
  ["9113 8.3", "a pseudo-field of answers", [":status: 200", ...pseudo("GET")]],
  ["9113 8.3", "a pseudo-field after another field", ["x: y", ...pseudo("GET")]],
  ["9113 8.3", "`:path` after another field", [
    ...pseudo("GET").toSpliced(2, 1),
    "x: y",
    ":path: /",
  ]],
  ...[":method: GET", ":scheme: http", ":path: /", ":authority: x"].map((
    field,
  ): [string, string, string[]] => [
    "9113 8.3.1",
    `\`${field.slice(0, field.indexOf(": "))}\` twice`,
    [field, ...pseudo("GET")],
  ]),
  ["9113 8.3.1", "no `:method`", pseudo("GET").toSpliced(0, 1)],
  ["9113 8.3.1", "no `:scheme`", pseudo("GET").toSpliced(1, 1)],
  ["9113 8.3.1", "no `:path`", pseudo("GET").toSpliced(2, 1)],
  ["9113 8.3.1", "an empty header block", []],
  ["9113 8.3.1", "an empty `:path`", path("")],
  ["9113 8.3.1", "a `:path` without a slash", path("a")],
  ["9113 8.3.1", "a `:path` with a space", path("/a b")],
  ["9113 8.3.1", "a `:path` with a fragment", path("/a#b")],
  ["9113 8.3.1", "a `:path` that is a whole URL", path("http://x/")],
  ["9113 8.3.1", "a `:path` of `*` for GET", path("*")],
  ["9113 8.3.1", "a name and password in `:authority`", authority("u:p@x")],
  ["9113 8.3.1", "an `:authority` that is invalid", authority("a/b")],
  ["9113 8.3.1", "`host` that differs from `:authority`", pseudo("GET", "host: y")],
  ["9113 8.5", "CONNECT with `:scheme` and `:path`", pseudo("CONNECT")],
  ["9113 8.5", "CONNECT without `:authority`", [":method: CONNECT"]],
  ["9113 8.5", "CONNECT without a port", [":method: CONNECT", ":authority: x"]],
  ["9110 8.6", "`content-length` that is no number", pseudo("POST", "content-length: 1a")],
  ["9110 8.6", "`content-length` that is negative", pseudo("POST", "content-length: -1")],
  [
    "9110 8.6",
    "two different `content-length`",
    pseudo("POST", "content-length: 1", "content-length: 2"),
  ],
  ["8441 4", "`:protocol` for GET", [":protocol: websocket", ...pseudo("GET")]],
  ["8441 4", "`:protocol` for CONNECT without `:path`", [
    ":protocol: websocket",
    ...pseudo("CONNECT").toSpliced(2, 1),
  ]],
];

const malformedRequests = malformed.map(([section, sent, fields]): Case => ({
  section,
  sent,
  steps: [headers(1, block(...fields))],
  reaction: streamError("PROTOCOL_ERROR"),
}));

const targets: Case[] = [
  {
    section: "9113 8.3.1",
    sent: "OPTIONS with a `:path` of `*`",
    steps: [headers(1, request("OPTIONS", "*"))],
    reaction: answered("200 OPTIONS *"),
  },
  {
    section: "9113 8.3.1",
    sent: "`:authority`",
    steps: [headers(1, block(...authority("example.org:81", "/host")))],
    reaction: answered("200 http://example.org:81/host"),
  },
  {
    section: "9113 8.3.1",
    sent: "a `:scheme` that is not that of the connection",
    steps: [headers(1, block(...pseudo("GET").with(1, ":scheme: ftp")))],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 8.3.1",
    sent: "`host` and no `:authority`",
    steps: [
      headers(1, block(...pseudo("GET").slice(0, 2), ":path: /host", "host: example.org")),
    ],
    reaction: answered("200 http://example.org/host"),
  },
  {
    section: "9113 8.3.1",
    sent: "`host` as `:authority`",
    steps: [get(1, "/", "host: x")],
    reaction: answered("200 GET /"),
  },
  {
    section: "9113 8.5",
    sent: "CONNECT with a host and a port",
    steps: [headers(1, block(":method: CONNECT", ":authority: x:443"), END_HEADERS)],
    reaction: does("`405` of the handler", async (peer) => {
      assertEquals((await peer.answer(1)).status, "405");
    }),
  },
  {
    section: "8441 3",
    sent: "nothing",
    steps: [],
    reaction: does("ENABLE_CONNECT_PROTOCOL of 1 in the SETTINGS", async (peer) => {
      const { payload } = await peer.takeOf(SETTINGS, 0);
      const pairs = text(payload).match(/[^]{6}/g)!;
      assertEquals(pairs.filter((pair) => pair === "\0\x08\0\0\0\x01").length, 1);
    }),
  },
  {
    section: "8441 4",
    sent: "`:protocol` for CONNECT",
    steps: [headers(1, block(":protocol: websocket", ...pseudo("CONNECT")), END_HEADERS)],
    reaction: does("`405` of the handler", async (peer) => {
      assertEquals((await peer.answer(1)).status, "405");
    }),
  },
];

/** The beginning of a block for `/field`; the handler says what the field `x` is. */
const toField = hex("82 86 04 06 2f 66 69 65 6c 64 01 01 78");
/** `x`, and `custom-value`, as strings with and without Huffman. */
const NAME = "01 78", HUFFMAN_NAME = "81 f3";
const VALUE = "0c 63 75 73 74 6f 6d 2d 76 61 6c 75 65",
  HUFFMAN_VALUE = "89 25 a8 49 e9 5b b8 e8 b4 bf";
const custom = answered("200 custom-value");

function field(id: number, ...parts: string[]): Uint8Array {
  return headers(id, join(toField, hex(parts.join(" "))));
}

const hpack: Case[] = [
  ...["40", "00", "10"].flatMap((first) =>
    ([
      ["", NAME, VALUE],
      [" with Huffman", HUFFMAN_NAME, HUFFMAN_VALUE],
    ] as const).map(([how, name, value]): Case => ({
      section: { 40: "7541 6.2.1", 0: "7541 6.2.2", 10: "7541 6.2.3" }[Number(first)]!,
      sent: `a literal with a new name${how}`,
      steps: [field(1, first, name, value)],
      reaction: custom,
    }))
  ),
  ...([
    ["7541 6.2.1", "55", " with Huffman", HUFFMAN_VALUE],
    ["7541 6.2.1", "55", "", VALUE],
    ["7541 6.2.2", "0f 06", " with Huffman", HUFFMAN_VALUE],
    ["7541 6.2.2", "0f 06", "", VALUE],
    ["7541 6.2.3", "1f 06", " with Huffman", HUFFMAN_VALUE],
    ["7541 6.2.3", "1f 06", "", VALUE],
  ] as const).map(([section, first, how, value]): Case => ({
    section,
    sent: `a literal whose name is in the static table${how}`,
    steps: [field(1, first, value, `00 ${NAME}`, VALUE)],
    reaction: custom,
  })),
  {
    section: "7541 6.1",
    sent: "an indexed field of the static table",
    steps: [headers(1, hex("82 86 84 01 01 78"))],
    reaction: answered("200 GET /"),
  },
  {
    section: "7541 6.1",
    sent: "an indexed field that the request before has added to the table",
    steps: [field(1, "40", NAME, VALUE), (peer) => peer.answer(1), field(3, "be")],
    reaction: answered("200 custom-value", 3),
  },
  {
    section: "7541 6.2.1",
    sent: "a literal whose name is in the dynamic table",
    steps: [field(1, "40", NAME, "01 61"), (peer) => peer.answer(1), field(3, "7e", VALUE)],
    reaction: answered("200 custom-value", 3),
  },
  wrong("7541 6.1", "an indexed field with the index 0", "COMPRESSION_ERROR", field(1, "80")),
  wrong("7541 2.3.3", "an indexed field beyond the tables", "COMPRESSION_ERROR", field(1, "be")),
  wrong(
    "7541 2.3.3",
    "a literal whose name is beyond the tables",
    "COMPRESSION_ERROR",
    field(1, "7e", VALUE),
  ),
  {
    section: "7541 4.2",
    sent: "two size updates at the beginning of a block",
    steps: [headers(1, join(hex("20 3f e1 1f"), whole))],
    reaction: answered("200 GET /"),
  },
  wrong(
    "7541 4.2",
    "a size update at the end of a block",
    "COMPRESSION_ERROR",
    headers(1, join(whole, 0x20)),
  ),
  {
    section: "7541 4.2",
    sent: "HEADER_TABLE_SIZE of 0",
    opening: join(PREFACE, setting(HEADER_TABLE_SIZE, 0), SETTINGS_ACK),
    steps: [get(1)],
    reaction: does("a size update of 0 at the beginning of the first block", async (peer) => {
      assertEquals((await peer.takeOf(HEADERS, 1)).payload[0], 0x20);
    }),
  },
  {
    section: "7541 4.2",
    sent: "HEADER_TABLE_SIZE of 0, then of 4096, after an answer",
    steps: [
      get(1),
      (peer) => peer.answer(1),
      settings(
        [HEADER_TABLE_SIZE, 0],
        [HEADER_TABLE_SIZE, 4096],
      ),
      get(3),
    ],
    reaction: does("a size update of 0, and one of 4096", async (peer) => {
      const { payload } = await peer.takeOf(HEADERS, 3);
      assertEquals(payload.subarray(0, 4), hex("20 3f e1 1f"));
    }),
  },
  wrong(
    "7541 4.3",
    "a field that a size update has dropped from the table",
    "COMPRESSION_ERROR",
    field(1, "40", NAME, VALUE),
    (peer) => peer.answer(1),
    headers(3, join(0x20, toField, 0xbe)),
  ),
  wrong(
    "7541 4.4",
    "a field that a larger one has dropped from the table",
    "COMPRESSION_ERROR",
    headers(
      1,
      join(whole, 0x40, string("x"), string("a"), 0x40, string("y"), string("b".repeat(4040))),
    ),
    (peer) => peer.answer(1),
    field(3, "bf"),
  ),
  wrong(
    "7541 5.1",
    "an integer that is too large",
    "COMPRESSION_ERROR",
    field(1, "ff ff ff ff ff ff ff ff ff 7f"),
  ),
  wrong(
    "7541 5.2",
    "a string that is longer than the block",
    "COMPRESSION_ERROR",
    field(1, "00", NAME, "7f 01 61"),
  ),
  wrong(
    "7541 5.2",
    "Huffman with more than 7 bits of padding",
    "COMPRESSION_ERROR",
    field(1, "00", NAME, "82 f3 ff"),
  ),
  wrong(
    "7541 5.2",
    "Huffman with padding that is zeros",
    "COMPRESSION_ERROR",
    field(1, "00", NAME, "81 f2"),
  ),
  wrong(
    "7541 5.2",
    "Huffman with EOS",
    "COMPRESSION_ERROR",
    field(1, "00", NAME, "84 ff ff ff ff"),
  ),
  wrong(
    "7541 6.3",
    "a size update to more than HEADER_TABLE_SIZE",
    "COMPRESSION_ERROR",
    headers(1, join(hex("3f e2 1f"), whole)),
  ),
];

/** Few of what floods. */
const small = { limits: { maxIdleFrames: 10, maxResets: 3 } };
const many = (frame: (i: number) => Uint8Array) => Array.from({ length: 20 }, (_, i) => frame(i));
const large = (length: number): Step[] => {
  const fields = request("GET", "/", `x: ${"x".repeat(length)}`);
  const steps = [headers(1, fields.subarray(0, 16384), END_STREAM)];
  for (let at = 16384; at < fields.length; at += 16384) {
    const flags = at + 16384 < fields.length ? 0 : END_HEADERS;
    steps.push(frame(CONTINUATION, flags, 1, fields.subarray(at, at + 16384)));
  }
  return steps;
};

/** A case of frames that are too many. */
function flood(sent: string, ...steps: Step[]): Case {
  return { ...wrong("9113 10.5", sent, "ENHANCE_YOUR_CALM", ...steps), options: small };
}

const limits: Case[] = [
  {
    section: "9113 10.5.1",
    sent: "a head of 60000 bytes",
    steps: large(60_000),
    reaction: answered("200 GET /"),
  },
  refused("9113 10.5.1", "a head of 66000 bytes", 431, ...large(66_000)),
  wrong("9113 10.5.1", "a head of 90000 bytes", "ENHANCE_YOUR_CALM", ...large(90_000)),
  refused(
    "9113 10.5.1",
    "more fields than allowed",
    431,
    get(1, "/", ...Array.from({ length: 101 }, () => "x: y")),
  ),
  refused("9110 15.5.15", "a `:path` of 8193 bytes", 414, get(1, `/${"x".repeat(8192)}`)),
  refused("9110 15.6.2", "a method of 33 bytes", 501, headers(1, request("M".repeat(33), "/"))),
  refused("9110 10.1.1", "`expect` of something else", 417, get(1, "/", "expect: x")),
  {
    section: "9110 15.5.14",
    sent: "a `content-length` that is too large",
    steps: [post(1, "/", "content-length: 11")],
    reaction: does("`413`", async (peer) => {
      assertEquals((await peer.answer(1)).status, "413");
    }),
    options: { limits: { maxBodyBytes: 10 } },
  },
  flood("many PING", ...many(() => frame(PING, 0, 0, "01234567"))),
  flood("many SETTINGS", ...many(() => settings())),
  flood(
    "SETTINGS with many values",
    settings(...Array.from({ length: 150 }, (): [number, number] => [INITIAL_WINDOW_SIZE, 1])),
  ),
  flood("many PRIORITY", ...many((i) => frame(PRIORITY, 0, 2 * i + 1, priority(0, 1)))),
  flood("many WINDOW_UPDATE", ...many(() => widen(0, 1))),
  flood("many empty DATA", post(1), ...many(() => data(1, "", 0))),
  flood("many DATA with padding only", post(1), ...many(() => data(1, join(1, "\0"), PADDED))),
  flood("many frames of an unknown type", ...many(() => frame(0xff, 0, 0, ""))),
  flood(
    "many empty CONTINUATION",
    headers(1, join(), END_STREAM),
    ...many(() => frame(CONTINUATION, 0, 1, "")),
  ),
  flood(
    "many requests that are reset at once",
    ...many((i) => join(post(2 * i + 1), reset(2 * i + 1))),
  ),
  flood(
    "many RST_STREAM of a stream that has ended",
    get(1),
    (peer) => peer.answer(1),
    ...many(() => reset(1)),
  ),
  flood(
    "many requests that are faulty",
    ...many((i) => headers(2 * i + 1, block("X: y"))),
  ),
];

const update = (id: number, value: string) => frame(PRIORITY_UPDATE, 0, 0, join(uint32(id), value));

const priorities: Case[] = [
  {
    section: "9218 7.1",
    sent: "PRIORITY_UPDATE of a stream that is idle, then the request",
    steps: [update(1, "u=1, i"), get(1)],
    reaction: answered("200 GET /"),
  },
  {
    section: "9218 7.1",
    sent: "PRIORITY_UPDATE that is malformed",
    steps: [waits, update(1, "=;,"), get(3)],
    reaction: answered("200 GET /", 3),
  },
  wrong(
    "9218 7.1",
    "PRIORITY_UPDATE on a stream",
    "PROTOCOL_ERROR",
    frame(PRIORITY_UPDATE, 0, 1, uint32(1)),
  ),
  wrong("9218 7.1", "PRIORITY_UPDATE of stream 0", "PROTOCOL_ERROR", update(0, "u=1")),
  wrong(
    "9218 7.1",
    "PRIORITY_UPDATE of 3 bytes",
    "FRAME_SIZE_ERROR",
    frame(PRIORITY_UPDATE, 0, 0, "abc"),
  ),
  {
    section: "9218 10",
    sent: "two requests, the second of which is more urgent, while the window is shut",
    opening: SHUT,
    steps: [
      get(1, "/", "priority: u=5"),
      get(3, "/", "priority: u=1"),
      (peer) => peer.sync(),
      setting(INITIAL_WINDOW_SIZE, 100),
    ],
    reaction: does("the answer to the second first", async (peer) => {
      const first = await peer.take("frame of DATA", ({ type }) => type === DATA);
      assertEquals(first.id, 3);
    }),
  },
];

export const cases: Case[] = [
  ...opening,
  ...format,
  ...states,
  ...dataFrames,
  ...headerFrames,
  ...settingsFrames,
  ...otherFrames,
  ...continuations,
  ...exchanges,
  ...malformedRequests,
  ...targets,
  ...limits,
  ...hpack,
  ...priorities,
];

/** The server refuses a request, and the connection goes on. */
function refused(section: string, sent: string, status: number, ...steps: Step[]): Case {
  return {
    section,
    sent,
    steps,
    reaction: does(`\`${status}\``, async (peer) => {
      assertEquals((await peer.takeOf(HEADERS, 1)).fields[0], [":status", `${status}`]);
    }),
  };
}

/** The fields of a request for `/`. */
function pseudo(method: string, ...fields: string[]): string[] {
  return [`:method: ${method}`, ":scheme: http", ":path: /", ":authority: x", ...fields];
}

function path(path: string): string[] {
  return pseudo("GET").with(2, `:path: ${path}`);
}

function authority(authority: string, path = "/"): string[] {
  return pseudo("GET").with(2, `:path: ${path}`).with(3, `:authority: ${authority}`);
}
