import type { Interest, Selectable } from "../../reactor/mod.ts";

/** A selectable that a test makes ready. */
export class Fake implements Selectable {
  #readable = false;
  #writable = false;
  #closed = false;
  #notify: Partial<Record<Interest, () => void>> = {};
  readonly name: string;

  constructor(name = "fake") {
    this.name = name;
  }

  get readable(): boolean {
    return this.#readable;
  }

  set readable(value: boolean) {
    this.#readable = value;
    if (value) this.#notify.read?.();
  }

  get writable(): boolean {
    return this.#writable;
  }

  set writable(value: boolean) {
    this.#writable = value;
    if (value) this.#notify.write?.();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether anybody watches. */
  get watched(): boolean {
    return this.#notify.read !== undefined || this.#notify.write !== undefined;
  }

  close(): void {
    this.#closed = true;
    this.#notify.read?.();
    this.#notify.write?.();
  }

  watch(interest: Interest, notify: () => void): void {
    this.#notify[interest] = notify;
    if (interest === "read" ? this.#readable : this.#writable) notify();
  }

  unwatch(interest: Interest): void {
    delete this.#notify[interest];
  }

  describe(): string {
    return this.name;
  }
}

/** One that is always ready, for both. */
export function ready(name?: string): Fake {
  const fake = new Fake(name);
  fake.readable = true;
  fake.writable = true;
  return fake;
}
