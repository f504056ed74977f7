import { names, refuseUnknown } from "../_known.ts";
import { idleOf, Pump, pumped } from "./_pump.ts";
import {
  type Transfer,
  type TransferOptions,
  type TransferPeer,
  TransferRequest,
  type TransferSource,
  type TransferTarget,
} from "./transfer.ts";
import type { TransferredBothWays } from "./transferred.ts";

/**
 * Options of {@linkcode splice}.
 *
 * @category Zero-copy
 */
export interface SpliceOptions extends TransferOptions {
  /**
   * How many bytes to move, at most. Then it ends without the end of the stream.
   *
   * @default {Infinity}
   */
  limit?: number;
  /**
   * Reads and writes even if the kernel could do it.
   *
   * @default {false}
   */
  copy?: boolean;
}

/**
 * Options of `splice.both`.
 *
 * @category Zero-copy
 */
export interface SpliceBothOptions extends TransferOptions<TransferredBothWays> {
  /**
   * How many bytes may go each way. When more come, both ways are cut, with a `RangeError` as the
   * cause.
   *
   * @default {Infinity}
   */
  maxBytes?: number;
  /**
   * Reads and writes, as where nothing can be spliced.
   *
   * @default {false}
   */
  copy?: boolean;
}

const TO_SPLICE = names<SpliceOptions>({ signal: 1, idleMs: 1, onProgress: 1, limit: 1, copy: 1 });
const TO_SPLICE_BOTH = names<SpliceBothOptions>({
  signal: 1,
  idleMs: 1,
  onProgress: 1,
  maxBytes: 1,
  copy: 1,
});

/**
 * The type of {@linkcode splice}.
 *
 * @category Zero-copy
 */
export interface Splice {
  /**
   * Moves bytes from one connection to another up to the end of the stream, which is passed on, or
   * up to the limit.
   *
   * @param from What to read from.
   * @param to What to write to.
   * @param options A limit, and a signal that cuts it.
   * @returns The transfer.
   * @throws {TransferError} If it is cut.
   */
  (
    from: TransferSource,
    to: TransferTarget,
    options?: SpliceOptions,
  ): Transfer;
  /**
   * Moves bytes both ways until both streams have ended. If one way is cut, so is the other. With
   * `idleMs`, it is cut when nothing has moved either way for that time.
   *
   * @param one The first connection.
   * @param other The second connection.
   * @param options A signal that cuts it, and others.
   * @returns The transfer.
   * @throws {TransferError} If it is cut.
   */
  both(
    one: TransferPeer,
    other: TransferPeer,
    options?: SpliceBothOptions,
  ): Transfer<TransferredBothWays>;
  /**
   * Moves bytes like {@linkcode splice}, and writes the same bytes to `tap`, for example a file
   * that records them. The slower of the two sets the pace.
   *
   * @param from What to read from.
   * @param to What to write to.
   * @param tap What else to write to.
   * @param options A limit, and a signal that cuts it.
   * @returns The transfer.
   * @throws {TransferError} If it is cut.
   */
  tee(
    from: TransferSource,
    to: TransferTarget,
    tap: TransferTarget,
    options?: SpliceOptions,
  ): Transfer;
}

/**
 * Moves bytes from one connection to another without looking at them. The kernel does this alone if
 * possible (Linux, plain TCP or Unix connections and files, `--allow-ffi`). Otherwise it reads and
 * writes.
 *
 * `await` it in any program, with connections of Deno or sockets of a running reactor. If nobody
 * runs the reactor, nothing moves, and that is reported to its `onError` after five seconds. In a
 * coroutine that gio runs, `yield*` it. There, data that was read and pushed back goes first, and
 * {@linkcode here} is the innermost context. In a handler of HTTP that is the body of the request or
 * of its answer.
 *
 * While a transfer reads from a socket, that has no other reader. While it writes to a socket, that
 * has no other writer.
 *
 * The connections stay open. The end of the stream is passed on as a half-close. A
 * {@linkcode TransferError} tells that the transfer was cut. Then bytes may have been read and not
 * written, so close both connections. Close sockets by `abort()`, so that nobody takes a part for
 * the whole.
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
 *
 * @category Zero-copy
 */
export const splice: Splice = Object.assign(
  (from: TransferSource, to: TransferTarget, options: SpliceOptions = {}) => {
    refuseUnknown("splice", options, TO_SPLICE);
    return pumped({ ...options, from, to });
  },
  {
    both(
      one: TransferPeer,
      other: TransferPeer,
      options: SpliceBothOptions = {},
    ) {
      refuseUnknown("splice both ways", options, TO_SPLICE_BOTH);
      const { signal, onProgress, copy, maxBytes, idleMs } = options;
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
      return new TransferRequest([forth, back], transferred, { signal, idle });
    },
    tee(
      from: TransferSource,
      to: TransferTarget,
      tap: TransferTarget,
      options: SpliceOptions = {},
    ) {
      refuseUnknown("splice and tap", options, TO_SPLICE);
      return pumped({ ...options, from, to, tap });
    },
  },
);
