import { STATUS_CODES } from "node:http";
import { assertEquals } from "@std/assert";
import { reasonOf, statusLine } from "../../http/_status.ts";

/** RFC 9110 names these anew. */
const RENAMED: Record<number, string> = {
  413: "Content Too Large",
  418: "I'm a teapot",
  422: "Unprocessable Content",
};

Deno.test("reason phrases are those of RFC 9110, as Node has them too", () => {
  for (const [code, reason] of Object.entries(STATUS_CODES)) {
    const status = Number(code);
    if (reasonOf(status) === `Status ${status}`) continue; // one that nobody sends
    assertEquals(reasonOf(status), RENAMED[status] ?? reason);
  }
  assertEquals(statusLine(307), "HTTP/1.1 307 Temporary Redirect\r\n");
  assertEquals(statusLine(599), "HTTP/1.1 599 \r\n");
});
