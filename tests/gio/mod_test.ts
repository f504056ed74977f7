import { assertEquals, assertStrictEquals } from "@std/assert";
import * as gio from "../../gio/mod.ts";

Deno.test("the gio module exports what it should, and no more", () => {
  assertEquals(Object.keys(gio).sort(), [
    "EndOfStream",
    "Gio",
    "MemoryContext",
    "Opened",
    "Request",
    "TimeoutError",
    "all",
    "asProcess",
    "connectTo",
    "currentGio",
    "datagrams",
    "enter",
    "gio",
    "iterate",
    "memory",
    "open",
    "race",
    "run",
    "shield",
    "sleep",
    "spawn",
    "suspend",
    "timeout",
    "wait",
  ]);
  assertStrictEquals(gio.run, gio.asProcess);
});
