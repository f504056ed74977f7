import { describe } from "./_describe.ts";
import type { CallContext, Handle, Inspected } from "./reactor_options.ts";
import type { Interest, Selectable } from "./selectable.ts";
import type { Registration } from "./selector.ts";

/** One reader, writer or process of a reactor. */
export class Handler implements Registration, CallContext {
  readonly kind: CallContext["kind"];
  readonly interest: Interest;
  readonly handle: Handle;
  readonly callback: () => void;
  readonly priority: number;
  active = false;
  queued = false;
  bad = false;
  notify: () => void = ignore;
  where: { toString(): string } | undefined = undefined;
  /** Ends what it is suspended for, when it is not suspended any more. */
  endSuspend: (() => void) | undefined = undefined;
  /** The step in which it was added: it is not for that one. */
  step = 0;
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

  /** The same, as if it had just been added. */
  copy(): Handler {
    const handler = new Handler(this.kind, this.handle, this.callback, this.priority);
    handler.where = this.where;
    return handler;
  }

  inspect(now: number): Inspected {
    const where = this.where?.toString();
    return {
      kind: this.kind,
      what: describe(this.handle),
      priority: this.priority,
      suspended: !this.active,
      ageMs: now - this.since,
      ...(where && { where }),
    };
  }

  toString(): string {
    const where = this.where?.toString() ?? this.callback.name;
    return `${this.kind} of ${describe(this.handle)}${where ? ` (${where})` : ""}`;
  }
}

function ignore(): void {}
