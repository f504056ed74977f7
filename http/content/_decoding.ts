import { type Coroutine, isRequest } from "../../compose/mod.ts";
import { concat } from "../../compose/_bytes.ts";
import { listOf } from "../h1/_field_values.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { AVAILABLE, type Codec, findCodec } from "./_codecs.ts";
import { plain } from "./_plain.ts";
import { UnsupportedCoding } from "./_unsupported_coding.ts";
import { ZlibError, ZlibStream } from "./_zlib_stream.ts";

/** A body that was encoded more often would only be made to cost time. */
const MAX_CODINGS = 4;
/** Each frame of `zstd` costs a decoder, however small it is. */
const MAX_FRAMES = 1000;
/** Data that are larger, or make more, are decoded as a stream. */
const MAX_AT_ONCE = 65_536, MAX_MADE_AT_ONCE = 1_048_576;
/** The largest buffer that may be asked for. */
const MAX_BUFFER = 2 ** 31 - 1;

/**
 * The codings of a Content-Encoding, in the order in which they are to be decoded.
 *
 * RFC 9110 8.4: they are listed in the order in which they were applied.
 */
export function codecsOf(contentEncoding: string): Codec[] {
  const names = listOf(contentEncoding).filter((name) => name !== "identity");
  if (names.length > MAX_CODINGS) {
    throw new UnsupportedCoding(
      `a body with more than ${MAX_CODINGS} content codings is not accepted`,
      AVAILABLE,
    );
  }
  return names.reverse().map((name) => {
    const codec = findCodec(name);
    if (codec !== undefined) return codec;
    throw new UnsupportedCoding(
      `content coding ${JSON.stringify(name)} is not one of ${AVAILABLE}`,
      AVAILABLE,
    );
  });
}

export function tooLarge(maxBytes: number): RemoteProtocolError {
  return new RemoteProtocolError(`Cannot decode the body: it has more than ${maxBytes} bytes`, {
    status: 413,
  });
}

export function faulty({ name }: Codec, cause?: unknown): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot decode the body: its ${name} data are faulty, or not complete`,
    { cause },
  );
}

/** One body in one content coding. */
export class Decoding {
  readonly #codec: Codec;
  readonly #maxBytes: number;
  #made = 0;
  #frames = 0;
  #stream: ZlibStream | undefined;
  /** How many bytes were written to the stream. */
  #written = 0;
  #isOver = false;

  constructor(codec: Codec, maxBytes: number) {
    this.#codec = codec;
    this.#maxBytes = maxBytes;
  }

  /** Decodes what was read, and yields what comes of it, and requests to wait. */
  *write(bytes: Uint8Array): Coroutine<void> {
    if (bytes.length === 0) return;
    if (this.#isOver && !this.#codec.goesOn) throw faulty(this.#codec);
    if (this.#stream === undefined && bytes.length <= MAX_AT_ONCE) {
      const made = this.atOnce(bytes, MAX_MADE_AT_ONCE);
      if (made !== undefined) {
        for (const piece of made) if (piece.length > 0) yield piece;
        return;
      }
    }
    for (;;) {
      const stream = this.#stream ??= this.#begin(bytes[0]!);
      this.#written += bytes.length;
      try {
        yield* stream.write(bytes);
      } catch (error) {
        throw this.#told(error);
      }
      const left = this.#written - stream.used;
      if (left === 0) return;
      this.#end();
      // RFC 9110 8.4: nothing says what data after the end would mean.
      if (!this.#codec.goesOn || left >= bytes.length) throw faulty(this.#codec);
      this.#countFrame();
      bytes = bytes.subarray(-left);
    }
  }

  /** There are no more data: throws if they are not complete. */
  *end(): Coroutine<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    const { probe } = this.#codec;
    try {
      if (probe === undefined) return yield* stream.end();
      this.#stream = undefined;
      this.#made -= probe.makes; // which the body does not have
      let made = 0;
      try {
        const probing = stream.write(probe.bytes);
        for (let result = probing.next(); !result.done; result = probing.next()) {
          if (isRequest(result.value)) yield result.value;
          else made += (result.value as Uint8Array).length;
        }
      } finally {
        stream.close();
      }
      const used = probe.makes === 0 ? 0 : probe.bytes.length;
      if (made !== probe.makes || stream.used !== this.#written + used) throw faulty(this.#codec);
    } catch (error) {
      throw this.#told(error);
    }
  }

  close(): void {
    this.#stream?.close();
  }

  /**
   * Decodes data that may be whole. Gives undefined if they are not, or faulty, or make more than
   * `most`.
   */
  atOnce(bytes: Uint8Array, most: number): Uint8Array[] | undefined {
    const { decode, probe, goesOn } = this.#codec;
    const all = probe === undefined ? bytes : concat([bytes, probe.bytes]);
    const pieces: Uint8Array[] = [];
    const before = this.#made, room = Math.min(most, this.#maxBytes - before, MAX_BUFFER);
    let made = 0;
    let used = 0;
    do {
      if (used > 0) this.#countFrame();
      let result: ReturnType<typeof decode>;
      try {
        // It has to be 1 at least.
        const maxOutputLength = Math.max(room - made, 1);
        result = decode(all.subarray(used), { info: true, maxOutputLength });
      } catch (error) {
        return isTooLarge(error) ? this.#exceeded(room) : undefined;
      }
      const { buffer, engine } = result;
      if ((made += buffer.length) > room) return this.#exceeded(room);
      pieces.push(plain(buffer));
      if (engine.bytesWritten === 0) return undefined;
      used += engine.bytesWritten;
    } while (goesOn && used < bytes.length);
    if (used !== bytes.length) return undefined;
    this.#made += made;
    this.#isOver = true;
    return pieces;
  }

  /** More was made than there is room for. */
  #exceeded(room: number): undefined {
    if (room === this.#maxBytes - this.#made) throw tooLarge(this.#maxBytes);
  }

  #begin(first: number): ZlibStream {
    return new ZlibStream(this.#codec.decoder(first), (length) => {
      this.#made += length;
      if (this.#made > this.#maxBytes) throw tooLarge(this.#maxBytes);
    });
  }

  /** Counts those that begin in the middle of what was read. */
  #countFrame(): void {
    if (++this.#frames > MAX_FRAMES) throw faulty(this.#codec);
  }

  #end(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#written = 0;
  }

  #told(error: unknown): unknown {
    return error instanceof ZlibError ? faulty(this.#codec, error.cause) : error;
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
}
