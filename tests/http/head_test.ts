import { assert, assertEquals, assertThrows } from "@std/assert";
import { headOf } from "../../http/_head.ts";
import type { HeadersToSend } from "../../http/headers_to_send.ts";
import {
  eventStream,
  LocalProtocolError,
  ok,
  response,
  serveHttp,
  trailers,
} from "../../http/mod.ts";
import { bytes, Driver, text } from "./_drive.ts";

Deno.test("headOf() gives the last head again when it would make the same, and no other", () => {
  const list = ["a=1", "b=2"];
  const given: [number, HeadersToSend][] = [
    [200, {}],
    [201, {}],
    [200, { "x-a": "1" }],
    [200, { "x-a": "2" }],
    [200, { "x-b": "2" }],
    [200, { "X-B": "2" }],
    [200, { "x-b": "2", "x-a": "1" }],
    [200, { "x-a": "1", "x-b": "2" }],
    [200, { "x-a": 1 }],
    [200, { "x-a": undefined }],
    [200, { "set-cookie": list }],
    [200, [["x-b", "1"]]],
    [200, [["x-b", "1"], ["x-b", "2"]]],
    [200, [["x-b", "2"], ["x-b", "1"]]],
    [200, [["set-cookie", list]]],
    [200, new Headers({ "x-a": "1" })],
  ];
  for (const [status, headers] of given) {
    for (const [otherStatus, other] of given) {
      const head = headOf(status, headers);
      const text = head.text;
      const second = headOf(otherStatus, other);
      const fresh = (headOf(299, {}), headOf(otherStatus, other));
      assertEquals(second.text, fresh.text);
      const isPlain = !(headers instanceof Headers) && !Deno.inspect(headers).includes("cookie");
      if (status === otherStatus && headers === other) assertEquals(second === head, isPlain);
      else assert(second !== head);
      assertEquals(head.text, text);
    }
  }
  for (const headers of [{ "set-cookie": list }, [["set-cookie", list] as const]]) {
    headOf(200, headers);
    list.push(`c=${list.length}`);
    assert(headOf(200, headers).text.includes(list.at(-1)!));
  }
});

Deno.test("what is no headers is refused, and the error says what to write", () => {
  const make: ((headers: HeadersToSend) => unknown)[] = [
    ok,
    (headers) => response(404, headers),
    (headers) => eventStream(headers),
    (headers) => trailers(headers),
  ];
  for (const one of make) {
    for (const given of ["not found", null, 3, true, () => {}]) {
      assertThrows(
        () => one(given as unknown as HeadersToSend),
        LocalProtocolError,
        'as in ok({ "content-type": "text/plain" })',
      );
    }
  }
  for (const one of make) {
    for (const value of [true, null, NaN, Infinity, 5n, Symbol("a"), () => {}, {}, [true], [{}]]) {
      for (const given of [{ a: value }, [["a", value]], new Map([["a", value]])]) {
        // The same is refused also after a head that looks alike.
        ok([["a", undefined]]);
        assertThrows(
          () => one(given as unknown as HeadersToSend),
          LocalProtocolError,
          "Cannot send header a: its value is neither text, nor a number, nor a list of these",
        );
      }
    }
    for (const pair of ["ab", ["a"], ["a", "b", "c"], [], 5, null, undefined, { a: "b" }]) {
      for (const given of [[pair], new Set([pair])]) {
        ok([["a", undefined]]);
        assertThrows(
          () => one(given as unknown as HeadersToSend),
          LocalProtocolError,
          'give pairs of a name and a value, as in ok([["content-type", "text/plain"]])',
        );
      }
    }
    for (const name of ["", "a b", "a:", 5, null, undefined, Symbol("a"), {}]) {
      assertThrows(
        () => one([[name, "b"]] as unknown as HeadersToSend),
        LocalProtocolError,
        "Cannot send a header named ",
      );
    }
  }
  assertThrows(() => response("404" as unknown as number), LocalProtocolError, 'status "404"');
});

Deno.test("headOf() gives each caller its own head when a getter makes another", () => {
  const headers = {
    get "x-a"() {
      headOf(404, { "set-cookie": "secret" });
      return "A";
    },
  };
  for (let i = 0; i < 2; i++) {
    const head = headOf(200, headers);
    assertEquals([head.status, head.text], [200, "HTTP/1.1 200 OK\r\nx-a: A\r\n"]);
  }
});

Deno.test("headOf() refuses what cannot be sent each time", () => {
  for (let i = 0; i < 2; i++) {
    assertThrows(() => headOf(200, { "x-a": "a\r\nb" }), LocalProtocolError);
    assertThrows(() => headOf(600, {}), LocalProtocolError);
  }
});

Deno.test("a head that is yielded again goes with the body that is yielded now", () => {
  const bodies = ["abc", bytes("abc"), bytes("xyz"), "xyz", "3", bytes("longer"), "é", ""];
  const head = ok({ "content-type": "text/plain" });
  let body: string | Uint8Array = "";
  const driver = new Driver(serveHttp(function* () {
    yield head;
    yield body;
  }, { clock: { now: () => 0 } }));
  for (body of [...bodies, ...bodies, ...bodies.toReversed()]) {
    const expected = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const answer = driver.feed("GET / HTTP/1.1\r\nHost: x\r\n\r\n").taken();
    const [lines, sent] = answer.split("\r\n\r\n");
    assertEquals(sent, text(expected));
    assertEquals(lines!.split("\r\n").at(-1), `content-length: ${expected.length}`);
  }
});
