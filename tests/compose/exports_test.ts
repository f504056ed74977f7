import { assertEquals } from "@std/assert";
import * as compose from "@weightless/io/compose";

Deno.test("compose exports what is listed here, and nothing else", () => {
  assertEquals(Object.keys(compose).sort(), [
    "Composed",
    "EndOfStream",
    "Local",
    "Request",
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
    "isCoroutine",
    "isRequest",
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
