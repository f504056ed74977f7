import type { Request, Waiter } from "../compose/mod.ts";
import { type Reactor, TransferError } from "../reactor/mod.ts";
import { Framed } from "../reactor/transfer/_framed.ts";
import type { Lender } from "../reactor/transfer/transfer.ts";
import { Channel } from "./_channel.ts";
import type { Context } from "./context.ts";
import { Standing, type Waits } from "./_state.ts";

/** What a request has answered. */
export interface Answer {
  readonly how: "next" | "throw";
  readonly value: unknown;
}

/** The driver of the coroutine that waits. */
export interface Asker {
  readonly reactor: Reactor;
  readonly lending: Lender;
  /** The answer has come. */
  answered(waiting: Waiting, answer: Answer): void;
}

/** It waits for the answer to one request. Only the first answer counts. */
export class Waiting extends Standing implements Waiter {
  readonly #driver: Asker;
  #state: "beginning" | "waiting" | "over" = "beginning";
  #answer: Answer | undefined;
  #isShielded = false;
  #undo: (() => void) | void = undefined;

  constructor(driver: Asker) {
    super();
    this.#driver = driver;
  }

  /** For requests: the reactor that runs the coroutine. */
  get reactor(): Reactor {
    return this.#driver.reactor;
  }

  /** For transfers. */
  get lender(): Lender {
    return this.#driver.lending;
  }

  /** Whether a coroutine that is cancelled waits for the answer all the same. */
  get isShielded(): boolean {
    return this.#isShielded;
  }

  /** Begins the request. Returns the answer if it comes at once. */
  begin(request: Request<unknown> & { readonly isShielded?: boolean }): Answer | undefined {
    this.#isShielded = request.isShielded ?? false;
    try {
      this.#undo = request.begin(this);
    } catch (error) {
      this.#state = "over";
      throw error;
    }
    if (this.#state === "beginning") this.#state = "waiting";
    return this.#answer;
  }

  resume(value: unknown): void {
    this.#settle({ how: "next", value });
  }

  fail(error: unknown): void {
    if (this.#state === "over") return;
    if (error instanceof TransferError) noteBroken(error);
    this.#settle({ how: "throw", value: error });
  }

  override get waits(): Waits {
    return "for an answer";
  }

  override stop(): void {
    this.#state = "over";
    this.#undo?.();
  }

  #settle(answer: Answer): void {
    const state = this.#state;
    if (state === "over") return;
    this.#state = "over";
    if (state === "beginning") this.#answer = answer;
    else this.#driver.answered(this, answer);
  }
}

/** A transfer that fails breaks one direction of the context at which it failed. */
function noteBroken(error: TransferError): void {
  const { side, cause } = error;
  let { end } = error;
  if (end instanceof Framed) {
    const { fault, raw } = end;
    if (fault !== undefined && fault === cause) return;
    end = raw;
  }
  if (end === undefined || !("recv" in end)) return;
  const channel = Channel.of(end as Context);
  if (side === "from") channel.ended ??= error;
  else channel.failed ??= error;
}
