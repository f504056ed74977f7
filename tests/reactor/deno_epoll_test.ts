import { assertEquals } from "@std/assert";
import { Reactor } from "../../reactor/mod.ts";
import { EventLoop } from "../../reactor/_event_loop.ts";
import { DenoEpoll } from "../../reactor/linux/_deno_epoll.ts";
import type { DescriptorListening } from "../../reactor/linux/_descriptor_listening.ts";
import { findDescriptor } from "../../reactor/linux/_descriptor_of.ts";
import { libc } from "../../reactor/linux/_libc.ts";
import { leakTest } from "../_leaks.ts";
import { hostname } from "../_sockets.ts";

const library = libc();

if (library !== undefined) {
  leakTest("DenoEpoll.isReady is so until Deno has looked", async () => {
    using listener = Deno.listen({ hostname, port: 0 });
    using near = await Deno.connect({ hostname, port: listener.addr.port });
    using far = await listener.accept();
    const deno = new DenoEpoll(library);
    assertEquals(deno.isReady, undefined);
    deno.take(findDescriptor(library, listener)!);
    const eventLoop = new EventLoop({ maxTurningMs: Infinity, isReady: () => deno.isReady });
    await eventLoop.turn();
    for (let i = 0; i < 20; i++) {
      const read = near.read(new Uint8Array(8));
      assertEquals(deno.isReady, false);
      await far.write(new Uint8Array(1));
      assertEquals(deno.isReady, true);
      await eventLoop.turn();
      assertEquals(deno.isReady, false);
      assertEquals(await read, 1);
    }
  });

  leakTest("DenoEpoll.take() leaves a reactor's listener to the reactor alone", () => {
    using reactor = new Reactor({ selector: "epoll" });
    const listening = reactor.listening(Deno.listen({ hostname, port: 0 }));
    const deno = new DenoEpoll(library);
    // Found would be an instance that has this one.
    deno.take((listening as DescriptorListening).descriptor!);
    assertEquals(deno.isReady, undefined);
    listening.close();
  });
}
