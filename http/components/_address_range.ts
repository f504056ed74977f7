import { shown } from "../../reactor/_describe.ts";
import { isIpv4, isIpv6 } from "../_authority.ts";

/** An address as a number of so many bits. */
interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/**
 * A range of addresses. An IPv4-mapped address, `::ffff:192.0.2.1`, counts as the IPv4 address, and
 * so does a range of these.
 */
export class AddressRange {
  readonly #bits: 32 | 128;
  /** What the addresses have in common, and how many bits they have beside it. */
  readonly #common: bigint;
  readonly #free: bigint;

  /**
   * @param rule An address, or the first one of a range and the length of its prefix: `10.0.0.0/8`.
   * @param doing What for, for the message.
   * @throws {SyntaxError} If it is malformed.
   */
  constructor(rule: string, doing: string) {
    const bad = (why: string) => new SyntaxError(`Cannot ${doing} by ${shown(rule)}: ${why}`);
    const [, text, digits] = /^([\da-f.:]+)(?:\/(0|[1-9]\d{0,2}))?$/i.exec(rule) ?? [];
    const address = text === undefined ? undefined : parse(text);
    if (address === undefined) {
      throw bad("it is neither an address nor a range such as 10.0.0.0/8 or 2001:db8::/32");
    }
    const prefix = digits === undefined ? address.bits : Number(digits);
    if (prefix > address.bits) throw bad(`the prefix has at most ${address.bits} bits`);
    const free = BigInt(address.bits - prefix);
    if (BigInt.asUintN(Number(free), address.value) !== 0n) {
      throw bad(`not all bits after the first ${prefix} are 0`);
    }
    const { bits, value } = prefix >= 96 ? unmapped(address) : address;
    this.#bits = bits;
    this.#free = free;
    this.#common = value >> free;
  }

  has({ bits, value }: Address): boolean {
    return bits === this.#bits && value >> this.#free === this.#common;
  }
}

/** An address; undefined if it is malformed. */
export function addressOf(text: string): Address | undefined {
  const address = parse(text.split("%")[0]!); // Without the zone of a link-local address
  return address && unmapped(address);
}

function parse(text: string): Address | undefined {
  if (isIpv4(text)) return { bits: 32, value: BigInt(ipv4(text)) };
  if (!isIpv6(text)) return undefined;
  // The last two groups may be written as an IPv4 address.
  const [left, right] = text.replace(/[\d.]*\.[\d.]*$/, (ending) => {
    const value = ipv4(ending);
    return `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
  }).split("::").map((half) => half === "" ? [] : half.split(":"));
  const groups = left!;
  if (right !== undefined) {
    groups.push(...new Array(8 - groups.length - right.length).fill("0"), ...right);
  }
  let value = 0n;
  for (const group of groups) value = value << 16n | BigInt(`0x${group}`);
  return { bits: 128, value };
}

function ipv4(text: string): number {
  let value = 0;
  for (const number of text.split(".")) value = value * 256 + Number(number);
  return value;
}

function unmapped(address: Address): Address {
  const isMapped = address.bits === 128 && address.value >> 32n === 0xffffn;
  return isMapped ? { bits: 32, value: BigInt.asUintN(32, address.value) } : address;
}

/**
 * The ranges of an option.
 *
 * @throws {TypeError} If it is no list.
 * @throws {SyntaxError} If one is neither an address nor a range.
 */
export function rangesOf(rules: readonly string[], name: string, doing: string): AddressRange[] {
  if (!Array.isArray(rules)) {
    throw new TypeError(`Cannot ${doing}: ${name} must be a list, such as ["10.0.0.0/8"]`);
  }
  return rules.map((rule) => new AddressRange(rule, doing));
}
