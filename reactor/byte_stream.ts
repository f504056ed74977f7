/**
 * What a {@linkcode Socket} can be made of by `reactor.adopt()`: a `Deno.Conn`, a `Deno.FsFile`, or anything that reads
 * and writes like them.
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
 */
export interface ByteStream {
  /** Reads at most `p.length` bytes into `p`; gives their number, or `null` at the end. */
  read?(p: Uint8Array): Promise<number | null>;
  /** Instead of `read`: gives the next chunk, which becomes the receiver's own, or `null` at the end. */
  pull?(): Promise<Uint8Array | null>;
  /** Writes some or all of `p`; gives the number of bytes written. */
  write?(p: Uint8Array): Promise<number>;
  /** Ends the writing half. */
  closeWrite?(): Promise<void>;
  /** Closes both halves. */
  close(): void;
  /** Instead of `close` when not all was written that should have been: the other side is to see an error, and no end. */
  abort?(): void;
  /** The near address, if any. */
  readonly localAddr?: Deno.Addr;
  /** The far address, if any. */
  readonly remoteAddr?: Deno.Addr;
  /** How it is called in messages, if there are no addresses. */
  readonly name?: string;
}
