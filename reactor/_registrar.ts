import type { Clock } from "./clock.ts";
import type { RegistrationOptions, ShutdownHook } from "./reactor_options.ts";
import type { Selectable } from "./selectable.ts";
import type { Timer } from "./timer.ts";

/**
 * The part of {@linkcode Reactor} that sockets, requests and transfers use. It is written out,
 * because the file of the reactor imports theirs.
 */
export interface Registrar {
  /** As `reactor.clock`. */
  readonly clock: Clock;
  /** As `reactor.currentContext`. */
  readonly currentContext: { readonly active: boolean } | undefined;
  /** As `reactor.addReader`. */
  addReader(
    selectable: Selectable,
    callback: (failure?: unknown) => void,
    options?: RegistrationOptions,
  ): void;
  /** As `reactor.addWriter`. */
  addWriter(
    selectable: Selectable,
    callback: (failure?: unknown) => void,
    options?: RegistrationOptions,
  ): void;
  /** As `reactor.removeReader`. */
  removeReader(selectable: Selectable): void;
  /** As `reactor.removeWriter`. */
  removeWriter(selectable: Selectable): void;
  /** As `reactor.suspend`. */
  suspend(): void;
  /** As `reactor.resumeReader`. */
  resumeReader(selectable: Selectable): void;
  /** As `reactor.resumeWriter`. */
  resumeWriter(selectable: Selectable): void;
  /** As `reactor.addTimer`. */
  addTimer(ms: number, callback: () => void): Timer;
  /** As `reactor.removeTimer`. */
  removeTimer(timer: Timer): void;
  /** As `reactor.addShutdownHook`. */
  addShutdownHook(hook: ShutdownHook): void;
  /** As `reactor.onError`. */
  onError(error: unknown, where: string): void;
  /** As `reactor.removeShutdownHook`. */
  removeShutdownHook(hook: ShutdownHook): void;
}
