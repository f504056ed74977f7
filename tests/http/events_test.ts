import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { call, type Coroutine } from "../../compose/mod.ts";
import {
  events,
  eventStream,
  type EventToSend,
  HttpHeaders,
  HttpServer,
  lastEventId,
  LocalProtocolError,
  parseEvents,
  type ReceivedEvent,
  RemoteProtocolError,
  serveHttp,
} from "../../http/mod.ts";
import { fromIterable, pipe } from "../../pipeline/mod.ts";
import { enter, memory } from "../../gio/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { leakTest } from "../_leaks.ts";
import { listening, SELECTORS } from "../_sockets.ts";
import { bytes, Driver } from "./_drive.ts";

const sent = (...given: unknown[]) => [...fromIterable<string>(given, events())].join("");
const parsed = (...chunks: (string | Uint8Array)[]) => [
  ...fromIterable<ReceivedEvent>(chunks, parseEvents()),
];

const toSend: [title: string, given: string | EventToSend, text: string][] = [
  ["text", "Hello", "data: Hello\n\n"],
  ["empty text", "", "data: \n\n"],
  ["data", { data: "x" }, "data: x\n\n"],
  ["data with a space", { data: " x" }, "data:  x\n\n"],
  ["data with line breaks", "a\nb\r\nc\rd\n", "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"],
  [
    "what looks like a field",
    "a\nid: 7\n\nevent: x",
    "data: a\ndata: id: 7\ndata: \ndata: event: x\n\n",
  ],
  [
    "all fields",
    { data: "x", event: "tick", id: "1", retry: 5, comment: "hi" },
    ": hi\nretry: 5\nid: 1\nevent: tick\ndata: x\n\n",
  ],
  ["an empty id", { id: "" }, "id: \n\n"],
  ["an empty comment", { comment: "" }, ": \n\n"],
  ["a comment with line breaks", { comment: "a\nb" }, ": a\n: b\n\n"],
  ["other line separators", "a\u2028b\u0085c", "data: a\u2028b\u0085c\n\n"],
];

for (const [title, given, text] of toSend) {
  Deno.test(`events() sends ${title}`, () => assertEquals(sent(given), text));
}

Deno.test("events() tells first when clients are to connect again", () => {
  assertEquals([...fromIterable(["x"], events({ retry: 0 }))], ["retry: 0\n\n", "data: x\n\n"]);
  const stage = events({ retry: 10 });
  assertEquals(stage.next().value, "retry: 10\n\n"); // before there is an event
});

Deno.test("events() refuses what would be another field, or nothing", () => {
  for (const text of ["a\nb", "a\rb", "a\r\n", "\n", "\0"]) {
    for (const name of ["id", "event"] as const) {
      assertThrows(() => sent({ data: "x", [name]: text }), LocalProtocolError, name);
    }
  }
  for (const nothing of [{}, { date: "x" }, { data: undefined }]) {
    assertThrows(() => sent(nothing), LocalProtocolError, "give data, event, id, retry or comment");
  }
  for (const value of [1, null, Symbol(), new Uint8Array(1), { data: 1 }, { id: {} }]) {
    const error = assertThrows(() => sent(value), Error);
    assertMatch(error.message, /^Cannot send /);
  }
  for (const retry of [-1, 1.5, NaN, Infinity, "1"] as number[]) {
    assertThrows(() => events({ retry }), RangeError, "retry");
    assertThrows(() => sent({ retry }), RangeError, "retry");
  }
});

const message = (data: string, others: Partial<ReceivedEvent> = {}): ReceivedEvent => ({
  data,
  event: "message",
  id: "",
  ...others,
});

/** Most of them are examples of the standard. */
const toParse: [title: string, text: string, events: ReceivedEvent[]][] = [
  ["lines of data", "data: YHOO\ndata: +2\ndata: 10\n\n", [message("YHOO\n+2\n10")]],
  [
    "comments, an id, its end, and an event without an end",
    ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event",
    [message("first event", { id: "1" }), message("second event")],
  ],
  ["empty data", "data\n\ndata\ndata\n\ndata:", [message(""), message("\n")]],
  ["one space as none", "data:test\n\ndata: test\n\n", [message("test"), message("test")]],
  ["names", "event: add\ndata: 1\n\ndata: 2\n\n", [message("1", { event: "add" }), message("2")]],
  ["a name without data", "event: add\n\ndata: 2\n\n", [message("2")]],
  ["all ends of lines", "data:a\rdata:b\r\ndata:c\n\r\ndata:d\r\r", [
    message("a\nb\nc"),
    message("d"),
  ]],
  ["an id that stays", "id: 5\n\ndata: a\n\ndata: b\n\n", [
    message("a", { id: "5" }),
    message("b", { id: "5" }),
  ]],
  ["no id with a NUL", "id: 5\nid: 6\0\ndata: a\n\n", [message("a", { id: "5" })]],
  ["retry", "retry: 10\n\ndata: a\n\nretry: x\nretry:-1\ndata: b\n\n", [
    message("a", { retry: 10 }),
    message("b"),
  ]],
  ["unknown fields", "date: x\ndata : y\ndata: a:b\n\n", [message("a:b")]],
  ["a byte order mark", "\xef\xbb\xbfdata: a\n\n", [message("a")]],
  ["only the first byte order mark", "\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [
    message("b"),
  ]],
  ["UTF-8", "data: \xe2\x82\xac\n\n", [message("€")]],
  ["nothing", "", []],
];

for (const [title, text, expected] of toParse) {
  Deno.test(`parseEvents() reads ${title}`, () => {
    const all = bytes(text);
    assertEquals(parsed(all), expected);
    assertEquals(parsed(...Array.from(all, (byte) => new Uint8Array([byte]))), expected);
    for (let at = 1; at < all.length; at++) {
      assertEquals(parsed(all.subarray(0, at), all.subarray(at)), expected, `split at ${at}`);
    }
    const decoded = new TextDecoder("utf-8", { ignoreBOM: true }).decode(all);
    assertEquals(parsed(decoded), expected);
    assertEquals(parsed(...decoded), expected);
  });
}

Deno.test("parseEvents() yields an event as soon as its empty line has come", () => {
  for (const [text, end] of [["data: a\n", "\n"], ["data: a\r", "\r"], ["data: a\r\n", "\r"]]) {
    const stage = parseEvents();
    stage.next();
    assertEquals(stage.next(text).value, undefined);
    assertEquals(stage.next(end).value, message("a"));
  }
});

Deno.test("parseEvents() refuses an event that is too long, however it is cut", () => {
  const stage = (...chunks: string[]) => [
    ...fromIterable(chunks, parseEvents({ maxLength: 10 })),
  ];
  const fine = "data:12345\n\n:234567890\n:234567890\ndata:1\ndata:2\n\n";
  assertEquals(stage(fine).length, 2);
  assertEquals(stage(...fine).length, 2);
  for (const text of ["data:123456", "data:\n".repeat(20), ":".repeat(11), "data:1234\ndata:56"]) {
    for (const chunks of [[`${text}\n\n`], [...text, "\n\n"]]) {
      const error = assertThrows(() => stage(...chunks), RemoteProtocolError, "maxLength");
      assertEquals(error.status, 413);
    }
  }
  assertThrows(() => parseEvents({ maxLength: -1 }), RangeError, "maxLength");
  assertThrows(() => [...fromIterable([1], parseEvents())], TypeError, "text or bytes");
});

Deno.test("parseEvents() reads what events() sends", () => {
  const text = fc.string({ unit: fc.constantFrom(..."ab: \n\r\0é\u{1f600}\ufeff") });
  const oneLine = text.map((text) => text.replace(/[\r\n\0]/g, ""));
  const event = fc.record({ data: text, event: oneLine, id: oneLine, comment: text }, {
    requiredKeys: ["data"],
  });
  fc.assert(fc.property(fc.array(event), fc.array(fc.nat(200)), (given, cuts) => {
    const all = sent(...given);
    const chunks: string[] = [];
    let at = 0;
    for (const cut of cuts) chunks.push(all.slice(at, at += cut));
    let id = "";
    const expected = given.map(({ data, event, id: newId }) => ({
      data: data.replace(/\r\n?/g, "\n"),
      event: event || "message",
      id: id = newId ?? id,
    }));
    assertEquals(parsed(...chunks, all.slice(at)), expected);
  }));
});

Deno.test("eventStream() makes a head that no cache stores, with more headers", () => {
  for (const more of [{ "x-a": "b" }, new Headers({ "x-a": "b" }), [["x-a", "b"]] as const]) {
    const driver = new Driver(serveHttp(function* (): Coroutine {
      yield eventStream(more);
      yield* call(pipe(function* () {
        yield "x";
      }, events()));
    }));
    driver.feed("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assertMatch(
      driver.output,
      /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream\r\ncache-control: no-store\r\nx-a: b\r\n[^]*data: x\n\n/,
    );
  }
});

Deno.test("lastEventId() gives the id that the client has sent, in UTF-8", () => {
  const of = (lines: string) => lastEventId({ headers: new HttpHeaders(bytes(lines)) });
  assertEquals(of("Last-Event-ID: 41\r\n"), "41");
  assertEquals(of("last-event-id: \xe2\x82\xac\r\n"), "€");
  assertEquals([of("Last-Event-ID:\r\n"), of("a: b\r\n")], [undefined, undefined]);
});

for (const selector of SELECTORS) {
  leakTest(
    `events go out while their handler waits elsewhere for the next (${selector})`,
    async () => {
      const source = memory();
      using reactor = new Reactor({ selector });
      const server = new HttpServer(reactor, {
        ...listening,
        *handler(): Coroutine {
          yield eventStream();
          for (let next: Uint8Array = new TextEncoder().encode("0"); next.length > 0;) {
            yield `data: ${new TextDecoder().decode(next)}\n\n`;
            using _ = enter(source);
            next = yield;
          }
        },
      });
      const running = reactor.run();
      const response = await fetch(server.url);
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      for (const event of ["0", "1", "2"]) {
        assertEquals(await reader.read(), { done: false, value: `data: ${event}\n\n` });
        source.write(String(Number(event) + 1));
      }
      await reader.cancel();
      reactor.requestShutdown();
      await running;
    },
  );
}
