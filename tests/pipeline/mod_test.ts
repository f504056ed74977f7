import { assertEquals } from "@std/assert";
import * as pipeline from "../../pipeline/mod.ts";

Deno.test("pipeline exports these names", () => {
  assertEquals(Object.keys(pipeline).sort(), [
    "DeclineMessage",
    "NoneOfTheObserversRespond",
    "Observable",
    "Pipe",
    "Transparent",
    "batch",
    "be",
    "decode",
    "delimited",
    "encode",
    "filter",
    "flatMap",
    "fromIterable",
    "join",
    "lines",
    "map",
    "pipe",
    "printTree",
    "skip",
    "take",
    "tee",
    "toDot",
    "toMermaid",
    "toReadableStream",
    "toTransformStream",
  ]);
});
