import { readAt } from "../../reactor/transfer/_file_source.ts";
import type { Opened } from "./_root.ts";

/**
 * To read so many bytes, and send them together with the head, costs half as much as a transfer, or
 * less.
 */
export const SMALL: number = 64 * 1024;

/** Reads a small piece of a file; less than that if the file is shorter. */
export function piece({ file }: Opened, offset: number, length: number): Uint8Array {
  const room = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const read = readAt(file, offset + at, at === 0 ? room : room.subarray(at));
    if (read === 0) return room.subarray(0, at);
    at += read;
  }
  return room;
}
