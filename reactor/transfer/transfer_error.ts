import { text } from "../_describe.ts";
import type { Transferred } from "./transferred.ts";

/** Where a transfer was cut: at one of its ends; `"signal"` is as a whole, by its signal, `idleMs` or `maxBytes`. */
export type TransferSide = "from" | "to" | "tap" | "signal";

/** How far a transfer came that was cut. */
export interface Cut extends Transferred {
  /** How many bytes were read and not written. */
  lost: number;
}

/**
 * What a transfer fails with. `side` tells where, `transferred` how far it came, and `cause` why: the error of the
 * connection, or the reason of the signal. Some bytes may be `lost`; what comes after these can still be read, unless the
 * side is `"from"`, and more can still be written, unless it is `"to"`. But the target has a part only: let nobody take it for
 * the whole.
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
 */
export class TransferError extends Error {
  /** The name of the class. */
  override readonly name = "TransferError";
  /** Where it was cut. */
  readonly side: TransferSide;
  /** What that is: the connection, for example. */
  readonly end: object | undefined;
  /** What had been transferred until then, in the direction that was cut; in both together, if a signal cut both. */
  readonly transferred: Transferred;

  /**
   * How many bytes were read and never written. A back end that writes later may have written some of them, and what
   * was written need not have arrived.
   */
  readonly lost: number;

  /** Made by transfers. */
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
