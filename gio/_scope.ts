import { Request, type Waiter } from "../compose/mod.ts";

/*
 * What a coroutine opened, spawned or armed belongs to a scope, and ends with it, whatever the way out: the coroutine that
 * gio runs has one, each request of an HTTP connection another. What is given away, as a result, changes its scope.
 */

/** What belongs to a scope. */
export interface Owned {
  scope: Scope | undefined;
  /** The context, if it is one that somebody has opened. */
  readonly context?: object;
  /** The scope has ended. Whatever takes time to end leaves the scope by {@linkcode Scope.disown} when it has. */
  end(cut: boolean): void;
}

export class Scope {
  readonly #owner: { report(error: unknown): void };
  #owned: Set<Owned> | undefined;
  #whenIdle: (() => void) | undefined;

  /** What cannot be ended is reported, and does not keep the others. */
  constructor(owner: { report(error: unknown): void }) {
    this.#owner = owner;
  }

  own(thing: Owned): void {
    thing.scope = this;
    (this.#owned ??= new Set()).add(thing);
  }

  disown(thing: Owned): void {
    if (thing.scope === this) thing.scope = undefined;
    if (this.#owned?.delete(thing) && this.#owned.size === 0) this.#whenIdle?.();
  }

  /** Whether there is nothing, any more. */
  get isIdle(): boolean {
    return this.#owned === undefined || this.#owned.size === 0;
  }

  /**
   * Ends all that there is, the newest first. Tasks may have something to do yet: `whenIdle` is called then, unless that is
   * now.
   *
   * @param cut Whether it was cut off: then connections do not end as if all had been said.
   */
  end(cut: boolean, whenIdle: () => void): void {
    for (const thing of [...this.#owned ?? []].reverse()) {
      try {
        thing.end(cut);
      } catch (error) {
        this.#owner.report(error);
      }
    }
    if (!this.isIdle) this.#whenIdle = whenIdle;
  }

  /** Gives another scope what is in a value that goes there; all there is, if no value is said. */
  give(to: Scope | undefined, ...value: unknown[]): void {
    for (const thing of this.#owned ?? []) {
      if (value.length > 0 && !holds(value, thing)) continue;
      this.#owned!.delete(thing);
      thing.scope = undefined;
      to?.own(thing);
    }
  }
}

/** So deep in arrays and objects it is looked for what is given away. */
const DEEP = 4;

/** What cannot be looked through holds nothing. */
function holds(value: unknown, thing: Owned): boolean {
  try {
    return isIn(value, thing, DEEP);
  } catch {
    return false;
  }
}

function isIn(value: unknown, thing: Owned, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (value === thing) return true;
  const { context } = thing;
  if (
    context !== undefined && (value === context || "context" in value && value.context === context)
  ) {
    return true;
  }
  if (depth === 0 || ArrayBuffer.isView(value)) return false;
  const parts = value instanceof Map || value instanceof Set
    ? value.values()
    : Object.values(value);
  for (const part of parts) if (isIn(part, thing, depth - 1)) return true;
  return false;
}

/** Ends a scope, at once; as a request it waits until everything has ended. */
export class ScopeEnd extends Request {
  readonly #scope: Scope;
  #waiter: Waiter<void> | undefined;

  constructor(scope: Scope, isCut: boolean) {
    super();
    this.#scope = scope;
    scope.end(isCut, () => this.#waiter?.resume());
  }

  get isOver(): boolean {
    return this.#scope.isIdle;
  }

  override begin(waiter: Waiter<void>): void {
    this.#waiter = waiter;
    if (this.isOver) waiter.resume();
  }
}
