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

/** Where an accepted connection is from. Addresses are made when somebody asks. */
export class Accepted implements Origin {
  #libc: Libc;
  #fd: number;
  #peer: PackedAddr;
  #listener: Deno.Addr;
  #local: Deno.Addr | undefined;
  #remote: Deno.Addr | undefined;
  #closed = false;

  constructor(libc: Libc, fd: number, peer: PackedAddr, listener: Deno.Addr) {
    this.#libc = libc;
    this.#fd = fd;
    this.#peer = peer;
    this.#listener = listener;
  }

  get remoteAddr(): Deno.Addr | undefined {
    return this.#remote ??= decode(this.#peer);
  }

  /** Not known any more once it is closed, except for where it was listened. */
  get localAddr(): Deno.Addr {
    if (this.#local !== undefined || this.#closed) return this.#local ?? this.#listener;
    const { bytes, length } = sockaddr.reset();
    const failed = this.#libc.getsockname(this.#fd, bytes, length) !== 0;
    return this.#local = (failed ? undefined : sockaddr.decode()) ?? this.#listener;
  }

  close(): void {
    this.#closed = true;
    this.#libc.close(this.#fd);
  }
}
