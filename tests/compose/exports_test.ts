import { assertEquals } from "@std/assert";
import * as compose from "@weightless/io/compose";

Deno.test("compose exports what is listed here, and nothing else", () => {
  assertEquals(Object.keys(compose).sort(), [
    "Command",
    "Composed",
    "EndOfStream",
    "Local",
    "Yield",
    "asBytes",
    "asList",
    "asString",
    "autostart",
    "call",
    "compose",
    "consume",
    "copyBytes",
    "identify",
    "isCommand",
    "isCoroutine",
    "pushBack",
    "readAll",
    "readExactly",
    "readLine",
    "readRe",
    "readUntil",
    "retval",
    "trace",
  ]);
});
