// The line echo as a plain loop over Deno's connections; with `--bytes`, chunks come back as they are.
const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
console.log(`Listening on 127.0.0.1:${listener.addr.port}`);
const echo = Deno.args[0] === "--bytes" ? echoBytes : echoLines;
for await (const conn of listener) {
  conn.setNoDelay(true);
  serve(conn);
}

async function serve(conn: Deno.TcpConn): Promise<void> {
  try {
    await echo(conn);
  } catch {
    // The client is gone.
  } finally {
    conn.close();
  }
}

async function echoLines(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(1024);
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let begun = "";
  for (let length; (length = await conn.read(buffer)) !== null;) {
    const lines = (begun + decoder.decode(buffer.subarray(0, length), { stream: true })).split(
      "\n",
    );
    begun = lines.pop()!;
    for (const line of lines) await writeAll(conn, encoder.encode(`${line}\n`));
  }
}

async function echoBytes(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(1024);
  for (let length; (length = await conn.read(buffer)) !== null;) {
    await writeAll(conn, buffer.subarray(0, length));
  }
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await conn.write(sent === 0 ? bytes : bytes.subarray(sent));
  }
}
