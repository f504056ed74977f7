import { closedError } from "./_closed_error.ts";
import { describeAddr, shown } from "./_describe.ts";
import { resetTcp } from "./linux/_tcp.ts";
import type { Slab } from "./_slab.ts";
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

/** An idle connection holds this much. */
const SMALLEST_READ = 1024;
const LARGEST_READ = 64 * 1024;
/** What remains of a region is read into as long as it is at least this. */
const WORTH_READING = 256;
/** At most this much is accepted at a time, so that the sender notices how fast the peer reads. */
const LARGEST_SEND = 256 * 1024;
/** A stream that accepts nothing so many times in a row will never accept anything. */
const MAX_EMPTY_WRITES = 16;

/**
 * The portable {@linkcode Socket}.
 *
 * Reading: while somebody waits to read, one `read` is outstanding; its completion *is* readiness. It cannot be taken
 * back, so what it brings when nobody waits any more is kept for the next `recv`. The buffer is small while little
 * arrives and grows with what does.
 *
 * Writing: at most one `write` is outstanding; while it is, the socket accepts nothing.
 *
 * Ending: when it ends before all that it accepted was written, the peer gets an error where that is possible, and not what
 * looks like the end. A write that fails leaves what the peer has said to be read.
 */
export class StreamSocket implements Socket {
  /** The near address, where there is one. */
  readonly localAddr: Deno.Addr | undefined;
  /** The far address, where there is one. */
  readonly remoteAddr: Deno.Addr | undefined;
  /** Where a transfer has it read into, which is done with what it received before it waits for more. */
  room: Uint8Array<ArrayBuffer> | undefined;
  #stream: ByteStream;
  #owner: SocketOwner;
  #slab: Slab;
  #waiters = new Waiters();
  #closed = false;
  #released = false;
  #aborted = false;

  #chunk: Uint8Array | null | undefined;
  #reading = false;
  #region: Uint8Array | undefined;
  #readSize = SMALLEST_READ;

  #out: Uint8Array | undefined;
  #emptyWrites = 0;
  #ending = false;
  #halfClosing = false;

  #readFailure: Failure | undefined;
  #writeFailure: Failure | undefined;
  #linger: Timer | undefined;

  /** A socket over `stream`, for `owner`. Use `reactor.adopt(stream)`. */
  constructor(stream: ByteStream, owner: SocketOwner, slab: Slab) {
    this.#stream = stream;
    this.#owner = owner;
    this.#slab = slab;
    this.localAddr = stream.localAddr;
    this.remoteAddr = stream.remoteAddr;
    owner.opened(this);
  }

  /** The reactor that it belongs to. */
  get reactor(): Registrar {
    return this.#owner.reactor;
  }

  /** What it reads and writes. */
  get stream(): ByteStream {
    return this.#stream;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether `recv` would not block. */
  get readable(): boolean {
    return this.#chunk !== undefined || this.#readFailure !== undefined || this.#closed ||
      !this.#isReadable;
  }

  /** Whether `send` would not block: it accepts something, or throws. */
  get writable(): boolean {
    return this.#out === undefined || this.#ending;
  }

  /** Kind and addresses. */
  describe(): string {
    if (this.localAddr) return describeAddr(this.localAddr, this.remoteAddr);
    return this.#stream.name ?? "stream";
  }

  /** Begins to care. */
  watch(interest: Interest, notify: () => void): void {
    if (this.#waiters.add(this, interest, notify) && interest === "read") this.#read();
  }

  /** Ceases to care. */
  unwatch(interest: Interest): void {
    this.#waiters[interest] = undefined;
  }

  /** What has arrived; at most `most` bytes of it. */
  recv(most: number = Infinity): Uint8Array | null | undefined {
    if (this.#closed) throw closedError("receive");
    if (whole(most, RECEIVE) === 0) return new Uint8Array(0);
    const chunk = this.#chunk;
    if (chunk && chunk.length > most) {
      this.#chunk = chunk.subarray(most);
      return chunk.subarray(0, most);
    }
    if (chunk) this.#chunk = undefined;
    if (chunk !== undefined) return chunk;
    if (this.#readFailure !== undefined) throw this.#readFailure.error;
    if (this.#isReadable) return undefined;
    throw new TypeError(`Cannot receive: ${this.describe()} is for writing only`);
  }

  /** Accepts bytes to send. */
  send(bytes: Uint8Array): number {
    // After a shutdown as well: this is the only way to find out that what was accepted before did not go out.
    if (this.#writeFailure !== undefined && !this.#closed) throw this.#writeFailure.error;
    if (this.#ending) throw closedError("send");
    if (this.#stream.write === undefined) {
      throw new TypeError(`Cannot send: ${this.describe()} is for reading only`);
    }
    if (this.#out !== undefined || bytes.length === 0) return 0;
    const out = bytes.length > LARGEST_SEND ? bytes.subarray(0, LARGEST_SEND) : bytes;
    this.#write(out);
    return out.length;
  }

  /** Half-close. */
  shutdown(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#out === undefined) this.#closeWrite();
    this.#waiters.write?.();
  }

  /** Graceful close. */
  close(): void {
    if (this.#closed) return;
    this.#ending = this.#closed = true;
    this.#chunk = this.#region = undefined;
    const done = this.#out === undefined && !this.#halfClosing;
    if (done || this.#released) this.#release();
    else this.#linger = this.#owner.reactor.addTimer(this.#owner.lingerMs, this.#release);
    this.#waiters.tellBoth();
  }

  /** Close at once. */
  abort(): void {
    this.#aborted ||= !this.#closed;
    this.close();
    this.#release();
  }

  /** Gives the stream back; the socket is closed, and the stream is not. */
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
    this.#owner.released(this);
    this.#waiters.tellBoth();
    return this.#stream;
  }

  /** As {@linkcode StreamSocket.close}. */
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

  #onRead = (length: number | null): void => {
    this.#reading = false;
    if (this.#closed) return;
    const region = this.#region!;
    if (length !== null && !isCount(length, region.length)) {
      return this.#onReadError(this.#odd("read", length, region.length));
    }
    if (length !== null) this.#owner.events?.received?.(this, length);
    if (length === null) {
      // A reset is told once, to who writes or to who reads; the other sees an end.
      const failure = this.remoteAddr && this.#writeFailure?.error;
      if (failure && !(failure instanceof Deno.errors.BrokenPipe)) {
        return this.#onReadError(failure);
      }
      this.#chunk = null;
      this.#region = undefined;
    } else if (length === region.length) {
      this.#chunk = region;
      this.#region = undefined;
      if (length >= this.#readSize) this.#readSize = Math.min(4 * length, LARGEST_READ);
    } else {
      // Not subarray(), which takes twice as long.
      const { buffer, byteOffset } = region;
      this.#chunk = new Uint8Array(buffer, byteOffset, length);
      if (4 * length < this.#readSize) this.#readSize = SMALLEST_READ;
      // A large region is not kept for a connection that may be idle now.
      const keep = region.length - length >= WORTH_READING && region.length <= SMALLEST_READ;
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

  /** A connection of which reading fails is lost altogether. */
  #onReadError = (error: unknown): void => {
    this.#reading = false;
    if (this.#closed) return;
    this.#readFailure = { error };
    this.#writeFailure ??= this.#readFailure;
    this.#release();
    this.#waiters.tellBoth();
  };

  /** A peer that takes no more may still have sent something: that is to be read first. */
  #onWriteError = (error: unknown): void => {
    this.#out = undefined;
    if (this.#closed) return this.#release();
    this.#writeFailure ??= { error };
    this.#waiters.write?.();
  };

  #odd(method: "read" | "write", length: unknown, most: number): RangeError {
    const doing = method === "read" ? "receive from" : "send to";
    return new RangeError(
      `Cannot ${doing} ${this.describe()}: what ${method}() gives must be a whole number from 0 to ${most}, not ${
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
    if (this.#linger) this.#owner.reactor.removeTimer(this.#linger);
    // Of what is broken already, the peer knows; and another may have its addresses.
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

/** Whether it can be a number of bytes of `most`. */
function isCount(length: number, most: number): boolean {
  return length >= 0 && length <= most && Number.isInteger(length);
}
