import { assertEquals } from "@std/assert";
import * as reactor from "../../reactor/mod.ts";

Deno.test("the reactor module exports what it should, and no more", () => {
  assertEquals(Object.keys(reactor).sort(), [
    "Acceptor",
    "DatagramAcceptor",
    "DatagramSocket",
    "Reactor",
    "Suspend",
    "TestClock",
    "Transfer",
    "TransferError",
    "connect",
    "fromStreams",
    "here",
    "sendFile",
    "splice",
    "startTls",
    "stdio",
    "subprocess",
    "zeroCopy",
  ]);
});
