import type { Coroutine } from "../../compose/mod.ts";
import { type Gio, gio } from "../../gio/gio.ts";
import type { Timer } from "../../reactor/mod.ts";
import type { Exchange } from "./_carrier.ts";
import type { Content } from "./_content.ts";
import { RequestBody, type RequestCarrier } from "./_request_body.ts";

/** What an {@linkcode Upload} tells. */
export interface UploadUser extends RequestCarrier {
  /** The content was given to the connection. */
  uploaded(): void;
  /** The content is not complete, and there is no more. */
  uploadFailed(error: unknown): void;
}

/**
 * Sends the content of requests, one after the other: at once, or when a 100 has come, or as its
 * coroutine yields it.
 */
export class Upload {
  readonly #user: UploadUser;
  /** It waits for a 100, its coroutine runs, or there is nothing to be sent. */
  #state: { readonly held: Content } | Gio | "over" = "over";
  #length: number | undefined = 0;
  /** Ends the wait for a 100. */
  #timer: Timer | undefined = undefined;

  constructor(user: UploadUser) {
    this.#user = user;
  }

  /** Begins with the content of another request, whose head has been sent. */
  begin({ content, continueMs, head }: Exchange): void {
    if (content === undefined) return;
    this.#length = head.length;
    this.#state = { held: content };
    if (continueMs === 0) this.proceed();
    else this.#timer = this.#user.reactor.addTimer(continueMs, () => this.proceed());
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  /** Whether its coroutine runs. */
  get isRunning(): boolean {
    return this.#state !== "over" && !("held" in this.#state);
  }

  /** Sends what was held back until a 100 comes. */
  proceed(): void {
    const state = this.#state;
    if (state === "over" || !("held" in state)) return;
    this.cancel();
    const { data } = state.held;
    if (typeof data !== "function") {
      this.#user.sendWhole(data);
      return this.#user.uploaded();
    }
    const body = new RequestBody(this.#user, this.#length);
    let coroutine: Coroutine;
    try {
      coroutine = data(); // A stream may be locked.
    } catch (error) {
      return this.#user.uploadFailed(error);
    }
    // What it throws at once comes to `fail` too.
    const task = this.#state = gio(this.#user.reactor, body, coroutine, { keepOpen: true });
    task.begin({
      resume: () => {
        if (this.#state !== task) return;
        try {
          body.end();
        } catch (error) {
          return this.#user.uploadFailed(error);
        }
        this.#state = "over";
        this.#user.uploaded();
      },
      fail: (error) => {
        if (this.#state === task) this.#user.uploadFailed(error);
      },
    });
  }

  /** The final response has come: what is held back is not sent any more. Returns whether there is any. */
  dropHeld(): boolean {
    const isHeld = this.#state !== "over" && "held" in this.#state;
    if (isHeld) this.cancel();
    return isHeld;
  }

  /** Nothing more is to be sent. */
  cancel(): void {
    const state = this.#state;
    this.#state = "over";
    if (this.#timer !== undefined) this.#user.reactor.removeTimer(this.#timer);
    this.#timer = undefined;
    if (state !== "over" && !("held" in state)) state.cancel();
  }
}
