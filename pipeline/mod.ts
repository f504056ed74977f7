/**
 * Joins coroutines into pipelines, and components into a graph that stays configurable.
 *
 * Start with:
 *
 * - {@linkcode pipe}: joins coroutines, each of which reads what the one before yields
 * - {@linkcode fromIterable}: runs a pipeline over an array, a generator or a stream
 * - {@linkcode be}: connects components, each an {@linkcode Observable}, as their DNA says
 *
 * A **pipeline** is made of coroutines that each read what the one before yields, and is one
 * coroutine itself:
 *
 * ```ts
 * import { type Coroutine, EndOfStream } from "@weightless/io/compose";
 * import { filter, fromIterable, lines, pipe } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * function* number(): Coroutine<void> {
 *   for (let n = 1;; n++) yield `${n} ${yield}`;
 * }
 *
 * const pipeline = pipe(lines(), filter((line: string) => line !== ""), number());
 * assertEquals([...fromIterable(["one\n\nt", "wo\n"], pipeline)], ["1 one", "2 two"]);
 * ```
 *
 * A **component** sends messages to whoever observes it, without knowing who that is; DNA says who
 * observes whom:
 *
 * ```ts
 * import { be, Observable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * class Greeter extends Observable<{ log(line: string): void }> {
 *   greet(name: string): void {
 *     this.do.log(`Hello, ${name}!`);
 *   }
 * }
 * class Log {
 *   readonly lines: string[] = [];
 *   log(line: string): void {
 *     this.lines.push(line);
 *   }
 * }
 *
 * const log = new Log();
 * be([new Greeter(), [log]]).greet("World");
 * assertEquals(log.lines, ["Hello, World!"]);
 * ```
 *
 * @module
 */
import "./_machinery.ts";

export type * from "./messages.ts";
export * from "./batch.ts";
export * from "./be.ts";
export * from "./decline_message.ts";
export * from "./decode.ts";
export * from "./delimited.ts";
export * from "./encode.ts";
export * from "./filter.ts";
export * from "./flat_map.ts";
export * from "./from_iterable.ts";
export * from "./join.ts";
export * from "./lines.ts";
export * from "./map.ts";
export * from "./none_of_the_observers_respond.ts";
export * from "./observable.ts";
export * from "./pipe.ts";
export * from "./skip.ts";
export * from "./take.ts";
export * from "./tee.ts";
export * from "./to_readable_stream.ts";
export * from "./to_transform_stream.ts";
export * from "./transparent.ts";
export * from "./tree.ts";
