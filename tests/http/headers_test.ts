import { assertEquals, assertThrows } from "@std/assert";
import { HttpHeaders } from "../../http/protocol/mod.ts";
import { bytes } from "./_drive.ts";

const lines = "Host: x\r\nA:1\r\nb: \t 2  3 \t\r\na:  \r\nEmpty:\r\nA: caf\xe9\r\n";
const headers = new HttpHeaders(bytes(`GET / HTTP/1.1\r\n${lines}\r\nbody`), 16, 16 + lines.length);

Deno.test("HttpHeaders.get() joins the values of a name, in any case", () => {
  for (const name of ["a", "A"]) assertEquals(headers.get(name), "1, , caf\xe9");
  assertEquals(headers.get("B"), "2  3");
  assertEquals(headers.get("empty"), "");
  assertEquals(["c", "", "hos", "ost", "host:", "x", "body"].map((name) => headers.get(name)), [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("HttpHeaders.getAll() gives the values of a name one by one", () => {
  assertEquals(headers.getAll("a"), ["1", "", "caf\xe9"]);
  assertEquals(headers.getAll("HOST"), ["x"]);
  assertEquals(headers.getAll("c"), []);
});

Deno.test("HttpHeaders.has() tells whether there is a line of a name", () => {
  assertEquals(["a", "EMPTY", "c", ""].map((name) => headers.has(name)), [
    true,
    true,
    false,
    false,
  ]);
});

Deno.test("HttpHeaders gives all lines in order", () => {
  assertEquals([...headers], [
    ["host", "x"],
    ["a", "1"],
    ["b", "2  3"],
    ["a", ""],
    ["empty", ""],
    ["a", "caf\xe9"],
  ]);
});

Deno.test("HttpHeaders.toHeaders() makes Headers of the Web platform", () => {
  assertEquals([...headers.toHeaders()], [
    ["a", "1, , caf\xe9"],
    ["b", "2  3"],
    ["empty", ""],
    ["host", "x"],
  ]);
});

Deno.test("HttpHeaders may have no lines", () => {
  const none = new HttpHeaders(bytes(""));
  assertEquals([none.get("a"), none.getAll("a"), none.has("a"), [...none]], [
    undefined,
    [],
    false,
    [],
  ]);
});

Deno.test("HttpHeaders throws SyntaxError when what it was given are no lines", () => {
  for (const text of ["a", "a\r\n", "a: 1", "a: 1\n", "a: 1\r\nb", "a: 1\r\nb: 2\r", "\r\n"]) {
    assertThrows(() => new HttpHeaders(bytes(text)).get("b"), SyntaxError, "Cannot read headers");
  }
});
