import { descriptorOf } from "../linux/_descriptor_of.ts";
import type { Source, Steps } from "./_ends.ts";
import type { Libc } from "../linux/_libc.ts";

/** So much is sent at a time, so that others have their turn. */
const MOST = 4 * 1024 * 1024;

/** A part of a file, which the kernel can send by itself. */
export class FileSource implements Source {
  readonly end: Deno.FsFile;
  readonly more = true;
  #offset: number;
  #room: Uint8Array | undefined;
  /** An `off_t`. */
  #position = new BigInt64Array(1);

  constructor(file: Deno.FsFile, offset: number) {
    this.end = file;
    this.#offset = offset;
  }

  get descriptor(): number | undefined {
    return descriptorOf(this.end)?.current;
  }

  /** Sends at most `length` bytes; gives how many, or a negative number if it would block or cannot be. */
  send(libc: Libc, fd: number, to: number, length: number): number {
    this.#position[0] = BigInt(this.#offset);
    const sent = libc.sendfile(to, fd, this.#position, Math.min(length, MOST));
    if (sent > 0) this.#offset += sent;
    return sent;
  }

  /** At once, as the kernel sends, so that several transfers may be sent of one file. */
  // deno-lint-ignore require-yield
  *take(size: number): Steps<Uint8Array | null> {
    if (this.#room === undefined || this.#room.length < size) this.#room = new Uint8Array(size);
    const room = this.#room.subarray(0, size);
    this.end.seekSync(this.#offset, Deno.SeekMode.Start);
    const length = this.end.readSync(room);
    if (length === null) throw new Error("The file is shorter than it was");
    this.#offset += length;
    return room.subarray(0, length);
  }

  release(): void {}

  describe(): string {
    return "the file";
  }
}
