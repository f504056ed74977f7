import { Slab } from "../_slab.ts";

/**
 * Memory to receive into. What came belongs to whom it is given, who may keep it for long, as half of a line, say. So it must
 * not keep much more than itself from being freed: what is small is copied to a page among others, what is large is what was
 * received into, and the rest is copied. Who waits holds nothing.
 */
export class Arena {
  #room = NOTHING;
  #pages = new Slab(PAGE_SIZE);

  /** At least `least` bytes, until some are taken. */
  offer(least: number): Uint8Array<ArrayBuffer> {
    if (this.#room.length >= least) return this.#room;
    return this.#room = new Uint8Array(Math.max(least, ROOM_SIZE));
  }

  /** The first `length` bytes of what was offered. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const room = this.#room;
    if (length <= LARGEST_SMALL) {
      const chunk = this.#pages.take(length);
      chunk.set(new Uint8Array(room.buffer, 0, length)); // which takes half as long as subarray()
      return chunk;
    }
    if (2 * length < room.length) return room.slice(0, length);
    this.#room = NOTHING;
    return room.subarray(0, length);
  }
}

const NOTHING = new Uint8Array(0);
const ROOM_SIZE = 64 * 1024;
const PAGE_SIZE = 16 * 1024;
const LARGEST_SMALL = 4 * 1024;
