/** A second reading of RFC 1951, slow and simple, which tells how far back the data refer. */

const LENGTHS: [base: number, extra: number][] = [];
for (let base = 3, symbol = 0; symbol < 28; symbol++) {
  const extra = symbol < 8 ? 0 : (symbol >> 2) - 1;
  LENGTHS.push([base, extra]);
  base += 1 << extra;
}
LENGTHS.push([258, 0]);

const DISTANCES: [base: number, extra: number][] = [];
for (let base = 1, symbol = 0; symbol < 30; symbol++) {
  const extra = symbol < 4 ? 0 : (symbol >> 1) - 1;
  DISTANCES.push([base, extra]);
  base += 1 << extra;
}

const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) {
      value |= (this.#bytes[this.#at >> 3]! >> (this.#at & 7) & 1) << i;
    }
    return value;
  }

  toByte(): void {
    this.#at = (this.#at + 7) & ~7;
  }

  get isAtEnd(): boolean {
    return this.#at >= 8 * this.#bytes.length;
  }
}

/** RFC 1951 3.2.2: the symbols by their codes, each with a 1 before it. */
function codes(lengths: number[]): Map<number, number> {
  const symbols = new Map<number, number>();
  let code = 0;
  for (let length = 1; length <= 15; length++, code <<= 1) {
    lengths.forEach((one, symbol) => {
      if (one === length) symbols.set(1 << length | code++, symbol);
    });
  }
  return symbols;
}

function symbolOf(bits: Bits, symbols: Map<number, number>): number {
  for (let code = 1;;) {
    code = code << 1 | bits.take(1);
    const symbol = symbols.get(code);
    if (symbol !== undefined) return symbol;
    if (code > 0xffff) throw new Error("There is no such code");
  }
}

/** Reads the tables of a block with dynamic codes (RFC 1951 3.2.7). */
function dynamicCodes(bits: Bits): [Map<number, number>, Map<number, number>] {
  const literals = 257 + bits.take(5), distances = 1 + bits.take(5), few = 4 + bits.take(4);
  const of = Array<number>(19).fill(0);
  for (let i = 0; i < few; i++) of[ORDER[i]!] = bits.take(3);
  const coded = codes(of);
  const lengths: number[] = [];
  while (lengths.length < literals + distances) {
    const symbol = symbolOf(bits, coded);
    if (symbol < 16) lengths.push(symbol);
    else {
      const value = symbol === 16 ? lengths.at(-1)! : 0;
      const count = symbol === 16
        ? 3 + bits.take(2)
        : symbol === 17
        ? 3 + bits.take(3)
        : 11 + bits.take(7);
      for (let i = 0; i < count; i++) lengths.push(value);
    }
  }
  return [codes(lengths.slice(0, literals)), codes(lengths.slice(literals))];
}

const FIXED: [Map<number, number>, Map<number, number>] = [
  codes(Array.from({ length: 288 }, (_, i) => i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)),
  codes(Array<number>(30).fill(5)),
];

/** Appends what whole blocks make to `output`. Returns the longest distance. */
export function inflate(blocks: Uint8Array, output: number[]): number {
  const bits = new Bits(blocks);
  let longest = 0;
  while (!bits.isAtEnd) {
    const isFinal = bits.take(1);
    const type = bits.take(2);
    if (type === 0) {
      bits.toByte();
      const length = bits.take(16);
      bits.take(16);
      for (let i = 0; i < length; i++) output.push(bits.take(8));
    } else {
      const [literals, distances] = type === 1 ? FIXED : dynamicCodes(bits);
      for (let symbol; (symbol = symbolOf(bits, literals)) !== 256;) {
        if (symbol < 256) {
          output.push(symbol);
          continue;
        }
        const [base, extra] = LENGTHS[symbol - 257]!;
        const length = base + bits.take(extra);
        const [from, more] = DISTANCES[symbolOf(bits, distances)]!;
        const distance = from + bits.take(more);
        longest = Math.max(longest, distance);
        for (let i = 0; i < length; i++) output.push(output.at(-distance)!);
      }
    }
    if (isFinal) bits.toByte();
  }
  return longest;
}
