import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { stub } from "@std/testing/mock";
import {
  call,
  compose,
  type Coroutine,
  EndOfStream,
  Local,
  readAll,
  readLine,
  Request,
  Yield,
} from "../../compose/mod.ts";
import {
  type HttpRequest,
  LocalProtocolError,
  ok,
  RemoteProtocolError,
  response,
  serveHttp,
} from "../../http/mod.ts";
import { asProcess, enter, memory, type MemoryContext } from "../../gio/mod.ts";
import { splice, Suspend, TransferError } from "../../reactor/mod.ts";
import { bytes, Driver, text } from "./_drive.ts";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const post = (body: string, ...headers: string[]) =>
  ["POST / HTTP/1.1", "Host: x", `Content-Length: ${body.length}`, ...headers, "", body]
    .join("\r\n");
const EXPECT = "Expect: 100-continue";

/** The statuses of the answers so far. */
const statuses = (driver: Driver) =>
  [...driver.output.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

const asText = (data: unknown) => typeof data === "string" ? data : text(data as Uint8Array);

function* echo(): Coroutine {
  yield ok();
  for (;;) yield yield;
}

Deno.test("a handler that reads beyond the body after its head has answered", () => {
  const driver = new Driver(serveHttp(echo));
  assertMatch(driver.feed(post("Hello")).taken(), /content-length: 5\r\n\r\nHello$/);
  driver.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  assertMatch(driver.taken(), /transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n$/);
  assertEquals(driver.feed("def").taken(), "3\r\ndef\r\n0\r\n\r\n");
});

Deno.test("a handler that reads beyond the body before its head is answered for with 500", () => {
  const errors: unknown[] = [];
  const driver = new Driver(serveHttp(function* () {
    yield;
    yield;
  }, { onError: (error) => errors.push(error) }));
  driver.feed(post("Hello"), GET);
  assertEquals(statuses(driver), [500, 500]);
  assert(errors[0] instanceof LocalProtocolError);
  assert(errors[0].cause instanceof EndOfStream);
});

Deno.test("a handler gets EndOfStream each time it reads beyond the body", () => {
  let times = 0;
  const driver = new Driver(serveHttp(function* () {
    for (let i = 0; i < 3; i++) {
      try {
        yield;
      } catch (error) {
        assert(error instanceof EndOfStream);
        times++;
      }
    }
    yield ok();
  }));
  assertEquals(statuses(driver.feed(GET)), [200]);
  assertEquals(times, 3);
});

Deno.test("a handler reads the body with the readers of compose", () => {
  const read: unknown[] = [];
  const driver = new Driver(serveHttp(function* (request): Coroutine {
    if (request.path === "/lines") read.push(asText(yield* call(readLine())));
    read.push(asText(yield* call(readAll())));
    yield ok();
  }));
  const lines = "first\nsecond\nthird";
  driver.feed(post(lines).replace("/ ", "/lines ") + post("all"), ...post(lines));
  assertEquals(read, ["first", "second\nthird", "all", lines]);
});

Deno.test("a handler calls coroutines, and Local reaches through the connection", () => {
  const user = new Local<string>();
  function* greet(): Coroutine {
    yield `Hello, ${user.get()}!`;
  }
  const driver = new Driver(serveHttp(function* () {
    user.set("World");
    yield ok();
    yield* call(greet());
  }));
  assertMatch(driver.feed(GET).output, /\r\n\r\nHello, World!$/);
});

Deno.test("a handler that fails before anything is sent is answered for with 500, once reported", () => {
  const errors: [unknown, string][] = [];
  const failures = [
    function* (): Coroutine {
      throw new Error("at once");
    },
    function* (): Coroutine {
      yield ok({ secret: "yes" });
      throw new Error("after the head");
    },
    function* (): Coroutine {
      yield ok();
      yield "a piece";
      throw "no Error";
    },
    (): Coroutine => {
      throw new Error("no coroutine");
    },
    () => "no coroutine" as unknown as Coroutine,
  ];
  for (const handler of failures) {
    errors.length = 0;
    const driver = new Driver(
      serveHttp(handler, { onError: (error, request) => errors.push([error, request.path]) }),
    );
    driver.feed(GET + GET);
    assertEquals(statuses(driver), [500, 500]);
    assert(!driver.output.includes("secret"));
    assertEquals([errors.length, errors[0]![1], driver.done], [2, "/", false]);
  }
});

Deno.test("a handler that fails while its answer waits to be sent is answered for with 500", () => {
  const head = ok({ secret: "yes" });
  const answers = [
    [head, "one", "two"],
    [head, "one", bytes("two"), "three"],
    [head, bytes("one"), "two", bytes("three")],
    [ok({ secret: "yes", "content-length": 9 }), "one"],
  ];
  for (const answer of answers) {
    for (const before of ["", "before", bytes("before")]) {
      const driver = new Driver(serveHttp(function* (request) {
        if (request.path === "/fails") {
          yield* answer;
          throw new Error("before it is sent");
        }
        yield ok();
        yield before;
      }, { clock: { now: () => 0 }, onError: () => {} }));
      const expected = driver.feed(GET).taken();
      driver.feed(GET + GET.replace("/ ", "/fails ") + GET);
      assertEquals(statuses(driver), [200, 500, 200]);
      const [first, failed, last] = driver.output.split(/(?=HTTP\/1\.1 )/);
      assertEquals([first, last], [expected, expected]);
      assertMatch(failed!, /\r\n\r\nInternal Server Error$/);
    }
  }
});

Deno.test("a handler that fails after something is sent has its connection cut", () => {
  const errors: unknown[] = [];
  const failure = new Error("too late");
  const driver = new Driver(serveHttp(function* (request) {
    yield ok();
    if (request.path === "/fails") {
      yield "one";
      yield "two";
      yield Yield; // what was yielded is sent before
      throw failure;
    }
  }, { onError: (error) => errors.push(error) }));
  driver.feed(GET + GET.replace("/ ", "/fails ") + GET);
  assertEquals(statuses(driver), [200, 200]);
  assert(!driver.output.includes("\r\n0\r\n"));
  assertStrictEquals(driver.error, failure);
  assertEquals(errors, [failure]);
});

Deno.test("the default of onError is console.error", () => {
  using logged = stub(console, "error");
  const failure = new Error("told");
  new Driver(serveHttp(function* () {
    throw failure;
  })).feed(GET);
  assertEquals(logged.calls.map(({ args }) => args), [[failure]]);
});

Deno.test("a handler may refuse a request by RemoteProtocolError, which is not reported", () => {
  const driver = new Driver(serveHttp(function* () {
    throw new RemoteProtocolError("Cannot find it", { status: 404 });
  }, { onError: () => assert(false) }));
  driver.feed(GET + GET);
  assertEquals(statuses(driver), [404]);
  assertMatch(driver.output, /\r\nconnection: close\r\n\r\nCannot find it$/);
  assert(driver.done);
});

Deno.test("a handler learns that the body is faulty, or ends too early, and is not reported", () => {
  for (const [text, status] of [["zz", 400], ["5\r\nab", 400]] as const) {
    let caught: unknown;
    const driver = new Driver(serveHttp(function* () {
      try {
        for (;;) yield;
      } catch (error) {
        caught = error;
        throw error;
      }
    }, { onError: () => assert(false) }));
    driver.feed("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", text).end();
    assert(caught instanceof RemoteProtocolError && !(caught instanceof EndOfStream));
    assertEquals([statuses(driver), driver.done], [[status], true]);
  }
});

Deno.test("a handler may answer a faulty body itself, and the connection is closed", () => {
  const driver = new Driver(serveHttp(function* () {
    for (let i = 0; i < 3; i++) {
      try {
        for (;;) yield;
      } catch (error) {
        assert(error instanceof RemoteProtocolError);
      }
    }
    yield response(422);
  }));
  driver.feed("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n" + GET);
  assertEquals([statuses(driver), driver.done], [[422], true]);
  assert(driver.output.includes("connection: close"));
});

Deno.test("a handler that makes another error of a faulty body does not keep the connection", () => {
  const errors: unknown[] = [];
  const driver = new Driver(serveHttp(function* () {
    try {
      for (;;) yield;
    } catch (cause) {
      throw new Error("Cannot store the upload", { cause });
    }
  }, { onError: (error) => errors.push(error) }));
  // Read once more from where the fault was found, this extension would be faultless.
  const body = '5;a="\r\n12345\r\n0\r\n\r\n';
  driver.feed(`POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body}${GET}`);
  assertEquals([statuses(driver), driver.done, errors.length], [[500], true, 1]);
  assert(driver.output.includes("connection: close"));
});

Deno.test("an upload that ends too early while it is answered cuts the connection", () => {
  const driver = new Driver(serveHttp(echo, { onError: () => assert(false) }));
  driver.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc").end();
  assert(driver.error instanceof RemoteProtocolError);
  assert(!driver.output.includes("\r\n0\r\n"));
});

Deno.test("what a handler leaves of the body is read for nothing", () => {
  const driver = new Driver(serveHttp(function* () {
    yield ok();
  }, { limits: { maxDrainBytes: 10 } }));
  driver.feed(post("0123456789") + GET, post("01234"), ...post("0123456789"), GET);
  assertEquals([statuses(driver), driver.done], [[200, 200, 200, 200, 200], false]);
  driver.feed("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  assertEquals(statuses(driver).length, 6, "the answer does not wait for the body");
  driver.feed("5\r\n12345\r\n5\r\n12345\r\n0\r\n\r\n" + GET);
  assertEquals(statuses(driver).length, 7);
});

Deno.test("a handler that leaves too much of the body, or a faulty one, has its connection closed", () => {
  const bodies = [
    "Content-Length: 11\r\n\r\n0123456789a",
    "Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
  ];
  for (const body of bodies) {
    const driver = new Driver(serveHttp(function* () {
      yield ok();
    }, { limits: { maxDrainBytes: 10 }, onError: () => assert(false) }));
    driver.feed(`POST / HTTP/1.1\r\nHost: x\r\n${body}`, GET);
    assertEquals([statuses(driver), driver.done, driver.error], [[200], true, undefined], body);
  }
});

Deno.test("a client that expects a 100 gets it when the handler reads", () => {
  const [head] = post("Hello", EXPECT).split("Hello");
  const read = new Driver(serveHttp(function* (request) {
    const text = yield* call(request.text());
    yield ok();
    yield text;
  }));
  assertEquals(read.feed(head!).taken(), "HTTP/1.1 100 Continue\r\n\r\n");
  assertMatch(read.feed("Hello").taken(), /^HTTP\/1.1 200 OK\r\n[^]*Hello$/);
  // An empty line of the same name takes nothing back.
  const [other] = post("Hello", EXPECT, "Expect:").split("Hello");
  assertEquals(read.feed(other!).taken(), "HTTP/1.1 100 Continue\r\n\r\n");

  // The head waits for the body, so that the 100 comes first.
  const echoed = new Driver(serveHttp(echo));
  assertEquals(echoed.feed(head!).taken(), "HTTP/1.1 100 Continue\r\n\r\n");
  assertMatch(echoed.feed("He").taken(), /^HTTP\/1.1 200 OK\r\n[^]*He\r\n$/);
  assertEquals(echoed.feed("llo").taken(), "3\r\nllo\r\n0\r\n\r\n");
  assert(!echoed.done);
});

Deno.test("a client that expects a 100 does not get it when it sends the body, or has none", () => {
  for (const request of [post("Hello", EXPECT), post("", EXPECT)]) {
    const driver = new Driver(serveHttp(echo));
    assertEquals(statuses(driver.feed(request, GET)), [200, 200]);
  }
});

Deno.test("a client that expects a 100 and gets an answer has its connection closed", () => {
  const [head] = post("Hello", EXPECT).split("Hello");
  const handlers = [
    function* (): Coroutine {
      yield response(403);
    },
    function* (): Coroutine {
      yield response(403);
      yield "No";
      yield "!";
    },
    function* (): Coroutine {
      yield response(403);
      yield Yield;
    },
  ];
  for (const handler of handlers) {
    const driver = new Driver(serveHttp(handler));
    driver.feed(head!);
    assertEquals([statuses(driver), driver.done], [[403], true]);
    assert(driver.output.includes("connection: close"));
  }
  const failing = new Driver(serveHttp(function* () {
    throw new Error();
  }, { onError: () => {} }));
  failing.feed(head!);
  assertEquals([statuses(failing), failing.done], [[500], true]);
});

Deno.test("a client that expects a 100 does not get it after the answer has begun", () => {
  const driver = new Driver(serveHttp(function* (request) {
    yield ok();
    yield Yield;
    yield `${(yield* call(request.bytes())).length}`;
  }));
  driver.feed(post("Hello", EXPECT).split("Hello")[0]!, "Hello", GET);
  assertEquals([statuses(driver), driver.done], [[200], true]);
  assertMatch(driver.output, /connection: close\r\n\r\n1\r\n5\r\n0\r\n\r\n$/);
});

Deno.test("a handler may send the 100 itself", () => {
  const driver = new Driver(serveHttp(function* (request) {
    yield response(100);
    yield* call(request.text());
    yield ok();
  }));
  driver.feed(post("Hello", EXPECT).split("Hello")[0]!, "Hello");
  assertEquals(statuses(driver), [100, 200]);
});

class Ask extends Request<number> {
  override begin(): void {}
}

Deno.test("requests go to the driver, after what was yielded before", () => {
  const protocol = serveHttp(function* () {
    yield ok();
    const n = yield* new Ask();
    yield `${n}`;
    yield Yield;
    yield "end";
  });
  protocol.next();
  assertMatch(String(protocol.next(bytes(GET)).value), /chunked\r\n\r\n$/);
  assert(protocol.next().value instanceof Ask);
  assertEquals(protocol.next(42).value, "2\r\n42\r\n");
  assertStrictEquals(protocol.next().value, Yield);
  assertEquals(protocol.next().value, "3\r\nend\r\n0\r\n\r\n");
  assertEquals(protocol.next().value, undefined);
});

Deno.test("an error thrown at a request goes to the handler", () => {
  let caught: unknown;
  const failure = new Error("the promise was rejected");
  const errors: unknown[] = [];
  const protocol = serveHttp(function* (request) {
    try {
      yield* new Ask();
    } catch (error) {
      caught = error;
      if (request.path !== "/caught") throw error;
    }
    yield ok();
  }, { onError: (error) => errors.push(error) });
  protocol.next();
  assert(protocol.next(bytes(GET.replace("/ ", "/caught "))).value instanceof Ask);
  protocol.throw(failure);
  assertMatch(String(protocol.next().value), /^HTTP\/1.1 200/);
  assertStrictEquals(caught, failure);
  assertEquals(protocol.next().value, undefined);
  assert(protocol.next(bytes(GET)).value instanceof Ask);
  protocol.throw(failure);
  assertMatch(String(protocol.next().value), /^HTTP\/1.1 500/);
  assertEquals(errors, [failure]);
});

Deno.test("a timeout thrown at a read goes to the handler", () => {
  const driver = new Driver(serveHttp(function* () {
    try {
      yield;
    } catch (error) {
      yield response(error instanceof DOMException ? 408 : 500);
    }
  }));
  driver.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
  driver.throw(new DOMException("", "TimeoutError"));
  assertEquals(statuses(driver), [408]);
});

Deno.test("an error thrown while no handler runs ends the connection", () => {
  const failure = new Error("shut down");
  const unread = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
  for (const text of ["", GET, "GET / HT", unread]) {
    const driver = new Driver(serveHttp(function* () {
      yield ok();
    }, { onError: () => assert(false) }));
    driver.feed(text).throw(failure);
    assertStrictEquals(driver.error, failure, text);
  }
});

Deno.test("a handler that goes on although its connection is closed stops nobody else", () => {
  function* waitsInFinally(): Coroutine {
    try {
      yield* new Ask();
    } finally {
      yield "bye";
    }
  }
  const handlers: Record<string, (inner: () => Coroutine) => Coroutine> = {
    *writes(inner) {
      yield* inner();
      for (;;) yield "x";
    },
    *"begins an answer"(inner) {
      yield* inner();
      for (;;) yield ok();
    },
    *"catches and reads"(inner) {
      yield* inner();
      for (;;) {
        try {
          yield;
        } catch { /* and goes on */ }
      }
    },
    *"writes in its finally"() {
      try {
        yield* new Ask();
      } finally {
        for (;;) yield "x";
      }
    },
    *"catches and reads in its finally"() {
      try {
        yield* new Ask();
      } finally {
        for (;;) {
          try {
            yield;
          } catch { /* and goes on */ }
        }
      }
    },
  };
  for (const [name, handler] of Object.entries(handlers)) {
    const protocol = serveHttp(() => handler(waitsInFinally));
    protocol.next();
    assert(protocol.next(GET).value instanceof Ask, name);
    assertThrows(() => protocol.return(undefined), LocalProtocolError, "Cannot close", name);
  }
});

Deno.test("a handler that goes on although nothing more is sent to HEAD stops nobody else", () => {
  function* endless(): Coroutine {
    try {
      for (;;) yield "x";
    } finally {
      yield "bye";
    }
  }
  const handlers: (() => Coroutine)[] = [
    function* () {
      yield ok({ "content-length": "5" });
      // deno-lint-ignore weightless/call-coroutine -- so that it goes on
      yield* endless();
      for (;;) yield "x";
    },
    function* () {
      try {
        yield ok({ "content-length": "5" });
        // deno-lint-ignore weightless/call-coroutine -- so that it goes on
        yield* endless();
      } finally {
        for (;;) yield "x";
      }
    },
  ];
  for (const handler of handlers) {
    const errors: unknown[] = [];
    const protocol = serveHttp(handler, { onError: (error) => errors.push(error) });
    protocol.next();
    protocol.next("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    assertEquals(errors.map((error) => error instanceof LocalProtocolError), [true]);
  }
});

Deno.test("a handler that asks for what fails, again and again, although its connection is closed, is ended", () => {
  const protocol = serveHttp(function* () {
    try {
      yield* new Ask();
    } finally {
      for (;;) {
        try {
          yield* new Ask();
        } catch { /* and goes on */ }
      }
    }
  });
  protocol.next();
  protocol.next(GET);
  assertThrows(
    () => {
      protocol.return(undefined);
      for (let i = 0; i < 10_000; i++) protocol.throw(new Error("shut down"));
    },
    LocalProtocolError,
    "Cannot close",
  );
});

/** As gio does: what broke the connection is thrown again at every yield. */
function breakConnection(protocol: Coroutine, error: Error): unknown {
  try {
    for (let i = 0; i < 10; i++) protocol.throw(error);
  } catch (thrown) {
    return thrown;
  }
}

Deno.test("a connection that breaks is nobody's error", () => {
  const broken = new Deno.errors.ConnectionReset();
  const handlers = [
    echo,
    function* (): Coroutine {
      yield ok();
      yield "event";
      yield* new Ask();
    },
  ];
  for (const handler of handlers) {
    let closed = false;
    const protocol = serveHttp(function* () {
      try {
        yield handler();
      } finally {
        closed = true;
      }
    }, { onError: () => assert(false, "reported") });
    protocol.next();
    let { value } = protocol.next(bytes(post("abc").slice(0, -1)));
    while (typeof value === "string") value = protocol.next().value;
    assertStrictEquals(breakConnection(protocol, broken), broken);
    assert(closed);
  }
});

Deno.test("a handler is closed with its connection, and its finally may wait", () => {
  const steps: string[] = [];
  const protocol = serveHttp(function* () {
    try {
      yield;
    } finally {
      steps.push("closing");
      yield* new Ask();
      yield "for nobody";
      try {
        yield;
      } catch (error) {
        steps.push((error as Error).name);
      }
      steps.push("closed");
    }
  });
  protocol.next();
  protocol.next(bytes("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"));
  assert(protocol.return(undefined).value instanceof Ask);
  assertEquals(steps, ["closing"]);
  assertEquals(protocol.next().done, true);
  assertEquals(steps, ["closing", "EndOfStream", "closed"]);
});

Deno.test("a handler that is closed may wait for a Suspend", () => {
  const suspend = new Suspend();
  const protocol = serveHttp(function* () {
    try {
      yield;
    } finally {
      yield* suspend;
    }
  });
  protocol.next();
  protocol.next(bytes("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"));
  assertStrictEquals(protocol.return(undefined).value, suspend);
  suspend.resume();
  assertEquals(protocol.next().done, true);
});

Deno.test("a handler may wait for what is marked as a request, in its cleanup too", () => {
  const command = { [Symbol.for("weightless.request")]: true };
  const protocol = serveHttp(function* () {
    try {
      yield command;
      yield;
    } finally {
      yield command;
    }
  });
  protocol.next();
  const head = bytes("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
  assertStrictEquals(protocol.next(head).value, command);
  assertEquals(protocol.next().value, undefined);
  assertStrictEquals(protocol.return(undefined).value, command);
  assertEquals(protocol.next().done, true);
});

Deno.test("a handler that is closed cannot transfer any more, and what it would is over", async () => {
  const steps: string[] = [];
  const transfer = splice(memory("data"), memory());
  const driver = new Driver(serveHttp(function* () {
    try {
      yield;
    } finally {
      try {
        yield* transfer;
      } catch (error) {
        steps.push((error as Error).name);
      }
    }
  }));
  driver.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n").close();
  assertEquals([steps, driver.error], [["EndOfStream"], undefined]);
  await assertRejects(() => transfer, TransferError, "being closed");
});

Deno.test("a handler that is closed gets the error of what its finally waits for", () => {
  const steps: string[] = [];
  const protocol = serveHttp(function* () {
    try {
      yield;
    } finally {
      try {
        yield* new Ask();
      } catch (error) {
        steps.push((error as Error).message);
        yield* new Ask();
      } finally {
        steps.push("released");
      }
    }
  });
  protocol.next();
  protocol.next(bytes("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"));
  assert(protocol.return(undefined).value instanceof Ask);
  assert(protocol.throw(new Error("rejected")).value instanceof Ask);
  assertThrows(() => protocol.throw(new Error("rejected again")), Error, "rejected again");
  assertEquals(steps, ["rejected", "released"]);
});

Deno.test("serveHttp() can be closed between requests", () => {
  const driver = new Driver(serveHttp(echo));
  driver.feed(GET, "GET /").close();
  assertEquals([driver.done, driver.error], [true, undefined]);
});

Deno.test("while a handler is elsewhere, its yields go to the driver", async () => {
  const [connection, file] = [memory(GET), memory("read elsewhere")];
  await asProcess(
    serveHttp(function* () {
      yield ok();
      let line = "";
      {
        using _ = enter(file);
        line = asText(yield);
        yield "written elsewhere";
      }
      yield line;
    }),
    { connection },
  );
  assertEquals(file.text, "written elsewhere");
  assertMatch(
    connection.text,
    /content-length: 14\r\nconnection: keep-alive\r\nkeep-alive: timeout=60\r\n\r\nread elsewhere$/,
  );
});

Deno.test("a handler may enter a context of its own wherever gio runs serveHttp()", async () => {
  const seen: string[] = [];
  function* handler(): Coroutine {
    {
      using _ = enter(memory("elsewhere"));
      seen.push(asText(yield));
    }
    yield ok();
  }
  const ways: ((connection: MemoryContext) => Promise<void>)[] = [
    (connection) => asProcess(serveHttp(handler), { connection }),
    (connection) => asProcess(compose(serveHttp(handler)), { connection }),
    (connection) =>
      asProcess(
        function* () {
          yield* serveHttp(handler);
        }(),
        { connection },
      ),
    (connection) =>
      asProcess(function* () {
        using _ = enter(connection);
        yield serveHttp(handler);
      }()),
  ];
  for (const way of ways) {
    const connection = memory(GET);
    await way(connection);
    assertMatch(connection.text, /^HTTP\/1\.1 200 /);
  }
  assertEquals(seen, ways.map(() => "elsewhere"));
});

Deno.test("an error from elsewhere goes to the handler", async () => {
  const connection = memory(GET);
  const broken = memory();
  broken.fail(new Deno.errors.NotFound());
  await asProcess(
    serveHttp(function* () {
      try {
        using _ = enter(broken);
        yield;
      } catch (error) {
        yield response(error instanceof Deno.errors.NotFound ? 404 : 500);
      }
    }),
    { connection },
  );
  assertMatch(connection.text, /^HTTP\/1.1 404 /);
});

const UPGRADE = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

function* takeOver({ method }: HttpRequest): Coroutine {
  yield method === "CONNECT" ? ok() : response(101, { upgrade: "echo" });
  for (;;) yield yield;
}

Deno.test("after 101 and a 2xx to CONNECT the connection is the handler's", () => {
  const connect = "CONNECT y:80 HTTP/1.1\r\nHost: y:80\r\n\r\n";
  const answers = [
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n",
    "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n",
  ];
  const clock = { now: () => 0 };
  for (const [i, request] of [UPGRADE, connect].entries()) {
    const driver = new Driver(serveHttp(takeOver, { clock, onError: () => assert(false) }));
    assertEquals(driver.feed(request).taken(), answers[i]);
    assertEquals(driver.feed("any", GET).taken(), `any${GET}`);
    driver.end();
    assertEquals([driver.done, driver.error, driver.taken()], [true, undefined, ""]);

    const early = new Driver(serveHttp(takeOver, { clock }));
    assertEquals(early.feed(`${request}early`).taken(), `${answers[i]}early`);
  }
});

Deno.test("a handler that took the connection over closes it by ending, cuts it by failing", () => {
  const driver = new Driver(serveHttp(function* () {
    yield response(101, { upgrade: "echo" });
    yield "bye";
  }));
  driver.feed(UPGRADE + GET);
  assertEquals([driver.done, driver.output.endsWith("\r\n\r\nbye")], [true, true]);

  const errors: unknown[] = [];
  const failing = new Driver(serveHttp(function* () {
    yield response(101, { upgrade: "echo" });
    throw new Error("taken over");
  }, { onError: (error) => errors.push(error) }));
  failing.feed(UPGRADE);
  assertEquals(errors, [failing.error]);
});

Deno.test("a handler that has answered cannot take the connection over", () => {
  const errors: unknown[] = [];
  const driver = new Driver(serveHttp(function* () {
    yield ok();
    yield response(101, { upgrade: "echo" });
  }, { onError: (error) => errors.push(error) }));
  assertEquals(statuses(driver.feed(UPGRADE)), [500]);
  assertMatch((errors[0] as Error).message, /has been yielded before/);
});

Deno.test("a CONNECT that is refused stays HTTP, unless it tells of a body, which it has not", () => {
  const connect = "CONNECT y:80 HTTP/1.1\r\nHost: y:80\r\n";
  const driver = new Driver(serveHttp(function* () {
    yield response(403);
  }));
  assertEquals(statuses(driver.feed(`${connect}\r\n${GET}`)), [403, 403]);

  for (const framing of ["Content-Length: 400", "Transfer-Encoding: chunked"]) {
    const driver = new Driver(serveHttp(function* () {
      yield response(403);
    }));
    assertEquals(statuses(driver.feed(`${connect}${framing}\r\n\r\n${GET}`)), [403]);
    assert(driver.done);

    const taken = new Driver(serveHttp(takeOver));
    taken.feed(`${connect}${framing}\r\nExpect: 100-continue\r\n\r\nearly`);
    assertEquals(statuses(taken), [200]);
    assert(taken.output.endsWith("early"), taken.output);
  }
});

Deno.test("an upgrade whose body was not read stays HTTP", () => {
  const errors: unknown[] = [];
  const unread = new Driver(
    serveHttp(takeOver, { onError: (error) => errors.push(error) }),
  );
  assertEquals(
    statuses(unread.feed(UPGRADE.replace("\r\n\r\n", "\r\nContent-Length: 1\r\n\r\n1"))),
    [500],
  );
  assertMatch((errors[0] as Error).message, /read the body of the request/);
});
