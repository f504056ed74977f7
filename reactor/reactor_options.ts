import type { Clock } from "./clock.ts";
import type { ReactorEvents } from "./events.ts";
import type { Selectable } from "./selectable.ts";
import type { Socket } from "./socket.ts";
import type { Timer } from "./timer.ts";

/**
 * Which back end a {@linkcode Reactor} waits with. `"deno"` works everywhere; `"epoll"` is faster and smaller, and needs
 * Linux and `--allow-ffi`; `"auto"` is `"epoll"` where that is allowed already (nobody is ever prompted), else `"deno"`.
 *
 * What was accepted with `"epoll"` is not Deno's to close: in a worker, shut the reactor down before `terminate()` is called.
 */
export type SelectorName = "auto" | "deno" | "epoll";

/**
 * What {@linkcode Reactor.addProcess} calls in every step: a function, or a coroutine, which is resumed.
 *
 * A coroutine yields to let others go first, or a {@linkcode Suspend} to wait for something; it ends when it ends.
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
 */
export type Process = (() => void) | Generator<unknown, unknown, unknown>;

/** What a callback can be registered for. */
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
 */
export interface ReactorOptions {
  /** The back end. @default {"auto"} */
  selector?: SelectorName;
  /** Where time comes from. @default {performance.now} */
  clock?: Clock;
  /**
   * Is told of errors thrown by callbacks, and of what threw them, for example `reader of tcp 127.0.0.1:80`. What it
   * throws itself goes out of `step()` and `run()`. @default {console.error}
   */
  onError?: (error: unknown, where: string) => void;
  /** Is told by {@linkcode Reactor.shutdown} what was still registered, a line for each. @default {nobody} */
  onShutdown?: (left: string[]) => void;
  /** Who measures. @default {nobody} */
  events?: ReactorEvents;
  /** Whether to remember where in the program each thing is registered, for messages. It costs. @default {false} */
  trace?: boolean;
  /** How long a closed socket may take to send what it accepted, in milliseconds. @default {5000} */
  lingerMs?: number;
}

/** Options of {@linkcode Reactor.addReader}, {@linkcode Reactor.addWriter} and {@linkcode Reactor.addProcess}. */
export interface RegistrationOptions {
  /** 0 (called in every step) to 9 (called in one step of ten). @default {0} */
  priority?: number;
  /** Its text tells, for messages and {@linkcode Reactor.inspect}, what the callback is doing, for example where a coroutine stands. */
  where?: { toString(): string };
  /** Whether it is not to be called before it is resumed; for readers and writers. @default {false} */
  suspended?: boolean;
}

/** What is called when a reactor shuts down: a function, or an object's method `abandon`. */
export type ShutdownHook = (() => void) | { abandon(): void };

/** Options of {@linkcode Reactor.listening}. */
export interface ListeningOptions {
  /** Whether its TCP connections send small pieces at once (TCP_NODELAY). With TLS, only on Linux with `--allow-ffi`. @default {true} */
  noDelay?: boolean;
  /** Called when one of its connections has released what it held. */
  onReleased?: (socket: Socket) => void;
}

/** What is being called; see {@linkcode Reactor.currentContext}. */
export interface CallContext {
  /** What it was registered as. */
  readonly kind: "reader" | "writer" | "process";
  /** What is called. */
  readonly callback: (failure?: unknown) => void;
  /** 0 to 9. */
  readonly priority: number;
  /** Whether it may be called again: `false` once it was removed or suspended, and in the last call of what has closed. */
  readonly active: boolean;
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
 */
export interface Inspected {
  /** What it is registered as; `"connection"` is a socket that is open but not registered. */
  kind: "reader" | "writer" | "process" | "timer" | "connection";
  /** Kind and addresses of the selectable, or the name of the process or callback. */
  what: string;
  /** 0 to 9. */
  priority?: number;
  /** Whether it is suspended. */
  suspended?: boolean;
  /** How long it has been registered, in milliseconds. */
  ageMs?: number;
  /** In how many milliseconds a timer is due. */
  dueMs?: number;
  /** What its callback is doing, or where it was registered, if known. */
  where?: string;
}
