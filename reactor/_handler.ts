import { describe, text } from "./_describe.ts";
import type { CallContext, Handle } from "./reactor_options.ts";
import type { Interest, Selectable } from "./selectable.ts";

/** One reader, writer or process of a reactor, and what its selector knows of it. */
export class Handler implements CallContext {
  readonly kind: CallContext["kind"];
  readonly interest: Interest;
  readonly handle: Handle;
  readonly callback: () => void;
  readonly priority: number;
  /** `false` once it is removed or suspended: it must not be called any more. */
  active = false;
  /** Whether it is in a list of ready ones. */
  queued = false;
  /** Waiting for it failed: it is called once more, and removed. */
  bad = false;
  /** What is passed to `selectable.watch`. */
  notify: () => void = ignore;
  where: { toString(): string } | undefined = undefined;
  /** Ends what it is suspended for, when it is not suspended any more. */
  endSuspend: (() => void) | undefined = undefined;
  since = 0;

  constructor(
    kind: CallContext["kind"],
    handle: Handle,
    callback: () => void,
    priority: number,
  ) {
    this.kind = kind;
    this.interest = kind === "reader" ? "read" : "write";
    this.handle = handle;
    this.callback = callback;
    this.priority = priority;
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
    const handler = new Handler(this.kind, this.handle, this.callback, this.priority);
    handler.where = this.where;
    return handler;
  }

  toString(): string {
    const where = text(() => this.where) || text(() => this.callback.name);
    return `${this.kind} of ${describe(this.handle)}${where && ` (${where})`}`;
  }
}

function ignore(): void {}
