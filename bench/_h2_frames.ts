/** Frames of HTTP/2, written and read as plainly as can be, for clients that may break every rule (RFC 9113 4, 6). */

export const DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4;
export const PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8, CONTINUATION = 9, PRIORITY_UPDATE = 16;
export const END_STREAM = 1, ACK = 1, END_HEADERS = 4;
export const INITIAL_WINDOW_SIZE = 4;
/** RFC 9113 6.5.2: the size of a frame that every peer accepts. */
export const MAX_FRAME = 16384;
export const NOTHING: Uint8Array = new Uint8Array();

const ERRORS = [
  ...["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT"],
  ...["STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR"],
  ...["CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"],
];
const encoder = new TextEncoder();
const HEADER = 9;

export interface Frame {
  type: number;
  flags: number;
  id: number;
  payload: Uint8Array;
}

export function frame(
  type: number,
  flags: number,
  id: number,
  payload: Uint8Array = NOTHING,
): Uint8Array {
  const { length } = payload;
  const bytes = new Uint8Array(HEADER + length);
  bytes.set([length >> 16, length >> 8, length, type, flags, ...uint32(id)]);
  bytes.set(payload, HEADER);
  return bytes;
}

export function uint32(value: number): Uint8Array {
  return new Uint8Array([value >>> 24, value >> 16, value >> 8, value]);
}

export function together(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** What a client sends first (RFC 9113 3.4). */
export function preface(settings: [number, number][] = []): Uint8Array {
  const values = settings.map(([name, value]) => new Uint8Array([0, name, ...uint32(value)]));
  const start = encoder.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  return together(start, frame(SETTINGS, 0, 0, together(...values)));
}

/** An integer with a prefix of so many bits (RFC 7541 5.1). */
function integer(first: number, bits: number, value: number): number[] {
  const most = 2 ** bits - 1;
  if (value < most) return [first | value];
  const bytes = [first | most];
  for (value -= most; value >= 128; value = Math.floor(value / 128)) bytes.push(128 | value & 127);
  return [...bytes, value];
}

function literal(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  return together(new Uint8Array(integer(0, 7, bytes.length)), bytes);
}

/** A field that is not remembered, or is, in the dynamic table (RFC 7541 6.2). */
export function field(name: string, value: string, isIndexed = false): Uint8Array {
  return together(new Uint8Array([isIndexed ? 0x40 : 0]), literal(name), literal(value));
}

/** The block of a request: its pseudo-header fields, and others (RFC 9113 8.3.1). */
export function request(method: "GET" | "POST", path: string, ...more: Uint8Array[]): Uint8Array {
  // RFC 7541, appendix A: 2 is GET, 3 is POST, 6 is http.
  const known = new Uint8Array([0x80 | (method === "GET" ? 2 : 3), 0x86]);
  return together(known, field(":path", path), field(":authority", "localhost"), ...more);
}

/** The head of a request. A GET ends its stream. */
export function head(id: number, method: "GET" | "POST", path: string): Uint8Array {
  const flags = END_HEADERS | (method === "GET" ? END_STREAM : 0);
  return frame(HEADERS, flags, id, request(method, path));
}

export function errorName(payload: Uint8Array, at: number): string {
  const code = new DataView(payload.buffer, payload.byteOffset).getUint32(at);
  return ERRORS[code] ?? `0x${code.toString(16)}`;
}

/** Adds to the identifiers of the streams of frames, also to that which PRIORITY_UPDATE is about. */
export function shift(bytes: Uint8Array, by: number): void {
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at) >>> 8;
    const idAt = at + (bytes[at + 3] === PRIORITY_UPDATE ? HEADER : 5);
    view.setUint32(idAt, view.getUint32(idAt) + by);
    at += HEADER + length;
  }
}

/** The frames that a connection brings, until it ends. Throws when it is reset. */
export async function* frames(conn: Deno.Conn): AsyncGenerator<Frame> {
  const buffer = new Uint8Array(256 * 1024);
  let rest = NOTHING;
  for (let n; (n = await conn.read(buffer)) !== null;) {
    let bytes = together(rest, buffer.subarray(0, n));
    for (;;) {
      if (bytes.length < HEADER) break;
      const length = bytes[0]! << 16 | bytes[1]! << 8 | bytes[2]!;
      if (bytes.length < HEADER + length) break;
      const [, , , type, flags, a, b, c, d] = bytes as unknown as number[];
      const id = (a! & 127) << 24 | b! << 16 | c! << 8 | d!;
      yield { type: type!, flags: flags!, id, payload: bytes.subarray(HEADER, HEADER + length) };
      bytes = bytes.subarray(HEADER + length);
    }
    rest = bytes.slice();
  }
}

export async function write(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  while (bytes.length > 0) bytes = bytes.subarray(await conn.write(bytes));
}
