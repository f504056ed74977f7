import { shown } from "../_describe.ts";
import { names, refuseUnknown } from "../_known.ts";
import { FileSource, isOpen } from "./_file_source.ts";
import { pumped } from "./_pump.ts";
import type { Transfer, TransferOptions, TransferTarget } from "./transfer.ts";

/**
 * Options of {@linkcode sendFile}.
 *
 * @category Zero-copy
 */
export interface SendFileOptions extends TransferOptions {
  /**
   * Where in the file to begin, in bytes.
   *
   * @default {0}
   */
  offset?: number;
  /**
   * How many bytes to send. It is an error if the file ends before. Without a length, everything is
   * sent up to the end that the file has at the beginning. A file without a size, such as those in
   * /proc, is sent until there is no more to read. A device such as /dev/zero needs a length, because
   * it may never end.
   *
   * @default {up to the end of the file}
   */
  length?: number;
  /**
   * Reads and writes even if the kernel could do it.
   *
   * @default {false}
   */
  copy?: boolean;
}

const OPTIONS = names<SendFileOptions>({
  signal: 1,
  idleMs: 1,
  onProgress: 1,
  offset: 1,
  length: 1,
  copy: 1,
});

/**
 * Sends a file, or a part of it, over a connection. The kernel does this alone if possible (Linux,
 * a plain TCP or Unix connection, `--allow-ffi`). Otherwise it reads and writes.
 *
 * `await` it, or `yield*` it in a coroutine that gio runs. The connection stays open. A file that
 * is open already stays open, but its position may change.
 *
 * In a handler of HTTP the head is on its way when the file is opened. So if it is missing, the
 * connection is cut. Open the file before `yield ok()` to answer 404.
 *
 * @param to What to send to.
 * @param file The path of the file, or the open file.
 * @param options Which part to send, and a signal that cuts it.
 * @returns The transfer.
 * @throws {TransferError} From the transfer, if it is cut, if the file ends before `length` bytes are
 * sent, or if it is truncated meanwhile.
 * @throws {RangeError} From the transfer, if `offset` or `length` is not a whole number of at least 0.
 * @throws {Deno.errors.NotFound} From the transfer, if there is no such file; and whatever else Deno
 * throws when it opens a file.
 *
 * @example A download
 * ```ts
 * import { sendFile } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "Hello, World!");
 * using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * using conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
 * {
 *   using peer = await listener.accept();
 *   const { bytes } = await sendFile(peer, path, { offset: 7, length: 5 });
 *   assertEquals(bytes, 5);
 * }
 * assertEquals(await new Response(conn.readable).text(), "World");
 * await Deno.remove(path);
 * ```
 *
 * @category Zero-copy
 */
export function sendFile(
  to: TransferTarget,
  file: string | URL | Deno.FsFile,
  options: SendFileOptions = {},
): Transfer {
  refuseUnknown("send a file", options, OPTIONS);
  if (typeof file !== "string" && !(file instanceof URL) && !isOpen(file)) {
    throw new TypeError(
      `Cannot send the file ${shown(file)}: give a path, a URL or an open file, sendFile(to, path)`,
    );
  }
  const { offset, length, ...rest } = options;
  return pumped({ ...rest, from: new FileSource(file, offset, length), to });
}
