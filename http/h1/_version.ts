/** The version in the first line of a request or a response (RFC 9112 2.3). */
import { isDigit } from "../_characters.ts";
import { bad } from "../_faults.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";

const SLASH = 0x2f, DOT = 0x2e;

/** How many bytes "HTTP/1.1" has. */
export const VERSION_LENGTH = 8;

/** Whether it is a version of HTTP/1. */
export function isVersion1(bytes: Uint8Array, from: number): boolean {
  return bytes[from] === 0x48 && bytes[from + 1] === 0x54 && bytes[from + 2] === 0x54 &&
    bytes[from + 3] === 0x50 && bytes[from + 4] === SLASH && bytes[from + 5] === 0x31 &&
    bytes[from + 6] === DOT && isDigit(bytes[from + 7]!);
}

/** RFC 9112 2.3: HTTP-version = "HTTP/" DIGIT "." DIGIT; checks as much of it as there is. */
export function checkVersion(bytes: Uint8Array, from: number, to: number): void {
  const length = to - from;
  if (
    (length > 0 && bytes[from] !== 0x48) || (length > 1 && bytes[from + 1] !== 0x54) ||
    (length > 2 && bytes[from + 2] !== 0x54) || (length > 3 && bytes[from + 3] !== 0x50) ||
    (length > 4 && bytes[from + 4] !== SLASH) || (length > 5 && !isDigit(bytes[from + 5]!)) ||
    (length > 6 && bytes[from + 6] !== DOT) || (length > 7 && !isDigit(bytes[from + 7]!))
  ) throw bad("no HTTP version (RFC 9112 2.3)");
  if (length === VERSION_LENGTH && bytes[from + 5] !== 0x31) {
    throw new RemoteProtocolError("Cannot answer the request: its version is not HTTP/1.1", {
      status: 505,
    });
  }
}
