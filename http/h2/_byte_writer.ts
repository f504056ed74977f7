const PIECE = 64 * 1024;

/**
 * Writes bytes one after the other. Views of what was written are handed out, so nothing is written
 * twice: when the buffer is full, there is a new one.
 */
export class ByteWriter {
  /** The buffer; at {@linkcode ByteWriter.at} the next byte is written. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array();
  at = 0;
  /** Where that begins what was not taken. */
  start = 0;

  /** How many bytes were written and not taken. */
  get size(): number {
    return this.at - this.start;
  }

  /** Makes room for `length` more bytes. */
  reserve(length: number): void {
    if (this.at + length <= this.bytes.length) return;
    const written = this.bytes.subarray(this.start, this.at);
    this.bytes = new Uint8Array(Math.max(PIECE, 2 * (written.length + length)));
    this.bytes.set(written);
    this.start = 0;
    this.at = written.length;
  }

  /** A view of what was written since the last one was taken. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.bytes.subarray(this.start, this.at);
    this.start = this.at;
    return taken;
  }
}
