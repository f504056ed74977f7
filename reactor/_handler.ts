import { ignore } from "./_ignore.ts";
import { describe, text } from "./_describe.ts";
import type { Handle } from "./reactor_options.ts";
import type { Interest, Selectable } from "./selectable.ts";

/** What a handler was registered as. */
export type Kind = "reader" | "writer" | "process";

/** One reader, writer or process of a reactor, and its state in the selector. */
export class Handler {
  /** Is `false` when it is removed or suspended. Then it must not be called any more. */
  active = false;
  /** Whether it is in a list of ready handlers. */
  queued = false;
  /** Whether waiting for it failed. Then it is called once more and removed. */
  bad = false;
  /** Why; its callback gets it. */
  failure: unknown = undefined;
  /** What is passed to `selectable.watch`. */
  notify: () => void = ignore;
  /** Undoes the request that it is suspended for. Called when it is removed or resumed. */
  endSuspend: (() => void) | undefined = undefined;
  since = 0;

  constructor(
    readonly kind: Kind,
    readonly handle: Handle,
    readonly callback: (failure?: unknown) => void,
    readonly priority: number,
    readonly where: { toString(): string } | undefined,
  ) {}

  get interest(): Interest {
    return this.kind === "reader" ? "read" : "write";
  }

  get selectable(): Selectable {
    return this.handle as Selectable;
  }

  /** Whether it can be called without blocking. */
  get isReady(): boolean {
    const { selectable } = this;
    return this.interest === "read" ? selectable.readable : selectable.writable;
  }

  /** Makes the same handler again, as if it had just been added. */
  copy(): Handler {
    return new Handler(this.kind, this.handle, this.callback, this.priority, this.where);
  }

  toString(): string {
    const where = text(() => this.where) || text(() => this.callback.name);
    return `${this.kind} of ${describe(this.handle)}${where && ` (${where})`}`;
  }
}
