import { Request, type Waiter } from "../compose/mod.ts";

/*
 * What a coroutine opens, spawns or arms belongs to a scope and ends with the scope, in whatever
 * way that ends. A coroutine that gio runs has a scope, and so has each request of an HTTP
 * connection. What a coroutine returns moves to the scope of its caller.
 */

/** Something that belongs to a scope. */
export interface Owned {
  scope: Scope | undefined;
  /** The context, for one that somebody has opened. */
  readonly context?: object;
  /**
   * Ends it, because its scope has ended. If that takes time, it must call {@linkcode Scope.disown}
   * when it has ended.
   *
   * @param isCut Whether a connection must not end as if all had been said.
   */
  end(isCut: boolean): void;
}

/** Gets the errors of things that cannot be ended. */
interface Owner {
  report(error: unknown): void;
}

export class Scope {
  readonly #owner: Owner;
  #owned: Set<Owned> | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(owner: Owner) {
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

  /** Whether nothing belongs to it. */
  get isIdle(): boolean {
    return this.#owned === undefined || this.#owned.size === 0;
  }

  /**
   * Ends all that belongs to it, the newest first.
   *
   * @param isCut Whether connections must not end as if all had been said.
   * @param whenIdle Is called when all has ended, unless all ends at once.
   */
  end(isCut: boolean, whenIdle: () => void): void {
    for (const thing of [...this.#owned ?? []].reverse()) {
      try {
        thing.end(isCut);
      } catch (error) {
        this.#owner.report(error);
      }
    }
    if (!this.isIdle) this.#whenIdle = whenIdle;
  }

  /** Moves what is in `value` to another scope, or everything if no value is given. */
  give(to: Scope | undefined, ...value: unknown[]): void {
    for (const thing of this.#owned ?? []) {
      if (value.length > 0 && !holds(value, thing)) continue;
      this.#owned!.delete(thing);
      thing.scope = undefined;
      to?.own(thing);
    }
  }
}

/** A value is searched this many levels of arrays and objects deep. */
const MAX_LEVELS = 4;

/** Whether a thing is in a value. A value that cannot be searched holds nothing. */
function holds(value: unknown, thing: Owned): boolean {
  try {
    return isIn(value, thing, MAX_LEVELS);
  } catch {
    return false;
  }
}

function isIn(value: unknown, thing: Owned, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (value === thing) return true;
  const { context } = thing;
  if (
    context !== undefined && (value === context || "context" in value && value.context === context)
  ) {
    return true;
  }
  if (levels === 0 || ArrayBuffer.isView(value)) return false;
  const parts = value instanceof Map || value instanceof Set
    ? value.values()
    : Object.values(value);
  for (const part of parts) if (isIn(part, thing, levels - 1)) return true;
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
