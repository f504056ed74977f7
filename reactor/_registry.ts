import type { Clock } from "./clock.ts";
import type { DenoSelector } from "./deno_selector.ts";
import { describe } from "./_describe.ts";
import type { Handler } from "./_handler.ts";
import type { CallContext, Handle } from "./reactor_options.ts";
import { isTaken } from "./transfer/_taken.ts";

type Kind = CallContext["kind"];
type ByKind = Record<Kind, Map<Handle, Handler>>;

export const KINDS: readonly Kind[] = ["reader", "writer", "process"];

/**
 * Who is registered with a reactor, and who is suspended: for each handle one reader, one writer and one process at most.
 *
 * 1. Readers and writers that are registered are with the selector.
 * 2. What is removed or suspended is not active any more, so whoever has it in a list passes it over. What is resumed is a new
 *    one, which is in no list yet.
 * 3. Who is suspended for something ends that when it is removed or resumed.
 */
export class Registry {
  #selector: DenoSelector;
  #clock: Clock;
  #registered = byKind();
  #suspended = byKind();

  constructor(selector: DenoSelector, clock: Clock) {
    this.#selector = selector;
    this.#clock = clock;
  }

  /** Whether there are processes that are not suspended, … */
  get hasProcesses(): boolean {
    return this.#registered.process.size > 0;
  }

  /** … and these, as they are now. */
  get processes(): Handler[] {
    return [...this.#registered.process.values()];
  }

  /** All of a kind, suspended or not. */
  all(kind: Kind): Handler[] {
    return [...this.#registered[kind].values(), ...this.#suspended[kind].values()];
  }

  add(handler: Handler): void {
    const { kind, handle } = handler;
    const why = this.#registered[kind].has(handle)
      ? "it has one, remove that first"
      : this.#suspended[kind].has(handle)
      ? "it is suspended, resume it"
      : whyNot(handler);
    if (why !== undefined) {
      throw new TypeError(`Cannot add a ${kind} of ${describe(handle)}: ${why}`);
    }
    this.#activate(handler);
  }

  remove(kind: Kind, handle: Handle): void {
    if (this.#suspended[kind].size > 0) this.#takeSuspended(kind, handle);
    const handler = this.#registered[kind].get(handle);
    if (handler === undefined) return;
    this.#registered[kind].delete(handle);
    if (kind === "process") handler.active = false;
    else this.#selector.unregister(handler);
  }

  suspend(handler: Handler): void {
    this.remove(handler.kind, handler.handle);
    this.#suspended[handler.kind].set(handler.handle, handler);
  }

  isSuspended(handle: Handle): boolean {
    return KINDS.some((kind) => this.#suspended[kind].has(handle));
  }

  resume(kind: Kind, handle: Handle): void {
    const handler = this.#suspended[kind].get(handle);
    const why = handler === undefined ? "it is not suspended" : whyNot(handler);
    if (why !== undefined) {
      throw new TypeError(`Cannot resume a ${kind} of ${describe(handle)}: ${why}`);
    }
    this.#takeSuspended(kind, handle);
    this.#activate(handler!.copy());
  }

  #activate(handler: Handler): void {
    handler.since = this.#clock.now();
    this.#registered[handler.kind].set(handler.handle, handler);
    if (handler.kind === "process") {
      handler.active = true;
      this.#selector.wake();
    } else this.#selector.register(handler);
  }

  #takeSuspended(kind: Kind, handle: Handle): void {
    const handler = this.#suspended[kind].get(handle);
    this.#suspended[kind].delete(handle);
    handler?.endSuspend?.();
  }
}

function byKind(): ByKind {
  return { reader: new Map(), writer: new Map(), process: new Map() };
}

/** Only one who waits for a selectable is told. */
function whyNot({ kind, interest, selectable }: Handler): string | undefined {
  if (kind === "process" || !isTaken(selectable, interest)) return;
  return "a transfer has it, wait for that first";
}
