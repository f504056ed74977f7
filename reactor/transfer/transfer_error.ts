import { text } from "../_describe.ts";
import type { Transferred } from "./transferred.ts";

/** Where a transfer was cut: at one of its ends, or by its signal. */
export type TransferSide = "from" | "to" | "tap" | "signal";

/**
 * What a transfer fails with. `side` tells where, `transferred` how far it came, and `cause` why: the error of the
 * connection, or the reason of the signal.
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
 * assertEquals(error.side, "to");
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

  /** Made by transfers. */
  constructor(
    side: TransferSide,
    at: { end: object; describe(): string } | undefined,
    transferred: Transferred,
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
    this.transferred = { ...transferred };
  }
}

const DOING = { from: "read", to: "write", tap: "write to the tap", signal: "go on" };
const PREPOSITIONS = { from: "from", to: "to", tap: "of", signal: "" };
