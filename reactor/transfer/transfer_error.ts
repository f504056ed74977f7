import { text } from "../_describe.ts";
import type { Transferred } from "./transferred.ts";

/**
 * Where a transfer was cut: at one of its ends; `"signal"` is as a whole, by its signal, `idleMs`
 * or `maxBytes`.
 *
 * @category Zero-copy
 */
export type TransferSide = "from" | "to" | "tap" | "signal";

/**
 * How far a transfer came before it was cut.
 *
 * @category Zero-copy
 */
export interface Cut extends Transferred {
  /** How many bytes were read and not written to all targets. */
  lost: number;
}

/**
 * The error of a transfer that was cut. `side` tells where, `transferred` how far it came, and
 * `cause` why: it is the error of the connection or the reason of the signal. Some bytes may be
 * `lost`. Bytes after these can still be read, unless `side` is `"from"`, and more can be written,
 * unless it is `"to"`. But the target has only a part, so do not let its reader take that for the
 * whole.
 *
 * @example A peer that has gone
 * ```ts
 * import { splice, TransferError } from "@weightless/io/reactor";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const from = { read: (p: Uint8Array) => Promise.resolve(p.fill(0, 0, 10) && 10) };
 * const to = { write: () => Promise.reject(new Deno.errors.BrokenPipe("Broken pipe")) };
 * const error = await assertRejects(() => splice(from, to), TransferError);
 * assertEquals(error.message, "Cannot write any more, after 0 bytes: Broken pipe");
 * assertEquals([error.side, error.lost], ["to", 10]);
 * ```
 *
 * @category Zero-copy
 */
export class TransferError extends Error {
  /** The name of the class. */
  override readonly name = "TransferError";
  /** Where it was cut. */
  readonly side: TransferSide;
  /** The end that `side` names, for example the connection. */
  readonly end: object | undefined;
  /**
   * How much had arrived, in the direction that was cut. If a signal cut both directions, it is the
   * sum.
   */
  readonly transferred: Transferred;

  /**
   * How many bytes were read and not written. With a tap, it is what one of the two has not got; of
   * `splice.both`, it is the sum of both directions. A back end that writes later may have written
   * some of them. And bytes that were written may not have arrived.
   */
  readonly lost: number;

  /**
   * Transfers make it. Make one yourself only in a test of what handles it.
   *
   * @param side Where it was cut.
   * @param at The end that `side` names, and its name for the message.
   * @param cut How far it came.
   * @param cause Why it was cut.
   */
  constructor(
    side: TransferSide,
    at: { end: object; describe(): string } | undefined,
    { lost, ...transferred }: Cut,
    cause: unknown,
  ) {
    const where = text(() => at?.describe());
    const place = where ? ` ${PREPOSITIONS[side]} ${where}` : "";
    const reason = text(() => cause instanceof Error ? cause.message : String(cause));
    super(`Cannot ${DOING[side]}${place} any more, after ${transferred.bytes} bytes: ${reason}`, {
      cause,
    });
    this.side = side;
    this.end = at?.end;
    this.transferred = transferred;
    this.lost = lost;
  }
}

const DOING = { from: "read", to: "write", tap: "write to the tap", signal: "go on" };
const PREPOSITIONS = { from: "from", to: "to", tap: "of", signal: "" };
