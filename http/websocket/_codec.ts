/** Compresses the payloads of one direction (RFC 7692 7.2.1). */
export interface Compressor {
  /** All that have the same compress alike. It is undefined if that depends on earlier messages. */
  readonly encoding: string | undefined;
  /** Whether a message of so many bytes is worth it. */
  isWorth(length: number): boolean;
  /** The payload of a whole message, without the tail 00 00 ff ff. */
  whole(payload: Uint8Array): Uint8Array;
  /** The next piece of a message that goes out in fragments; the tail is left out after the last. */
  piece(payload: Uint8Array, isLast: boolean): Uint8Array;
  /** Lets go of what it has of the system. */
  close(): void;
}

/** Decompresses the payloads of one direction (RFC 7692 7.2.2). */
export interface Decompressor {
  /** Whether later messages depend on earlier ones. */
  readonly keepsContext: boolean;
  /**
   * Takes the next piece of a payload, and at `isLast` the end of the message. Then call next() until
   * undefined.
   */
  feed(payload: Uint8Array, isLast: boolean): void;
  /**
   * The next piece of output, of at most 64 KiB; undefined if more input is needed, or after the end.
   * Throws if the data is malformed.
   */
  next(): Uint8Array | undefined;
  /** Lets go of what it has of the system. */
  close(): void;
}
