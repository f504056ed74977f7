/**
 * Generator I/O: a reactor drives a coroutine's `yield`s.
 *
 * Start with:
 *
 * - {@linkcode gio}: runs a coroutine on a connection of a reactor
 * - {@linkcode asProcess}: runs one coroutine on a reactor of its own, and gives a promise; for
 *   scripts and tests
 * - {@linkcode memory}: makes a connection whose peer a test plays
 *
 * A bare `yield` reads from the innermost context, `yield data` writes to it. Nothing in the
 * coroutine names a socket: {@linkcode gio} gives it one. Beside reading and writing, a coroutine
 * may {@linkcode wait} for a promise, {@linkcode sleep}, limit its time with {@linkcode timeout},
 * {@linkcode spawn} another one, hand items to others through a {@linkcode Queue}, and
 * {@linkcode enter} another context for a while, such as the {@linkcode messages} of a worker. What
 * it reads from a socket is bytes, as they arrive: `readLine()` and the like of compose, or stages of
 * pipeline such as `lines()` and `decode()`, make text of them.
 *
 * ```ts
 * import { call, readLine } from "@weightless/io/compose";
 * import { asProcess, type Coroutine, memory, sleep, timeout } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * function* greet(): Coroutine {
 *   using _ = timeout(5000);
 *   const name = yield* call(readLine());
 *   yield* sleep(1);
 *   yield `Hello, ${name}!`;
 * }
 *
 * const connection = memory("World\n");
 * await asProcess(greet(), { connection });
 * assertEquals(connection.text, "Hello, World!");
 * ```
 *
 * @module
 */
import "./_machinery.ts";

export * from "./all.ts";
export * from "./as_process.ts";
export * from "./close_write.ts";
export * from "./connect_to.ts";
export * from "./context.ts";
export * from "./datagrams.ts";
export * from "./enter.ts";
export { currentGio, type Gio, gio, type GioOptions } from "./gio.ts";
export * from "./iterate.ts";
export { memory, type MemoryContext } from "./memory.ts";
export {
  type MessageEnd,
  messages,
  type MessagesOptions,
  type Transferring,
  transferring,
} from "./messages.ts";
export * from "./open.ts";
export type { Opened } from "./opened.ts";
export { Queue, type QueueOptions } from "./queue.ts";
export * from "./race.ts";
export * from "./shield.ts";
export * from "./sleep.ts";
export * from "./spawn.ts";
export * from "./timeout.ts";
export * from "./timeout_error.ts";
export * from "./wait.ts";
export { type Coroutine, EndOfStream, Request, type Waiter } from "../compose/mod.ts";
export { Suspend, type SuspendOptions } from "../reactor/mod.ts";
