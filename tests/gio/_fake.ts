import type { Context } from "../../gio/mod.ts";

/** A connection that the test plays the peer of: it decides what arrives and how much is accepted. */
export class FakeConnection implements Context {
  /** What was accepted, one entry a send. */
  readonly sent: string[] = [];
  /** How many bytes are accepted from now on. */
  capacity: number = Infinity;
  calls: string[] = [];
  reads: number = 0;
  /** How many bytes were wanted by the last read. */
  asked: number | undefined;
  #arrived: (Uint8Array | string | null | Error)[] = [];
  #notify: { read?: () => void; write?: () => void } = {};
  #broken: Error | undefined;

  get readable(): boolean {
    return this.#arrived.length > 0;
  }

  get writable(): boolean {
    return this.capacity > 0 || this.#broken !== undefined;
  }

  /** Lets data arrive; `null` is the end of the stream, an error a broken connection. */
  arrive(...items: (Uint8Array | string | null | Error)[]): void {
    this.#arrived.push(...items);
    this.#notify.read?.();
  }

  /** Lets the peer read. */
  accept(bytes: number): void {
    this.capacity = bytes;
    this.#notify.write?.();
  }

  break(error: Error): void {
    this.#broken = error;
    this.#notify.write?.();
  }

  recv(max?: number): Uint8Array | string | null | undefined {
    this.reads++;
    this.asked = max;
    const item = this.#arrived.shift();
    if (item instanceof Error) throw item;
    return item;
  }

  send(bytes: Uint8Array): number {
    if (this.#broken) throw this.#broken;
    const accepted = Math.min(bytes.length, this.capacity);
    this.capacity -= accepted;
    if (accepted > 0) this.sent.push(new TextDecoder().decode(bytes.subarray(0, accepted)));
    return accepted;
  }

  shutdown(): void {
    this.calls.push("shutdown");
  }

  close(): void {
    this.calls.push("close");
  }

  abort(): void {
    this.calls.push("abort");
  }

  watch(interest: "read" | "write", notify: () => void): void {
    this.#notify[interest] = notify;
    if (interest === "read" ? this.readable : this.writable) notify();
  }

  unwatch(interest: "read" | "write"): void {
    delete this.#notify[interest];
  }

  get watched(): string[] {
    return Object.keys(this.#notify).sort();
  }
}
