/**
 * A UDP echo: every datagram comes back.
 *
 *     deno run --allow-net examples/udp_echo.ts [--port 7010]      # and: nc -u 127.0.0.1 7010
 */
import { DatagramAcceptor } from "@weightless/io/reactor";
import { options, port, serve } from "./_cli.ts";

const given = options("udp_echo.ts [--port 7010]", { port: "7010" });
await serve({}, async (reactor) => {
  const { addr } = await DatagramAcceptor.bind(
    reactor,
    { port: port(given.port), hostname: "127.0.0.1" },
    ({ data, from }, socket) => socket.send(data, from),
  );
  return `udp ${addr.hostname}:${addr.port}`;
});
