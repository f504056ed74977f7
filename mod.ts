/**
 * Network programs as plain, sequential generators, run by an explicit reactor.
 *
 * This module has all names of the first five; each can be imported alone as well:
 *
 * - `@weightless/io/compose`: call one coroutine from another
 * - `@weightless/io/pipeline`: join coroutines into pipelines, and components into a graph
 * - `@weightless/io/reactor`: readiness, timers, processes, sockets
 * - `@weightless/io/gio`: drives a coroutine's `yield`s from a reactor
 * - `@weightless/io/http`: HTTP/1.1 and HTTP/2 as coroutines
 * - `@weightless/io/http/files`: serves the files of a directory
 * - `@weightless/io/http/websocket`: WebSocket as coroutines, over HTTP/1.1 and HTTP/2
 * - `@weightless/io/http/protocol`: HTTP/1.1 without any I/O, for any runtime
 * - `@weightless/io/lint`: a plugin for `deno lint` that finds a forgotten `yield*`
 *
 * ```ts
 * import { asProcess, type Coroutine, lines, memory, pipe } from "@weightless/io";
 * import { assertEquals } from "@std/assert";
 *
 * function* greet(): Coroutine {
 *   const name = yield; // "I want data"
 *   yield `Hello, ${name}!\n`; // "I have data"
 * }
 *
 * const connection = memory("Wor", "ld\n"); // bytes, as a socket gives them; lines() makes text of them
 * await asProcess(pipe(lines(), greet()), { connection });
 * assertEquals(connection.text, "Hello, World!\n");
 * ```
 *
 * @module
 */
export * from "./compose/mod.ts";
export * from "./gio/mod.ts";
export * from "./http/mod.ts";
export * from "./pipeline/mod.ts";
export * from "./reactor/mod.ts";
