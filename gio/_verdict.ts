import { EndOfStream } from "../compose/mod.ts";
import { CannotWait } from "./_cannot_wait.ts";
import type { Channel } from "./_channel.ts";
import type { Outcome } from "./_result.ts";
import type { Cancellation } from "./_runner.ts";

/** What the end of a coroutine means for others. */
export class Verdict {
  readonly #outcome: Outcome<unknown>;
  readonly #connection: Channel | undefined;
  readonly #cancellation: Cancellation | undefined;

  constructor(
    outcome: Outcome<unknown>,
    connection: Channel | undefined,
    cancellation: Cancellation | undefined,
  ) {
    this.#outcome = outcome;
    this.#connection = connection;
    this.#cancellation = cancellation;
  }

  /** Whether the peer could take a part for the whole, so that the connection must be aborted. */
  get isCut(): boolean {
    const outcome = this.#outcome;
    if (!("error" in outcome)) return false;
    const cancellation = this.#cancellation;
    if (cancellation?.hasBegun && outcome.error === cancellation.reason) {
      return !cancellation.isClean;
    }
    return !this.#isQuiet(outcome.error);
  }

  /** Whether it is an error of the program, which somebody must be told. */
  get isError(): boolean {
    const outcome = this.#outcome;
    if (!("error" in outcome) || this.#isQuiet(outcome.error)) return false;
    // A shutdown keeps a cleanup from waiting: nobody can help that.
    return this.#cancellation === undefined || !(outcome.error instanceof CannotWait);
  }

  /** Whether the peer has ended the conversation, or somebody has cancelled the coroutine. */
  #isQuiet(error: unknown): boolean {
    const connection = this.#connection;
    return error instanceof EndOfStream ||
      (error !== undefined && (error === connection?.ended || error === connection?.failed)) ||
      (this.#cancellation !== undefined && error === this.#cancellation.reason);
  }
}
