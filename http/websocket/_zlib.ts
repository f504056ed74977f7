/**
 * The engines of node:zlib, without the streams around them: a piece of input makes a piece of
 * output at once. Node, Deno and Bun have them under the same names. Where they are missing,
 * nothing is compressed: see {@linkcode isAvailable}.
 */
import * as zlib from "node:zlib";

/** The part of a stream of node:zlib that is used here. */
interface Stream {
  readonly _handle: {
    onerror: (message: string) => void;
    writeSync(
      flush: number,
      input: Uint8Array,
      from: number,
      length: number,
      output: Uint8Array,
      outputFrom: number,
      outputLength: number,
    ): void;
  };
  /** How many bytes of the output and of the input the last call has left. */
  readonly _writeState: Uint32Array;
  reset(): void;
  close(): void;
}

/** How many bytes come out at once. */
export const PIECE_BYTES = 65_536;

/** All engines write into it. What one has made is copied before another one writes. */
let output: Uint8Array | undefined;

export class Engine {
  readonly #stream: Stream;
  #failure: string | undefined;
  /** How many bytes of the input the last call has left. */
  left = 0;

  constructor(stream: unknown) {
    this.#stream = stream as Stream;
    // Otherwise the stream would tell it later, and to nobody.
    this.#stream._handle.onerror = (message) => this.#failure = message;
  }

  /**
   * Gives input from `from` on, and flushes it.
   *
   * @returns What it makes, until the next call of any engine. If that are {@linkcode PIECE_BYTES},
   * there may be more.
   * @throws {Error} If the input is malformed. Then the engine cannot go on.
   */
  write(input: Uint8Array, from: number): Uint8Array {
    output ??= new Uint8Array(PIECE_BYTES);
    const { _handle, _writeState } = this.#stream;
    const length = input.length - from;
    _handle.writeSync(zlib.constants.Z_SYNC_FLUSH, input, from, length, output, 0, PIECE_BYTES);
    if (this.#failure !== undefined) throw new Error(this.#failure);
    this.left = _writeState[1]!;
    return output.subarray(0, PIECE_BYTES - _writeState[0]!);
  }

  /** Forgets all that it was given. */
  reset(): void {
    this.#stream.reset();
  }

  /** Lets go of its memory. */
  close(): void {
    this.#stream.close();
  }
}

/** How many engines of a kind are kept for the next message. */
const MAX_IDLE = 4;

/** Engines of one kind, which all connections share. */
export class Pool {
  readonly #make: () => Engine;
  readonly #idle: Engine[] = [];

  constructor(make: () => Engine) {
    this.#make = make;
  }

  /** An engine that knows nothing of other messages. */
  take(): Engine {
    const engine = this.#idle.pop();
    if (engine === undefined) return this.#make();
    engine.reset();
    return engine;
  }

  /** Takes one back, which has not failed. */
  put(engine: Engine): void {
    if (this.#idle.length < MAX_IDLE) this.#idle.push(engine);
    else engine.close();
  }
}

/** Those that decompress. The window is the largest one, since they are few. */
export const inflating: Pool = new Pool(() => new Engine(zlib.createInflateRaw()));

const deflating = new Map<string, Pool>();

/** Those that compress. A window has from 2 ** 8 to 2 ** 15 bytes. */
export function deflatingOf(level: number, windowBits: number): Pool {
  const key = `${level} ${windowBits}`;
  let pool = deflating.get(key);
  if (pool === undefined) {
    // zlib has no window of 256 bytes: it takes one of 512. With Z_RLE it refers to the byte before,
    // and to nothing else, so the size of the window does not matter.
    const options = windowBits === 8
      ? { level, windowBits: 9, strategy: zlib.constants.Z_RLE }
      : { level, windowBits };
    pool = new Pool(() => new Engine(zlib.createDeflateRaw(options)));
    deflating.set(key, pool);
  }
  return pool;
}

let available: boolean | undefined;

/** Whether node:zlib has engines here that work at once. */
export function isAvailable(): boolean {
  if (available === undefined) {
    const stream = zlib.createInflateRaw() as unknown as { [name in keyof Stream]?: unknown };
    const handle = stream._handle as Partial<Stream["_handle"]> | undefined;
    available = typeof handle?.writeSync === "function" &&
      stream._writeState instanceof Uint32Array;
    (stream as unknown as Stream).close();
  }
  return available;
}
