import { descriptorOf } from "../linux/_descriptor_of.ts";
import type { Source, Steps } from "./_ends.ts";
import type { Libc } from "../linux/_libc.ts";
import { whole } from "../_whole.ts";

/** So much is sent at a time, so that others have their turn. */
const MOST = 4 * 1024 * 1024;

/** A part of a file, which the kernel can send by itself. */
export class FileSource implements Source {
  readonly more = true;
  readonly #given: string | URL | Deno.FsFile;
  readonly #length: number | undefined;
  #offset: number;
  #file: Deno.FsFile | undefined;
  #room: Uint8Array | undefined;
  /** An `off_t`. */
  #position = new BigInt64Array(1);

  /** Up to the end of the file, unless there is a length. */
  constructor(file: string | URL | Deno.FsFile, offset: number = 0, length?: number) {
    this.#given = file;
    this.#offset = offset;
    this.#length = length;
  }

  /** Opens it, until it is released, unless it is open already; gives how much is to be sent. */
  open(): number {
    whole(this.#offset, "send a file: the offset", 0, Number.MAX_SAFE_INTEGER);
    const given = this.#given;
    this.#file = given instanceof Deno.FsFile ? given : opened(given);
    const length = this.#length ?? Math.max(0, this.#file.statSync().size - this.#offset);
    return whole(length, "transfer: the number of bytes");
  }

  get end(): Deno.FsFile {
    return this.#file!;
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

  release(): void {
    if (this.#file !== this.#given) this.#file?.close();
  }

  describe(): string {
    return "the file";
  }
}

function opened(path: string | URL): Deno.FsFile {
  // To open one stops the whole program, until somebody opens its other end.
  if (Deno.statSync(path).isFifo) {
    throw new TypeError(`Cannot send ${path}: it is a FIFO, open it and splice() it instead`);
  }
  return Deno.openSync(path);
}
