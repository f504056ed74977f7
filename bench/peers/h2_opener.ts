/**
 * Opens connections of HTTP/2, and streams on each, whose answers it does not wait for. It keeps them open until it is ended.
 *
 *     deno run -A bench/peers/h2_opener.ts PORT CONNECTIONS STREAMS PATH
 */
import * as h2 from "../_h2_frames.ts";

const [port, connections, streams, path] = Deno.args as [string, string, string, string];
const AT_ONCE = 100;
const conns: Deno.Conn[] = [];

async function open(): Promise<void> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  conns.push(conn);
  const heads = Array.from({ length: Number(streams) }, (_, i) => h2.head(2 * i + 1, "GET", path));
  const settled = h2.frame(h2.SETTINGS, h2.ACK, 0);
  const ping = h2.frame(h2.PING, 0, 0, new Uint8Array(8));
  await h2.write(conn, h2.together(h2.preface(), ...heads));
  let hasSettings = false;
  for await (const { type, flags } of h2.frames(conn)) {
    // The answer to a PING comes when all before it has been read.
    if (type === h2.PING && flags === h2.ACK) return;
    if (type === h2.GOAWAY || type === h2.RST_STREAM) throw new Error("A stream was refused");
    if (type !== h2.SETTINGS || hasSettings) continue;
    hasSettings = true;
    await h2.write(conn, h2.together(settled, ping));
  }
  throw new Error("The server has closed a connection");
}

for (let left = Number(connections); left > 0; left -= AT_ONCE) {
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, left) }, open));
}
console.log(`${conns.length} are open to 127.0.0.1:${port}`);
setInterval(() => {}, 60_000);
