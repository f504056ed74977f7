import type { Channel } from "./_channel.ts";
import type { Farewell } from "./_farewell.ts";
import type { Waiting } from "./_waiting.ts";

/** How a coroutine goes on; by "yielded" its driver does what it has yielded already. */
export type How = "next" | "throw" | "return" | "yielded";

/** Stands still until what was written has been accepted. */
export class Writing {
  constructor(readonly how: How, readonly value: unknown) {}
}

/** Stands still until a context of values takes another one. */
export class Offering {
  constructor(readonly channel: Channel, readonly how: How, readonly value: unknown) {}
}

/** Goes on in the next step of the reactor. */
export class Later {
  constructor(readonly how: How, readonly value: unknown) {}
}

/** What a driver does: it runs, or its coroutine stands still for something, or has ended. */
export type State =
  | "fresh"
  | "running"
  /** Until something arrives at the innermost context. */
  | "reading"
  | Writing
  | Offering
  | Later
  /** Until a request is answered. */
  | Waiting
  /** For good: there is something left to be done. */
  | Farewell;
