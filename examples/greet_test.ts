/** How to test a protocol without a socket: by hand with `next()`, or run by gio in memory, on a clock that stands still. */
import { assertEquals } from "@std/assert";
import { compose } from "@weightless/io/compose";
import { gio, memory } from "@weightless/io/gio";
import { Reactor, TestClock } from "@weightless/io/reactor";
import { greet } from "./greet.ts";

Deno.test("greet() asks for name and city", () => {
  const protocol = compose(greet());
  assertEquals(protocol.next().value, "Your name? ");
  assertEquals(protocol.next().value, undefined); // wants data
  assertEquals(protocol.next("Ada").value, "Your city? ");
});

Deno.test("greet() greets after a moment", async () => {
  const clock = new TestClock();
  using reactor = new Reactor({ clock });
  const connection = memory("Ada", "London");
  const conversation = gio(reactor, connection, greet());
  reactor.step();
  reactor.step();
  assertEquals(connection.text, "Your name? Your city? ");
  clock.advance(100);
  reactor.step();
  await conversation.result;
  assertEquals(connection.text, "Your name? Your city? Hello, Ada from London!\n");
});
