/*
 * How a running program is ended, and its pipes. Deno keeps a pipe open until its stream has been
 * read to the end or cancelled. So each pipe must be closed when the program has ended, whether
 * somebody reads it or not.
 */
import { ignore } from "./_ignore.ts";
import { owners } from "./_owners.ts";
import type { Reactor } from "./reactor.ts";
import type { Draining } from "./socket.ts";
import { startAlarm } from "./_timers.ts";

/** How much unread output is kept, in bytes. A pipe of Linux holds as much. */
const MAX_KEPT = 64 * 1024;

/**
 * Ends a program by SIGTERM, and by SIGKILL after the linger time. `Sockets.drain` waits for it.
 */
export class Ending implements Draining {
  #reactor: Reactor;
  #child: Deno.ChildProcess;
  #hasEnded = false;
  #cancelAlarm: (() => void) | undefined;

  constructor(reactor: Reactor, child: Deno.ChildProcess) {
    this.#reactor = reactor;
    this.#child = child;
  }

  kill(signal?: Deno.Signal): void {
    if (this.#hasEnded) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // The program has ended, but its status is not known yet.
      if (!(error instanceof Deno.errors.NotFound) && !hasTerminated(error)) throw error;
    }
  }

  begin(): void {
    if (this.#hasEnded || this.#cancelAlarm !== undefined) return;
    this.kill();
    const { lingerMs, draining } = owners.get(this.#reactor)!;
    draining.add(this);
    this.#cancelAlarm = startAlarm(this.#reactor.clock, lingerMs, () => this.kill("SIGKILL"));
  }

  /** The alarm goes off all the same. */
  abort(): void {}

  describe(): string {
    return `program ${this.#child.pid}`;
  }

  ended(): void {
    this.#hasEnded = true;
    this.#cancelAlarm?.();
    const owner = owners.get(this.#reactor)!;
    if (owner.draining.delete(this)) owner.drained();
  }
}

/** The standard input of a program. */
export class Input {
  #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(writable: WritableStream<Uint8Array>) {
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(ignore);
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#writer.write(bytes);
    return bytes.length;
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  abort(reason: Error): void {
    this.#writer.abort(reason).catch(ignore);
  }
}

/**
 * The standard output or error of a program.
 *
 * 1. It is read when somebody pulls. So a program that nobody listens to has to wait.
 * 2. After {@linkcode Output.keep} it is read and kept until somebody pulls. If old data may be
 *    dropped, the newest part is kept; otherwise reading stops when much is kept.
 * 3. When the program has ended, everything up to the end is kept, so that the pipe is closed.
 */
export class Output {
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #dropsOld: boolean;
  #kept: Uint8Array[] = [];
  #size = 0;
  #keeping: Promise<void> | undefined;
  #isPulled = false;
  #isAtEnd = false;
  #hasEnded = false;

  constructor(readable: ReadableStream<Uint8Array>, dropsOld: boolean) {
    this.#reader = readable.getReader();
    this.#dropsOld = dropsOld;
  }

  async pull(): Promise<Uint8Array | null> {
    this.#isPulled = true;
    // It ends together with the outstanding read.
    if (this.#kept.length === 0) await this.#keeping;
    if (this.#kept.length === 0) await this.#receive();
    this.#isPulled = false;
    const chunk = this.#kept.shift();
    this.#size -= chunk?.length ?? 0;
    if (this.#hasEnded) this.keep();
    return chunk ?? null;
  }

  keep(): void {
    this.#keeping ??= this.#keepAll().catch(ignore).finally(() => this.#keeping = undefined);
  }

  /**
   * The program has ended. Resolves when its pipe is closed: a program that it has started may still
   * hold the other end.
   */
  ended(): Promise<void> {
    this.#hasEnded = true;
    this.keep();
    return this.#reader.closed.catch(ignore);
  }

  close(): void {
    this.#isPulled = true;
    this.#reader.cancel().catch(ignore);
  }

  async #keepAll(): Promise<void> {
    while (!this.#isPulled && !this.#isAtEnd && (this.#dropsOld || this.#size < MAX_KEPT)) {
      await this.#receive();
      while (this.#dropsOld && this.#size - (this.#kept[0]?.length ?? 0) >= MAX_KEPT) {
        this.#size -= this.#kept.shift()!.length;
      }
    }
  }

  async #receive(): Promise<void> {
    if (this.#isAtEnd) return;
    const { value, done } = await this.#reader.read();
    this.#isAtEnd = done;
    if (done) return;
    this.#kept.push(value);
    this.#size += value.length;
  }
}

function hasTerminated(error: unknown): boolean {
  return error instanceof TypeError && error.message.includes("already terminated");
}
