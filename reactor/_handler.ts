import { describe, text } from "./_describe.ts";
import type { CallContext, Handle } from "./reactor_options.ts";
import type { Interest, Selectable } from "./selectable.ts";

/** One reader, writer or process of a reactor, and what its selector knows of it. */
export class Handler implements CallContext {
  readonly interest: Interest;
  /** `false` once it is removed or suspended: it must not be called any more. */
  active = false;
  /** Whether it is in a list of ready ones. */
  queued = false;
  /** Waiting for it failed: it is called once more, and removed. */
  bad = false;
  /** Why; its callback gets it. */
  failure: unknown = undefined;
  /** What is passed to `selectable.watch`. */
  notify: () => void = ignore;
  /** Ends what it is suspended for, when it is not suspended any more. */
  endSuspend: (() => void) | undefined = undefined;
  since = 0;

  constructor(
    readonly kind: CallContext["kind"],
    readonly handle: Handle,
    readonly callback: (failure?: unknown) => void,
    readonly priority: number,
    readonly where: { toString(): string } | undefined,
  ) {
    this.interest = kind === "reader" ? "read" : "write";
  }

  get selectable(): Selectable {
    return this.handle as Selectable;
  }

  /** Whether it can be called without blocking. */
  get isReady(): boolean {
    const { selectable } = this;
    return this.interest === "read" ? selectable.readable : selectable.writable;
  }

  /** The same, as if it had just been added. */
  copy(): Handler {
    return new Handler(this.kind, this.handle, this.callback, this.priority, this.where);
  }

  toString(): string {
    const where = text(() => this.where) || text(() => this.callback.name);
    return `${this.kind} of ${describe(this.handle)}${where && ` (${where})`}`;
  }
}

function ignore(): void {}
