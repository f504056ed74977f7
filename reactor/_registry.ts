import { checkCallback } from "./_callback.ts";
import { names, refuseUnknown } from "./_known.ts";
import type { Clock } from "./clock.ts";
import type { DenoSelector } from "./_deno_selector.ts";
import { describe, text } from "./_describe.ts";
import { Handler, type Kind } from "./_handler.ts";
import { traced } from "./_inspect.ts";
import type { Handle, RegistrationOptions } from "./reactor_options.ts";
import type { Selectable } from "./selectable.ts";
import { whole } from "./_whole.ts";

export const KINDS: readonly Kind[] = ["reader", "writer", "process"];
export const PRIORITIES = 10;

const NO_OPTIONS: RegistrationOptions = {};
const OPTIONS = names<RegistrationOptions>({ priority: 1, where: 1, suspended: 1 });

/**
 * The handlers of a reactor, suspended or not. Each handle has at most one reader, one writer and
 * one process.
 *
 * 1. A handler that is not suspended is active. Active readers and writers are with the selector.
 *    Active processes are called in every step.
 * 2. When a handler is removed or suspended it becomes inactive, and lists that still contain it
 *    skip it. When it is resumed, a new handler takes its place, which is in no list yet.
 * 3. When a suspended handler is removed or resumed, the request that it waits for is undone.
 */
export class Registry {
  #selector: DenoSelector;
  #clock: Clock;
  #trace: boolean;
  #handlers = {
    reader: new Map<Handle, Handler>(),
    writer: new Map<Handle, Handler>(),
    process: new Map<Handle, Handler>(),
  };
  #processes = new Set<Handler>();
  #closed = false;

  constructor(selector: DenoSelector, clock: Clock, trace: boolean) {
    this.#selector = selector;
    this.#clock = clock;
    this.#trace = trace;
  }

  /** Whether there are active processes. */
  get hasProcesses(): boolean {
    return this.#processes.size > 0;
  }

  /** The active processes at this moment. */
  activeProcesses(): readonly Handler[] {
    return this.hasProcesses ? [...this.#processes] : NONE;
  }

  /** All handlers of a kind, suspended or not. */
  all(kind: Kind): Handler[] {
    return [...this.#handlers[kind].values()];
  }

  add(
    kind: Kind,
    handle: Handle,
    callback: (failure?: unknown) => void,
    options: RegistrationOptions = NO_OPTIONS,
  ): void {
    if (options !== NO_OPTIONS) refuseUnknown(`add a ${kind}`, options, OPTIONS);
    const { priority = 0, where, suspended } = options;
    if (kind !== "process" && typeof (handle as Selectable | undefined)?.watch !== "function") {
      throw new TypeError(
        `Cannot add a ${kind} of ${
          describe(handle)
        }: it is not a Selectable; make one of a connection by reactor.adopt()`,
      );
    }
    if (this.#closed) throw new TypeError(`Cannot add a ${kind}: the reactor is shut down`);
    if (priority !== 0) whole(priority, `add a ${kind}: its priority`, 0, PRIORITIES - 1);
    checkCallback(callback, `add a ${kind}`);
    const other = this.#handlers[kind].get(handle);
    if (other !== undefined) {
      const told = [!other.active && "is suspended", text(() => other.where)].filter(Boolean);
      const which = told.length > 0 ? ` (${told.join(", ")})` : "";
      throw new TypeError(
        `Cannot add a ${kind} of ${describe(handle)}: it has one${which}, remove that first`,
      );
    }
    const told = this.#trace ? traced(where) : where;
    const handler = new Handler(kind, handle, callback, priority, told);
    if (suspended) this.#enter(handler);
    else this.#activate(handler);
  }

  /** Refuses new handlers from now on. */
  close(): void {
    this.#closed = true;
  }

  remove(kind: Kind, handle: Handle): void {
    const handler = this.#handlers[kind].get(handle);
    if (handler === undefined) return;
    this.#handlers[kind].delete(handle);
    if (handler.active) this.#deactivate(handler);
    else handler.endSuspend?.();
  }

  suspend(handler: Handler): void {
    this.#deactivate(handler);
  }

  isSuspended(handle: Handle): boolean {
    return KINDS.some((kind) => this.#handlers[kind].get(handle)?.active === false);
  }

  resume(kind: Kind, handle: Handle): void {
    const handler = this.#handlers[kind].get(handle);
    if (handler?.active !== false) {
      throw new TypeError(`Cannot resume a ${kind} of ${describe(handle)}: it is not suspended`);
    }
    this.remove(kind, handle);
    this.#activate(handler.copy());
  }

  #enter(handler: Handler): void {
    // A number that is whole takes no memory of its own.
    handler.since = Math.floor(this.#clock.now());
    this.#handlers[handler.kind].set(handler.handle, handler);
  }

  #activate(handler: Handler): void {
    this.#enter(handler);
    if (handler.kind === "process") {
      handler.active = true;
      this.#processes.add(handler);
      this.#selector.wake();
    } else this.#selector.register(handler);
  }

  #deactivate(handler: Handler): void {
    if (handler.kind !== "process") return this.#selector.unregister(handler);
    handler.active = false;
    this.#processes.delete(handler);
  }
}

const NONE: readonly Handler[] = [];
