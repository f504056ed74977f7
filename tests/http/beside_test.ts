/** The body of a request, which another coroutine transfers while the handler waits or writes. */
import { assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { gio, sleep } from "../../gio/mod.ts";
import {
  HttpClient,
  type HttpRequest,
  HttpServer,
  LocalProtocolError,
  ok,
} from "../../http/mod.ts";
import { here, type Reactor, splice, TransferError } from "../../reactor/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { ANSWERED, answerTo, ENDED, exchange, serverTest } from "./_live.ts";

/** What the server behind has got, and how many of its answers are over. */
interface Seen {
  requests: HttpRequest[];
  over: number;
  /** How many clients have gone before. */
  gone: number;
}

/**
 * Registers a test with a server that sends each piece back at once, or is silent, and a server before it that asks it by
 * a client.
 */
function besideTest(
  name: string,
  fn: (port: number, seen: Seen, errors: unknown[], reactor: Reactor) => Promise<void>,
  begin: (request: HttpRequest) => AbortSignal | undefined = () => undefined,
): void {
  serverTest(`splice(request, to) ${name}`, async (reactor, errors) => {
    const seen: Seen = { requests: [], over: 0, gone: 0 };
    using far = new HttpServer(reactor, {
      ...listening,
      *handler(request) {
        seen.requests.push(request);
        request.onAnswered(() => seen.over++);
        if (request.path === "/silent") {
          yield* call(request.bytes());
          request.signal.addEventListener("abort", () => seen.gone++);
          yield* sleep(1e9);
        }
        yield ok();
        for (;;) yield yield;
      },
    });
    const client = new HttpClient({ reactor });
    function* body(request: HttpRequest): Coroutine {
      yield* splice(request, here);
    }
    using server = new HttpServer(reactor, {
      ...listening,
      *handler(request) {
        const signal = begin(request);
        const length = request.headers.get("content-length");
        const answer = yield* client.post(`http://${hostname}:${far.port}${request.target}`, {
          body: body(request),
          headers: { "content-length": length },
          ...signal && { signal },
        });
        yield ok({ "content-length": length });
        yield* splice(answer, here);
      },
    });
    await fn(server.port, seen, errors, reactor);
    client.close();
    await turnsUntil(() => client.inspect().length === 0);
  });
}

const HEAD = "POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
const FRAMINGS: [what: string, head: string, pieces: string[], came: RegExp][] = [
  ["of known length", `${HEAD}Content-Length: 4\r\n\r\n`, ["ab", "cd"], /\r\n\r\nabcd$/],
  [
    "in chunks",
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n`,
    ["2\r\nab\r\n", "2\r\ncd\r\n0\r\n\r\n"],
    /\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n$/,
  ],
];

for (const [what, head, [first, second], came] of FRAMINGS) {
  besideTest(`sends a body ${what} while the answer comes`, async (port, seen, errors) => {
    // The second piece is sent when the first one has come back.
    const answer = await answerTo(port, head + first, ANSWERED, second!);
    assertMatch(answer, came);
    assertEquals([seen.requests.length, errors], [1, []]);
  });

  besideTest(
    `lets the client send a body ${what} that waits for a 100`,
    async (port, _, errors) => {
      const expecting = head.replace("Host", "Expect: 100-continue\r\nHost");
      const answer = await answerTo(port, expecting, ANSWERED, first!, ANSWERED, second!);
      assertMatch(answer, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
      assertMatch(answer, came);
      assertEquals(errors, []);
    },
  );

  besideTest(`ends with a client that ends within a body ${what}`, async (port, seen, errors) => {
    const answer = () => answerTo(port, head + first, ANSWERED, ENDED);
    await assertRejects(answer, Deno.errors.ConnectionReset);
    await turnsUntil(() => seen.over === 1);
    for (const error of errors) assertInstanceOf(error, TransferError);
  });

  besideTest(
    `notices that the client has gone after its body ${what}`,
    async (port, seen, errors) => {
      const conn = await Deno.connect({ hostname, port });
      await conn.write(new TextEncoder().encode(head.replace("/a", "/silent") + first + second));
      await turnsUntil(() => seen.requests.length === 1);
      conn.close();
      await turnsUntil(() => seen.gone === 1);
      assertEquals(errors, []);
    },
    (request) => request.signal,
  );
}

besideTest("tells the client that its body is faulty", async (port, seen, errors) => {
  const answer = await exchange(port, `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`);
  assertMatch(answer!, /^HTTP\/1.1 400 /);
  await turnsUntil(() => seen.over === seen.requests.length);
  assertEquals(errors, []);
});

let kept: HttpRequest;
besideTest("is an error when the handler has ended", async (port, _, errors, reactor) => {
  await exchange(port, `${HEAD}Content-Length: 4\r\n\r\nabcd`);
  const late = gio(
    reactor,
    undefined,
    function* (): Coroutine {
      yield* splice(kept, { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) });
    }(),
  );
  await assertRejects(() => late.result, LocalProtocolError, "its handler has ended");
  assertEquals(errors, []);
}, (request) => {
  kept = request;
  return undefined;
});
