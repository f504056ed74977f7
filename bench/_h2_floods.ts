/**
 * What clients of HTTP/2 can send that mean no good. Each flood is a generator of bytes to send, and of milliseconds to
 * wait. The connection stays open after its end, but one of a deaf client, which must go on to send. The paths are those of
 * `Abused`.
 */
import * as h2 from "./_h2_frames.ts";

export interface Flood {
  /** What its client says in its SETTINGS. */
  settings?: [name: number, value: number][];
  /** Its client never reads. */
  isDeaf?: true;
  /** Its client does not answer SETTINGS and PING, as nothing may come between what it sends. */
  isMute?: true;
  send(): Generator<Uint8Array | number>;
}

/** What a flooder tells: numbers of things by their names. */
export interface Flooded {
  connections: number;
  bytes: number;
  /** How connections were ended. */
  endings: Record<string, number>;
  /** Streams that were reset by the server. */
  resets: Record<string, number>;
}

/** So many streams are open at once. */
const STREAMS = 100;
const BATCH = 500;
const MAX_WINDOW = 2 ** 31 - 1;
const HUGE = "/download?size=1073741824";
const CANCEL = 8;
/** Its handler waits, but not for ever: that is not ended when its client goes away. */
const WAITS = "/later?ms=1000";
const WAITING = h2.together(...ids(STREAMS).map((id) => h2.head(id, "GET", WAITS)));

function ids(count: number): number[] {
  return Array.from({ length: count }, (_, i) => 2 * i + 1);
}

/** For each new stream these bytes, some streams at a time. Only the first ones are made, which is slow. */
function* streams(one: (id: number) => Uint8Array, atOnce = BATCH): Generator<Uint8Array> {
  const bytes = h2.together(...ids(atOnce).map(one));
  for (;;) {
    yield bytes;
    h2.shift(bytes, 2 * atOnce);
  }
}

/** First the ones, then for ever the others. */
function* over(first: Uint8Array, again: Uint8Array, count = BATCH): Generator<Uint8Array> {
  yield first;
  const many = h2.together(...Array.from({ length: count }, () => again));
  for (;;) yield many;
}

const reset = (id: number) => h2.frame(h2.RST_STREAM, 0, id, h2.uint32(CANCEL));
const update = (id: number, by: number) => h2.frame(h2.WINDOW_UPDATE, 0, id, h2.uint32(by));
const data = (id: number, flags = 0, text = "") =>
  h2.frame(h2.DATA, flags, id, new TextEncoder().encode(text));
const ping = h2.frame(h2.PING, 0, 0, new Uint8Array(8));

/** A flood of what makes the server reset a stream of a handler that waits. */
function madeYouReset(fault: (id: number) => Uint8Array): Flood {
  return { send: () => streams((id) => h2.together(h2.head(id, "GET", WAITS), fault(id))) };
}

/** Frames of a block that does not end, or does. */
function block(id: number, bytes: Uint8Array, isWhole: boolean): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += h2.MAX_FRAME) {
    const isLast = isWhole && at + h2.MAX_FRAME >= bytes.length;
    const flags = (isLast ? h2.END_HEADERS : 0) | (at === 0 ? h2.END_STREAM : 0);
    const part = bytes.subarray(at, at + h2.MAX_FRAME);
    parts.push(h2.frame(at === 0 ? h2.HEADERS : h2.CONTINUATION, flags, id, part));
  }
  return h2.together(...parts);
}

/** A flood of heads of so many KiB. */
function largeHeads(kib: number): Flood {
  const kilobyte = h2.field("x-large", "x".repeat(1024));
  const bytes = h2.request("GET", "/", ...Array.from({ length: kib }, () => kilobyte));
  return { send: () => streams((id) => block(id, bytes, true), 1) };
}

function settings(...values: number[]): Uint8Array {
  const each = values.map((value) =>
    new Uint8Array([0, h2.INITIAL_WINDOW_SIZE, ...h2.uint32(value)])
  );
  return h2.frame(h2.SETTINGS, 0, 0, h2.together(...each));
}

export const FLOODS: Record<string, Flood> = {
  // To compare with.
  "none": { *send() {} },
  "none, but as busy": { send: () => over(h2.NOTHING, h2.NOTHING) },
  "requests, more than allowed": { send: () => streams((id) => h2.head(id, "GET", "/")) },
  "rapid reset": {
    send: () => streams((id) => h2.together(h2.head(id, "GET", "/"), reset(id))),
  },
  "rapid reset, of what waits": {
    send: () => streams((id) => h2.together(h2.head(id, "GET", WAITS), reset(id))),
  },
  "made you reset: window + 0": madeYouReset((id) => update(id, 0)),
  "made you reset: window too large": madeYouReset((id) => update(id, MAX_WINDOW)),
  "made you reset: DATA after the end": madeYouReset((id) => data(id, 0, "x")),
  "made you reset: HEADERS after the end": madeYouReset((id) => h2.head(id, "GET", WAITS)),
  "made you reset: PRIORITY of 4 bytes": madeYouReset((id) =>
    h2.frame(h2.PRIORITY, 0, id, new Uint8Array(4))
  ),
  "made you reset: more than Content-Length": {
    send: () =>
      streams((id) => {
        const fields = h2.request("POST", "/upload", h2.field("content-length", "1"));
        return h2.together(h2.frame(h2.HEADERS, h2.END_HEADERS, id, fields), data(id, 0, "xx"));
      }),
  },
  "malformed heads": {
    send: () =>
      streams((id) => {
        const fields = h2.request("GET", "/", h2.field("Upper", "x"));
        return h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, id, fields);
      }),
  },
  "CONTINUATION without end": {
    isMute: true,
    send: () =>
      over(
        h2.frame(h2.HEADERS, 0, 1, h2.request("GET", "/")),
        h2.frame(h2.CONTINUATION, 0, 1, h2.field("x-large", "x".repeat(16000))),
        10,
      ),
  },
  "empty CONTINUATION without end": {
    isMute: true,
    send: () => over(h2.frame(h2.HEADERS, 0, 1), h2.frame(h2.CONTINUATION, 0, 1)),
  },
  "empty HEADERS": {
    send: () => streams((id) => h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, id)),
  },
  "HPACK bomb": {
    *send() {
      const large = h2.request("GET", "/", h2.field("x", "x".repeat(4000), true));
      yield h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, large);
      // RFC 7541 2.3.3: 62 is what was added last.
      const bomb = h2.request("GET", "/", new Uint8Array(16000).fill(0x80 | 62));
      const flags = h2.END_HEADERS | h2.END_STREAM;
      yield* streams((id) => h2.frame(h2.HEADERS, flags, id + 2, bomb), 10);
    },
  },
  "heads of 100 KiB": largeHeads(100),
  "heads of 1 MiB": largeHeads(1024),
  "half a head": {
    isMute: true,
    *send() {
      yield h2.frame(h2.HEADERS, h2.END_STREAM, 1, h2.request("GET", "/"));
    },
  },
  "SETTINGS": { send: () => over(h2.NOTHING, settings(65535)) },
  "SETTINGS, 2700 windows each": {
    // RFC 9113 6.9.2: each changes the windows of all streams.
    send: () =>
      over(WAITING, settings(...Array.from({ length: 2700 }, (_, i) => 65535 - i % 2)), 10),
  },
  "PING": { send: () => over(h2.NOTHING, ping) },
  "PING, deaf": { isDeaf: true, send: () => over(h2.NOTHING, ping) },
  "empty DATA": { send: () => over(h2.head(1, "POST", "/upload"), data(1)) },
  "window of 0": {
    settings: [[h2.INITIAL_WINDOW_SIZE, 0]],
    *send() {
      for (const id of ids(STREAMS)) yield h2.head(id, "GET", HUGE);
    },
  },
  "window + 1": {
    settings: [[h2.INITIAL_WINDOW_SIZE, 0]],
    send: () => {
      const all = ids(STREAMS);
      const heads = all.map((id) => h2.head(id, "GET", HUGE));
      return over(h2.together(...heads), h2.together(...all.map((id) => update(id, 1))), 10);
    },
  },
  "bodies that do not come": {
    *send() {
      for (const id of ids(STREAMS)) yield h2.head(id, "POST", "/upload");
    },
  },
  "bodies, a byte a second": {
    *send() {
      const all = ids(STREAMS);
      for (const id of all) yield h2.head(id, "POST", "/upload");
      for (;; yield 1000) yield h2.together(...all.map((id) => data(id, 0, "x")));
    },
  },
  "PRIORITY": {
    send: () => streams((id) => h2.frame(h2.PRIORITY, 0, id, new Uint8Array([0, 0, 0, 0, 1]))),
  },
  "PRIORITY_UPDATE": {
    send: () =>
      streams((id) => {
        const priority = h2.together(h2.uint32(id), new TextEncoder().encode("u=1"));
        return h2.frame(h2.PRIORITY_UPDATE, 0, 0, priority);
      }),
  },
  "WINDOW_UPDATE": { send: () => over(h2.NOTHING, update(0, 1)) },
  "unknown frames": { send: () => over(h2.NOTHING, h2.frame(0xee, 0, 0)) },
  "RST_STREAM of the closed": { send: () => over(h2.head(1, "GET", "/"), reset(1)) },
  "requests, more than allowed, deaf": {
    isDeaf: true,
    send: () => streams((id) => h2.head(id, "GET", "/")),
  },
  "downloads, deaf, large windows": {
    settings: [[h2.INITIAL_WINDOW_SIZE, MAX_WINDOW]],
    isDeaf: true,
    *send() {
      yield update(0, MAX_WINDOW - 65535);
      for (const id of ids(STREAMS)) yield h2.head(id, "GET", HUGE);
      for (;; yield 1000) yield ping; // That fails when the connection has been cut.
    },
  },
};
