import type { Libc } from "./_libc.ts";
import { decode, type PackedAddr, SockAddr } from "./_sockaddr.ts";

/** What made a descriptor: a connection of Deno, or our own accept call. */
export interface Origin {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr | undefined;
  close(): void;
}

const sockaddr = new SockAddr();

/**
 * The origin of a connection that was accepted here. There may be very many, so addresses are made
 * only when somebody asks for them.
 */
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

  /**
   * That of the listener, unless it listens on all addresses. After the close, only that of the listener is
   * known.
   */
  get localAddr(): Deno.Addr {
    if (!isAny(this.#listener)) return this.#listener;
    const { bytes, length } = sockaddr.reset();
    if (this.#fd < 0 || this.#libc.getsockname(this.#fd, bytes, length) < 0) return this.#listener;
    return sockaddr.decode() ?? this.#listener;
  }

  close(): void {
    this.#libc.close(this.#fd);
    this.#fd = -1;
  }
}

/** Whether a listener takes what comes to any address of the machine. */
function isAny(addr: Deno.Addr): boolean {
  return "hostname" in addr && (addr.hostname === "0.0.0.0" || addr.hostname === "::");
}
