/**
 * The Huffman code of RFC 7541, appendix B.
 *
 * The code is canonical: codes of the same length follow each other in the order of the symbols, and
 * longer ones follow shorter ones. So the lengths say all. They become two tables for encoding, and for
 * decoding a machine that takes 4 bits a step. No code is shorter than 5 bits, so a step ends one
 * symbol at most.
 */
import { HpackError } from "./_hpack_error.ts";

/** The number of bits for each symbol, in base 36; 32 symbols a row, and EOS at the end. */
const LENGTHS = "dnsssssssoussussssssssusssssssss" +
  "6aacd68baa8b8666555666666678f6ca" +
  "d67777777777777777777777878djde6" +
  "f56565666577666567655677777fbeds" +
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnno" +
  "mlkmmnnlnmmolmnnllmlnmnnkmmmnmmn" +
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrr" +
  "koklmllnmmppooqnqrqqrrrrrsrrrrrq" +
  "u";
const EOS = 256;

const BITS: Uint8Array = Uint8Array.from(LENGTHS, (length) => parseInt(length, 36));
const CODES = new Uint32Array(BITS.length);
{
  const symbols = [...BITS.keys()].sort((a, b) => BITS[a]! - BITS[b]! || a - b);
  let code = 0;
  let bits = 0;
  for (const symbol of symbols) {
    code <<= BITS[symbol]! - bits;
    bits = BITS[symbol]!;
    CODES[symbol] = code++;
  }
}

/** RFC 7541 5.2: the bits that a string may end with: less than 8, all of them ones. */
const MAX_PADDING = 7;

/** The states are the inner nodes of the tree of codes. This one comes after EOS, and stays. */
const FAILED = 256;

/**
 * For each state and 4 bits: the next state above 12 bits, whether a symbol ends, above 8 bits, and the
 * symbol. The states that a string may end in are those up to MAX_PADDING: so many ones lead to them.
 */
const STEPS = new Uint32Array((FAILED + 1) << 4);
{
  /** For each node what follows it at 0 and at 1: a node, or a symbol as its complement. */
  const tree: [number, number][] = [];
  const follow = (symbol: number, code: number, bits: number) => {
    let node = 0;
    for (let bit = bits - 1; bit >= 0; bit--) {
      const children = tree[node] ??= [0, 0];
      const side = (code >> bit & 1) as 0 | 1;
      if (bit === 0) children[side] = symbol === EOS ? FAILED : ~symbol;
      else node = children[side] ||= tree.push([0, 0]) - 1;
    }
  };
  // EOS is all ones, so that the first nodes are those of the padding.
  follow(EOS, CODES[EOS]!, BITS[EOS]!);
  for (let symbol = 0; symbol < EOS; symbol++) follow(symbol, CODES[symbol]!, BITS[symbol]!);
  for (let state = 0; state <= FAILED; state++) {
    for (let bits = 0; bits < 16; bits++) {
      let node = state;
      let ended = 0;
      for (let bit = 3; bit >= 0 && node !== FAILED; bit--) {
        const next = tree[node]![(bits >> bit & 1) as 0 | 1];
        if (next < 0) ended = 1 << 8 | ~next;
        node = Math.max(next, 0);
      }
      STEPS[state << 4 | bits] = node << 12 | ended;
    }
  }
}

/** How many bytes `length` bytes of Huffman code can become, and what decodeHuffman() needs. */
export function maxDecoded(length: number): number {
  return (length * 8 / 5 | 0) + 1;
}

/**
 * Decodes the bytes from `from` to before `to` into `target` at `at`, which has room for
 * maxDecoded(to - from). Returns where they end.
 */
export function decodeHuffman(
  bytes: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
): number {
  let state = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    let step = STEPS[state << 4 | byte >> 4]!;
    // What is not a symbol is overwritten.
    target[at] = step;
    at += step >> 8 & 1;
    step = STEPS[step >> 12 << 4 | byte & 15]!;
    target[at] = step;
    at += step >> 8 & 1;
    state = step >> 12;
  }
  if (state > MAX_PADDING) {
    throw new HpackError(
      state === FAILED
        ? "Cannot decode a string with the symbol EOS (RFC 7541 5.2)"
        : "Cannot decode a string that ends with other than up to 7 bits of ones (RFC 7541 5.2)",
    );
  }
  return at;
}

/** How many bytes a text becomes. Each of its characters is a byte. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += BITS[text.charCodeAt(i)]!;
  return (bits + 7) >> 3;
}

/** Encodes a text into `target` at `at`, and returns where it ends. */
export function encodeHuffman(text: string, target: Uint8Array, at: number): number {
  // Up to 7 bits wait for more, and a code has up to 30: so there are two halves of 20 bits.
  let waiting = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    const code = CODES[symbol]!;
    let bits = BITS[symbol]!;
    if (bits > 20) {
      bits -= 20;
      waiting = waiting << bits | code >> 20;
      count += bits;
      while (count >= 8) target[at++] = waiting >> (count -= 8);
      bits = 20;
    }
    waiting = waiting << bits | code & 0xfffff;
    count += bits;
    while (count >= 8) target[at++] = waiting >> (count -= 8);
  }
  // RFC 7541 5.2: the padding is the beginning of EOS: ones.
  if (count > 0) target[at++] = waiting << (8 - count) | 0xff >> count;
  return at;
}
