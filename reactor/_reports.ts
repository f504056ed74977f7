import { text } from "./_describe.ts";
import { catchRejection } from "./_ignore.ts";
import type { ReactorEvents } from "./events.ts";
import { makeErrorsPrintable } from "./_printable.ts";
import type { ReactorOptions } from "./reactor_options.ts";

export const EVENTS = ["accepted", "closed", "received", "sent", "error", "step"] as const;

/** Passes on errors that nobody waits for, and events. */
export class Reports {
  /**
   * The events of the options. An error that one of them throws is reported; the caller goes on.
   */
  readonly events: ReactorEvents;
  #onError: (error: unknown, where: string) => void;
  #thrown: { error: unknown } | undefined;

  constructor({ onError = toConsole, events }: ReactorOptions) {
    makeErrorsPrintable();
    this.#onError = onError;
    this.events = events === undefined ? {} : this.#guarded(events);
  }

  /**
   * Reports an error.
   *
   * @throws The error itself if it is an AssertionError.
   */
  report(error: unknown, where: string): void {
    if (isAssertionError(error)) throw error;
    this.#tell(error, where);
  }

  /** Does a part of a shutdown. The shutdown goes on even if the part fails. */
  attempt(what: string, act: () => void): void {
    try {
      try {
        act();
      } catch (error) {
        this.#tell(error, what);
      }
    } catch (error) {
      this.#thrown ??= { error };
    }
  }

  rethrow(): void {
    if (this.#thrown !== undefined) throw this.#thrown.error;
  }

  #tell(error: unknown, where: string): void {
    this.events.error?.(error, where);
    this.#callOnError(error, where);
  }

  #callOnError(error: unknown, where: string): void {
    catchRejection(this.#onError(error, where), (failure) => toConsole(failure, "onError"));
  }

  #guarded(events: ReactorEvents): ReactorEvents {
    const guarded: Record<string, (...args: unknown[]) => void> = {};
    for (const name of EVENTS) {
      if (events[name] === undefined) continue;
      const report = (error: unknown) => {
        if (name === "error") this.#callOnError(error, "event error");
        else this.report(error, `event ${name}`);
      };
      guarded[name] = (...args) => {
        try {
          catchRejection(
            (events[name] as (...args: unknown[]) => unknown).apply(events, args),
            report,
          );
        } catch (error) {
          report(error);
        }
      };
    }
    return guarded;
  }
}

function toConsole(error: unknown, where: string): void {
  try {
    console.error(`Error in ${where}:`, error);
  } catch {
    console.error(`Error in ${where}: of which nothing can be told`);
  }
}

/** Compares the name: `@std/assert` and `node:assert` have different classes. */
function isAssertionError(error: unknown): boolean {
  return text(() => error instanceof Error && error.name) === "AssertionError";
}
