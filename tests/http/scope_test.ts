/** What a handler leaves behind ends with its request, whatever the way out, and strikes no other. */
import { assertEquals } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { Acceptor, Reactor, type Socket, TestClock } from "../../reactor/mod.ts";
import { connectTo, type Gio, gio, open, sleep, spawn, timeout, wait } from "../../gio/mod.ts";
import { type HttpRequest, HttpServer, ok, serveHttp } from "../../http/mod.ts";
import { resetTcp } from "../../reactor/linux/_tcp.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { hostname, SELECTORS } from "../_sockets.ts";

/** What was made, and is to be over when the next request is answered. */
class Left {
  readonly closed: (() => boolean)[] = [];
  readonly errors: string[] = [];
  cleaned = 0;
  ended = false;
  constructor(readonly upstream: number) {}
}

const LEAVES: Record<string, (left: Left) => Coroutine> = {
  *"a timeout"() {
    timeout(4);
  },
  *"a task"(left) {
    const task = yield* spawn(function* () {
      for (;;) yield* sleep(1);
    }());
    left.closed.push(() => task.done);
  },
  *"a task whose cleanup waits"(left) {
    const task = yield* spawn(function* () {
      try {
        yield* sleep(60_000);
      } finally {
        yield* sleep(2);
        left.cleaned++;
      }
    }());
    left.closed.push(() => task.done && left.cleaned > 0);
  },
  *"a task with a task, a file and a timeout"(left) {
    const task = yield* spawn(function* () {
      const inner = yield* spawn(sleeping());
      const file = open("/dev/null");
      timeout(60_000);
      left.closed.push(() => inner.done && file.closed);
      yield* sleep(60_000);
    }());
    left.closed.push(() => task.done);
  },
  *"a file"(left) {
    const file = open("/dev/null");
    left.closed.push(() => file.closed);
  },
  *"a connection"(left) {
    const peer = yield* connectTo({ hostname, port: left.upstream });
    left.closed.push(() => peer.closed);
  },
};

function* sleeping(): Coroutine {
  yield* sleep(60_000);
}

/** How the handler ends after that, and what the client gets of it; then, whether the connection goes on. */
const ENDS: Record<
  string,
  { end: (request: HttpRequest) => Coroutine; status?: string; goesOn: boolean }
> = {
  "returns": {
    *end() {
      yield ok();
      yield "all";
    },
    status: "200",
    goesOn: true,
  },
  "fails before its answer": {
    *end() {
      throw new Error("of the handler");
    },
    status: "500",
    goesOn: true,
  },
  "fails after a part of its answer": {
    *end() {
      yield ok();
      yield "a part";
      yield* sleep(1);
      throw new Error("of the handler");
    },
    goesOn: false,
  },
  "is cancelled when the client goes": {
    *end() {
      try {
        for (;;) {
          yield ok();
          for (;;) {
            yield "x".repeat(1000);
            yield* sleep(1);
          }
        }
      } finally {
        yield* sleep(0);
      }
    },
    goesOn: false,
  },
};

for (const selector of SELECTORS) {
  for (const [what, leave] of Object.entries(LEAVES)) {
    for (const [how, { end, status, goesOn }] of Object.entries(ENDS)) {
      for (const pipelined of goesOn ? [false, true] : [false]) {
        const name = `${what} of a handler that ${how}${
          pipelined ? ", pipelined" : ""
        } ends with its request`;
        leakTest(`${name} (${selector})`, async () => {
          const unexpected: unknown[] = [];
          const clock = new TestClock({ autojump: true });
          const onError = (error: unknown) => unexpected.push(error);
          const reactor = new Reactor({ selector, clock, onError });
          const running = reactor.run();
          const upstream = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
            gio(
              reactor,
              socket,
              function* () {
                for (;;) yield;
              }(),
            );
          });
          const left = new Left(upstream.port);
          const server = new HttpServer(reactor, {
            hostname,
            port: 0,
            onError: (error: unknown) => left.errors.push((error as Error).message),
            *handler(request: HttpRequest) {
              if (request.path === "/innocent") {
                const over = left.closed.map((closed) => closed());
                yield* sleep(8);
                yield ok();
                yield `innocent ${over.every((one) => one)}`;
                return;
              }
              try {
                yield* call(leave(left));
                yield* sleep(1);
                yield end(request);
              } finally {
                left.ended = true;
              }
            },
          });
          const conn = await Deno.connect({ hostname, port: server.port });
          const say = (path: string) =>
            conn.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`));
          const buffer = new Uint8Array(10_000);
          const decoder = new TextDecoder();
          let text = "";
          const readUntil = async (done: () => boolean) => {
            while (!done()) {
              const count = await conn.read(buffer).catch(() => null);
              if (count === null) return;
              text += decoder.decode(buffer.subarray(0, count));
            }
          };
          await say("/");
          if (goesOn) {
            if (!pipelined) await readUntil(() => text.includes("\r\n\r\n"));
            await say("/innocent");
            await readUntil(() =>
              text.includes("innocent true") || text.includes("innocent false")
            );
            assertEquals(text.slice(9, 12), status);
            assertEquals(text.includes("innocent true"), true, text);
            conn.close();
          } else {
            if (how.startsWith("is cancelled")) await readUntil(() => text.includes("xxx"));
            else await readUntil(() => false);
            conn.close();
          }
          await turnsUntil(() => left.ended && left.closed.every((closed) => closed()));
          server.close();
          upstream.close();
          reactor.requestShutdown();
          await running;
          assertEquals(unexpected, []);
        });
      }
    }
  }

  leakTest(
    `what was spawned before serveHttp() on its connection lives on (${selector})`,
    async () => {
      const errors: unknown[] = [];
      const reactor = new Reactor({ selector, onError: (error) => errors.push(error) });
      const running = reactor.run();
      let task: Gio | undefined;
      const seen: boolean[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      const acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket: Socket) => {
        gio(
          reactor,
          socket,
          function* () {
            task = yield* spawn(sleeping());
            const file = open("/dev/null");
            yield serveHttp(function* () {
              yield* spawn(sleeping());
              yield* wait(Promise.resolve());
              seen.push(task!.done, file.closed);
              yield ok();
              yield "answer";
            });
            seen.push(task.done, file.closed);
          }(),
        ).result.then(() => resolve(), () => resolve());
      });
      const conn = await Deno.connect({ hostname, port: acceptor.port });
      const buffer = new Uint8Array(1000);
      for (let i = 0; i < 3; i++) {
        await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        await conn.read(buffer);
      }
      conn.close();
      await promise;
      assertEquals(seen, Array(8).fill(false));
      assertEquals(task!.done, true);
      acceptor.close();
      reactor.requestShutdown();
      await running;
      assertEquals(errors, []);
    },
  );

  for (const place of ["at the start", "after the answer", "in a finally"]) {
    for (const out of ["closes", "resets"]) {
      leakTest(
        `what a handler opens ${place} ends when its client ${out} before it ends (${selector})`,
        async () => {
          const isGone = Promise.withResolvers<void>();
          let left: (() => boolean)[] = [];
          function* leave(): Coroutine {
            const file = open("/dev/null");
            const task = yield* spawn(sleeping());
            left = [() => file.closed, () => task.done];
          }
          const reactor = new Reactor({ selector });
          const running = reactor.run();
          const server = new HttpServer(reactor, {
            hostname,
            port: 0,
            *handler() {
              try {
                if (place === "at the start") yield* leave();
                yield ok();
                yield "hello";
                if (place === "after the answer") yield* leave();
                yield* wait(isGone.promise);
              } finally {
                if (place === "in a finally") yield* leave();
              }
            },
          });
          const conn = await Deno.connect({ hostname, port: server.port });
          await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
          if (place !== "in a finally") await turnsUntil(() => left.length > 0);
          else await conn.read(new Uint8Array(1000));
          if (out === "resets") resetTcp(conn);
          conn.close();
          await turns(20);
          isGone.resolve();
          await turnsUntil(() => left.length > 0 && left.every((isOver) => isOver()));
          server.close();
          reactor.requestShutdown();
          await running;
        },
      );
    }
  }

  leakTest(
    `a task of a request that fails in its cleanup is reported once (${selector})`,
    async () => {
      const errors: string[] = [];
      const clock = new TestClock({ autojump: true });
      const onError = (error: unknown) => errors.push(String(error));
      const reactor = new Reactor({ selector, clock, onError });
      const running = reactor.run();
      const server = new HttpServer(reactor, {
        hostname,
        port: 0,
        onError: (error: unknown) => errors.push(String(error)),
        *handler() {
          yield* spawn(function* () {
            try {
              yield* sleep(60_000);
            } finally {
              yield* sleep(1);
              yield failing();
            }
          }());
          yield ok();
          yield "answer";
        },
      });
      const conn = await Deno.connect({ hostname, port: server.port });
      const buffer = new Uint8Array(1000);
      for (let i = 1; i <= 2; i++) {
        await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        const count = await conn.read(buffer);
        assertEquals(new TextDecoder().decode(buffer.subarray(0, count!)).slice(9, 12), "200");
        await turnsUntil(() => errors.length >= i);
      }
      conn.close();
      server.close();
      reactor.requestShutdown();
      await running;
      assertEquals(errors, ["Error: of the cleanup", "Error: of the cleanup"]);
    },
  );
}

function* failing(): Coroutine {
  throw new Error("of the cleanup");
}
