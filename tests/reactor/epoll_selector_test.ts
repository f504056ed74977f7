import { assert, assertEquals, assertThrows } from "@std/assert";
import { Acceptor, connect, fromStreams, Reactor, type Socket } from "../../reactor/mod.ts";
import { claimed, findDescriptor } from "../../reactor/linux/_descriptor_of.ts";
import { libc } from "../../reactor/linux/_libc.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { faultyLibc } from "./_faulty_libc.ts";
import { CA_CERT, CERT, KEY } from "./_tls.ts";
import { hostname } from "../_sockets.ts";

const LINUX = Deno.build.os === "linux";
const selector = "epoll";
const path = `${Deno.env.get("TMPDIR") ?? "/tmp"}/weightless-epoll-${Deno.pid}.sock`;

function test(name: string, fn: () => Promise<void>): void {
  if (LINUX) leakTest(name, fn);
}

function isDescriptor(socket: Socket): boolean {
  return "descriptor" in socket;
}

/** Both ends of a connection, in the same reactor. */
async function pair(reactor: Reactor): Promise<[accepted: Socket, connected: Socket]> {
  let accepted: Socket | undefined;
  using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => accepted = socket);
  const connected = await connect(reactor, { hostname, port: acceptor.port });
  await drive(reactor, () => accepted !== undefined, "a connection");
  return [accepted!, connected];
}

test("EpollSelector drives plain TCP on descriptors, and the rest as Deno does, in one reactor", async () => {
  using reactor = new Reactor({ selector });
  assertEquals(reactor.selector, "epoll");
  const seen: string[] = [];
  const greet = (name: string) => (socket: Socket) => {
    seen.push(`${name} ${isDescriptor(socket)}`);
    socket.send(new TextEncoder().encode(name));
    socket.close();
  };
  using tcp = new Acceptor(reactor, { hostname, port: 0 }, greet("tcp"));
  using tls = new Acceptor(reactor, { hostname, port: 0, cert: CERT, key: KEY }, greet("tls"));
  using unix = new Acceptor(reactor, { path }, greet("unix"));
  const running = reactor.run();
  async function received(conn: Deno.Conn): Promise<string> {
    using _ = conn;
    const buffer = new Uint8Array(10);
    return new TextDecoder().decode(buffer.subarray(0, (await conn.read(buffer))!));
  }
  const caCerts = [CA_CERT];
  const answers = await Promise.all([
    Deno.connect({ hostname, port: tcp.port }).then(received),
    Deno.connectTls({ hostname, port: tls.port, caCerts }).then(received),
    Deno.connect({ transport: "unix", path: (unix.addr as Deno.UnixAddr).path }).then(received),
    new Promise<string>((resolve) => setTimeout(() => resolve("timer"), 1)),
    new Response(new Blob(["stream"]).stream()).text(),
  ]);
  reactor.requestShutdown();
  await running;
  assertEquals(answers, ["tcp", "tls", "unix", "timer", "stream"]);
  assertEquals(seen.sort(), ["tcp true", "tls false", "unix true"]);
});

test("EpollSelector asks nothing of epoll for a message but what is ready", async () => {
  const calls: string[] = [];
  using _ = faultyLibc({
    epoll_ctl(real, ...args) {
      calls.push("epoll_ctl");
      return real(...args);
    },
    poll(real, ...args) {
      calls.push("poll");
      return real(...args);
    },
  });
  using reactor = new Reactor({ selector });
  const [accepted, connected] = await pair(reactor);
  reactor.addReader(accepted, () => accepted.send(accepted.recv()!));
  let count = 0;
  reactor.addReader(connected, () => {
    connected.send(connected.recv()!);
    count++;
  });
  connected.send(new Uint8Array(100));
  await drive(reactor, () => count > 10);
  calls.length = 0;
  await drive(reactor, () => count > 100);
  assertEquals(calls, []);
});

test("EpollSelector is not kept busy by what nobody waits for", async () => {
  let waits = 0;
  using _ = faultyLibc({
    epoll_wait(real, ...args) {
      waits++;
      return real(...args);
    },
    epoll_park(real, ...args) {
      waits++;
      return real(...args);
    },
  });
  using reactor = new Reactor({ selector });
  const [accepted, connected] = await pair(reactor);
  reactor.addReader(accepted, () => {});
  reactor.addWriter(accepted, () => {});
  reactor.step();
  reactor.removeReader(accepted);
  reactor.removeWriter(accepted);
  connected.send(new Uint8Array(100));
  const waiting = reactor.wait();
  waits = 0;
  // Each of these takes a job of a thread, as a look at epoll would.
  for (let i = 0; i < 100; i++) await crypto.subtle.digest("SHA-1", new Uint8Array(0));
  assert(waits < 10, `asked ${waits} times`);
  reactor.addTimer(0, () => {});
  await waiting;
});

/** Counts the threads that wait in epoll. */
function countParked(): Disposable & { now: number; most: number } {
  const counts = { now: 0, most: 0 };
  const faults = faultyLibc({
    async epoll_park(real, ...args) {
      counts.most = Math.max(counts.most, ++counts.now);
      const result = await real(...args);
      counts.now--;
      return result;
    },
  });
  return Object.assign(counts, { [Symbol.dispose]: () => faults[Symbol.dispose]() });
}

test("EpollSelector has one thread wait at most, and calls it back when it is closed", async () => {
  using parked = countParked();
  const reactor = new Reactor({ selector });
  for (let i = 0; i < 20; i++) {
    reactor.addTimer(0, () => {});
    await reactor.wait();
    reactor.step();
    const waiting = reactor.wait();
    await turns(2);
    reactor.addTimer(0, () => {});
    await waiting;
    reactor.step();
  }
  assertEquals([parked.most, parked.now], [1, 1]);
  reactor.shutdown();
  await turnsUntil(() => parked.now === 0);
});

test("EpollSelector leaves threads to others, however many reactors wait, and each is told", async () => {
  using parked = countParked();
  const reactors = Array.from({ length: 40 }, () => new Reactor({ selector }));
  const seen: number[] = [];
  const senders: Socket[] = [];
  for (const [i, reactor] of reactors.entries()) {
    const [accepted, connected] = await pair(reactor);
    reactor.addReader(accepted, () => seen.push(i, accepted.recv()!.length));
    senders.push(connected);
  }
  const running = reactors.map((reactor) => reactor.run());
  await turns(20);
  let read = false; // which takes a thread of the pool
  Deno.readTextFile(new URL(import.meta.url)).then(() => read = true);
  await turnsUntil(() => read);
  for (const round of [1, 2]) {
    for (const [i, sender] of senders.entries()) {
      sender.send(new Uint8Array(round));
      await turnsUntil(() => seen.length > 0);
      assertEquals(seen.splice(0), [i, round]);
    }
  }
  for (const reactor of reactors) reactor.requestShutdown();
  await Promise.all(running);
  assertEquals([parked.most, parked.now], [5, 0]);
});

test("Socket (epoll) gives the addresses, also after it was closed", async () => {
  using reactor = new Reactor({ selector });
  const [accepted, connected] = await pair(reactor);
  const addresses = () =>
    [connected.localAddr, connected.remoteAddr, accepted.remoteAddr, accepted.localAddr]
      .map((addr) => (addr as Deno.NetAddr).hostname + (addr as Deno.NetAddr).port);
  const [near, far] = addresses();
  assertEquals(addresses(), [near, far, near, far]);
  accepted.close();
  connected.close();
  assertEquals(addresses(), [near, far, near, far]);
});

test("Socket.send() (epoll) of one socket does not hold up another", async () => {
  using reactor = new Reactor({ selector });
  const [accepted] = await pair(reactor);
  assert(accepted.send(new Uint8Array(16 * 1024 * 1024)) <= 256 * 1024);
});

test("Socket.sendv() (epoll) sends all chunks as one, or as much as is accepted", async () => {
  using reactor = new Reactor({ selector });
  const [accepted, connected] = await pair(reactor);
  const seen: Uint8Array[] = [];
  reactor.addReader(connected, () => seen.push(connected.recv()!));
  const chunks = [[], [1, 2], [], [3], []].map((bytes) => Uint8Array.from(bytes));
  assertEquals([accepted.sendv!([]), accepted.sendv!(chunks)], [0, 3]);
  await drive(reactor, () => seen.length > 0);
  assertEquals(seen, [Uint8Array.from([1, 2, 3])]);
  reactor.removeReader(connected);
  const large = new Uint8Array(200 * 1024);
  let sent = 0;
  for (let more; (more = accepted.sendv!([large, large])) > 0;) sent += more;
  assert(sent > 0 && sent < 64 * 1024 * 1024);
});

test("Socket.detach() (epoll) gives back a connection of Deno, and has none for an accepted one", async () => {
  using reactor = new Reactor({ selector });
  const [accepted, connected] = await pair(reactor);
  assertThrows(() => accepted.detach(), Deno.errors.NotSupported, "bare descriptor");
  using conn = connected.detach() as Deno.TcpConn;
  assertEquals([connected.closed, claimed.size], [true, 1]);
  accepted.send(new Uint8Array(5));
  assertEquals(await conn.read(new Uint8Array(10)), 5);
});

test("findDescriptor() finds TCP connections and listeners, of IPv4 and IPv6", async () => {
  for (const hostname of ["127.0.0.1", "0.0.0.0", "::1", "::"]) {
    using listener = Deno.listen({ hostname, port: 0 });
    const listening = findDescriptor(libc()!, listener);
    assert(listening !== undefined, hostname);
    const near = hostname.includes(":") ? "::1" : "127.0.0.1";
    const accepting = listener.accept();
    using connected = await Deno.connect({ hostname: near, port: listener.addr.port });
    using accepted = await accepting;
    const found = [connected, accepted].map((conn) => findDescriptor(libc()!, conn));
    assertEquals(new Set([...found, listening, undefined]).size, 4, hostname);
    for (const conn of [connected, accepted]) {
      // Without the hint, too.
      const bare = { ...conn, localAddr: conn.localAddr, remoteAddr: conn.remoteAddr };
      Object.setPrototypeOf(bare, Object.getPrototypeOf(conn));
      for (const symbol of Object.getOwnPropertySymbols(bare)) {
        delete (bare as unknown as Record<symbol, unknown>)[symbol];
      }
      assertEquals(findDescriptor(libc()!, bare), findDescriptor(libc()!, conn), hostname);
    }
  }
});

test("findDescriptor() gives nothing when it cannot be sure, or when its bytes are not the stream's", async () => {
  using listener = Deno.listen({ transport: "unix", path });
  using one = await Deno.connect({ transport: "unix", path });
  assert(findDescriptor(libc()!, one) !== undefined);
  using _two = await Deno.connect({ transport: "unix", path });
  assertEquals(findDescriptor(libc()!, one), undefined);
  assert(findDescriptor(libc()!, listener) !== undefined);
  using tls = Deno.listenTls({ hostname, port: 0, cert: CERT, key: KEY });
  assertEquals(findDescriptor(libc()!, tls), undefined);
  const stream = fromStreams({ readable: new ReadableStream() });
  assertEquals(findDescriptor(libc()!, stream as unknown as Deno.Conn), undefined);
});

test("findDescriptor() does not take a descriptor twice", async () => {
  using reactor = new Reactor({ selector });
  using listener = Deno.listen({ transport: "unix", path });
  const one = reactor.adopt(await Deno.connect({ transport: "unix", path }));
  const two = reactor.adopt(await Deno.connect({ transport: "unix", path }));
  assertEquals([isDescriptor(one), isDescriptor(two)], [true, true]);
  using first = await listener.accept();
  using second = await listener.accept();
  one.send(new Uint8Array(1));
  two.send(new Uint8Array(2));
  const buffer = new Uint8Array(10);
  assertEquals([await first.read(buffer), await second.read(buffer)], [1, 2]);
});

/** What `_which_selector.ts` prints with these permissions. */
async function which(selector: string, ...permissions: string[]): Promise<string> {
  const program = new URL("_which_selector.ts", import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--allow-net", ...permissions, program, selector],
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

test('new Reactor({ selector: "epoll" }) says why it cannot be, and what to do', async () => {
  assertEquals(
    await which("epoll"),
    "NotSupported: Cannot use the epoll selector: calling the C library is not allowed: " +
      'run with --allow-ffi; or use "auto" or "deno"',
  );
});

test('new Reactor({ selector: "auto" }) takes epoll if it is allowed already, and does not ask', async () => {
  assertEquals(await which("auto"), "deno 5 127.0.0.1");
  assertEquals(await which("auto", "--allow-ffi"), "epoll 5 127.0.0.1");
  assertEquals(await which("deno", "--allow-ffi"), "deno 5 127.0.0.1");
});

test('new Reactor({ selector: "epoll" }) needs leave for the C library only', async () => {
  const folders = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"]
    .flatMap((folder) => [`${folder}/${Deno.build.arch}-linux-gnu`, folder]);
  const library = folders.map((folder) => `${folder}/libc.so.6`).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
  if (library === undefined) return;
  assertEquals(await which("epoll", `--allow-ffi=${library}`), "epoll 5 127.0.0.1");
});
