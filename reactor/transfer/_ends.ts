import { descriptorOf } from "../linux/_descriptor_of.ts";
import { DescriptorSocket } from "../linux/_descriptor_socket.ts";
import { describe, describeAddr, shown, text } from "../_describe.ts";
import { ignoreRejection } from "../_ignore.ts";
import type { Registrar } from "../_registrar.ts";
import type { Selectable } from "../selectable.ts";
import type { Socket } from "../socket.ts";
import { StreamSocket } from "../_stream_socket.ts";
import { whole } from "../_whole.ts";
import { Framed } from "./_framed.ts";
import type { Reads, Receiver, Sender, Writes } from "./transfer.ts";

/*
 * The ends of a transfer, and how it waits for them:
 *
 * 1. A step that may wait is a generator that yields a Wait. It goes on when the Wait calls back or
 *    is settled. With promises alone it would go on later and cost more.
 * 2. A transfer from or to a selectable is its reader or writer from beginning to end. While the
 *    transfer does not wait, this reader or writer is suspended: it is not called for nothing, and
 *    nobody else can get at the bytes. Its reactor is that of the coroutine, otherwise that of the
 *    socket, otherwise that of another end.
 * 3. When the reactor shuts down, selectables are aborted: a transfer that is cut must not look
 *    complete.
 * 4. Reading a connection of Deno cannot be cancelled. So what a transfer reads and does not use,
 *    because it ended or read too much, is kept for the next transfer from the same connection.
 * 5. A source that still holds something has no descriptor: the kernel would move what comes after
 *    that.
 * 6. A target may keep what it is given, as memory and Web streams do, and the source reads again
 *    into the same memory. So the bytes are copied, except for what is known to have written them
 *    when it says so.
 * 7. What a protocol frames is received from and sent to as an end of its own, but what it waits for
 *    is the socket below. The kernel gets the descriptor of that as long as there is no framing.
 * 8. A socket that reads and writes by promises tells by itself when it is ready. So only the first
 *    wait for it needs the reactor, which shows that somebody runs that. Later ones go on at once:
 *    a step of the reactor for each chunk takes as long as the copying.
 */

/**
 * A promise, or a function that calls one of its arguments later, unless the end is released
 * before.
 */
export type Wait =
  | PromiseLike<unknown>
  | ((resume: (value?: unknown) => void, fail: (error: unknown) => void) => void);

/** A step that may have to wait. */
export type Steps<R = void> = Generator<Wait, R, unknown>;

/** One end of a transfer. */
export interface End {
  /** What the bytes come from or go to. */
  readonly end: object;
  /** Its current descriptor, if it has one. */
  readonly descriptor: number | undefined;
  /** What calls back, if it is a reactor. */
  readonly reactor?: Registrar;
  /** What it is, if a protocol frames what goes through. */
  readonly framed?: Framed | undefined;
  /** Stops waiting at once. Nothing is called back after this. */
  release(): void;
  /** Its name in messages. */
  describe(): string;
}

/** The end to read from. */
export interface Source extends End {
  /**
   * Waits for at least one byte and returns up to about `size` bytes, or `null` at the end. The
   * bytes are valid until the next call.
   */
  take(size: number): Steps<Uint8Array | null>;
  /** Whether there may be more bytes than were taken last. */
  readonly more: boolean;
}

/** The end to write to. */
export interface Target extends End {
  /** See rule 6. */
  readonly mayKeep: boolean;
  /**
   * Writes bytes and waits until they and everything before are written. Returns how many were
   * written: at least one, unless there are none.
   */
  put(bytes: Uint8Array): Steps<number>;
  /** Ends the writing half. */
  finish(): Promise<void> | void;
}

/** How to wait for a selectable. */
export interface Waiting {
  /** What calls back. */
  readonly reactor: Registrar | undefined;
  /** Its text tells what it waits for, in messages and in `reactor.inspect()`. */
  readonly where: { toString(): string };
}

/** Returns the reactor that a socket belongs to. */
export function reactorOf(end: object | undefined): Registrar | undefined {
  return (end as { reactor?: Registrar } | undefined)?.reactor;
}

/** Makes the end that a transfer reads from. */
export function sourceOf(end: object, waiting: Waiting): Source {
  if ("recv" in end) return new SocketSource(end as Lent<Receiver>, waiting);
  if ("read" in end) return new ConnSource(end as Reads);
  throw new TypeError(`Cannot transfer from ${shown(end)}: ${whyNot(end, "read")}`);
}

/** Makes the end that a transfer writes to. */
export function targetOf(end: object, waiting: Waiting): Target {
  if ("send" in end) return new SocketTarget(end as Lent<Sender>, waiting);
  if ("write" in end) return new ConnTarget(end as Writes);
  throw new TypeError(`Cannot transfer to ${shown(end)}: ${whyNot(end, "write")}`);
}

function whyNot(end: unknown, method: string): string {
  ignoreRejection(end);
  return end instanceof Promise ? "it is a promise, await it before" : `it has no ${method}()`;
}

class ConnEnd<T extends object> implements End {
  readonly end: T;

  constructor(end: T) {
    this.end = end;
  }

  get descriptor(): number | undefined {
    return descriptorOf(this.end)?.current;
  }

  release(): void {}

  describe(): string {
    const { localAddr, remoteAddr } = this.end as Partial<Deno.Conn>;
    return text(() => localAddr && describeAddr(localAddr, remoteAddr));
  }
}

/** See rule 4. */
const ahead = new WeakMap<object, Promise<Uint8Array | null>>();

/** Memory that a transfer reads into again and again. */
class Room {
  /** Whether there may be more than was read last. */
  more = false;
  #small: Uint8Array<ArrayBuffer> | undefined;
  #large: Uint8Array<ArrayBuffer> | undefined;
  /** How much to read at a time if there is much. */
  #max = MEDIUM;

  /** How much memory was offered last. */
  #given = 0;

  of(size: number): Uint8Array<ArrayBuffer> {
    const max = this.#given = size <= SMALL ? size : Math.min(size, this.#max);
    if (size <= SMALL) return (this.#small ??= new Uint8Array(SMALL)).subarray(0, max);
    if (this.#large === undefined || this.#large.length < max) this.#large = new Uint8Array(max);
    return this.#large.subarray(0, max);
  }

  /** Notes how much was read into the memory that was offered last. */
  filled(length: number): void {
    const isFull = length === this.#given;
    this.more = isFull || length >= SMALL;
    if (isFull && length === this.#max) this.#max = LARGE;
    else if (!this.more) {
      // The connection may be idle for long.
      this.#max = MEDIUM;
      this.#large = undefined;
    }
  }
}

class ConnSource extends ConnEnd<Reads> implements Source {
  #room = new Room();
  #reading: Promise<Uint8Array | null> | undefined;

  override get descriptor(): number | undefined {
    const found = super.descriptor;
    return ahead.has(this.end) ? undefined : found;
  }

  get more(): boolean {
    return this.#room.more;
  }

  *take(size: number): Steps<Uint8Array | null> {
    const { end } = this;
    this.#reading = ahead.get(end) ?? this.#read(size);
    ahead.delete(end);
    let chunk: Uint8Array | null;
    try {
      chunk = (yield this.#reading) as Uint8Array | null;
    } finally {
      this.#reading = undefined;
    }
    if (chunk === null || chunk.length <= size) return chunk;
    ahead.set(end, Promise.resolve(chunk.subarray(size)));
    return chunk.subarray(0, size);
  }

  override release(): void {
    if (this.#reading === undefined) return;
    this.#reading.catch(() => {});
    ahead.set(this.end, this.#reading);
  }

  async #read(size: number): Promise<Uint8Array | null> {
    const into = this.#room.of(size);
    const length = await this.end.read(into);
    if (length === null) return null;
    whole(length, "transfer: what read() gives", 0, into.length);
    this.#room.filled(length);
    return into.subarray(0, length);
  }
}

/** The classes of Deno that keep nothing that they have written. */
const KEEPS_NOTHING = new Set(["TcpConn", "UnixConn", "TlsConn", "FsFile", "Stdout", "Stderr"]);

function mayKeep(end: object): boolean {
  if (end instanceof DescriptorSocket) return false;
  const stream = end instanceof StreamSocket ? end.stream : end;
  return !KEEPS_NOTHING.has(stream.constructor?.name);
}

class ConnTarget extends ConnEnd<Writes> implements Target {
  readonly mayKeep = mayKeep(this.end);

  *put(bytes: Uint8Array): Steps<number> {
    if (bytes.length === 0) {
      // The connection may be closed, and this may be the descriptor of another one to the same
      // path. Writing nothing tells.
      if (this.descriptor !== undefined) yield this.end.write(bytes);
      return 0;
    }
    const sent = (yield this.end.write(bytes)) as number;
    // An object that accepts nothing would be asked for ever.
    whole(sent, "transfer: what write() gives", 1, bytes.length);
    return sent;
  }

  async finish(): Promise<void> {
    try {
      await this.end.closeWrite?.();
    } catch {
      // The peer may be gone already.
    }
  }
}

const CALLS = {
  reader: { add: "addReader", resume: "resumeReader", remove: "removeReader", interest: "read" },
  writer: { add: "addWriter", resume: "resumeWriter", remove: "removeWriter", interest: "write" },
} as const;

/** What is sent to, or received from, and what to wait for. */
type Lent<T extends Selectable> = T | (Omit<T, keyof Selectable> & Framed);

class SocketEnd<T extends Selectable> implements End {
  readonly end: Lent<T>;
  readonly framed: Framed | undefined;
  /** What the reactor waits for. */
  protected readonly socket: Selectable;
  readonly #calls: (typeof CALLS)["reader" | "writer"];
  readonly reactor: Registrar;
  #resume: (() => void) | undefined;
  #fail: ((error: unknown) => void) | undefined;
  /** What the reactor has done: nothing, called back, or removed the reader or writer. */
  #state: "fresh" | "called" | "over" = "fresh";

  constructor(end: Lent<T>, kind: "reader" | "writer", { reactor, where }: Waiting) {
    this.framed = end instanceof Framed ? end : undefined;
    const socket = this.socket = end instanceof Framed ? end.raw : end;
    if (reactor === undefined) {
      throw new TypeError(
        `Cannot transfer ${
          describe(socket)
        }: no reactor is known for it, yield* the transfer in a coroutine`,
      );
    }
    this.end = end;
    this.reactor = reactor;
    this.#calls = CALLS[kind];
    reactor[this.#calls.add](socket, this.#onReady, { where, suspended: true });
    reactor.addShutdownHook(this);
  }

  get descriptor(): number | undefined {
    const { socket } = this;
    if (this.framed?.direct === 0) return undefined;
    if (socket instanceof DescriptorSocket) return socket.descriptor;
    return socket instanceof StreamSocket && !socket.closed
      ? descriptorOf(socket.stream)?.current
      : undefined;
  }

  /** Must be yielded at once, by a caller that has found the end not ready. */
  wait(): Wait {
    if (this.#state === "over") {
      throw new Deno.errors.BadResource(`${describe(this.socket)} is closed`);
    }
    if (this.#state === "called" && this.socket instanceof StreamSocket) return this.#untilTold;
    this.reactor[this.#calls.resume](this.socket);
    return this.#until;
  }

  release(): void {
    this.#resume = this.#fail = undefined;
    this.reactor.removeShutdownHook(this);
    if (this.#state !== "over") { // Otherwise somebody else's may have taken its place.
      if (this.socket instanceof StreamSocket) this.socket.unwatch(this.#calls.interest);
      this.reactor[this.#calls.remove](this.socket);
    }
    this.framed?.released();
  }

  /** Called by the reactor when it shuts down. */
  abandon(): void {
    (this.socket as Partial<Socket>).abort?.();
    this.#goOn();
  }

  describe(): string {
    return describe(this.socket);
  }

  #until: Wait = (resume, fail) => {
    this.#resume = resume;
    this.#fail = fail;
  };

  /** See rule 8. */
  #untilTold: Wait = (resume) => {
    this.#resume = resume;
    this.socket.watch(this.#calls.interest, this.#goOn);
  };

  #onReady = (failure?: unknown): void => {
    // In the last call, after a close or a failure, there is nothing to suspend.
    this.#state = this.reactor.currentContext!.active ? "called" : "over";
    if (this.#state === "called") this.reactor.suspend();
    if (failure === undefined) this.#goOn();
    else this.#fail?.(failure);
  };

  #goOn = (): void => {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  };
}

class SocketSource extends SocketEnd<Receiver> implements Source {
  #room = new Room();

  constructor(end: Lent<Receiver>, waiting: Waiting) {
    super(end, "reader", waiting);
  }

  override get descriptor(): number | undefined {
    const found = super.descriptor;
    return this.socket instanceof StreamSocket && this.socket.readable ? undefined : found;
  }

  get more(): boolean {
    return this.#room.more;
  }

  *take(size: number): Steps<Uint8Array | null> {
    const { end } = this;
    for (;;) {
      const chunk = end.recv(size);
      if (chunk !== undefined) {
        const bytes = typeof chunk === "string" ? encoder.encode(chunk) : chunk;
        if (bytes !== null) this.#room.filled(bytes.length);
        return bytes;
      }
      if (end instanceof StreamSocket) end.room = this.#room.of(size);
      yield this.wait();
    }
  }

  override release(): void {
    super.release();
    if (this.end instanceof StreamSocket) this.end.room = undefined;
  }
}

class SocketTarget extends SocketEnd<Sender> implements Target {
  readonly mayKeep = mayKeep(this.socket);

  constructor(end: Lent<Sender>, waiting: Waiting) {
    super(end, "writer", waiting);
  }

  *put(bytes: Uint8Array): Steps<number> {
    const { end } = this;
    let sent: number;
    while ((sent = end.send(bytes)) === 0 && bytes.length > 0) yield this.wait();
    // Another back end writes later. It is writable again when that is done, and the next send
    // tells whether it failed.
    while (!this.#isOut) {
      yield this.wait();
      end.send(NOTHING);
    }
    return sent;
  }

  finish(): void {
    this.end.shutdown?.();
  }

  /** Whether the bytes are in the kernel, even if it does not take more now. */
  get #isOut(): boolean {
    const { socket, framed } = this;
    return (socket.writable || socket instanceof DescriptorSocket) && (framed?.isOut ?? true);
  }
}

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * How much is read after a wait. Most messages are smaller, so it is clear that there is no more.
 */
export const SMALL: number = 8 * 1024;
/** How much is read next if that was not all. */
const MEDIUM = 64 * 1024;
/** How much is copied at a time, at most. */
export const LARGE: number = 256 * 1024;
