import { type Coroutine, EndOfStream } from "../compose/mod.ts";
import { whole } from "../reactor/_whole.ts";
import { RemoteProtocolError } from "./remote_protocol_error.ts";

/** How many bytes of a body the helpers gather by default: 16 MiB. */
export const MAX_BYTES: number = 16 * 1024 * 1024;

const NOTHING = new Uint8Array(0);

/**
 * Reads a body to its end. It may be a view of what was received.
 *
 * @param maxBytes How many bytes it may have.
 * @param status That of the error if there are more.
 */
export function* gather(
  maxBytes: number = MAX_BYTES,
  status: number = 413,
): Coroutine<Uint8Array<ArrayBuffer>> {
  whole(maxBytes, "read the body: maxBytes");
  let bytes = NOTHING;
  let length = 0;
  try {
    for (;;) {
      const piece: Uint8Array<ArrayBuffer> = yield;
      if (length + piece.length > maxBytes) {
        throw new RemoteProtocolError(
          `Cannot read the body: it has more than ${maxBytes} bytes`,
          { status },
        );
      }
      if (length === 0) bytes = piece;
      else {
        // A body may arrive byte by byte, and a view of each byte would take far more memory.
        if (length + piece.length > bytes.length) {
          const larger = new Uint8Array(2 * (length + piece.length));
          larger.set(bytes);
          bytes = larger;
        }
        bytes.set(piece, length);
      }
      length += piece.length;
    }
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
  }
  // If there is room, it is no view.
  return length === bytes.length ? bytes : new Uint8Array(bytes.buffer.transfer(length));
}
