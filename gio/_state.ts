import type { Channel, User } from "./_channel.ts";

/**
 * How a driver goes on with its coroutine: it resumes it by one of the three methods of generators,
 * or, by "yielded", does what the coroutine has yielded already.
 */
export type How = "next" | "throw" | "return" | "yielded";

/** What a coroutine stands still for. */
export abstract class Standing {
  /** The coroutine does not wait for it any more. */
  stop(): void {}
}

/** It waits until something arrives. */
export class Reading extends Standing {
  constructor(readonly channel: Channel, readonly user: User) {
    super();
  }

  override stop(): void {
    this.channel.forget(this.user);
  }
}

/** It goes on by `how` with `value`. */
export abstract class Paused extends Standing {
  /** Whether it could go on, and waits for its turn. */
  isInLine = false;

  constructor(readonly how: How, readonly value: unknown) {
    super();
  }
}

/** It waits until what was written has been accepted. */
export class Writing extends Paused {}

/** It waits for its turn. */
export class Later extends Paused {}

/** It waits until a context that takes values takes the next one. */
export class Offering extends Paused {
  constructor(readonly channel: Channel, readonly user: User, how: How, value: unknown) {
    super(how, value);
  }

  override stop(): void {
    this.channel.leave(this.user);
  }
}
