import type { Request, Waiter } from "../compose/mod.ts";
import { type Lender, type Reactor, TransferError } from "../reactor/mod.ts";
import { Channel } from "./_channel.ts";
import type { Context } from "./context.ts";

/** What a request has answered. */
export interface Answer {
  readonly how: "next" | "throw";
  readonly value: unknown;
}

/** Whose coroutine waits. */
interface Asker {
  readonly reactor: Reactor;
  readonly lending: Lender;
  answered(waiting: Waiting, answer: Answer): void;
}

/** Waits for the answer to one request, of which the first counts. */
export class Waiting implements Waiter {
  readonly #driver: Asker;
  #state: "beginning" | "waiting" | "over" = "beginning";
  #answer: Answer | undefined;
  #isShielded = false;
  #undo: (() => void) | void = undefined;

  constructor(driver: Asker) {
    this.#driver = driver;
  }

  /** What runs the coroutine. */
  get reactor(): Reactor {
    return this.#driver.reactor;
  }

  /** Of transfers. */
  get lender(): Lender {
    return this.#driver.lending;
  }

  /** Whether who is cancelled goes on waiting. */
  get isShielded(): boolean {
    return this.#isShielded;
  }

  /** Begins; gives the answer if there is one at once. */
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

  /** The coroutine does not wait any more. */
  end(): void {
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

/** A transfer was cut at one end: that half of it is over. */
function noteBroken(error: TransferError): void {
  const { side, end } = error;
  if (end === undefined || !("recv" in end)) return;
  const channel = Channel.of(end as Context);
  if (side === "from") channel.ended ??= error;
  else channel.failed ??= error;
}
