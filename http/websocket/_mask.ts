/** Masking of payloads (RFC 6455 5.3). A key is a number whose lowest byte masks the first byte. */

/** Up to this many bytes, one at a time is faster than a view of words. */
const FEW = 40;
/** Only the words of a buffer up to this size are remembered, which keeps the buffer. */
const MAX_KNOWN = 256 * 1024;

/** Many small frames lie in one buffer. */
let knownBuffer: ArrayBufferLike = new ArrayBuffer(0);
let knownWords: Int32Array = new Int32Array(knownBuffer);

function wordsOf(buffer: ArrayBufferLike): Int32Array {
  if (buffer === knownBuffer) return knownWords;
  const words = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
  if (buffer.byteLength <= MAX_KNOWN) {
    knownBuffer = buffer;
    knownWords = words;
  }
  return words;
}

/** The key for what comes after so many bytes. */
export function rotated(key: number, bytes: number): number {
  const bits = (bytes & 3) << 3;
  return key >>> bits | key << -bits;
}

/**
 * Masks or unmasks the bytes from `from` to before `to` where they are. Returns 0 if they are only
 * ASCII afterwards.
 */
export function mask(bytes: Uint8Array, from: number, to: number, key: number): number {
  let seen = 0;
  let at = from;
  if (to - from > FEW) {
    const offset = bytes.byteOffset;
    for (; (offset + at & 3) !== 0; key = rotated(key, 1)) seen |= bytes[at++]! ^= key & 0xff;
    const words = wordsOf(bytes.buffer);
    const end = offset + to >>> 2;
    for (let i = offset + at >>> 2; i < end; i++) seen |= words[i]! ^= key;
    at = (end << 2) - offset;
  }
  for (; at < to; key = rotated(key, 1)) seen |= bytes[at++]! ^= key & 0xff;
  return seen & 0x80808080;
}

const keys = new Int32Array(1024);
let used = keys.length;

/** RFC 6455 5.3: a new key for each frame, which nobody can predict. */
export function newKey(): number {
  if (used === keys.length) {
    crypto.getRandomValues(keys);
    used = 0;
  }
  return keys[used++]!;
}
