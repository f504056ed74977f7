// As websocket_deno.ts, by uWebSockets.js, which is imported from where the first argument says; for Node.
//
//     node bench/peers/websocket_uws.mjs ./node_modules/uWebSockets.js/uws.js
import process from "node:process";

const uWS = (await import(process.argv[2])).default;
const ROOM = "all";
const settings = {
  compression: uWS.SHARED_COMPRESSOR,
  maxPayloadLength: 2 ** 25,
  maxBackpressure: 0,
  idleTimeout: 0,
};
const app = uWS.App();
app.ws("/echo", {
  ...settings,
  message: (socket, data, isBinary) => socket.send(data, isBinary),
});
app.ws("/broadcast", {
  ...settings,
  open: (socket) => socket.subscribe(ROOM),
  message: (_socket, data, isBinary) => app.publish(ROOM, data, isBinary),
});
app.listen("127.0.0.1", 0, (listener) => {
  console.log(`Listening on http://127.0.0.1:${uWS.us_socket_local_port(listener)}/`);
});
