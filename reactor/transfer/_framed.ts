import type { Selectable } from "../selectable.ts";

/**
 * One direction of a connection on which a protocol is spoken that frames what goes through, such as
 * the body of an HTTP message. It is received from or sent to as any other end. The transfer waits
 * for `raw`.
 */
export abstract class Framed {
  /** The connection. */
  abstract readonly raw: Selectable;
  /** How many bytes can go through at most. */
  abstract readonly room: number;
  /**
   * How many of the next bytes have no framing, so that the kernel may move them from or to `raw`.
   */
  abstract readonly direct: number;
  /** Whether everything that was sent has gone to `raw`. Sending nothing goes on with that. */
  abstract readonly isOut: boolean;
  /** The last error that is one of the protocol. All others mean that `raw` is broken. */
  abstract readonly fault: unknown;
  /** The kernel has moved so many bytes. */
  abstract moved(bytes: number): void;
  /** The transfer has ended, and may have sent only a part. */
  abstract ended(isWhole: boolean): void;
  /** The transfer waits for `raw` no more. */
  released(): void {}
}

/** A context that is framed: a transfer uses what this gives instead of the context. */
export abstract class Framing {
  /**
   * Begins a transfer.
   *
   * @param rest What is read before everything else.
   */
  abstract frame(rest: Uint8Array[]): Framed;
}
