/**
 * The two directions of a stream as ends of a transfer. All goes in frames, so nothing is left to the
 * kernel; but nothing is copied on the way either.
 */
import type { AnswerSink } from "../_wire.ts";
import type { Exchange } from "../_exchange.ts";
import { ended } from "../_faults.ts";
import type { Patience } from "../_framed.ts";
import { Framed } from "../_host.ts";
import type { Selectable } from "../../reactor/mod.ts";

/** The stream, and what it was lost by, if it was. */
type Raw = Selectable & { readonly lost: () => unknown; readonly isAtEnd: boolean };

abstract class FramedStream extends Framed {
  fault: unknown = undefined;
  readonly direct = 0;
  readonly isOut = true;
  readonly raw: Raw;
  protected readonly exchange: Exchange;

  constructor(raw: Raw, exchange: Exchange) {
    super();
    this.raw = raw;
    this.exchange = exchange;
  }

  get room(): number {
    return Infinity;
  }

  moved(): void {}

  ended(_isWhole: boolean): void {}

  protected check(): void {
    const lost = this.raw.lost();
    if (lost !== undefined) throw lost;
  }
}

/** The body of a request. */
export class FramedInput extends FramedStream {
  readonly #patience: Patience;

  constructor(raw: Raw, exchange: Exchange, patience: Patience) {
    super(raw, exchange);
    this.#patience = patience;
  }

  recv(max: number = Infinity): Uint8Array | null | undefined {
    if (!this.exchange.isRunning) throw ended();
    let piece: Uint8Array | null | undefined;
    try {
      piece = this.exchange.take(max);
    } catch (error) {
      throw this.fault = error;
    }
    if (piece === undefined) {
      this.check();
      if (this.raw.isAtEnd) return null; // of a tunnel
      this.#patience.awaitBody();
    } else this.#patience.bodyCame(piece?.length ?? 0);
    return piece;
  }

  override released(): void {
    this.#patience.released?.();
  }
}

/** The body of an answer. */
export class FramedOutput extends FramedStream {
  readonly #answer: AnswerSink;

  constructor(raw: Raw, exchange: Exchange, answer: AnswerSink) {
    super(raw, exchange);
    this.#answer = answer;
  }

  override get room(): number {
    return this.#answer.room;
  }

  send(bytes: Uint8Array): number {
    this.check();
    if (this.#answer.full) return 0;
    this.#answer.data(bytes);
    this.#answer.flush();
    return bytes.length;
  }

  override ended(isWhole: boolean): void {
    this.exchange.transferred(isWhole);
  }
}
