/**
 * What `reactor.adopt()` makes a {@linkcode Socket} of: a `Deno.Conn`, a `Deno.FsFile`, or any
 * other object that reads and writes like them.
 *
 * @example A stream of zeros
 * ```ts
 * import { type ByteStream, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const zeros: ByteStream = { read: (p) => Promise.resolve(p.fill(0, 0, 3) && 3), close() {} };
 * using reactor = new Reactor();
 * using socket = reactor.adopt(zeros);
 * let received: unknown;
 * reactor.addReader(socket, () => received = socket.recv());
 * await reactor.wait();
 * reactor.step();
 * assertEquals(received, new Uint8Array(3));
 * ```
 *
 * @category Programs and streams
 */
export interface ByteStream {
  /**
   * Reads at most `p.length` bytes into `p`.
   *
   * @param p Where to put the bytes.
   * @returns The number of bytes, or `null` at the end of the stream.
   */
  read?(p: Uint8Array): Promise<number | null>;
  /**
   * Instead of `read`: gives the next chunk.
   *
   * @returns The chunk, which then belongs to the receiver, or `null` at the end of the stream.
   */
  pull?(): Promise<Uint8Array | null>;
  /**
   * Writes some or all of `p`.
   *
   * @param p The bytes.
   * @returns The number of bytes written.
   */
  write?(p: Uint8Array): Promise<number>;
  /**
   * Ends the writing half.
   *
   * @returns A promise that resolves when it is ended.
   */
  closeWrite?(): Promise<void>;
  /** Closes both halves. */
  close(): void;
  /**
   * Instead of `close` if some accepted bytes were not written: the other side should see an error,
   * not an end.
   */
  abort?(): void;
  /** The near address, if any. */
  readonly localAddr?: Deno.Addr;
  /** The far address, if any. */
  readonly remoteAddr?: Deno.Addr;
  /** The protocol that was agreed upon by ALPN (RFC 7301), if any and if it is known already. */
  readonly alpnProtocol?: string | undefined;
  /** Its name in messages, if there are no addresses. */
  readonly name?: string;
}
