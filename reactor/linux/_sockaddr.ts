/** The addresses of the kernel: `struct sockaddr` of IPv4, IPv6 and Unix sockets. */

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
/** The size of the largest, `struct sockaddr_un`. */
const SIZE = 110;

const decoder = new TextDecoder();

/** Room for the kernel to write an address to. */
export class SockAddr {
  /** The address itself. */
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(SIZE);
  /** The length of the address. The kernel needs it before the call as well. */
  readonly length: Int32Array<ArrayBuffer> = new Int32Array([SIZE]);

  /** Must be called before each use. */
  reset(): this {
    this.length[0] = SIZE;
    return this;
  }

  /** Returns the address in the form of Deno, or `undefined` for an unknown kind. */
  decode(): Deno.NetAddr | Deno.UnixAddr | undefined {
    return decode(this.bytes.subarray(0, this.length[0]));
  }

  /**
   * Returns as few bytes as {@linkcode decode} needs. For IPv4 this is a number, which takes no
   * memory of its own.
   */
  pack(): PackedAddr {
    const { bytes } = this;
    if (family(bytes) !== AF_INET) return bytes.slice(0, this.length[0]);
    const address = (bytes[4]! << 24 | bytes[5]! << 16 | bytes[6]! << 8 | bytes[7]!) >>> 0;
    return address * 65536 + port(bytes);
  }
}

/** See {@linkcode SockAddr.pack}. */
export type PackedAddr = number | Uint8Array;

/** Returns a packed address in the form of Deno. */
export function decode(packed: PackedAddr): Deno.NetAddr | Deno.UnixAddr | undefined {
  if (typeof packed === "number") {
    const address = Math.floor(packed / 65536);
    const hostname = [address >>> 24, address >>> 16 & 255, address >>> 8 & 255, address & 255];
    return { transport: "tcp", hostname: hostname.join("."), port: packed % 65536 };
  }
  switch (family(packed)) {
    case AF_INET:
      return { transport: "tcp", hostname: packed.subarray(4, 8).join("."), port: port(packed) };
    case AF_INET6:
      return { transport: "tcp", hostname: ipv6(packed.subarray(8, 24)), port: port(packed) };
    case AF_UNIX: {
      const end = packed.indexOf(0, 2);
      const path = decoder.decode(packed.subarray(2, end === -1 ? packed.length : end));
      return { transport: "unix", path: (path || null) as string };
    }
  }
}

function family(bytes: Uint8Array): number {
  return bytes.length < 2 ? AF_UNIX : bytes[0]! | bytes[1]! << 8;
}

function port(bytes: Uint8Array): number {
  return bytes[2]! << 8 | bytes[3]!;
}

function ipv6(bytes: Uint8Array): string {
  const hex = Array.from(
    { length: 8 },
    (_, i) => (bytes[2 * i]! << 8 | bytes[2 * i + 1]!).toString(16),
  );
  if (hex.slice(0, 6).join() === "0,0,0,0,0,ffff") return `::ffff:${bytes.subarray(12).join(".")}`;
  // URL abbreviates it (RFC 5952).
  return new URL(`http://[${hex.join(":")}]`).hostname.slice(1, -1);
}
