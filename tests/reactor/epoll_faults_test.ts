/** The epoll back end when the kernel says no: each fault as the C library would show it, which is -1 and no more. */
import { once } from "node:events";
import net from "node:net";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Acceptor, connect, Reactor, type Socket, TestClock } from "../../reactor/mod.ts";
import { leakTest, openDescriptors } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { libc } from "../../reactor/linux/_libc.ts";
import { type Faults, faultyLibc } from "./_faulty_libc.ts";
import { hostname } from "../_sockets.ts";

const LINUX = Deno.build.os === "linux";
const selector = "epoll";

function test(name: string, fn: () => Promise<void>): void {
  if (LINUX) leakTest(name, fn);
}

/** Sends `bytes` to an echo in the same reactor, and gives what comes back. */
async function echoed(bytes: Uint8Array): Promise<Uint8Array> {
  using reactor = new Reactor({ selector });
  using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
    let waiting: Uint8Array[] = [];
    let ended = false;
    const flush = () => {
      while (waiting.length > 0) {
        const sent = socket.send(waiting[0]!);
        if (sent < waiting[0]!.length) {
          waiting[0] = waiting[0]!.subarray(sent);
          return;
        }
        waiting = waiting.slice(1);
      }
      reactor.removeWriter(socket);
      if (ended) socket.close();
    };
    reactor.addReader(socket, () => {
      const chunk = socket.recv();
      if (chunk && waiting.push(chunk) === 1) reactor.addWriter(socket, flush);
      if (chunk !== null) return;
      ended = true;
      reactor.removeReader(socket);
      if (waiting.length === 0) socket.close();
    });
  });
  const socket = await connect(reactor, { hostname, port: acceptor.port });
  let rest = bytes;
  reactor.addWriter(socket, () => {
    rest = rest.subarray(socket.send(rest));
    if (rest.length > 0) return;
    reactor.removeWriter(socket);
    socket.shutdown();
  });
  const received: number[] = [];
  let ended = false;
  reactor.addReader(socket, () => {
    const chunk = socket.recv();
    if (chunk) received.push(...chunk);
    else if (chunk === null) {
      ended = true;
      socket.close();
    }
  });
  await drive(reactor, () => ended, "the end of the echo");
  return Uint8Array.from(received);
}

/** Fails every call but each `n`th. */
function mostly(n: number) {
  let count = 0;
  return <A extends unknown[]>(real: (...args: A) => number, ...args: A) =>
    ++count % n === 0 ? real(...args) : -1;
}

const failingSend = (n: number): NonNullable<Faults["send"]> => {
  const fault = mostly(n);
  // The kernel has no reason to refuse to send nothing.
  return (real, fd, bytes, length, flags) =>
    length === 0 ? real(fd, bytes, length, flags) : fault(real, fd, bytes, length, flags);
};

const CASES: [name: string, faults: () => Faults][] = [
  ["recv fails two times of three", () => ({ recv: mostly(3) })],
  ["send fails two times of three", () => ({ send: failingSend(3) })],
  ["accept4 fails five times of six", () => ({ accept4: mostly(6) })],
  ["epoll_wait is interrupted", () => ({ epoll_wait: mostly(2) })],
  ["epoll_pwait2 is interrupted", () => ({ epoll_pwait2: mostly(2) })],
  ["the thread is interrupted", () => ({ epoll_park: () => Promise.resolve(-1) })],
  ["poll is interrupted", () => ({ poll: mostly(2) })],
  ["there is no epoll_pwait2", () => ({ epoll_pwait2: null })],
  ["one byte is received at a time", () => ({
    recv: (real, fd, buffer, length, flags) => real(fd, buffer, Math.min(length, 1), flags),
  })],
  ["one byte is sent at a time", () => ({
    send: (real, fd, buffer, length, flags) => real(fd, buffer, Math.min(length, 1), flags),
  })],
  ["everything fails every other time", () => ({
    recv: mostly(2),
    send: failingSend(2),
    accept4: mostly(2),
    epoll_wait: mostly(2),
    epoll_pwait2: mostly(2),
    poll: mostly(2),
  })],
];

const bytes = Uint8Array.from({ length: 3000 }, (_, i) => i * 7 + (i >> 8));

for (const [name, faults] of CASES) {
  test(`Reactor (epoll) echoes every byte when ${name}`, async () => {
    using _ = faultyLibc(faults());
    assertEquals(await echoed(bytes), bytes);
  });
}

test("Reactor (epoll) echoes every byte whatever fails, and however little is taken", async () => {
  const outcome = fc.constantFrom("fails", "one", "some", "all");
  await fc.assert(
    fc.asyncProperty(fc.array(outcome, { minLength: 1, maxLength: 30 }), async (outcomes) => {
      let i = 0;
      // In the end it works, or nothing would ever end.
      const next = () => i < 300 ? outcomes[i++ % outcomes.length]! : "all";
      const limited = (length: number) => {
        const how = next();
        if (how === "fails") return -1;
        return how === "one" ? 1 : how === "some" ? Math.ceil(length / 3) : length;
      };
      using _ = faultyLibc({
        recv(real, fd, buffer, length, flags) {
          const limit = limited(length);
          return limit < 0 ? -1 : real(fd, buffer, limit, flags);
        },
        send(real, fd, buffer, length, flags) {
          if (length === 0) return real(fd, buffer, 0, flags);
          const limit = limited(length);
          return limit < 0 ? -1 : real(fd, buffer, limit, flags);
        },
      });
      assertEquals(await echoed(bytes), bytes);
    }),
    { numRuns: 30 },
  );
});

/** An accepted socket, and a peer that can reset it. */
async function resettable(reactor: Reactor): Promise<{ socket: Socket; peer: net.Socket }> {
  let socket: Socket | undefined;
  using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (accepted) => socket = accepted);
  // It does not end by itself when the other side does.
  const peer = net.connect({ port: acceptor.port, host: hostname, allowHalfOpen: true });
  const connected = once(peer, "connect");
  await drive(reactor, () => socket !== undefined, "a connection");
  await connected;
  return { socket: socket!, peer };
}

function said(peer: net.Socket, text: string): Promise<unknown> {
  return new Promise((resolve) => peer.write(text, resolve));
}

async function reset(peer: net.Socket): Promise<void> {
  const closed = once(peer, "close");
  peer.resetAndDestroy();
  await closed;
}

test("Socket.recv() (epoll) tells of a reset that nobody waited for, after what came before", async () => {
  using reactor = new Reactor({ selector });
  const { socket, peer } = await resettable(reactor);
  await said(peer, "before");
  await reset(peer);
  assertEquals(socket.recv()?.length, 6);
  assertThrows(() => socket.recv(), Deno.errors.ConnectionReset, "os error 104");
  assertThrows(() => socket.recv(), Deno.errors.ConnectionReset);
  assertThrows(() => socket.send(bytes), Deno.errors.ConnectionReset);
  assertEquals([socket.closed, reactor.openConnections.size], [false, 0]);
});

test("Socket.recv() (epoll) does not take a reset for an end when it has sent its own end", async () => {
  using reactor = new Reactor({ selector });
  const { socket, peer } = await resettable(reactor);
  socket.shutdown();
  await said(peer, "before");
  await reset(peer);
  assertEquals(socket.recv()?.length, 6);
  assertThrows(() => socket.recv(), Deno.errors.ConnectionReset, "os error 104");
});

test("Socket.recv() (epoll) does not take the reset of a Unix socket for an end", async () => {
  const path = await Deno.makeTempFile();
  await Deno.remove(path);
  using reactor = new Reactor({ selector });
  using listener = Deno.listen({ transport: "unix", path });
  const socket = await connect(reactor, { path });
  const peer = await listener.accept();
  await Deno.remove(path);
  socket.send(bytes); // which the peer leaves unread
  await peer.write(new Uint8Array(6));
  peer.close();
  assertEquals(socket.recv()?.length, 6);
  assertThrows(() => socket.recv(), Deno.errors.ConnectionReset);
});

test("Socket (epoll) that the kernel does not watch fails, instead of waiting for ever", async () => {
  let fails = false;
  using _ = faultyLibc({ epoll_ctl: (real, ...args) => fails ? -1 : real(...args) });
  const errors: string[] = [];
  const onError = (error: unknown) => errors.push(String(error));
  using reactor = new Reactor({ selector, onError });
  const { socket, peer } = await resettable(reactor);
  fails = true;
  reactor.addReader(socket, () => socket.recv());
  fails = false;
  assertEquals([reactor.step(), reactor.step()], [1, 0]);
  assertEquals(errors.length, 1);
  assertMatch(errors[0]!, /^Error: Cannot wait for tcp .*: the system refuses to watch it/);
  assertThrows(() => socket.send(bytes), Error, "Cannot wait");
  assertEquals(reactor.openConnections.size, 0);
  peer.destroy();
});

test("Acceptor (epoll) that the kernel does not watch pauses, says so, and recovers", async () => {
  let fails = true;
  using _ = faultyLibc({ epoll_ctl: (real, ...args) => fails ? -1 : real(...args) });
  const clock = new TestClock();
  const errors: string[] = [];
  const onError = (error: unknown) => errors.push(String(error));
  using reactor = new Reactor({ selector, clock, onError });
  let accepted: Socket | undefined;
  using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => accepted = socket);
  using _conn = await Deno.connect({ hostname, port: acceptor.port });
  for (let i = 0; i < 3; i++) {
    while (reactor.step() > 0); // it fails, and pauses
    clock.advance(100);
    reactor.step(); // it tries again
  }
  reactor.step();
  assertEquals(errors.length, 1);
  assertMatch(
    errors[0]!,
    /^Error: Cannot wait for listener tcp .*: the system refuses to watch it/,
  );
  fails = false;
  clock.advance(100);
  await drive(reactor, () => accepted !== undefined, "a connection after the pause");
});

test("Socket.send() (epoll) tells of a reset, and what came before can still be received", async () => {
  using reactor = new Reactor({ selector });
  const { socket, peer } = await resettable(reactor);
  await said(peer, "before");
  await reset(peer);
  const error = assertThrows(() => socket.send(bytes));
  assert(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe);
  assertThrows(() => socket.send(bytes));
  assertEquals(socket.recv()?.length, 6);
});

test("Socket (epoll) gives the error that epoll announced", async () => {
  let timedOut = false;
  using _ = faultyLibc({
    getsockopt(real, fd, level, name, value, length) {
      const result = real(fd, level, name, value, length);
      if (timedOut) new Int32Array((value as Uint8Array).buffer)[0] = 110;
      return result;
    },
  });
  const errors: unknown[] = [];
  using reactor = new Reactor({ selector, onError: (error) => errors.push(error) });
  const { socket, peer } = await resettable(reactor);
  timedOut = true;
  reactor.addReader(socket, () => void socket.recv());
  peer.resetAndDestroy();
  await drive(reactor, () => errors.length > 0);
  assert(errors[0] instanceof Deno.errors.TimedOut);
  assertEquals((errors[0] as { code?: string }).code, "ETIMEDOUT");
});

for (
  const { name, message, faults } of [
    {
      name: "there are no descriptors left",
      message: "Too many open files (os error 24)",
      faults: (fails: () => boolean): Faults => ({
        accept4: (real, ...args) => fails() ? -1 : real(...args),
        eventfd: (real, ...args) => fails() ? -1 : real(...args),
      }),
    },
    {
      name: "the system refuses for no known reason",
      message: "the system refuses",
      faults: (fails: () => boolean): Faults => ({
        accept4: (real, ...args) => fails() ? -1 : real(...args),
      }),
    },
  ]
) {
  test(`Acceptor (epoll) pauses when ${name}, says so once, and recovers`, async () => {
    let fails = false;
    using _ = faultyLibc(faults(() => fails));
    const clock = new TestClock();
    const errors: string[] = [];
    using reactor = new Reactor({
      selector,
      clock,
      onError: (error, where) => errors.push(`${where}: ${error}`),
    });
    let accepted: Socket | undefined;
    using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => accepted = socket);
    fails = true;
    using _conn = await Deno.connect({ hostname, port: acceptor.port });
    await drive(reactor, () => errors.length > 0);
    for (let i = 0; i < 5; i++) {
      clock.advance(100);
      for (let j = 0; j < 20; j++) reactor.step();
    }
    assertEquals(errors.length, 1);
    assert(errors[0]!.includes(message), errors[0]);
    assert(errors[0]!.startsWith(`accept of listener tcp ${hostname}`), errors[0]);
    assertEquals(accepted, undefined);
    fails = false;
    clock.advance(100);
    await drive(reactor, () => accepted !== undefined, "a connection after the pause");
  });
}

for (const others of [0, 4, 5]) {
  test(`new Reactor() (epoll) leaves nothing open when there are no descriptors left and ${others} others`, () => {
    const none = { eventfd: false, epoll_create1: false };
    using _ = faultyLibc({
      eventfd: (real, ...args) => none.eventfd ? -1 : real(...args),
      epoll_create1: (real, ...args) => none.epoll_create1 ? -1 : real(...args),
    });
    using stack = new DisposableStack();
    for (let i = 0; i < others; i++) stack.use(new Reactor({ selector }));
    for (const name of ["eventfd", "epoll_create1"] as const) {
      const before = openDescriptors().size;
      none[name] = true;
      assertThrows(() => new Reactor({ selector }), Error, "too many open files");
      none[name] = false;
      assertEquals(openDescriptors().size, before);
    }
    return Promise.resolve();
  });
}

test("no length goes to the kernel that is not within its buffer", () => {
  const { read, recv, send } = libc()!;
  const room = new Uint8Array(10);
  for (const wrong of [-1, NaN, 1.5, 11, Infinity, 2 ** 31, 2 ** 32]) {
    for (
      const call of [
        () => read(0, room, wrong),
        () => recv(0, room, wrong, 0),
        () => send(0, room, wrong, 0),
      ]
    ) assertThrows(call, RangeError, `must be a whole number from 0 to 10, not ${wrong}`);
  }
  return Promise.resolve();
});
