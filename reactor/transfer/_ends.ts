import { descriptorOf } from "../linux/_descriptor_of.ts";
import { DescriptorSocket } from "../linux/_descriptor_socket.ts";
import { describe, describeAddr, text } from "../_describe.ts";
import type { Interest, Selectable } from "../selectable.ts";
import { StreamSocket } from "../stream_socket.ts";
import { giveBack, take } from "./_taken.ts";
import type { Reads, Receiver, Sender, Writes } from "./transfer.ts";

/** The end of a transfer that is read. */
export interface Source {
  /** What the bytes come from. */
  readonly end: object;
  /** Its descriptor, now, if it has one. */
  readonly descriptor: number | undefined;
  /** Waits for at least one byte and gives about `size`, valid until the next time; `null` at the end. */
  take(size: number): Promise<Uint8Array | null>;
  /** Whether there may be more than what was taken last. */
  readonly more: boolean;
  /** Stops waiting at once, and never tells. */
  release(): void;
  /** How it is called in messages. */
  describe(): string;
}

/** The end of a transfer that is written. */
export interface Target {
  /** What the bytes go to. */
  readonly end: object;
  /** Its descriptor, now, if it has one. */
  readonly descriptor: number | undefined;
  /** Gives how much of it has been written, at least one byte if there is one, and whatever was written before. */
  put(bytes: Uint8Array): Promise<number>;
  /** Half-close. */
  finish(): Promise<void>;
  /** Stops waiting at once, and never tells. */
  release(): void;
  /** How it is called in messages. */
  describe(): string;
}

/** What a transfer reads. */
export function sourceOf(end: object): Source {
  if ("recv" in end) return new SocketSource(end as Receiver);
  if ("read" in end) return new ConnSource(end as Reads);
  throw new TypeError(
    `Cannot transfer from ${text(() => Deno.inspect(end, { depth: 0 }))}: it has no read()`,
  );
}

/** What a transfer writes. */
export function targetOf(end: object): Target {
  if ("send" in end) return new SocketTarget(end as Sender);
  if ("write" in end) return new ConnTarget(end as Writes);
  throw new TypeError(
    `Cannot transfer to ${text(() => Deno.inspect(end, { depth: 0 }))}: it has no write()`,
  );
}

/** Reads that a transfer began and did not wait for: the next transfer from the same connection does. */
const outstanding = new WeakMap<object, Promise<Uint8Array | null>>();

class ConnSource implements Source {
  readonly end: Reads;
  more = false;
  #small: Uint8Array | undefined;
  #large: Uint8Array | undefined;
  /** So much is read at a time, when there is much. */
  #most = MEDIUM;
  #reading: Promise<Uint8Array | null> | undefined;

  constructor(end: Reads) {
    this.end = end;
  }

  get descriptor(): number | undefined {
    return descriptorOf(this.end)?.current;
  }

  async take(size: number): Promise<Uint8Array | null> {
    const before = outstanding.get(this.end);
    outstanding.delete(this.end);
    try {
      return await (this.#reading = before ?? this.#read(size));
    } finally {
      this.#reading = undefined;
    }
  }

  release(): void {
    if (this.#reading === undefined) return;
    this.#reading.catch(() => {});
    outstanding.set(this.end, this.#reading);
  }

  describe(): string {
    return describeConn(this.end);
  }

  async #read(size: number): Promise<Uint8Array | null> {
    const into = this.#room(size);
    const length = await this.end.read(into);
    if (length === null) return null;
    const isFull = length === into.length;
    this.more = isFull || length >= SMALL;
    if (isFull && length === this.#most) this.#most = LARGE;
    else if (!this.more) {
      // It may be idle for long.
      this.#most = MEDIUM;
      this.#large = undefined;
    }
    return into.subarray(0, length);
  }

  #room(size: number): Uint8Array {
    if (size <= SMALL) return (this.#small ??= new Uint8Array(SMALL)).subarray(0, size);
    const most = this.#most;
    if (this.#large === undefined || this.#large.length < most) this.#large = new Uint8Array(most);
    return this.#large.subarray(0, Math.min(size, most));
  }
}

class ConnTarget implements Target {
  readonly end: Writes;

  constructor(end: Writes) {
    this.end = end;
  }

  get descriptor(): number | undefined {
    return descriptorOf(this.end)?.current;
  }

  async put(bytes: Uint8Array): Promise<number> {
    if (bytes.length === 0) {
      // Of a Unix connection that was closed before, the descriptor of another to the same path is found: writing tells.
      if (this.descriptor !== undefined) await this.end.write(bytes);
      return 0;
    }
    const sent = await this.end.write(bytes);
    // Who always writes nothing would be asked for ever.
    if (!(sent > 0 && sent <= bytes.length)) {
      throw new TypeError(
        `write() gave ${sent}: it must write at least one byte of ${bytes.length}`,
      );
    }
    return sent;
  }

  async finish(): Promise<void> {
    try {
      await this.end.closeWrite?.();
    } catch {
      // A peer that is gone already need not be told.
    }
  }

  release(): void {}

  describe(): string {
    return describeConn(this.end);
  }
}

class SocketEnd {
  readonly end: Selectable;
  readonly #interest: Interest;
  #waiting = false;

  constructor(end: Selectable, interest: Interest) {
    take(end, interest);
    this.end = end;
    this.#interest = interest;
  }

  get descriptor(): number | undefined {
    const { end } = this;
    if (end instanceof DescriptorSocket) return end.descriptor;
    return end instanceof StreamSocket && !end.closed
      ? descriptorOf(end.stream)?.current
      : undefined;
  }

  /** Resolves when it may have become ready. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = true;
      this.end.watch(this.#interest, () => {
        this.#stopWaiting();
        resolve();
      });
    });
  }

  release(): void {
    giveBack(this.end, this.#interest);
    this.#stopWaiting();
  }

  describe(): string {
    return describe(this.end);
  }

  #stopWaiting(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.end.unwatch(this.#interest);
  }
}

class SocketSource extends SocketEnd implements Source {
  declare readonly end: Receiver;
  more = false;

  constructor(end: Receiver) {
    super(end, "read");
  }

  async take(size: number): Promise<Uint8Array | null> {
    const { end } = this;
    if (end instanceof StreamSocket) end.largestRead = size;
    for (;;) {
      const chunk = end.recv(size);
      if (chunk !== undefined) {
        const bytes = typeof chunk === "string" ? encoder.encode(chunk) : chunk;
        this.more = bytes !== null && bytes.length >= SMALL;
        return bytes;
      }
      await this.wait();
    }
  }

  override release(): void {
    super.release();
    if (this.end instanceof StreamSocket) this.end.largestRead = MEDIUM;
  }
}

class SocketTarget extends SocketEnd implements Target {
  declare readonly end: Sender;

  constructor(end: Sender) {
    super(end, "write");
  }

  async put(bytes: Uint8Array): Promise<number> {
    const { end } = this;
    let sent: number;
    while ((sent = end.send(bytes)) === 0 && bytes.length > 0) await this.wait();
    // What the kernel has taken is written, even if it would not take more now.
    if (end.writable || end instanceof DescriptorSocket) return sent;
    // A back end that writes later is not writable until it has, and tells at the next send whether it failed.
    do await this.wait(); while (!end.writable);
    end.send(NOTHING);
    return sent;
  }

  finish(): Promise<void> {
    this.end.shutdown?.();
    return DONE;
  }
}

const DONE = Promise.resolve();
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/** So much is read by who waits: more than most messages, so that nobody has to ask whether there is more; … */
export const SMALL: number = 8 * 1024;
/** … so much if that was not all, … */
const MEDIUM = 64 * 1024;
/** … and so much at most is copied at a time. */
export const LARGE: number = 256 * 1024;

function describeConn(conn: Partial<Deno.Conn>): string {
  return text(() => conn.localAddr && describeAddr(conn.localAddr, conn.remoteAddr));
}
