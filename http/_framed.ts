/**
 * The two directions of an exchange as ends of a transfer: the body of the request and that of the
 * answer. What goes through is framed as if the handler had read and written it by `yield`s.
 *
 *  1. What was received and pushed back is read first. What is received beyond the body stays in the
 *     input, where the next request is read from.
 *  2. The kernel moves what has no framing: a body with a Content-Length, and an answer that ends
 *     with its connection. It never moves more than belongs to it.
 *  3. A chunk of an answer goes to the outbox of the connection, from its size to its end. So a
 *     transfer that is cut within a chunk leaves a whole chunk behind, before anything else is sent.
 *  4. The end of a transfer is not the end of the answer, which its handler ends.
 *  5. Another coroutine may read the body of the request while the handler waits or writes, but only
 *     by a transfer, and not after the handler has ended.
 */
import type { Answer, Output } from "./_answer.ts";
import type { Body, Input } from "./_body.ts";
import type { Exchange } from "./_exchange.ts";
import { ended } from "./_faults.ts";
import { type Base, Framed } from "./_host.ts";

abstract class FramedEnd extends Framed {
  fault: unknown = undefined;

  constructor(protected readonly base: Base, protected readonly exchange: Exchange) {
    super();
  }

  get raw(): Base["context"] {
    return this.base.context;
  }

  get room(): number {
    return Infinity;
  }

  get isOut(): boolean {
    return this.base.isOut;
  }

  ended(_isWhole: boolean): void {}
}

/** Limits how long the client may take. */
export interface Patience {
  /** It begins to wait for more of the body. */
  awaitBody(): void;
  /** So much of the body has come. It does not wait for the client any more. */
  bodyCame(length: number): void;
  /** The transfer has ended. */
  released?(): void;
}

/** The body of a request. */
export class FramedBody extends FramedEnd {
  readonly #body: Body;
  readonly #input: Input;
  readonly #patience: Patience;

  constructor(base: Base, exchange: Exchange, body: Body, input: Input, patience: Patience) {
    super(base, exchange);
    this.#body = body;
    this.#input = input;
    this.#patience = patience;
    for (const bytes of base.takeRest()) input.append(bytes);
  }

  override get direct(): number {
    const { exchange } = this;
    return exchange.rest.length > 0 || !exchange.isRunning ? 0 : this.#body.direct;
  }

  override moved(length: number): void {
    this.#body.moved(length);
    this.#patience.bodyCame(length);
  }

  recv(max: number = Infinity): Uint8Array | null | undefined {
    const receiver: { recv(max: number): unknown } = this.raw;
    if (!this.exchange.isRunning) throw ended();
    for (;;) {
      const piece = this.#protocol(() => this.exchange.take(max));
      if (piece !== undefined) return piece;
      const received = receiver.recv(max) as Uint8Array | string | null | undefined;
      if (received === undefined) {
        this.#patience.awaitBody();
        return undefined;
      }
      this.#patience.bodyCame(received?.length ?? 0);
      if (received === null) {
        this.#protocol(() => {
          throw this.exchange.endEarly();
        });
      } else this.#input.receive(received);
    }
  }

  override released(): void {
    this.#patience.released?.();
  }

  /** Notes an error that is one of the protocol. */
  #protocol<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      throw this.fault = error;
    }
  }
}

/** The body of an answer. */
export class FramedAnswer extends FramedEnd {
  readonly #answer: Answer;
  readonly #output: Output;

  constructor(base: Base, exchange: Exchange, answer: Answer, output: Output) {
    super(base, exchange);
    this.#answer = answer;
    this.#output = output;
  }

  override get room(): number {
    return this.#answer.room;
  }

  override get direct(): number {
    return this.#answer.isDirect && this.isOut ? this.#answer.room : 0;
  }

  override moved(length: number): void {
    this.#answer.moved(length);
    this.base.sent(length, false);
  }

  send(bytes: Uint8Array): number {
    const { base } = this;
    if (!base.send()) return 0;
    if (this.#answer.isDirect) {
      const sent = this.raw.send(bytes);
      this.#answer.moved(sent);
      base.sent(sent, sent < bytes.length);
      return sent;
    }
    if (bytes.length > 0) this.#answer.data(bytes);
    for (let data; (data = this.#output.take()) !== undefined;) base.write(data);
    base.send();
    return bytes.length;
  }

  override ended(isWhole: boolean): void {
    this.base.sent(0, false);
    this.exchange.transferred(isWhole);
  }
}
