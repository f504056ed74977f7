import { type Coroutine, EndOfStream, isRequest } from "../../compose/mod.ts";
import type { Context } from "../../gio/mod.ts";
import { closedError } from "../../reactor/_closed_error.ts";
import { Waiters } from "../../reactor/_waiters.ts";
import { ofResponse } from "../_faults.ts";
import type { BodyContext } from "./_body_context.ts";

/** The body of a response, decoded: reads another context through a stage. */
export class DecodedContext implements Context {
  readonly writable = false;
  readonly #body: BodyContext;
  readonly #stage: Coroutine<void>;
  /**
   * What the stage does: it wants more of the body, it waits for something else (and is told so),
   * it has made a piece, it has ended, or it has failed.
   */
  #state: "wants more" | "waits" | { piece: Uint8Array } | "over" | { error: unknown };
  #isClosed = false;
  readonly #waiters = new Waiters();

  constructor(body: BodyContext, stage: Coroutine<void>) {
    this.#body = body;
    this.#stage = stage;
    this.#state = "waits";
    this.#step("next", undefined);
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  get readable(): boolean {
    if (this.#isClosed) return true;
    return this.#state === "wants more" ? this.#body.readable : this.#state !== "waits";
  }

  recv(max: number = Infinity): Uint8Array | null | undefined {
    if (this.#isClosed) throw closedError("receive");
    for (;;) {
      const state = this.#state;
      if (state === "waits") return undefined;
      if (state === "over") return null;
      if (typeof state === "object") {
        if ("error" in state) throw state.error;
        const { piece } = state;
        if (piece.length > max) {
          this.#state = { piece: piece.subarray(max) };
          return piece.subarray(0, max);
        }
        this.#step("next", undefined);
        if (piece.length > 0) return piece;
        continue;
      }
      const received = this.#body.recv();
      if (received === undefined) return undefined;
      if (received === null) this.#step("throw", new EndOfStream("The body has ended"));
      else this.#step("next", received);
    }
  }

  /** Runs the stage until it has something, or needs something. */
  #step(how: "next" | "throw", value: unknown): void {
    this.#state = "waits";
    let result: IteratorResult<unknown, void>;
    try {
      result = this.#stage[how](value);
    } catch (error) {
      return this.#fail(error);
    }
    const { value: yielded } = result;
    if (result.done) this.#state = "over";
    else if (yielded === undefined) this.#state = "wants more";
    else if (isRequest(yielded)) {
      yielded.begin({
        resume: (answer) => this.#answered("next", answer),
        fail: (error) => this.#answered("throw", error),
      });
    } else this.#state = { piece: yielded as Uint8Array };
  }

  #answered(how: "next" | "throw", answer: unknown): void {
    if (this.#isClosed) return;
    this.#step(how, answer);
    if (this.readable) this.#waiters.read?.();
    else if (this.#state === "wants more" && this.#waiters.read !== undefined) {
      this.#body.watch("read", this.#waiters.read);
    }
  }

  #fail(error: unknown): void {
    this.#state = { error: ofResponse(error) };
    this.#body.fail(error);
  }

  send(): never {
    throw new TypeError("Cannot write to the body of a response: it is only read");
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#stage.return(undefined);
    } finally {
      this.#body.close();
    }
    this.#waiters.tellBoth();
  }

  watch(interest: "read" | "write", notify: () => void): void {
    if (!this.#waiters.add(this, interest, notify)) return;
    if (interest === "read" && this.#state === "wants more") this.#body.watch("read", notify);
  }

  unwatch(interest: "read" | "write"): void {
    this.#waiters[interest] = undefined;
    if (interest === "read") this.#body.unwatch("read");
  }

  describe(): string {
    return this.#body.describe();
  }
}
