/** Who runs the protocol of a connection: all that http knows of gio and of the reactor's requests is here and in _serve.ts. */
import { type Coroutine, EndOfStream, isCommand, Yield } from "../compose/mod.ts";
import { type Context, currentGio, type Gio } from "../gio/mod.ts";
import { Transfer } from "../reactor/mod.ts";
import type { HttpRequest } from "./http_request.ts";

/** What a connection needs of who runs it; there is none when it is fed by hand. */
export interface Host {
  /** Whether the handler has entered a context of its own: what it yields is not for the client then. */
  readonly isElsewhere: boolean;
  /** Set at the start: where the handler pushes back what it has read too far. */
  inner: { rest: unknown[] };
  /** Takes back what was received, before a transfer that reads the connection itself; the last given is read first. */
  unread(bytes: Uint8Array): void;
  /** Is told of errors for which nobody else was named. */
  report(error: unknown, request: HttpRequest): void;
  /** Aborts the connection for an error that has been told; returns what ends who speaks on it quietly. */
  cut(error: unknown): unknown;
  /** A handler is about to start. */
  beginRequest(): void;
  /** A handler has ended, whatever the way out; what it left behind is cleaned up by what this returns. */
  endRequest(): Coroutine<void> | undefined;
}

/** The host of the coroutine that is running: gio's, or none if that is fed by hand. */
export function hostOf(): Host | undefined {
  let gio: Gio;
  try {
    gio = currentGio();
  } catch {
    return undefined;
  }
  return new GioHost(gio);
}

/** Whether a handler yielded something for who drives it, which is none of HTTP's business. */
export function isForDriver(value: unknown): boolean {
  return value === Yield || isCommand(value);
}

/** Whether it is a transfer, which reads and writes the connection itself. */
export function isTransfer(value: unknown): boolean {
  return value instanceof Transfer;
}

class GioHost implements Host {
  readonly #gio: Gio;
  /** Where the protocol is spoken: the connection of the Gio, or what its coroutine has entered before. */
  readonly #context: Context | undefined;
  readonly #isWithin: boolean;

  constructor(gio: Gio) {
    this.#gio = gio;
    this.#isWithin = gio.isElsewhere;
    try {
      this.#context = gio.innermost;
    } catch {
      // There is none, and the first thing that is read will say so.
    }
  }

  get isElsewhere(): boolean {
    const gio = this.#gio;
    return gio.isElsewhere && !(this.#isWithin && gio.innermost === this.#context);
  }

  set inner(inner: { rest: unknown[] }) {
    this.#gio.inner = inner;
  }

  unread(bytes: Uint8Array): void {
    this.#gio.pushBack(this.#gio.innermost, [bytes]);
  }

  report(error: unknown, { method, target }: HttpRequest): void {
    this.#gio.reactor.onError(error, `handler of ${method} ${target}`);
  }

  cut(cause: unknown): unknown {
    this.#context?.abort?.();
    return new EndOfStream("The connection was cut: an answer has failed", { cause });
  }

  beginRequest(): void {}

  endRequest(): Coroutine<void> | undefined {
    return undefined;
  }
}
