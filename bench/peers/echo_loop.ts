// The line echo as a plain loop over Deno's connections; whole chunks come back, since the clients send whole lines.
const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
console.log(`Listening on 127.0.0.1:${listener.addr.port}`);
for await (const conn of listener) {
  conn.setNoDelay(true);
  serve(conn);
}

async function serve(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(1024);
  try {
    for (let length; (length = await conn.read(buffer)) !== null;) {
      for (let sent = 0; sent < length;) sent += await conn.write(buffer.subarray(sent, length));
    }
  } finally {
    conn.close();
  }
}
