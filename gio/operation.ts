import { Command } from "../compose/mod.ts";
import type { Gio } from "./gio.ts";

/**
 * Something a coroutine waits for that is neither reading nor writing: `yield* operation` starts it, and
 * continues with its result when it is settled.
 *
 * {@linkcode wait}, {@linkcode sleep} and {@linkcode suspend} are operations; a new kind is a subclass that
 * starts something in `start`, calls `gio.resume(this, result)` or `gio.fail(this, error)` when it is over, and
 * undoes it in `cancel`. The first settlement counts, later ones are ignored.
 *
 * @typeParam R What `yield*` gives.
 *
 * @example Waiting for an event
 * ```ts
 * import { asProcess, type Gio, Operation } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * class NextEvent extends Operation<Event> {
 *   constructor(readonly target: EventTarget, readonly type: string) {
 *     super();
 *   }
 *   override start(gio: Gio): void {
 *     this.target.addEventListener(this.type, (event) => gio.resume(this, event), { once: true });
 *   }
 * }
 *
 * const target = new EventTarget();
 * const process = asProcess(function* () {
 *   const event: Event = yield* new NextEvent(target, "ping");
 *   return event.type;
 * }());
 * target.dispatchEvent(new Event("ping"));
 * assertEquals(await process, "ping");
 * ```
 */
export abstract class Operation<R = void> extends Command<R> {
  /** Begins it: called once, by the {@linkcode Gio} whose coroutine yielded it. */
  abstract start(gio: Gio): void;

  /** Whether it begins only when all that was written has been accepted. */
  get flushes(): boolean {
    return false;
  }

  /** Undoes it: called when the coroutine is cancelled, or an error was thrown into it, before it is settled. */
  cancel(): void {}
}
