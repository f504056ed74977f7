import { descriptorOf } from "../linux/_descriptor_of.ts";
import type { Source, Steps } from "./_ends.ts";
import type { Libc } from "../linux/_libc.ts";
import { PlainFile } from "../linux/_plain_file.ts";
import { whole } from "../_whole.ts";

/** How much the kernel sends at a time. Then others have their turn. */
const MAX_SENT = 4 * 1024 * 1024;

/**
 * A part of a file, which the kernel can send by itself. Without a length it goes up to the end:
 *
 * 1. The size at the beginning is the limit, so that the transfer ends even if the file grows as
 *    fast as it is sent.
 * 2. A file of size 0 may have content (/proc). It is read until there is no more.
 * 3. A file may have less content than its size (/sys). But if its size is smaller than at the
 *    beginning, it was truncated. Then only a part was sent, which is an error.
 * 4. A device such as /dev/zero may never end. It needs a length.
 */
export class FileSource implements Source {
  readonly more = true;
  readonly #given: string | URL | OpenFile;
  readonly #length: number | undefined;
  #offset: number;
  #file: OpenFile | undefined;
  #room: Uint8Array<ArrayBuffer> | undefined;
  #size = 0;
  /** An `off_t`. */
  #position = new BigInt64Array(1);

  constructor(file: string | URL | OpenFile, offset: number = 0, length?: number) {
    this.#given = file;
    this.#offset = offset;
    this.#length = length;
  }

  /** Opens the file until it is released, unless it is open already. Returns how much to send. */
  open(): number {
    whole(this.#offset, "send a file: the offset", 0, Number.MAX_SAFE_INTEGER);
    const given = this.#given;
    const file = this.#file = isOpen(given) ? given : opened(given);
    if (this.#length !== undefined) return whole(this.#length, "transfer: the number of bytes");
    const { isCharDevice, size } = file.statSync();
    if (isCharDevice) {
      const what = isOpen(given) ? "a device" : given;
      throw new TypeError(`Cannot send ${what}: a device may never end, give a length`);
    }
    this.#size = size;
    return this.#size === 0 ? Infinity : Math.max(0, this.#size - this.#offset);
  }

  get end(): OpenFile {
    return this.#file!;
  }

  get descriptor(): number | undefined {
    const { end } = this;
    return end instanceof PlainFile ? end.descriptor : descriptorOf(end)?.current;
  }

  /**
   * Sends at most `length` bytes. Returns how many; 0 at the end of the file, -1 if the call would
   * block or failed.
   */
  send(libc: Libc, fd: number, to: number, length: number): number {
    this.#position[0] = BigInt(this.#offset);
    const sent = libc.sendfile(to, fd, this.#position, Math.min(length, MAX_SENT));
    if (sent > 0) this.#offset += sent;
    return sent;
  }

  /** Reads synchronously, so that several transfers may share one open file. */
  // deno-lint-ignore require-yield
  *take(size: number): Steps<Uint8Array | null> {
    if (this.#room === undefined || this.#room.length < size) this.#room = new Uint8Array(size);
    const room = this.#room.subarray(0, size);
    const length = readAt(this.end, this.#offset, room);
    if (length === 0) {
      const isPart = this.#length !== undefined || this.#file!.statSync().size < this.#size;
      if (isPart) throw new Error("The file is shorter than what was to be sent");
      return null;
    }
    this.#offset += length;
    return room.subarray(0, length);
  }

  release(): void {
    if (this.#file !== this.#given) this.#file?.close();
  }

  describe(): string {
    return "the file";
  }
}

/** A file that somebody has opened. */
type OpenFile = Deno.FsFile | PlainFile;

export function isOpen(file: string | URL | OpenFile): file is OpenFile {
  return file instanceof Deno.FsFile || file instanceof PlainFile;
}

/** Reads at a position. Returns the number of bytes, 0 at the end. */
export function readAt(file: OpenFile, position: number, into: Uint8Array<ArrayBuffer>): number {
  if (file instanceof PlainFile) return file.readAt(position, into);
  file.seekSync(position, Deno.SeekMode.Start);
  return file.readSync(into) ?? 0;
}

function opened(path: string | URL): Deno.FsFile {
  // Opening a FIFO would block the whole program until somebody opens its other end.
  if (Deno.statSync(path).isFifo) {
    throw new TypeError(`Cannot send ${path}: it is a FIFO, open it and splice() it instead`);
  }
  return Deno.openSync(path);
}
