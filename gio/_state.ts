import type { Inspected } from "../reactor/mod.ts";
import type { Channel, User } from "./_channel.ts";

/** As `Inspected.waits` tells it. */
export type Waits = NonNullable<Inspected["waits"]>;

/**
 * How a driver goes on with its coroutine: it resumes it by one of the three methods of generators,
 * or, by "yielded", does what the coroutine has yielded already.
 */
export type How = "next" | "throw" | "return" | "yielded";

/** What a coroutine stands still for. */
export abstract class Standing {
  /** What it waits for. */
  abstract get waits(): Waits;

  /** The coroutine does not wait for it any more. */
  stop(): void {}
}

/** It waits until something arrives. */
export class Reading extends Standing {
  constructor(readonly channel: Channel, readonly user: User) {
    super();
  }

  override get waits(): Waits {
    return "to read";
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
export class Writing extends Paused {
  override get waits(): Waits {
    return "to write";
  }
}

/** It waits for its turn. */
export class Later extends Paused {
  /** @param of The request whose answer it is about to get. */
  constructor(how: How, value: unknown, readonly of: Standing | undefined = undefined) {
    super(how, value);
  }

  override get waits(): Waits {
    return "for its turn";
  }

  /** It does not get the answer. */
  override stop(): void {
    this.of?.stop();
  }
}

/** It waits until a context that takes values takes the next one. */
export class Offering extends Paused {
  constructor(readonly channel: Channel, readonly user: User, how: How, value: unknown) {
    super(how, value);
  }

  override get waits(): Waits {
    return "to write";
  }

  override stop(): void {
    this.channel.leave(this.user);
  }
}
