import { descriptorOf } from "../linux/_descriptor_of.ts";
import type { Source, Steps } from "./_ends.ts";
import type { Libc } from "../linux/_libc.ts";
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
  readonly #given: string | URL | Deno.FsFile;
  readonly #length: number | undefined;
  #offset: number;
  #file: Deno.FsFile | undefined;
  #room: Uint8Array | undefined;
  #size = 0;
  /** An `off_t`. */
  #position = new BigInt64Array(1);

  constructor(file: string | URL | Deno.FsFile, offset: number = 0, length?: number) {
    this.#given = file;
    this.#offset = offset;
    this.#length = length;
  }

  /** Opens the file until it is released, unless it is open already. Returns how much to send. */
  open(): number {
    whole(this.#offset, "send a file: the offset", 0, Number.MAX_SAFE_INTEGER);
    const given = this.#given;
    this.#file = given instanceof Deno.FsFile ? given : opened(given);
    if (this.#length !== undefined) return whole(this.#length, "transfer: the number of bytes");
    const { isCharDevice, size } = this.#file.statSync();
    if (isCharDevice) {
      const what = given instanceof Deno.FsFile ? "a device" : given;
      throw new TypeError(`Cannot send ${what}: a device may never end, give a length`);
    }
    this.#size = size;
    return this.#size === 0 ? Infinity : Math.max(0, this.#size - this.#offset);
  }

  get end(): Deno.FsFile {
    return this.#file!;
  }

  get descriptor(): number | undefined {
    return descriptorOf(this.end)?.current;
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
    this.end.seekSync(this.#offset, Deno.SeekMode.Start);
    const length = this.end.readSync(room);
    if (length === null) {
      const isPart = this.#length !== undefined || this.end.statSync().size < this.#size;
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

function opened(path: string | URL): Deno.FsFile {
  // Opening a FIFO would block the whole program until somebody opens its other end.
  if (Deno.statSync(path).isFifo) {
    throw new TypeError(`Cannot send ${path}: it is a FIFO, open it and splice() it instead`);
  }
  return Deno.openSync(path);
}
