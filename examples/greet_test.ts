/** How to test a protocol without a socket: by hand with `next()`, or run by gio in memory, on a clock that stands still. */
import { assertEquals } from "@std/assert";
import { compose } from "@weightless/io/compose";
import { gio, memory } from "@weightless/io/gio";
import { lines, pipe } from "@weightless/io/pipeline";
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
  const peer = memory();
  const conversation = gio(reactor, peer, pipe(lines(), greet()));
  assertEquals(peer.text, "Your name? ");
  peer.write("A", "da\nLondon\n"); // as it may arrive
  for (let i = 0; i < 3; i++) reactor.step();
  assertEquals(peer.text, "Your name? Your city? ");
  clock.advance(100);
  reactor.step();
  await conversation.result;
  assertEquals(peer.text, "Your name? Your city? Hello, Ada from London!\n");
});
