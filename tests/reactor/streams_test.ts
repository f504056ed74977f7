import { assert, assertEquals, assertThrows } from "@std/assert";
import { fromStreams, Reactor, type Socket, subprocess } from "../../reactor/mod.ts";
import { leakTest, openDescriptors, PATIENCE_MS, turnsUntil } from "../_leaks.ts";
import { drive } from "./_drive.ts";

// The runtime opens descriptors of its own at the first subprocess.
await new Deno.Command("true").output();

/** Receives all there is. */
async function receiveAll(reactor: Reactor, socket: Socket): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let ended = false;
  reactor.addReader(socket, () => {
    const bytes = socket.recv();
    if (bytes) text += decoder.decode(bytes, { stream: true });
    else if (bytes === null) ended = true;
  });
  await drive(reactor, () => ended);
  reactor.removeReader(socket);
  return text;
}

leakTest("a file is read, and written, like a socket", async () => {
  const path = Deno.makeTempFileSync();
  const text = "The quick brown fox\n".repeat(20_000);
  using reactor = new Reactor();
  const output = reactor.adopt(await Deno.open(path, { write: true }));
  let rest: Uint8Array = new TextEncoder().encode(text);
  reactor.addWriter(output, () => {
    rest = rest.subarray(output.send(rest));
    if (rest.length === 0) output.close();
  });
  await drive(reactor, () => output.closed);
  await turnsUntil(() => reactor.openConnections.size === 0);
  const input = reactor.adopt(await Deno.open(path));
  assertEquals(await receiveAll(reactor, input), text);
  input.close();
  Deno.removeSync(path);
});

leakTest("a stream for reading only tells who waits to write, and the other way round", () => {
  const errors: string[] = [];
  using reactor = new Reactor({ onError: (error) => errors.push((error as Error).message) });
  using input = reactor.adopt(fromStreams({ readable: new ReadableStream(), name: "input" }));
  using output = reactor.adopt(fromStreams({ writable: new WritableStream(), name: "output" }));
  assertThrows(() => input.send(new Uint8Array(1)), TypeError, "input is for reading only");
  assertThrows(() => output.recv(), TypeError, "output is for writing only");
  reactor.addWriter(input, () => input.send(new Uint8Array(1)));
  reactor.addReader(output, () => output.recv());
  assertEquals([reactor.step(), reactor.step()], [2, 0]);
  assertEquals(errors, [
    "Cannot receive: output is for writing only",
    "Cannot send: input is for reading only",
  ]);
});

leakTest("a stream that fails tells who receives, and who sends", async () => {
  const errors: unknown[] = [];
  using reactor = new Reactor({ onError: (error) => errors.push(error) });
  const error = new Error("broken");
  const readable = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(error) });
  const input = reactor.adopt(fromStreams({ readable }));
  reactor.addReader(input, () => input.recv());
  await drive(reactor, () => errors.length === 1);
  const writable = new WritableStream<Uint8Array>({ write: () => Promise.reject(error) });
  const output = reactor.adopt(fromStreams({ writable }));
  reactor.addWriter(output, () => output.send(new Uint8Array(1)));
  await drive(reactor, () => errors.length === 2);
  assertEquals(errors, [error, error]);
});

leakTest("a WritableStream is closed when its socket is", async () => {
  const seen: string[] = [];
  const writable = new WritableStream<Uint8Array>({
    write: (chunk) => void seen.push(`write ${chunk.length}`),
    close: () => void seen.push("close"),
  });
  using reactor = new Reactor();
  const socket = reactor.adopt(fromStreams({ writable }));
  socket.send(new Uint8Array(4));
  socket.close();
  await turnsUntil(() => seen.length === 2);
  assertEquals(seen, ["write 4", "close"]);
});

leakTest("subprocess() talks to a program over its pipes", async () => {
  using reactor = new Reactor();
  const script = 'cat; echo "$GREETING" >&2; exit 3';
  const env = { GREETING: "goodbye" };
  const { io, stderr, status, pid } = subprocess(reactor, "sh", { args: ["-c", script], env });
  assert(pid > 0);
  io.send(new TextEncoder().encode("hello"));
  io.shutdown();
  assertEquals(await receiveAll(reactor, io), "hello");
  assertEquals(await receiveAll(reactor, stderr), "goodbye\n");
  assertEquals((await status).code, 3);
  reactor.shutdown();
});

leakTest("subprocess() tells who sends that the program is gone", async () => {
  const errors: unknown[] = [];
  using reactor = new Reactor({ onError: (error) => errors.push(error) });
  const { io, status } = subprocess(reactor, "true");
  reactor.addWriter(io, () => io.send(new Uint8Array(1000)));
  await drive(reactor, () => errors.length > 0);
  assert(errors[0] instanceof Error);
  await status;
});

leakTest("subprocess() is killed when the reactor shuts down, and by using", async () => {
  const reactor = new Reactor();
  const { status } = subprocess(reactor, "sleep", { args: ["1000"] });
  reactor.shutdown();
  assertEquals((await status).signal, "SIGTERM");
  using other = new Reactor();
  const ended = (() => {
    using child = subprocess(other, "sleep", { args: ["1000"] });
    return child.status;
  })();
  assertEquals((await ended).signal, "SIGTERM");
  assertEquals(other.openConnections.size, 0);
});

leakTest(
  "subprocess() by using leaves no pipe open, of a program that has ended as well",
  async () => {
    using reactor = new Reactor();
    const before = openDescriptors().size;
    for (let i = 0; i < 5; i++) {
      using program = subprocess(reactor, "true");
      assertEquals(await receiveAll(reactor, program.io), "");
      await program.status;
    }
    assertEquals(reactor.openConnections.size, 0);
    await turnsUntil(() => openDescriptors().size <= before);
  },
);

leakTest("stdio() serves a program that echoes its input", async () => {
  const program = `
    import { Reactor, stdio } from ${JSON.stringify(import.meta.resolve("../../reactor/mod.ts"))};
    const reactor = new Reactor();
    const io = reactor.adopt(stdio());
    reactor.addReader(io, () => {
      const bytes = io.recv();
      if (bytes) io.send(bytes);
      else if (bytes === null) reactor.requestShutdown();
    });
    await reactor.run();`;
  using reactor = new Reactor();
  const { io, stderr, status } = subprocess(reactor, Deno.execPath(), {
    args: ["eval", "--no-check", program],
  });
  io.send(new TextEncoder().encode("hello"));
  io.shutdown();
  assertEquals(await receiveAll(reactor, io), "hello");
  assertEquals([await receiveAll(reactor, stderr), (await status).code], ["", 0]);
});

leakTest("subprocess() of a reactor that is shut down leaves no program running", async () => {
  const reactor = new Reactor();
  reactor.shutdown();
  const seconds = `${20 + Math.random()}`;
  assertThrows(() => subprocess(reactor, "sleep", { args: [seconds] }), TypeError, "shut down");
  const isRunning = async () => {
    const { stdout } = await new Deno.Command("ps", { args: ["-eo", "args"] }).output();
    return new TextDecoder().decode(stdout).includes(`sleep ${seconds}`);
  };
  const deadline = performance.now() + PATIENCE_MS;
  while (await isRunning()) assert(performance.now() < deadline);
});

leakTest("subprocess().kill() leaves one alone that has ended, known or not", async () => {
  using reactor = new Reactor();
  const { io, kill, status } = subprocess(reactor, "true");
  await receiveAll(reactor, io);
  kill();
  await status;
  kill();
});

leakTest(
  "abort() of what is broken leaves another connection with the same addresses alone",
  async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    using peer = await listener.accept();
    class TcpConn {
      localAddr = conn.localAddr;
      remoteAddr = conn.remoteAddr;
      read = () => Promise.reject(new Deno.errors.ConnectionReset("broken"));
      write = (bytes: Uint8Array) => Promise.resolve(bytes.length);
      close() {}
    }
    using reactor = new Reactor({ selector: "deno" });
    const socket = reactor.adopt(new TcpConn());
    let broken = false;
    reactor.addReader(socket, () => {
      reactor.removeReader(socket);
      assertThrows(() => socket.recv(), Deno.errors.ConnectionReset);
      broken = true;
    });
    await drive(reactor, () => broken);
    socket.abort();
    await conn.write(new Uint8Array(1));
    assertEquals(await peer.read(new Uint8Array(2)), 1);
  },
);
