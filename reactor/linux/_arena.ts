import { Slab } from "../_slab.ts";

/**
 * Memory to receive into. The receiver owns each chunk and may keep it for long, for example half
 * of a line. So a chunk must not hold much more memory than its own: small chunks are copied to a
 * shared page, a large chunk is the memory that was received into, and all others are copied. A
 * waiting socket holds no memory.
 */
export class Arena {
  #room = NOTHING;
  #pages = new Slab(PAGE_SIZE);

  /** Offers memory of at least `min` bytes. It is the same memory until some is taken. */
  offer(min: number): Uint8Array<ArrayBuffer> {
    if (this.#room.length >= min) return this.#room;
    return this.#room = new Uint8Array(Math.max(min, ROOM_SIZE));
  }

  /** Takes the first `length` bytes of the memory that was offered. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const room = this.#room;
    if (length <= MAX_COPIED) {
      const chunk = this.#pages.take(length);
      chunk.set(new Uint8Array(room.buffer, 0, length)); // which takes half as long as subarray()
      return chunk;
    }
    if (2 * length <= room.length) return room.slice(0, length);
    this.#room = NOTHING;
    return room.subarray(0, length);
  }
}

const NOTHING = new Uint8Array(0);
const ROOM_SIZE = 64 * 1024;
const PAGE_SIZE = 16 * 1024;
const MAX_COPIED = 4 * 1024;
