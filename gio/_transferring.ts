import { here, type Lender, type Transfer, TransferError } from "../reactor/mod.ts";
import type { Gio } from "./gio.ts";
import { Operation } from "./operation.ts";

/**
 * Runs a transfer with the contexts of a Gio, when all that was written before has been accepted. What was read of the
 * innermost context and pushed back goes first, and what the transfer received beyond its limit is pushed back.
 */
class Transferring extends Operation<unknown> {
  readonly #transfer: Transfer<unknown>;

  constructor(transfer: Transfer<unknown>) {
    super();
    this.#transfer = transfer;
  }

  override get flushes(): boolean {
    return true;
  }

  override start(gio: Gio): void {
    this.#transfer.begin((own) => new GioLender(gio, own));
    this.#transfer.then((value) => gio.resume(this, value), (error) => {
      if (error instanceof TransferError && error.end !== undefined) gio.broken(error.end, error);
      gio.fail(this, error);
    });
  }

  override cancel(): void {
    this.#transfer.abort();
  }
}

class GioLender implements Lender {
  readonly #gio: Gio;
  readonly #own: Lender;

  constructor(gio: Gio, own: Lender) {
    this.#gio = gio;
    this.#own = own;
  }

  lend(end: Parameters<Lender["lend"]>[0]): object {
    const lent = end === here ? this.#gio.innermost : this.#own.lend(end);
    this.#gio.letGo(lent);
    return lent;
  }

  unread(end: object): Uint8Array[] {
    return [...this.#gio.takeOver(end).map(asBytes), ...this.#own.unread(end)];
  }

  takeBack(end: object, unread: Uint8Array[]): void {
    if (!this.#gio.pushBack(end, unread)) this.#own.takeBack(end, unread);
  }
}

function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return new TextEncoder().encode(value);
  throw new TypeError(`Cannot transfer ${typeof value} that was pushed back: only bytes and text`);
}

/** Makes a transfer, which a coroutine has yielded, something that gio waits for. */
export function transferring(transfer: Transfer<unknown>): Operation<unknown> {
  return new Transferring(transfer);
}
