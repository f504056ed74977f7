/** Frames as bytes (RFC 6455 5.2). */
import type { Compressor } from "./_codec.ts";
import { BINARY, FIN, MAX_CONTROL, RSV1, TEXT } from "./_opcodes.ts";

export const encoder: TextEncoder = new TextEncoder();

/**
 * One whole message as a frame of a server, which can be sent to many clients.
 *
 * @param data Text or bytes.
 * @param compressor Compresses it if that is worth it. Nothing of other messages may be in its window.
 */
export function encoded(data: string | Uint8Array, compressor?: Compressor): Uint8Array {
  let first = FIN | (typeof data === "string" ? TEXT : BINARY);
  let payload = typeof data === "string" ? utf8Of(data) : data;
  if (compressor?.isWorth(payload.length)) {
    first |= RSV1;
    payload = compressor.whole(payload);
  }
  const head = headLength(payload.length);
  const frame = new Uint8Array(head + payload.length);
  writeHead(frame, 0, first, 0, payload.length);
  frame.set(payload, head);
  return frame;
}

/** Text as UTF-8. Nobody else has these bytes. */
export function utf8Of(text: string): Uint8Array {
  return encoder.encode(text);
}

/** How long the head of a frame is, without the key. */
export function headLength(payload: number): number {
  return payload <= MAX_CONTROL ? 2 : payload <= 0xffff ? 4 : 10;
}

/** Writes the head of a frame, without the key. */
export function writeHead(
  bytes: Uint8Array,
  at: number,
  first: number,
  maskBit: number,
  length: number,
): void {
  bytes[at] = first;
  if (length <= MAX_CONTROL) {
    bytes[at + 1] = maskBit | length;
  } else if (length <= 0xffff) {
    bytes[at + 1] = maskBit | 126;
    bytes[at + 2] = length >>> 8;
    bytes[at + 3] = length;
  } else {
    bytes[at + 1] = maskBit | 127;
    const high = Math.floor(length / 2 ** 32);
    for (let i = 0; i < 4; i++) {
      bytes[at + 2 + i] = high >>> 24 - 8 * i;
      bytes[at + 6 + i] = length >>> 24 - 8 * i;
    }
  }
}
