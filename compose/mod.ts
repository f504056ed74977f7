/**
 * Calls one coroutine from another, at the same cost at any depth.
 *
 * A coroutine is a generator that talks to nobody in particular: a bare `yield` asks for data,
 * `yield data` hands out data. `compose` runs a coroutine and all coroutines that it calls as one
 * coroutine. Results are typed, input that was not needed can be pushed back, and errors show every
 * caller.
 *
 * Start with:
 *
 * - {@linkcode call}: calls another coroutine, `const name = yield* call(readLine())`
 * - {@linkcode readLine}: reads a line from pieces as they arrive; {@linkcode readExactly},
 *   {@linkcode readUntil} and others read what else a protocol is made of
 * - {@linkcode asString}: runs a coroutine on given input, to test it without any connection
 *
 * ```ts
 * import { asString, call, type Coroutine, readLine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* greet(): Coroutine {
 *   const name = yield* call(readLine());
 *   yield `Hello, ${name}!\n`;
 * }
 *
 * assertEquals(asString(greet(), ["A", "da\n"]), "Hello, Ada!\n");
 * ```
 *
 * @module
 */
export * from "./as_bytes.ts";
export * from "./as_list.ts";
export * from "./as_string.ts";
export * from "./autostart.ts";
export * from "./call.ts";
export { compose, Composed, type ComposeOptions } from "./compose.ts";
export * from "./consume.ts";
export * from "./copy_bytes.ts";
export * from "./coroutine.ts";
export * from "./end_of_stream.ts";
export * from "./identify.ts";
export * from "./local.ts";
export { pushBack } from "./push_back.ts";
export * from "./read_all.ts";
export * from "./read_exactly.ts";
export * from "./read_line.ts";
export * from "./read_re.ts";
export { readUntil } from "./read_until.ts";
export { isRequest, Request, type Waiter } from "./request.ts";
export * from "./retval.ts";
export * from "./trace.ts";
export * from "./yield.ts";
