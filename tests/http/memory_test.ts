import { assert, assertEquals } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { call, type Coroutine } from "../../compose/mod.ts";
import { httpProtocol, ok } from "../../http/mod.ts";
import { bytes, Driver } from "./_drive.ts";

setFlagsFromString("--expose-gc");
const gc: () => void = runInNewContext("gc");

/** What is in use, after all that can be freed was. */
function memory(): number {
  gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

Deno.test("HttpRequest.bytes() takes little more than the body, also when that comes byte by byte", () => {
  const size = 200_000;
  let length = 0;
  const driver = new Driver(httpProtocol(function* (request): Coroutine {
    length = (yield* call(request.bytes())).length;
    yield ok();
  }));
  driver.feed("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const chunks = bytes("1\r\nx\r\n".repeat(1000));
  const before = memory();
  for (let i = 0; i < size; i += 1000) driver.feed(chunks);
  const each = (memory() - before) / size;
  assert(each < 30, `${each} bytes for each`);
  driver.feed("0\r\n\r\n");
  assertEquals(length, size);
});
