/** To read so many bytes, and send them with the head, costs less than a transfer. */
export const SMALL: number = 64 * 1024;

const SLAB_SIZE = 1024 * 1024;
let slab = new Uint8Array(SLAB_SIZE);
let used = 0;

/**
 * Reads a small piece of a file; less than that if the file is shorter.
 *
 * Pieces are read into a slab, since a buffer for each costs more than to read it. No region of it
 * is used twice: what was yielded may wait to be sent.
 */
export function piece(file: Deno.FsFile, offset: number, length: number): Uint8Array {
  if (length > SLAB_SIZE - used) {
    slab = new Uint8Array(SLAB_SIZE);
    used = 0;
  }
  const room = slab.subarray(used, used + length);
  if (offset > 0) file.seekSync(offset, Deno.SeekMode.Start);
  let at = 0;
  while (at < length) {
    const read = file.readSync(room.subarray(at));
    if (read === null) break;
    at += read;
  }
  used += at;
  return at === length ? room : room.subarray(0, at);
}
