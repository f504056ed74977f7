// As websocket_deno.ts, by ws, which is imported from where the first argument says; runs on Node and on Deno.
//
//     node bench/peers/websocket_ws.mjs ./node_modules/ws/wrapper.mjs
import process from "node:process";

const { WebSocketServer } = await import(process.argv[2]);
const all = new Set();
const server = new WebSocketServer({
  port: 0,
  host: "127.0.0.1",
  backlog: 4096,
  perMessageDeflate: true, // with clients that ask for it
});
server.on(
  "listening",
  () => console.log(`Listening on http://127.0.0.1:${server.address().port}/`),
);
server.on("connection", (socket, request) => {
  socket.on("error", () => {}); // its client is gone
  if (request.url === "/broadcast") {
    all.add(socket);
    socket.on("close", () => all.delete(socket));
    socket.on("message", (data, binary) => {
      for (const one of all) one.send(data, { binary });
    });
  } else {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  }
});
