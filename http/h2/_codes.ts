/** The numbers of HTTP/2 (RFC 9113 6, 7, 11; RFC 8441 3; RFC 9218 7). */

export const FRAME_HEADER = 9;
/** RFC 9113 6.5.2: the size of a frame that every peer accepts, and the default windows. */
export const DEFAULT_FRAME_SIZE = 16384, DEFAULT_WINDOW = 65535;
export const MAX_FRAME_SIZE = 0xffffff, MAX_WINDOW = 0x7fffffff;

// The types of frames.
export const DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PUSH_PROMISE = 5;
export const PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8, CONTINUATION = 9, PRIORITY_UPDATE = 0x10;

// The flags of frames. ACK is of SETTINGS and PING.
export const END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, HAS_PRIORITY = 0x20;

// The settings.
export const HEADER_TABLE_SIZE = 1, ENABLE_PUSH = 2, MAX_CONCURRENT_STREAMS = 3;
export const INITIAL_WINDOW_SIZE = 4, SETTINGS_MAX_FRAME_SIZE = 5, MAX_HEADER_LIST_SIZE = 6;
export const ENABLE_CONNECT_PROTOCOL = 8, NO_RFC7540_PRIORITIES = 9;

// The error codes.
export const NO_ERROR = 0, PROTOCOL_ERROR = 1, INTERNAL_ERROR = 2, FLOW_CONTROL_ERROR = 3;
export const SETTINGS_TIMEOUT = 4, STREAM_CLOSED = 5, FRAME_SIZE_ERROR = 6, REFUSED_STREAM = 7;
export const CANCEL = 8, COMPRESSION_ERROR = 9, CONNECT_ERROR = 10, ENHANCE_YOUR_CALM = 11;
export const INADEQUATE_SECURITY = 12, HTTP_1_1_REQUIRED = 13;

const NAMES = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];

/** The name of an error code. RFC 9113 7: an unknown one has no special meaning. */
export function nameOf(code: number): string {
  return NAMES[code] ?? `0x${code.toString(16)}`;
}

/** RFC 9113 3.4: what a client sends first. */
export const PREFACE: Uint8Array = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Whether bytes are the preface, or the beginning of it. */
export function isPreface(bytes: Uint8Array): boolean {
  const { length } = bytes;
  for (let i = 0; i < length && i < PREFACE.length; i++) if (bytes[i] !== PREFACE[i]) return false;
  return true;
}
