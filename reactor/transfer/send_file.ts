import { FileSource } from "./_file_source.ts";
import type { Registrar } from "../_registrar.ts";
import { Pump } from "./_pump.ts";
import {
  type Job,
  type Lender,
  Transfer,
  type TransferOptions,
  type TransferTarget,
} from "./transfer.ts";
import type { Transferred } from "./transferred.ts";
import { whole } from "../_whole.ts";
import type { Cut } from "./transfer_error.ts";

/** Options of {@linkcode sendFile}. */
export interface SendFileOptions extends TransferOptions {
  /** Where in the file to begin, in bytes. @default {0} */
  offset?: number;
  /** How many bytes to send. @default {up to the end of the file} */
  length?: number;
  /** Reads and writes, as where the kernel cannot do it. @default {false} */
  copy?: boolean;
}

/**
 * Sends a file, or a part of one, over a connection, by the kernel alone where that is possible (Linux, a plain TCP or
 * Unix connection, `--allow-ffi`), and by reading and writing elsewhere.
 *
 * `await` it, or `yield*` it in a coroutine that gio runs. The connection stays open. A file that is already open stays so,
 * and its position is not kept.
 *
 * @param to What to send to.
 * @param file The path of the file, or the file.
 * @param options Which part, and a signal to cut it.
 * @returns The transfer; it rejects with a {@linkcode TransferError} when it is cut, or when the file ends before it should.
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
 */
export function sendFile(
  to: TransferTarget,
  file: string | URL | Deno.FsFile,
  options: SendFileOptions = {},
): Transfer {
  return new Transfer(new FileJob(to, file, options), options.signal);
}

class FileJob implements Job<Transferred> {
  readonly transferred: Transferred = { bytes: 0, spliced: 0, copied: 0 };
  readonly #to: TransferTarget;
  readonly #file: string | URL | Deno.FsFile;
  readonly #options: SendFileOptions;
  #opened: Deno.FsFile | undefined;
  #pump: Pump | undefined;

  constructor(to: TransferTarget, file: string | URL | Deno.FsFile, options: SendFileOptions) {
    this.#to = to;
    this.#file = file;
    this.#options = options;
  }

  async run(lender: Lender, reactor: Registrar | undefined): Promise<void> {
    const { offset = 0, length, copy, onProgress } = this.#options;
    whole(offset, "send a file: the offset", 0, Number.MAX_SAFE_INTEGER);
    const given = this.#file;
    const file = given instanceof Deno.FsFile ? given : this.#opened = opened(given);
    try {
      const limit = length ?? Math.max(0, file.statSync().size - offset);
      this.#pump = new Pump({
        from: new FileSource(file, offset),
        to: this.#to,
        limit,
        copy,
        transferred: this.transferred,
        onProgress: onProgress && (() => onProgress(this.transferred)),
      });
      await this.#pump.run(lender, reactor);
    } finally {
      this.#close();
    }
  }

  abort(): Cut {
    const cut = this.#pump?.abort() ?? { ...this.transferred, lost: 0 };
    this.#close();
    return cut;
  }

  #close(): void {
    this.#opened?.close();
    this.#opened = undefined;
  }
}

function opened(path: string | URL): Deno.FsFile {
  // To open one stops the whole program, until somebody opens its other end.
  if (Deno.statSync(path).isFifo) {
    throw new TypeError(`Cannot send ${path}: it is a FIFO, open it and splice() it instead`);
  }
  return Deno.openSync(path);
}
