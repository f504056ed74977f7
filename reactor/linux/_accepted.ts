import type { Libc } from "./_libc.ts";
import { decode, type PackedAddr, SockAddr } from "./_sockaddr.ts";

/** Where a descriptor is from: a connection of Deno, or of our own accepting. */
export interface Origin {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr | undefined;
  /** Closes the descriptor. */
  close(): void;
}

const sockaddr = new SockAddr();

/** Where an accepted connection is from. There may be very many: addresses are made when somebody asks. */
export class Accepted implements Origin {
  #libc: Libc;
  #fd: number;
  #peer: PackedAddr;
  #listener: Deno.Addr;

  constructor(libc: Libc, fd: number, peer: PackedAddr, listener: Deno.Addr) {
    this.#libc = libc;
    this.#fd = fd;
    this.#peer = peer;
    this.#listener = listener;
  }

  get remoteAddr(): Deno.Addr | undefined {
    return decode(this.#peer);
  }

  /** Once it is closed, no more is known than where it was listened. */
  get localAddr(): Deno.Addr {
    const { bytes, length } = sockaddr.reset();
    if (this.#fd < 0 || this.#libc.getsockname(this.#fd, bytes, length) < 0) return this.#listener;
    return sockaddr.decode() ?? this.#listener;
  }

  close(): void {
    this.#libc.close(this.#fd);
    this.#fd = -1;
  }
}
