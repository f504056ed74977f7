import type { Interest, Receiver } from "../reactor/mod.ts";
import { type Framed, Framing } from "./_host.ts";

/** The body of a request, for a transfer in another coroutine than its handler. */
export class BodyBeside extends Framing implements Receiver {
  readonly readable = true;
  readonly writable = false;
  readonly #lend: () => Framed;

  constructor(lend: () => Framed) {
    super();
    this.#lend = lend;
  }

  override frame(): Framed {
    return this.#lend();
  }

  recv(): never {
    throw new TypeError(
      "Cannot receive the body of a request by this: transfer it, as in splice(request, to)",
    );
  }

  watch(_: Interest, notify: () => void): void {
    notify();
  }

  unwatch(): void {}
}
