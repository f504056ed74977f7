import { idleOf, Pump, pumped } from "./_pump.ts";
import {
  Transfer,
  type TransferOptions,
  type TransferPeer,
  type TransferSource,
  type TransferTarget,
} from "./transfer.ts";
import type { TransferredBothWays } from "./transferred.ts";

/** Options of {@linkcode splice}. */
export interface SpliceOptions extends TransferOptions {
  /** Ends after so many bytes, without an end of the stream. @default {Infinity} */
  limit?: number;
  /** Reads and writes, as where nothing can be spliced. @default {false} */
  copy?: boolean;
}

/** Options of `splice.both`. */
export interface SpliceBothOptions extends TransferOptions<TransferredBothWays> {
  /**
   * How many bytes may go each way. When more come, both ways are cut, with a `RangeError` as the cause.
   *
   * @default {Infinity}
   */
  maxBytes?: number;
  /** Reads and writes, as where nothing can be spliced. @default {false} */
  copy?: boolean;
}

/** The type of {@linkcode splice}. */
export interface Splice {
  /**
   * Moves bytes from one connection to another until the end of the stream, which is passed on, or the limit.
   *
   * @throws {TransferError} when it is cut
   */
  (
    from: TransferSource,
    to: TransferTarget,
    options?: SpliceOptions,
  ): Transfer;
  /**
   * Moves bytes both ways, until both streams have ended. When one way is cut, so is the other. With `idleMs`, it is cut
   * when nothing has moved either way for so long.
   *
   * @throws {TransferError} when it is cut
   */
  both(
    one: TransferPeer,
    other: TransferPeer,
    options?: SpliceBothOptions,
  ): Transfer<TransferredBothWays>;
  /**
   * As {@linkcode splice}, and the same bytes go to `tap` as well: a file that records them, say. The slower of both sets
   * the pace.
   *
   * @throws {TransferError} when it is cut
   */
  tee(
    from: TransferSource,
    to: TransferTarget,
    tap: TransferTarget,
    options?: SpliceOptions,
  ): Transfer;
}

/**
 * Moves bytes from one connection to another without looking at them, by the kernel alone where that is possible
 * (Linux, plain TCP or Unix connections and files, `--allow-ffi`), and by reading and writing elsewhere.
 *
 * `await` it in any program, with `Deno.Conn`s and the like or sockets of a running reactor. In a coroutine that gio runs,
 * `yield*` it: what was read and pushed back goes first, and {@linkcode here} is the innermost context.
 *
 * A socket that is transferred from has no reader meanwhile, and one that is transferred to no writer.
 *
 * The connections are not closed. The end of the stream is passed on as a half-close. What is cut is reported by a
 * {@linkcode TransferError}; then bytes may have been read and not written, so close both: sockets by `abort()`, so that
 * nobody takes a part for the whole.
 *
 * @example A relay
 * ```ts
 * import { splice } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const hostname = "127.0.0.1";
 * using listener = Deno.listen({ hostname, port: 0 });
 * using far = Deno.listen({ hostname, port: 0 });
 *
 * async function relay() {
 *   using conn = await listener.accept();
 *   using peer = await Deno.connect({ hostname, port: far.addr.port });
 *   return await splice.both(conn, peer, { idleMs: 60_000 });
 * }
 *
 * const relayed = relay();
 * using client = await Deno.connect({ hostname, port: listener.addr.port });
 * using server = await far.accept();
 * await client.write(new Uint8Array(1000));
 * await client.closeWrite();
 * assertEquals((await new Response(server.readable).bytes()).length, 1000);
 * const { forth, back } = await relayed;
 * assertEquals([forth.bytes, back.bytes], [1000, 0]);
 * ```
 *
 * @example Recording what passes
 * ```ts
 * import { splice } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile(), record = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "some data");
 * {
 *   using from = await Deno.open(path);
 *   using tap = await Deno.open(record, { write: true });
 *   const to = { write: (p: Uint8Array) => Promise.resolve(p.length) };
 *   await splice.tee(from, to, tap);
 * }
 * assertEquals(await Deno.readTextFile(record), "some data");
 * for (const file of [path, record]) await Deno.remove(file);
 * ```
 */
export const splice: Splice = Object.assign(
  (from: TransferSource, to: TransferTarget, options?: SpliceOptions) =>
    pumped({ ...options, from, to }),
  {
    both(
      one: TransferPeer,
      other: TransferPeer,
      { signal, onProgress, copy, maxBytes, idleMs }: SpliceBothOptions = {},
    ) {
      const idle = idleOf(idleMs);
      const shared = {
        copy,
        idle,
        limit: maxBytes,
        limitCuts: maxBytes !== undefined && maxBytes !== Infinity,
        onProgress: onProgress && (() => onProgress(transferred)),
      };
      const forth = new Pump({ ...shared, from: one, to: other });
      const back = new Pump({ ...shared, from: other, to: one });
      const transferred = { forth: forth.transferred, back: back.transferred };
      return new Transfer([forth, back], transferred, { signal, idle });
    },
    tee(
      from: TransferSource,
      to: TransferTarget,
      tap: TransferTarget,
      options?: SpliceOptions,
    ) {
      return pumped({ ...options, from, to, tap });
    },
  },
);
