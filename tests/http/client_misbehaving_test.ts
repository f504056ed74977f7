/**
 * Servers that misbehave, in all listed ways: the client gets what docs/http_client_errors.md says, and nothing is left.
 *
 * The server and the client have reactors of their own, on one clock that jumps when both wait.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { call } from "../../compose/mod.ts";
import { EndOfStream, gio } from "../../gio/mod.ts";
import { HttpClient, type HttpResponse } from "../../http/mod.ts";
import { Reactor, TestClock } from "../../reactor/mod.ts";
import { leakTest, turnsUntil } from "../_leaks.ts";
import { hostname, SELECTORS } from "../_sockets.ts";
import { rowsOf } from "../_tables.ts";
import { text } from "./_drive.ts";
import { FAULTS } from "./_h2_misbehaving.ts";
import {
  type Asked,
  type Cut,
  cuts,
  cutting,
  ERROR,
  Misbehaving,
  rowsFor,
  type Way,
  ways,
} from "./_misbehaving.ts";

/** The clock jumps when nothing has happened for so many real milliseconds. */
const QUIET_MS = 10;

/**
 * What happens outside of the reactors may take longer than that: to find an address, to connect, to read certificates.
 */
const outside = { connectMs: Infinity, tlsMs: Infinity };
/** So many real milliseconds no request takes, because the clock jumps. */
const HANGING_MS = 20_000;

interface Ends {
  reactor: Reactor;
  clock: TestClock;
  far: Reactor;
}

/** Registers a test for each kind of socket, with a reactor for each end. */
function endsTest(name: string, fn: (ends: Ends) => Promise<void>): void {
  for (const selector of SELECTORS) {
    leakTest(`${name} (${selector})`, async () => {
      const errors: unknown[] = [];
      const clock = new TestClock({ autojump: true, quietMs: QUIET_MS });
      const options = { selector, clock, onError: (error: unknown) => errors.push(error) };
      using reactor = new Reactor(options), far = new Reactor(options);
      const running = [reactor.run(), far.run()];
      try {
        await fn({ reactor, clock, far });
        assertEquals(errors, []);
      } finally {
        reactor.requestShutdown();
        far.requestShutdown();
        await Promise.all(running);
      }
    });
  }
}

/** What is left of a client that was closed: nothing. */
async function checkNothingLeft(client: HttpClient, { reactor, far }: Ends): Promise<void> {
  await turnsUntil(() =>
    client.inspect().every(({ active, waiting }) => active === 0 && waiting === 0)
  );
  client.close();
  await turnsUntil(() => client.inspect().length === 0 && reactor.inspect().length === 0);
  // The listener is left.
  await turnsUntil(() => far.inspect().every(({ kind }) => kind === "reader"));
}

/** The ways to ask. Each gives the status and the body. */
const askings: Record<string, (asking: Asking) => Promise<string>> = {
  async "a program"({ client, method, url, options }) {
    const response = await client.request(method, url, options);
    return `${response.status} ${JSON.stringify(await response.text())}`;
  },
  "a coroutine"({ reactor, client, method, url, options }) {
    return gio(
      reactor,
      undefined,
      function* () {
        const response = yield* client.request(method, url, options);
        return `${response.status} ${JSON.stringify(yield* call(response.text()))}`;
      }(),
    ).result;
  },
};

interface Asking {
  reactor: Reactor;
  client: HttpClient;
  method: string;
  url: string;
  options: Parameters<HttpClient["request"]>[2];
}

/** What comes of it when `who` asks, in a few words. */
async function outcome(
  who: string,
  asking: Omit<Asking, "method" | "url" | "options">,
  origin: string,
  { method = "GET", path = "/", afterMs: _, ...options }: Asked,
): Promise<string> {
  const hanging = Promise.withResolvers<never>();
  const timer = setTimeout(() => hanging.reject(new Error("It hangs")), HANGING_MS);
  try {
    const answer = askings[who]!({ ...asking, method, url: origin + path, options });
    return await Promise.race([answer, hanging.promise]);
  } catch (error) {
    const { name, message } = error as Error;
    return `${name}: ${message}`;
  } finally {
    clearTimeout(timer);
  }
}

/** What was expected if it is so, or else what has happened. */
function compared(happened: string, expected: string): string {
  const [, names, piece] = ERROR.exec(expected) ?? [];
  if (names === undefined) return happened;
  const isSo = names.split(" or ").some((name) => happened.startsWith(`${name}: `)) &&
    happened.slice(happened.indexOf(": ")).includes(piece!);
  return isSo ? expected : happened;
}

/** Lets so much time of the clock pass. */
function sleep({ reactor }: Ends, ms: number): Promise<void> {
  return new Promise((resolve) => reactor.addTimer(ms, () => resolve()));
}

/** Where nobody listens. */
function freePort(): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

async function check(who: string, way: Way, ends: Ends): Promise<void> {
  const scripts = (Array.isArray(way.serves[0]) ? way.serves : [way.serves]) as Way["serves"][];
  using server = new Misbehaving(ends.far, scripts as never, way.cert);
  const address = `${hostname}:${way.absent ? freePort() : server.port}`;
  const origin = `http${way.https ? "s" : ""}://${address}`;
  using client = new HttpClient({
    reactor: ends.reactor,
    timeouts: outside,
    ...way.options?.(`http://${address}`),
  });
  const expected = [way.gets].flat();
  const happened: string[] = [];
  for (const asked of way.asks ?? [{}]) {
    if (asked.afterMs !== undefined) await sleep(ends, asked.afterMs);
    const result = await outcome(who, { client, reactor: ends.reactor }, origin, asked);
    happened.push(compared(result, expected[happened.length]!));
  }
  assertEquals(happened, expected, who);
  assertEquals(server.connections, way.connections ?? scripts.length);
  if (way.requests !== undefined) assertEquals(server.requests.length, way.requests);
  await checkNothingLeft(client, ends);
}

for (const way of Object.values(ways).flat()) {
  endsTest(`HttpClient gets what is documented if the server ${way.name}`, async (ends) => {
    for (const who of Object.keys(askings)) await check(who, way, ends);
  });
}

/** Checks what has come of a response of which so many bytes were sent. */
function checkCut(cut: Cut, length: number, how: "closes" | "resets", happened: string): void {
  const { head, body, content, isUntilClose } = cut;
  const isWhole = isUntilClose ? length >= head.length && how === "closes" : length === sizeOf(cut);
  let at = head.length;
  let data = "";
  for (const [piece, isData] of body) {
    if (isData) data += piece.slice(0, Math.max(0, length - at));
    at += piece.length;
  }
  const status = /HTTP\/1\.1 (2\d\d)/.exec(head)![1];
  const where = `the server ${how} at byte ${length} of a response ${cut.name}`;
  if (isWhole) {
    const expected = `${status} ${JSON.stringify(data)}`;
    assertEquals(happened.slice(0, 300), expected.slice(0, 300), where);
    assert(happened === expected, where);
  } else if (length === 0) {
    assertMatch(happened, /^(RemoteProtocolError|ConnectionReset): /, where);
  } else if (length < head.length) assertMatch(happened, /^RemoteProtocolError: /, where);
  else {
    assertMatch(happened.slice(0, 300), /^RemoteProtocolError: /, where);
    const [, came, all] = /after (\d+) (?:of (\d+) )?bytes/.exec(happened) ?? [];
    if (all !== undefined) assertEquals(Number(all), content.length, where);
    // A reset may overtake what the client has not read yet.
    if (how === "resets") assert(Number(came) <= data.length, where);
    else assertEquals(Number(came), data.length, where);
  }
}

function sizeOf({ head, body }: Cut): number {
  return body.reduce((sum, [piece]) => sum + piece.length, head.length);
}

for (const cut of cuts) {
  for (const how of ["closes", "resets"] as const) {
    endsTest(
      `HttpClient never takes a part for the whole if the server ${how} at any byte of a response ${cut.name}`,
      async (ends) => {
        using server = new Misbehaving(ends.far, [cutting(cut, how)]);
        using client = new HttpClient({ reactor: ends.reactor, timeouts: outside });
        const origin = `http://${hostname}:${server.port}`;
        const check = async (length: number, apart: string) => {
          const who = length % 2 === 0 ? "a program" : "a coroutine";
          const asking = { client, reactor: ends.reactor };
          const happened = await outcome(who, asking, origin, { path: `/${length}${apart}` });
          checkCut(cut, length, how, happened);
        };
        await Promise.all(
          Array.from(
            { length: sizeOf(cut) + 1 },
            (_, length) => Promise.all(["", "/apart"].map((apart) => check(length, apart))),
          ),
        );
        await checkNothingLeft(client, ends);
      },
    );
  }
}

/** A body that is too large to come at once. */
const LARGE = "0123456789".repeat(50_000);
const HALF = LARGE.length / 2;
const largeCuts: Cut[] = [
  {
    name: "with a Content-Length",
    head: `HTTP/1.1 200 OK\r\nContent-Length: ${LARGE.length}\r\n\r\n`,
    body: [[LARGE, true]],
    content: LARGE,
  },
  {
    name: "in chunks",
    head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    body: [
      [`${HALF.toString(16)}\r\n`, false],
      [LARGE.slice(0, HALF), true],
      [`\r\n${HALF.toString(16)}\r\n`, false],
      [LARGE.slice(HALF), true],
      ["\r\n0\r\n\r\n", false],
    ],
    content: LARGE,
  },
  {
    name: "that ends when it closes",
    head: "HTTP/1.1 200 OK\r\n\r\n",
    body: [[LARGE, true]],
    content: LARGE,
    isUntilClose: true,
  },
];

/** The ways to read a body. Each gives what it has read, a character for each byte. */
const readings: Record<string, (response: HttpResponse, reactor: Reactor) => Promise<string>> = {
  "by text()": async (response) => await response.text(),
  async "as a stream"(response) {
    let read = "";
    for await (const piece of response.stream()) read += text(piece);
    return read;
  },
  async "into a file"(response) {
    const path = await Deno.makeTempFile();
    try {
      await response.saveTo(path);
      return await Deno.readTextFile(path);
    } finally {
      await Deno.remove(path);
    }
  },
  "by bare yields"(response, reactor) {
    return gio(
      reactor,
      undefined,
      function* () {
        let read = "";
        try {
          using _ = response.enter();
          for (;;) read += text(yield);
        } catch (error) {
          if (!(error instanceof EndOfStream)) throw error;
        }
        return read;
      }(),
    ).result;
  },
};

for (const [how, read] of Object.entries(readings)) {
  endsTest(
    `HttpClient never takes a part for the whole if a body is read ${how}`,
    async (ends) => {
      for (const cut of largeCuts) {
        for (const end of ["closes", "resets"] as const) {
          using server = new Misbehaving(ends.far, [cutting(cut, end)]);
          const client = new HttpClient({ reactor: ends.reactor, timeouts: outside });
          const { length } = cut.head;
          const whole = sizeOf(cut);
          for (const sent of [length, length + 1, length + HALF, whole - 1, whole]) {
            const url = `http://${hostname}:${server.port}/${sent}/apart`;
            let happened: string;
            try {
              happened = `200 "${await read(await client.get(url), ends.reactor)}"`;
            } catch (error) {
              happened = `${(error as Error).name}: ${(error as Error).message}`;
            }
            checkCut(cut, sent, end, happened);
          }
          await checkNothingLeft(client, ends);
        }
      }
    },
  );
}

Deno.test("docs/http_client_errors.md lists each way to misbehave, and what the client gets", async () => {
  const byHttp2 = FAULTS.map((
    { what, says },
  ) => [`sends ${what}`, `\`RemoteProtocolError\`: … ${says}`]);
  const listed = [...Object.values(rowsFor()).flat(), ...byHttp2];
  assertEquals(await rowsOf("http_client_errors.md", /^(?!The server$|-+$)/), listed);
});
