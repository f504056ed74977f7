import type { Timer } from "../reactor/mod.ts";
import type { Gio } from "./gio.ts";
import { Operation } from "./operation.ts";

class Sleep extends Operation {
  readonly #ms: number;
  #gio: Gio | undefined;
  #timer: Timer | undefined;

  constructor(ms: number) {
    super();
    this.#ms = ms;
  }

  override start(gio: Gio): void {
    this.#gio = gio;
    this.#timer = gio.reactor.addTimer(this.#ms, () => gio.resume(this, undefined));
  }

  override cancel(): void {
    this.#gio!.reactor.removeTimer(this.#timer!);
  }
}

/**
 * Lets `ms` milliseconds pass on the reactor's clock: `yield* sleep(100)`.
 *
 * @param ms How long, in milliseconds.
 * @returns The operation to `yield*`.
 *
 * @example Sleeping for a millisecond
 * ```ts
 * import { asProcess, sleep } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const result = await asProcess(function* () {
 *   yield* sleep(1);
 *   return "awake";
 * }());
 * assertEquals(result, "awake");
 * ```
 */
export function sleep(ms: number): Operation {
  return new Sleep(ms);
}
