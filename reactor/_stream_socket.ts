import { closedError } from "./_closed_error.ts";
import { describeAddr, shown } from "./_describe.ts";
import { resetTcp } from "./linux/_tcp.ts";
import type { Slab } from "./_slab.ts";
import { ReadSizes } from "./_read_sizes.ts";
import { RECEIVE, whole } from "./_whole.ts";
import type { ByteStream } from "./byte_stream.ts";
import type { Registrar } from "./_registrar.ts";
import type { Interest } from "./selectable.ts";
import type { Socket } from "./socket.ts";
import type { SocketOwner } from "./_socket_owner.ts";
import type { Timer } from "./timer.ts";
import { Waiters } from "./_waiters.ts";

interface Failure {
  error: unknown;
}

/** How much memory an idle connection holds. */
const MIN_READ = 1024;
const MAX_READ = 64 * 1024;

/** How much memory is offered for one read. */
export function readSizes(): ReadSizes {
  return new ReadSizes(MIN_READ, MAX_READ);
}

/** How much of a region must be left to read into it again. */
const WORTH_READING = 256;
/** How much is accepted at a time, so that the sender notices how fast the peer reads. */
const MAX_SEND = 256 * 1024;
/** How many times in a row a stream may accept nothing before that is an error. */
const MAX_EMPTY_WRITES = 16;

/**
 * The {@linkcode Socket} that works everywhere.
 *
 * Reading: while somebody waits to read, one `read` is outstanding. When it completes, the socket
 * is readable. A `read` cannot be cancelled, so its bytes are kept for the next `recv` if nobody
 * waits any more. The buffer is small while little arrives, and grows with the data.
 *
 * Writing: at most one `write` is outstanding. Meanwhile the socket accepts nothing.
 *
 * Ending: if the socket ends before all accepted bytes are written, the peer gets an error, if
 * possible, and not the end of the stream. After a failed write, what the peer has sent can still
 * be received.
 */
export class StreamSocket implements Socket {
  readonly localAddr: Deno.Addr | undefined;
  readonly remoteAddr: Deno.Addr | undefined;
  alpnProtocol: string | undefined;
  /** Memory of a transfer to read into. The transfer uses the bytes before it waits for more. */
  room: Uint8Array<ArrayBuffer> | undefined;
  #stream: ByteStream;
  #owner: SocketOwner;
  #slab: Slab;
  #sizes: ReadSizes;
  #waiters = new Waiters();
  #closed = false;
  #released = false;
  #aborted = false;

  #chunk: Uint8Array | null | undefined;
  #reading = false;
  /** Whether the TLS handshake has to come to its end before anything is read. */
  #isSecuring: boolean;
  #region: Uint8Array | undefined;
  #readSize = MIN_READ;

  #out: Uint8Array | undefined;
  #emptyWrites = 0;
  #ending = false;
  #halfClosing = false;

  #readFailure: Failure | undefined;
  #writeFailure: Failure | undefined;
  #linger: Timer | undefined;

  /** Makes a socket. Use `reactor.adopt(stream)` instead. */
  constructor(stream: ByteStream, owner: SocketOwner, slab: Slab, sizes: ReadSizes) {
    this.#stream = stream;
    this.#owner = owner;
    this.#slab = slab;
    this.#sizes = sizes;
    this.#isSecuring = "handshake" in stream;
    this.localAddr = stream.localAddr;
    this.remoteAddr = stream.remoteAddr;
    this.alpnProtocol = stream.alpnProtocol;
    owner.opened(this);
  }

  get reactor(): Registrar {
    return this.#owner.reactor;
  }

  get stream(): ByteStream {
    return this.#stream;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get readable(): boolean {
    return this.#chunk !== undefined || this.#readFailure !== undefined || this.#closed ||
      !this.#isReadable;
  }

  get writable(): boolean {
    return this.#out === undefined || this.#ending;
  }

  get unsent(): number {
    return this.#out?.length ?? 0;
  }

  describe(): string {
    if (this.localAddr) return describeAddr(this.localAddr, this.remoteAddr);
    return this.#stream.name ?? "stream";
  }

  watch(interest: Interest, notify: () => void): void {
    if (this.#waiters.add(this, interest, notify) && interest === "read") this.#read();
  }

  unwatch(interest: Interest): void {
    this.#waiters[interest] = undefined;
  }

  recv(max: number = Infinity): Uint8Array | null | undefined {
    if (this.#closed) throw closedError("receive");
    if (whole(max, RECEIVE) === 0) return new Uint8Array(0);
    const chunk = this.#chunk;
    if (chunk && chunk.length > max) {
      this.#chunk = chunk.subarray(max);
      return chunk.subarray(0, max);
    }
    if (chunk) this.#chunk = undefined;
    if (chunk !== undefined) return chunk;
    if (this.#readFailure !== undefined) throw this.#readFailure.error;
    if (this.#isReadable) return undefined;
    throw new TypeError(`Cannot receive: ${this.describe()} is for writing only`);
  }

  send(bytes: Uint8Array): number {
    // Also after a shutdown: there is no other way to tell that accepted bytes did not go out.
    if (this.#writeFailure !== undefined && !this.#closed) throw this.#writeFailure.error;
    if (this.#ending) throw closedError("send");
    if (this.#stream.write === undefined) {
      throw new TypeError(`Cannot send: ${this.describe()} is for reading only`);
    }
    if (this.#out !== undefined || bytes.length === 0) return 0;
    const out = bytes.length > MAX_SEND ? bytes.subarray(0, MAX_SEND) : bytes;
    this.#write(out);
    return out.length;
  }

  shutdown(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#out === undefined) this.#closeWrite();
    this.#waiters.write?.();
  }

  close(): void {
    if (this.#closed) return;
    this.#ending = this.#closed = true;
    this.#chunk = this.#region = undefined;
    const done = this.#out === undefined && !this.#halfClosing;
    if (done || this.#released) this.#release();
    else this.#linger = this.#owner.reactor.addTimer(this.#owner.lingerMs, this.#release);
    this.#waiters.tellBoth();
  }

  abort(): void {
    this.#aborted ||= !this.#closed;
    this.close();
    this.#release();
  }

  detach(): ByteStream {
    if (this.#closed) throw closedError("detach");
    if (this.#readFailure !== undefined) throw this.#readFailure.error;
    const why = this.#reading
      ? "somebody waits to receive, remove the reader in its callback"
      : this.#out !== undefined || this.#halfClosing
      ? "something is still being sent"
      : this.#chunk !== undefined
      ? "something was received and not taken"
      : undefined;
    if (why !== undefined) throw new TypeError(`Cannot detach ${this.describe()}: ${why}`);
    this.#ending = this.#closed = this.#released = true;
    this.#readSize = this.#sizes.end(this.#readSize);
    this.#owner.released(this);
    this.#waiters.tellBoth();
    return this.#stream;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #isReadable(): boolean {
    return this.#stream.read !== undefined || this.#stream.pull !== undefined;
  }

  #read(): void {
    if (this.#reading) return;
    this.#reading = true;
    try {
      if (this.#isSecuring) {
        const securing = (this.#stream as Deno.TlsConn).handshake();
        securing.then(this.#onSecured, this.#onReadError);
        return;
      }
      if (this.#stream.pull) {
        this.#stream.pull().then(this.#onPull, this.#onReadError);
        return;
      }
      if (this.room !== undefined) this.#region = this.room;
      else this.#region ??= this.#slab.take(this.#readSize);
      this.#stream.read!(this.#region).then(this.#onRead, this.#onReadError);
    } catch (error) { // A method that throws fails like one whose promise rejects.
      this.#onReadError(error);
    }
  }

  #onSecured = ({ alpnProtocol }: Deno.TlsHandshakeInfo): void => {
    this.alpnProtocol = alpnProtocol ?? undefined;
    this.#reading = this.#isSecuring = false;
    if (!this.#closed) this.#read();
  };

  #onRead = (length: number | null): void => {
    this.#reading = false;
    if (this.#closed) return;
    const region = this.#region!;
    if (length !== null && !isCount(length, region.length)) {
      return this.#onReadError(this.#odd("read", length, region.length));
    }
    if (length !== null) this.#owner.events?.received?.(this, length);
    if (length === null) {
      // Deno tells of a reset only once, to the reader or to the writer. The other one gets an end.
      const failure = this.remoteAddr && this.#writeFailure?.error;
      if (failure && !(failure instanceof Deno.errors.BrokenPipe)) {
        return this.#onReadError(failure);
      }
      this.#chunk = null;
      this.#region = undefined;
    } else if (length === region.length) {
      this.#chunk = region;
      this.#region = undefined;
      if (length >= this.#readSize) this.#readSize = this.#sizes.next(this.#readSize, length);
    } else {
      // subarray() takes twice as long.
      const { buffer, byteOffset } = region;
      this.#chunk = new Uint8Array(buffer, byteOffset, length);
      if (length < this.#readSize) this.#readSize = this.#sizes.next(this.#readSize, length);
      // A connection that may be idle now must not keep a large region.
      const keep = region.length - length >= WORTH_READING && region.length <= MIN_READ;
      this.#region = keep
        ? new Uint8Array(buffer, byteOffset + length, region.length - length)
        : undefined;
    }
    this.#waiters.read?.();
  };

  #onPull = (chunk: Uint8Array | null): void => {
    this.#reading = false;
    if (this.#closed) return;
    if (chunk !== null && !(chunk instanceof Uint8Array)) {
      const what = `what pull() gives must be a Uint8Array or null, not ${shown(chunk)}`;
      return this.#onReadError(new TypeError(`Cannot receive from ${this.describe()}: ${what}`));
    }
    if (chunk !== null) this.#owner.events?.received?.(this, chunk.length);
    this.#chunk = chunk;
    this.#waiters.read?.();
  };

  #write(bytes: Uint8Array): void {
    this.#out = bytes;
    try {
      this.#stream.write!(bytes).then(this.#onWritten, this.#onWriteError);
    } catch (error) {
      this.#onWriteError(error);
    }
  }

  #onWritten = (length: number): void => {
    const out = this.#out;
    if (this.#released || out === undefined) return;
    if (!isCount(length, out.length)) {
      return this.#onWriteError(this.#odd("write", length, out.length));
    }
    this.#emptyWrites = length === 0 ? this.#emptyWrites + 1 : 0;
    if (this.#emptyWrites === MAX_EMPTY_WRITES) {
      const what = `its write() accepted nothing ${MAX_EMPTY_WRITES} times`;
      return this.#onWriteError(
        new Deno.errors.WriteZero(`Cannot send to ${this.describe()}: ${what}`),
      );
    }
    this.#owner.events?.sent?.(this, length);
    if (length < out.length) return this.#write(out.subarray(length));
    this.#out = undefined;
    if (this.#closed) return this.#release();
    if (this.#ending) this.#closeWrite();
    this.#waiters.write?.();
  };

  /** If reading fails, the whole connection is lost. */
  #onReadError = (error: unknown): void => {
    this.#reading = false;
    if (this.#closed) return;
    this.#readFailure = { error };
    this.#writeFailure ??= this.#readFailure;
    this.#release();
    this.#waiters.tellBoth();
  };

  /** A peer that takes no more bytes may have sent some. These are to be received first. */
  #onWriteError = (error: unknown): void => {
    this.#out = undefined;
    if (this.#closed) return this.#release();
    this.#writeFailure ??= { error };
    this.#waiters.write?.();
  };

  #odd(method: "read" | "write", length: unknown, max: number): RangeError {
    const doing = method === "read" ? "receive from" : "send to";
    return new RangeError(
      `Cannot ${doing} ${this.describe()}: what ${method}() gives must be a whole number from 0 to ${max}, not ${
        shown(length)
      }`,
    );
  }

  #closeWrite(): void {
    if (this.#stream.closeWrite === undefined) return;
    this.#halfClosing = true;
    const done = () => {
      this.#halfClosing = false;
      if (this.#closed) this.#release();
    };
    try { // A peer that is gone already need not be told.
      this.#stream.closeWrite().then(done, done);
    } catch {
      done();
    }
  }

  #release = (): void => {
    if (this.#released) return;
    this.#released = true;
    this.#readSize = this.#sizes.end(this.#readSize);
    if (this.#linger) this.#owner.reactor.removeTimer(this.#linger);
    // The peer of a broken connection knows that. And another connection may have its addresses
    // now.
    const isPart = this.#writeFailure === undefined && (this.#aborted || this.#out !== undefined);
    this.#out = undefined;
    try {
      if (!isPart) this.#stream.close();
      else if (this.#stream.abort) this.#stream.abort();
      else {
        resetTcp(this.#stream);
        this.#stream.close();
      }
    } catch {
      // Somebody else closed it.
    }
    this.#owner.released(this);
  };
}

/** Whether `length` can be a number of bytes, up to `max`. */
function isCount(length: number, max: number): boolean {
  return length >= 0 && length <= max && Number.isInteger(length);
}
