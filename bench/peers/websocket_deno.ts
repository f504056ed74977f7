/**
 * Deno.upgradeWebSocket: what comes to `/echo` goes back, what comes to `/broadcast` goes to all that are there.
 *
 *     deno run -A bench/peers/websocket_deno.ts
 */
const all = new Set<WebSocket>();

Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  onListen: ({ port }) => console.log(`Listening on http://127.0.0.1:${port}/`),
}, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  if (new URL(request.url).pathname === "/broadcast") {
    socket.onopen = () => all.add(socket);
    socket.onclose = () => all.delete(socket);
    socket.onmessage = ({ data }) => {
      for (const one of all) one.send(data);
    };
  } else {
    socket.onmessage = ({ data }) => socket.send(data);
  }
  return response;
});
