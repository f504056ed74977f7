/** What node:zlib gives, as what the Web platform has: a Buffer differs in slice() and toString(). */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
