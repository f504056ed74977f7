import type { Clock } from "./clock.ts";
import type { ReactorEvents } from "./events.ts";
import type { Selectable } from "./selectable.ts";
import type { Socket } from "./socket.ts";
import type { Timer } from "./timer.ts";

/**
 * The back end of a {@linkcode Reactor}. `"deno"` works everywhere. `"epoll"` is faster and
 * smaller, and needs Linux and `--allow-ffi`. `"auto"` is `"epoll"` if that is allowed already,
 * otherwise `"deno"`. Nobody is ever prompted.
 *
 * Deno does not close what was accepted with `"epoll"`: shut down the reactor of a worker before
 * you call its `terminate()`.
 *
 * @category Reactor
 */
export type SelectorName = "auto" | "deno" | "epoll";

/**
 * What {@linkcode Reactor.addProcess} calls in every step: a function, or a coroutine, which is
 * resumed.
 *
 * A coroutine yields nothing to let others go first, or a {@linkcode Suspend} to wait for
 * something. When it returns, it is removed.
 *
 * @example Two coroutines that take turns
 * ```ts
 * import { type Process, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: string[] = [];
 * function* count(name: string): Generator<undefined, void> {
 *   for (let i = 1; i <= 2; i++) {
 *     seen.push(name + i);
 *     yield;
 *   }
 * }
 * using reactor = new Reactor();
 * const processes: Process[] = [count("a"), count("b")];
 * for (const process of processes) reactor.addProcess(process);
 * while (reactor.step() > 0);
 * assertEquals(seen, ["a1", "b1", "a2", "b2"]);
 * ```
 *
 * @category Reactor
 */
export type Process = (() => void) | Generator<unknown, unknown, unknown>;

/**
 * What a callback can be registered for.
 *
 * @category Reactor
 */
export type Handle = Selectable | Process | Timer;

/**
 * Options of {@linkcode Reactor}.
 *
 * @example Errors to a log of one's own
 * ```ts
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * using reactor = new Reactor({ onError: (error, where) => log.push(`${where}: ${error}`) });
 * reactor.addTimer(0, function cleanUp() {
 *   throw new Error("nothing there");
 * });
 * reactor.step();
 * assertEquals(log, ["timer cleanUp: Error: nothing there"]);
 * ```
 *
 * @category Reactor
 */
export interface ReactorOptions {
  /**
   * The back end.
   *
   * @default {"auto"}
   */
  selector?: SelectorName;
  /**
   * The source of time.
   *
   * @default {performance.now}
   */
  clock?: Clock;
  /**
   * Called with errors that callbacks throw, and with what threw them, for example `reader of tcp
   * 127.0.0.1:80`. An error that it throws itself goes out of `step()` and `run()`.
   *
   * @default {console.error}
   */
  onError?: (error: unknown, where: string) => void;
  /**
   * Called by {@linkcode Reactor.shutdown} with a line for each thing that is still registered.
   *
   * @default {nobody}
   */
  onShutdown?: (left: string[]) => void;
  /**
   * Callbacks for measurements.
   *
   * @default {nobody}
   */
  events?: ReactorEvents;
  /**
   * Whether to remember, for messages, where in the program each thing is registered. This takes
   * time.
   *
   * @default {false}
   */
  trace?: boolean;
  /**
   * How long a closed socket may take to send what it accepted, in milliseconds.
   *
   * @default {5000}
   */
  lingerMs?: number;
}

/**
 * Options of {@linkcode Reactor.addReader}, {@linkcode Reactor.addWriter} and
 * {@linkcode Reactor.addProcess}.
 *
 * @category Reactor
 */
export interface RegistrationOptions {
  /**
   * 0 (called in every step) to 9 (called in one step of ten).
   *
   * @default {0}
   */
  priority?: number;
  /**
   * Its text tells what the callback is doing, for messages and {@linkcode Reactor.inspect}, for
   * example where a coroutine stands.
   */
  where?: { toString(): string };
  /**
   * Whether a reader or writer begins suspended, until it is resumed.
   *
   * @default {false}
   */
  suspended?: boolean;
}

/**
 * What is called when a reactor shuts down: a function, or the method `abandon` of an object. An
 * object may also tell {@linkcode Reactor.inspect} what it is doing.
 *
 * @category Reactor
 */
export type ShutdownHook = (() => void) | { abandon(): void; inspected?(): Inspected | undefined };

/**
 * Options of {@linkcode Reactor.listening}.
 *
 * @category Sockets
 */
export interface ListeningOptions {
  /**
   * Whether TCP connections send small pieces at once (TCP_NODELAY). With TLS this needs Linux and
   * `--allow-ffi`.
   *
   * @default {true}
   */
  noDelay?: boolean;
  /** Called when an accepted socket has released its connection. */
  onReleased?: (socket: Socket) => void;
}

/**
 * One line of {@linkcode Reactor.inspect}.
 *
 * @example What is registered
 * ```ts
 * import { Reactor, TestClock } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor({ clock: new TestClock() });
 * reactor.addTimer(250, function retry() {});
 * assertEquals(reactor.inspect(), [{ kind: "timer", what: "retry", dueMs: 250 }]);
 * ```
 *
 * @category Reactor
 */
export interface Inspected {
  /**
   * What it is registered as. `"connection"` is an open socket that is not registered, `"coroutine"` is
   * one that gio drives, such as a task or the handler of a request.
   */
  kind: "reader" | "writer" | "process" | "timer" | "connection" | "coroutine";
  /**
   * Kind and addresses of the selectable, or the name of the process or callback. The name of a
   * coroutine is followed by its connection; that of a handler is its request.
   */
  what: string;
  /** 0 to 9. */
  priority?: number;
  /** Whether it is suspended. */
  suspended?: boolean;
  /** How long it has been registered, in milliseconds. */
  ageMs?: number;
  /** When a timer is due, in milliseconds from now. */
  dueMs?: number;
  /**
   * What its callback is doing, or where it was registered, if known. For a coroutine, the lines of its
   * calls, the innermost first.
   */
  where?: string;
  /** What a coroutine waits for: its peer, the answer to a request such as `sleep()`, or its turn. */
  waits?: "to read" | "to write" | "for an answer" | "for its turn";
}
