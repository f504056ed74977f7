/** How the use of a client ends: of the process, of responses that are read late, by two, or not at all. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { stub } from "@std/testing/mock";
import { FakeTime } from "@std/testing/time";
import { call, type Coroutine, EndOfStream, readLine } from "../../compose/mod.ts";
import { asProcess, gio, open, race, sleep, spawn, TimeoutError, wait } from "../../gio/mod.ts";
import { HttpClient, type HttpClientOptions, type HttpResponse } from "../../http/mod.ts";
import { Reactor, splice, TestClock } from "../../reactor/mod.ts";
import { leakTest, PATIENCE_MS, turns, turnsUntil } from "../_leaks.ts";
import { SELECTORS } from "../_sockets.ts";
import { ways as programs } from "./_ends_program.ts";
import { headOf, Puppet, whole } from "./_puppet.ts";

/** What each program says. */
const SAID: Record<string, string> = {
  "does not read the response": "200",
  "does not read a response that is not there": "200",
  "reads half of a stream": "he",
  "drops a response": "200",
  "closes the client with a response unread": "200",
  "pauses between two requests": "hello",
  "sends a stream": "200",
  "gives up": "enough",
};

/** A process that has said all must end in less than that: no connection and no thread keeps it. */
const ENDING_MS = 5000;

/** Answers `/whole`, and the half of `/part`. */
function answering(): Puppet {
  return new Puppet((request) => {
    if (request.target === "/whole") request.answer(whole("hello"));
    if (request.target === "/part") request.send(`${headOf(200, 5)}he`);
  });
}

async function checkProgram(way: string, url: string, permissions: string[]): Promise<void> {
  const program = new URL("_ends_program.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--allow-net", ...permissions, program, way, url],
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).spawn();
  const errors = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const began = performance.now();
  const { code } = await child.status;
  const took = performance.now() - began;
  await reader.cancel();
  assertEquals(
    [way, new TextDecoder().decode(value).trim(), code, await errors],
    [way, SAID[way], 0, ""],
  );
  assert(took < ENDING_MS, `${way}: the process ended only after ${took} ms`);
}

for (const permissions of Deno.build.os === "linux" ? [[], ["--allow-ffi"]] : [[]]) {
  const name = permissions[0] ?? "without --allow-ffi";
  leakTest(`a program ends by itself, however it used its client (${name})`, async () => {
    await using puppet = answering();
    const left = Object.keys(programs);
    // Two at a time.
    const worker = async () => {
      for (let way; (way = left.pop()) !== undefined;) {
        await checkProgram(way, puppet.url, permissions);
      }
    };
    await Promise.all([worker(), worker()]);
  });
}

interface Ends {
  reactor: Reactor;
  clock: TestClock;
  client: HttpClient;
  puppet: Puppet;
  path: string;
}

/** Registers a test for each kind of socket. Nothing of the client may be left. */
function endsTest(
  name: string,
  fn: (ends: Ends) => Promise<void>,
  options: HttpClientOptions = {},
): void {
  for (const selector of SELECTORS) {
    leakTest(`${name} (${selector})`, async () => {
      const errors: unknown[] = [];
      const clock = new TestClock();
      using reactor = new Reactor({ selector, clock, onError: (error) => errors.push(error) });
      const running = reactor.run();
      const path = await Deno.makeTempFile();
      try {
        await using puppet = answering();
        using client = new HttpClient({ ...options, reactor });
        await fn({ reactor, clock, client, puppet, path });
        client.close();
        await turnsUntil(() => client.inspect().length === 0 && reactor.inspect().length === 0);
        assertEquals(errors, []);
      } finally {
        await Deno.remove(path);
        reactor.requestShutdown();
        await running;
      }
    });
  }
}

const run = <R>({ reactor }: Ends, coroutine: () => Coroutine<R>): Promise<R> =>
  gio(reactor, undefined, coroutine()).result;

/** The ways to read a response in any program. Each gives the text. */
const READINGS: Record<string, (response: HttpResponse, path: string) => Promise<string>> = {
  "text()": async (response) => await response.text(),
  "bytes()": async (response) => new TextDecoder().decode(await response.bytes()),
  "stream()": (response) => new Response(response.stream()).text(),
  "saveTo()": async (response, path) => {
    const length = await response.saveTo(path);
    const text = await Deno.readTextFile(path);
    assertEquals(length, text.length);
    return text;
  },
};

leakTest("what has come whole can be read much later, also when the client is closed", async () => {
  await using puppet = answering();
  const path = await Deno.makeTempFile();
  using time = new FakeTime();
  using _ = stub(Deno, "unrefTimer");
  using client = new HttpClient();
  const ask = () => client.get(`${puppet.url}/whole`);
  const part = await client.get(`${puppet.url}/part`);
  const responses: [string, HttpResponse][] = [];
  for (const name of [...Object.keys(READINGS), ...Object.keys(READINGS)]) {
    responses.push([name, await ask()]);
  }
  // The client lets go of what it keeps after 250 ms, in which nothing was awaited.
  time.tick(249);
  assertEquals(client.inspect()[0]!.idle, 1);
  time.tick(1);
  assertEquals(client.inspect()[0]!.idle, 0);
  for (const [i, [name, response]] of responses.entries()) {
    if (i === responses.length / 2) client.close();
    assertEquals([name, await READINGS[name]!(response, path)], [name, "hello"]);
  }
  // That has not come: the client waits for it, though it is closed.
  const text = part.text();
  (await puppet.asked("/part")).answer("llo");
  assertEquals(await text, "hello");
  await Deno.remove(path);
});

endsTest("a response can be read when its client is closed", async ({ client, puppet, path }) => {
  const responses: [string, HttpResponse][] = [];
  for (const name in READINGS) {
    responses.push([name, await client.get(`${puppet.url}/whole`)]);
    responses.push([name, await client.get(`${puppet.url}/part`)]);
  }
  client.close();
  for (const [name, response] of responses) {
    const text = READINGS[name]!(response, path);
    if (response.url.pathname === "/part") (await puppet.asked("/part")).answer("llo");
    assertEquals([name, await text], [name, "hello"]);
  }
});

leakTest("what has come whole can be read when its reactor was shut down", async () => {
  await using puppet = answering();
  const reactor = new Reactor();
  const running = reactor.run();
  using client = new HttpClient({ reactor });
  const response = await client.get(`${puppet.url}/whole`);
  reactor.requestShutdown();
  await running;
  assertEquals(await response.text(), "hello");
});

for (const target of ["/whole", "/part"]) {
  endsTest(`of two readers one gets all, and the other is refused: ${target}`, async (ends) => {
    for (const client of [ends.client, new HttpClient()]) {
      const names = Object.keys(READINGS);
      for (const [name, other] of names.flatMap((one) => names.map((two) => [one, two] as const))) {
        const response = await client.get(ends.puppet.url + target);
        const outcomes = Promise.allSettled([
          READINGS[name]!(response, ends.path),
          (async () => await READINGS[other]!(response, `${ends.path}.none`))(),
        ]);
        if (target === "/part") {
          await turns(5);
          (await ends.puppet.asked(target)).answer("llo");
        }
        const sorted = (await outcomes).sort((a, b) => a.status < b.status ? -1 : 1);
        const [read, refused] = sorted;
        assertEquals([name, other, read], [name, other, { status: "fulfilled", value: "hello" }]);
        assertEquals([name, other, refused!.status], [name, other, "rejected"]);
        await assertRejects(async () => await response.text());
      }
      client.close();
    }
  });
}

endsTest("enter() in a body that is read is refused, and the reader goes on", async (ends) => {
  const { client, puppet } = ends;
  await run(ends, function* (): Coroutine {
    const response = yield* client.get(`${puppet.url}/part`);
    let text = "";
    {
      using _ = response.enter();
      assertThrows(() => response.enter(), TypeError, "it is being read");
      const other = yield* spawn(function* (): Coroutine<string> {
        try {
          return yield* call(response.text());
        } catch (error) {
          return (error as Error).message;
        }
      }());
      assert((yield* other).includes("it is being read"));
      text += new TextDecoder().decode(yield);
      (yield* wait(puppet.asked("/part"))).answer("llo");
      try {
        for (;;) text += new TextDecoder().decode(yield);
      } catch (error) {
        assertInstanceOf(error, EndOfStream);
      }
    }
    assertEquals(text, "hello");
  });
  assertEquals(client.inspect()[0]!.idle, 1);
});

endsTest("text() within enter() gives what is left", async (ends) => {
  const { client, puppet } = ends;
  const asked = run(ends, function* (): Coroutine<[string, string]> {
    const response = yield* client.get(`${puppet.url}/lines`);
    using _ = response.enter();
    return [yield* call(readLine()), yield* call(response.text())];
  });
  const request = await puppet.asked("/lines");
  request.send(`${headOf(200, 9)}one\ntwo`);
  await turns(5);
  request.answer("!!");
  assertEquals(await asked, ["one", "two!!"]);
});

endsTest("a response is moved while another request uses its connection", async (ends) => {
  const { client, puppet, path } = ends;
  for (const size of [0, 5, 400]) {
    const body = "h".repeat(size);
    for (const way of ["saveTo()", "splice()"]) {
      const both = run(ends, function* (): Coroutine<[number, boolean, string]> {
        const first = yield* client.get(`${puppet.url}/first`);
        const second = yield* client.get(`${puppet.url}/part`);
        let moved;
        if (way === "saveTo()") moved = yield* call(first.saveTo(path));
        else {
          using file = open(path, { write: true, truncate: true });
          moved = (yield* splice(first, file)).bytes;
        }
        (yield* wait(puppet.asked("/part"))).answer("llo");
        return [moved, second.isReused, yield* call(second.text())];
      });
      (await puppet.asked("/first")).answer(whole(body));
      assertEquals(await both, [size, true, "hello"], way);
      assertEquals(await Deno.readTextFile(path), body);
    }
  }
});

/** The ways to wait for a body that does not come. */
const WAITS: Record<string, (response: HttpResponse, ends: Ends) => Promise<unknown>> = {
  ...Object.fromEntries(
    Object.entries(READINGS).map(([name, read]) => [
      name,
      (response: HttpResponse, { path }: Ends) => read(response, path),
    ]),
  ),
  "enter()": (response, ends) =>
    run(ends, function* (): Coroutine {
      using _ = response.enter();
      for (;;) yield;
    }),
};

for (const name in WAITS) {
  endsTest(`${name} ends with the time or the signal of its request`, async (ends) => {
    const { client, puppet, clock } = ends;
    const reason = new RangeError("enough");
    for (const why of ["totalMs", "bodyMs", "signal"] as const) {
      const abort = new AbortController();
      const options = why === "signal" ? { signal: abort.signal } : { timeouts: { [why]: 5000 } };
      const response = await client.get(`${puppet.url}/part`, options);
      let error: unknown;
      const waiting = WAITS[name]!(response, ends).catch((failure) => error = failure);
      await turns(5);
      if (why === "signal") abort.abort(reason);
      // It may begin to wait a little later.
      else await turnsUntil(() => (clock.advance(1000), error !== undefined));
      await waiting;
      if (why === "signal") assertEquals(error, reason);
      else {
        assertInstanceOf(error, TimeoutError);
        const expected = why === "totalMs" ? "took longer than 5000 ms" : "silent for 5000 ms";
        assert(error.message.includes(expected), error.message);
      }
      await turnsUntil(() => client.inspect().length === 0);
    }
  });
}

/** The ways to give up a response within its body. */
const DROPS: Record<string, (response: HttpResponse, ends: Ends) => unknown> = {
  "close()": (response) => response.close(),
  "using": (response) => {
    using _ = response;
  },
  "the cancelled stream": async (response) => {
    const reader = response.stream().getReader();
    await reader.read();
    await reader.cancel();
  },
  "the end of enter()": (response, ends) =>
    run(ends, function* (): Coroutine {
      using _ = response.enter();
      yield;
    }),
};

for (const name in DROPS) {
  endsTest(`what ${name} leaves of a body is awaited for a second`, async (ends) => {
    const { client, puppet, clock } = ends;
    const drop = async () => {
      await DROPS[name]!(await client.get(`${puppet.url}/part`), ends);
      assertEquals(client.inspect(), [{ origin: puppet.url, idle: 0, active: 1, waiting: 0 }]);
      return await puppet.asked("/part");
    };
    (await drop()).answer("llo");
    await turnsUntil(() => client.inspect()[0]?.idle === 1);
    await drop();
    clock.advance(1000);
    await turnsUntil(() => client.inspect().length === 0);
    await turnsUntil(() => puppet.held.length === 0); // It was closed.
    await drop();
    client.close();
    await turnsUntil(() => puppet.held.length === 0);
  });
}

endsTest("what a coroutine has asked for is dropped with it", async (ends) => {
  const { client, puppet, clock } = ends;
  function* part(): Coroutine {
    const response = yield* client.get(`${puppet.url}/part`);
    using _ = response.enter();
    for (;;) yield;
  }
  const LEAVES: Record<string, () => Coroutine> = {
    *"its end"() {
      yield* client.get(`${puppet.url}/part`);
    },
    *"a race"() {
      yield* race(part(), wait(puppet.asked("/part")));
    },
    *"a cancelled task"() {
      const task = yield* spawn(part());
      yield* wait(puppet.asked("/part"));
      task.cancel();
    },
  };
  for (const name in LEAVES) {
    await run(ends, LEAVES[name]!);
    await turns(5);
    clock.advance(1000);
    await turnsUntil(() => client.inspect().length === 0 && puppet.held.length === 0);
  }
});

endsTest("those that wait when the client is closed are served", async ({ client, puppet }) => {
  const responses = ["/1", "/2", "/3"].map(async (path) =>
    await (await client.get(puppet.url + path)).text()
  );
  const first = await puppet.asked("/1");
  client.close();
  assertThrows(() => client.get(puppet.url), TypeError, "the client is closed");
  assertEquals(client.inspect()[0]!.waiting, 2);
  first.answer(whole("1"));
  (await puppet.asked("/2")).answer(whole("2"));
  (await puppet.asked("/3")).answer(whole("3"));
  assertEquals(await Promise.all(responses), ["1", "2", "3"]);
}, { maxConnections: 1 });

leakTest("a request that was made before its client was closed is not asked", async () => {
  await using puppet = answering();
  const client = new HttpClient();
  const asking = asProcess(function* () {
    const never = client.get(`${puppet.url}/whole`); // In a coroutine it waits for its `yield*`.
    client.close();
    return yield* never;
  }());
  await assertRejects(() => asking, TypeError, "the client is closed");
  assertEquals(puppet.connections, 0);
});

for (const selector of SELECTORS) {
  leakTest(`outside of coroutines a request goes out at once (${selector})`, async () => {
    await using puppet = answering();
    using reactor = new Reactor({ selector });
    const running = reactor.run();
    using client = new HttpClient({ reactor });
    const both = [client.get(`${puppet.url}/whole`), client.get(`${puppet.url}/whole`)];
    assertEquals(client.inspect()[0]!.active, 2); // Nobody has awaited one.
    for (const one of both) await (await one).text();
    // It is a promise, also for a coroutine.
    const promised = client.get(`${puppet.url}/whole`);
    const text = await gio(
      reactor,
      undefined,
      function* () {
        return yield* call((yield* promised).text());
      }(),
    ).result;
    assertEquals(text, await (await client.get(`${puppet.url}/whole`)).text());
    reactor.requestShutdown();
    await running;
  });
}

endsTest("a reactor need not know clients that are closed", async ({ reactor, puppet }) => {
  const hooks = new Set<unknown>();
  const { addShutdownHook, removeShutdownHook } = reactor;
  reactor.addShutdownHook = (hook) => (hooks.add(hook), addShutdownHook.call(reactor, hook));
  reactor.removeShutdownHook = (
    hook,
  ) => (hooks.delete(hook), removeShutdownHook.call(reactor, hook));
  for (const isRead of [true, false]) {
    const client = new HttpClient({ reactor });
    const response = await client.get(`${puppet.url}/whole`);
    if (isRead) await response.text();
    client.close();
    await turnsUntil(() => client.inspect().length === 0);
    assertEquals(hooks.size, 0);
  }
});

/** Each makes a body, and tells whether it was ended. */
const BODIES: Record<string, () => [body: Coroutine | ReadableStream, isEnded: () => boolean]> = {
  "a stream": () => {
    let isEnded = false;
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(10)),
      cancel: () => void (isEnded = true),
    }, { highWaterMark: 0 });
    return [body, () => isEnded];
  },
  "a coroutine": () => {
    const body = function* (): Coroutine {
      for (;;) yield new Uint8Array(10);
    }();
    return [body, () => body.next().done === true];
  },
};

/** Why a request may fail, or be answered, before its body has begun. Each gives the error or the status. */
const REFUSALS: Record<
  string,
  (ends: Ends, body: Coroutine | ReadableStream) => Promise<unknown>
> = {
  "nobody listens": async ({ client }, body) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    listener.close();
    const { port } = listener.addr as Deno.NetAddr;
    return await client.post(`http://127.0.0.1:${port}`, { body }).then(
      () => {},
      ({ name }) => name,
    );
  },
  "the answer is 417": async ({ client, puppet }, body) => {
    const asking = client.post(`${puppet.url}/expects`, { body, expectContinue: 10_000 })
      .then(({ status }) => status);
    (await puppet.asked("/expects")).answer(headOf(417, 0));
    return await asking;
  },
  "the answer is 417, and slow": async ({ client, puppet, clock }, body) => {
    const asking = client.post(`${puppet.url}/expects`, { body, expectContinue: 10_000 })
      .then((response) => response);
    const request = await puppet.asked("/expects");
    request.send(`${headOf(417, 5)}he`);
    const response = await asking;
    clock.advance(20_000);
    await turns(10);
    assertEquals(request.body, "");
    request.answer("llo");
    assertEquals([await response.text(), request.body], ["hello", ""]);
    return response.status;
  },
  "no connection is free": async ({ client, puppet, clock }, body) => {
    const first = client.get(`${puppet.url}/first`).then((response) => response.text());
    const request = await puppet.asked("/first");
    const second = client.post(puppet.url, { body, timeouts: { waitMs: 1000 } })
      .then(() => {}, ({ name }) => name);
    clock.advance(1000);
    const name = await second;
    request.answer(whole("hello"));
    await first;
    return name;
  },
  "the signal was aborted": async ({ client, puppet }, body) =>
    await client.post(puppet.url, { body, signal: AbortSignal.abort("enough") })
      .then(() => {}, (reason) => reason),
};
const REFUSED: Record<string, unknown> = {
  "nobody listens": "ConnectionRefused",
  "the answer is 417": 417,
  "the answer is 417, and slow": 417,
  "no connection is free": "TimeoutError",
  "the signal was aborted": "enough",
};

for (const name in REFUSED) {
  for (const kind in BODIES) {
    endsTest(`${kind} that is not sent is ended: ${name}`, async (ends) => {
      const [body, isEnded] = BODIES[kind]!();
      assertEquals(await REFUSALS[name]!(ends, body), REFUSED[name]);
      await turns();
      assert(isEnded());
    }, { maxConnections: 1 });
  }
}

endsTest("a body that was begun is ended when the answer is early", async (ends) => {
  const { client, puppet } = ends;
  let isEnded = false;
  const coroutine = function* (): Coroutine {
    try {
      yield "begun";
      yield* sleep(Infinity);
    } finally {
      isEnded = true;
    }
  };
  let isCancelled = false;
  const stream = new ReadableStream({
    start: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: () => void (isCancelled = true),
  });
  for (const body of [coroutine(), stream]) {
    const asking = client.post(`${puppet.url}/early`, { body }).then((response) => response.text());
    const request = await puppet.asked("/early");
    await turnsUntil(() => request.body !== "");
    request.answer(whole("hello"));
    assertEquals(await asking, "hello");
  }
  await turnsUntil(() => isEnded && isCancelled);
});

endsTest("the limits of a request count for what it is redirected to", async (ends) => {
  const { client, puppet, clock } = ends;
  const reason = new RangeError("enough");
  for (const why of ["totalMs", "signal", "its scope"]) {
    const abort = new AbortController();
    const options = why === "signal" ? { signal: abort.signal } : { timeoutMs: 60_000 };
    let error: unknown;
    const task = gio(
      ends.reactor,
      undefined,
      function* (): Coroutine {
        const response = yield* client.get(`${puppet.url}/from`, options);
        assertEquals(response.status, 200);
        yield* call(response.text());
      }(),
    );
    const ending = task.result.catch((failure) => error = failure);
    const from = await puppet.asked("/from");
    // Its own body ends when the other response is there.
    from.send(`${headOf(302, 5, "Location: part")}he`);
    await puppet.asked("/part");
    await turns(10);
    from.answer("llo");
    await turnsUntil(() => client.inspect()[0]?.idle === 1);
    if (why === "totalMs") clock.advance(60_000);
    else if (why === "signal") abort.abort(reason);
    else task.cancel();
    await ending;
    if (why === "totalMs") assertInstanceOf(error, TimeoutError);
    if (why === "signal") assertEquals(error, reason);
    clock.advance(1000);
    await turnsUntil(() => puppet.held.length === 0);
  }
});

endsTest("who reads slowly is not told that the server is silent", async (ends) => {
  const { client, puppet, clock } = ends;
  const options = { timeouts: { bodyMs: 1000 } };
  const later = async () => {
    (await puppet.asked("/part")).answer("llo");
    // Nothing tells when it has arrived, because nobody reads.
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.advance(10_000);
    await turns(5);
  };
  const text = await run(ends, function* (): Coroutine<string> {
    const response = yield* client.get(`${puppet.url}/part`, options);
    using _ = response.enter();
    const first = new TextDecoder().decode(yield);
    yield* wait(later());
    return first + (yield* call(response.text()));
  });
  assertEquals(text, "hello");
  const reader = (await client.get(`${puppet.url}/part`, options)).stream().getReader();
  const { value } = await reader.read();
  await later();
  const { value: rest } = await reader.read();
  assertEquals(new TextDecoder().decode(value) + new TextDecoder().decode(rest), "hello");
  assertEquals((await reader.read()).done, true);
});

for (const name in READINGS) {
  endsTest(`close() ends ${name} that waits`, async ({ client, puppet, path }) => {
    const response = await client.get(`${puppet.url}/part`);
    const reading = READINGS[name]!(response, path).then(() => "read", () => "ended");
    await turns(10);
    response.close();
    assertEquals(await reading, "ended");
  });
}

endsTest("a body that was sent already disturbs nobody", async ({ client, puppet }) => {
  const body = function* (): Coroutine {
    yield "x";
  }();
  const posted = client.post(`${puppet.url}/first`, { body }).then((response) => response.text());
  const before = await puppet.asked("/first");
  const again = client.post(`${puppet.url}/again`, { body }).then((response) => response.status);
  const after = client.get(`${puppet.url}/whole`).then((response) => response.text());
  before.answer(whole("hello"));
  assertEquals(await posted, "hello");
  await Promise.allSettled([again]);
  assertEquals(await after, "hello");
}, { maxConnections: 1, timeouts: { headMs: Infinity } });
