/** The HTTP client against servers on real sockets: of this package, and such that send what they are told. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { call, type Coroutine, EndOfStream } from "../../compose/mod.ts";
import {
  all,
  asProcess,
  gio,
  open,
  race,
  sleep,
  spawn,
  TimeoutError,
  wait,
} from "../../gio/mod.ts";
import {
  encodeWhole,
  HttpClient,
  type HttpClientOptions,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  HttpServer,
  LocalProtocolError,
  ok,
  type OriginInspected,
  RemoteProtocolError,
  type RequestOptions,
  response,
  TooManyConnections,
  trailers,
} from "../../http/mod.ts";
import { proxies } from "../../http/client/_proxy.ts";
import { here, type Reactor, sendFile, splice } from "../../reactor/mod.ts";
import { leakTest, turnsUntil } from "../_leaks.ts";
import { hostname, listening, SELECTORS } from "../_sockets.ts";
import { serverTest } from "./_live.ts";

const encoder = new TextEncoder();

/** The same over HTTP/1.1 and HTTP/2. */
const WIRES = [["1.1", false], ["2", "prior-knowledge"]] as const;

/** Runs `fn` with a server of this handler, and a client; nothing may be left in its pool. */
function clientTest(
  name: string,
  handler: HttpHandler,
  fn: (client: HttpClient, url: string, reactor: Reactor) => Promise<void>,
  options: HttpClientOptions = {},
): void {
  for (const [version, http2] of WIRES) {
    if ((options.http2 ?? http2) !== http2) continue;
    serverTest(`${name}, over HTTP/${version}`, async (reactor, errors) => {
      using server = new HttpServer(reactor, { ...listening, handler });
      const client = new HttpClient({ http2, ...options, reactor });
      try {
        await fn(client, `http://${hostname}:${server.port}`, reactor);
        client.close();
        await turnsUntil(() => client.inspect().length === 0);
      } finally {
        client.close();
      }
      assertEquals(errors, []);
    });
  }
}

/** A server that sends these bytes to each connection, when it has got a head, and keeps what it got. */
function scripted(...answers: (string | undefined)[]) {
  const listener = Deno.listen(listening);
  const seen: string[] = [];
  let connections = 0;
  const serve = async (conn: Deno.TcpConn) => {
    const buffer = new Uint8Array(65536);
    try {
      for (let text = "", n; (n = await conn.read(buffer)) !== null;) {
        text += new TextDecoder().decode(buffer.subarray(0, n));
        if (!text.includes("\r\n\r\n")) continue;
        seen.push(text);
        text = "";
        const answer = answers.shift();
        if (answer === undefined) break;
        await conn.write(encoder.encode(answer));
        if (answer !== "" && !answer.includes("\n")) break; // It is cut.
      }
    } catch {
      // The client has gone.
    }
    try {
      conn.close();
    } catch { /* as well */ }
  };
  const serving = (async () => {
    for await (const conn of listener) {
      connections++;
      serve(conn);
    }
  })();
  return {
    url: `http://${hostname}:${(listener.addr as Deno.NetAddr).port}`,
    seen,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

/** Tells what was asked. */
function* mirror(request: HttpRequest): Coroutine {
  const body = yield* call(request.text());
  yield ok({ "content-type": "application/json" });
  const headers = Object.fromEntries(request.headers);
  yield JSON.stringify({ method: request.method, target: request.target, headers, body });
}

clientTest("HttpClient sends each method, and reads the answer", mirror, async (client, url) => {
  for (const method of ["get", "post", "put", "patch", "delete"] as const) {
    const answer = await client[method](`${url}/a?b=c#d`);
    const { status, ok, reason, version } = answer;
    assertEquals([status, ok], [200, true]);
    assertEquals(reason, version === "2" ? "" : "OK");
    const { method: got, target, headers } = await answer.json();
    assertEquals([got, target], [method.toUpperCase(), "/a?b=c"]);
    assertEquals(headers.host, url.slice(7));
    const length = ["post", "put", "patch"].includes(method) ? "0" : undefined;
    assertEquals(headers["content-length"], length);
    assertEquals(answer.url.href, `${url}/a?b=c#d`);
  }
  const head = await client.head(`${url}/`);
  assertEquals([head.status, await head.text(), head.headers.get("content-type")], [
    200,
    "",
    "application/json",
  ]);
  const other = await client.request("REPORT", `${url}/`);
  assertEquals((await other.json()).method, "REPORT");
  // RFC 9110 9.1: methods are case-sensitive; the usual ones in lower case can only be a slip.
  for (const [method, sent] of [["get", "GET"], ["Patch", "Patch"], ["options", "OPTIONS"]]) {
    const answer = await client.request(method!, `${url}/`);
    assertEquals((await answer.json()).method, sent);
  }
});

clientTest("HttpClient sends a value as JSON", mirror, async (client, url) => {
  for (const value of [{ a: "ü" }, [1, 2], "text", 0, false, null, { toJSON: () => 7 }]) {
    const { method, headers, body } = await (await client.post(url, { json: value })).json();
    assertEquals([method, body], ["POST", JSON.stringify(value)]);
    assertEquals(headers["content-type"], "application/json");
    assertEquals(headers["content-length"], String(encoder.encode(body).length));
  }
  const headers = { "content-type": "application/merge-patch+json" };
  const answer = await client.patch(url, { json: {}, headers });
  assertEquals((await answer.json()).headers["content-type"], headers["content-type"]);
  const without = await (await client.post(url, { json: undefined })).json();
  assertEquals([without.body, without.headers["content-type"]], ["", undefined]);
});

clientTest("HttpClient takes headers as fetch does", mirror, async (client, url) => {
  const given: HeadersInit[] = [{ "x-a": "1" }, [["x-a", "1"]], new Headers({ "x-a": "1" })];
  for (const headers of given) {
    assertEquals((await (await client.get(url, { headers })).json()).headers["x-a"], "1");
  }
});

clientTest(
  "HttpClient uses one connection for one request after the other",
  mirror,
  async (client, url) => {
    for (let i = 0; i < 5; i++) {
      const answer = await client.get(url);
      assertEquals(answer.isReused, i > 0);
      await answer.bytes();
      assertEquals(client.inspect(), [{ origin: url, idle: 1, active: 0, waiting: 0 }]);
    }
  },
);

const BODIES: Record<string, () => [RequestOptions["body"], type: string | undefined]> = {
  "text": () => ["héllo", "text/plain;charset=UTF-8"],
  "bytes": () => [encoder.encode("héllo"), undefined],
  "a query":
    () => [new URLSearchParams({ a: "é b" }), "application/x-www-form-urlencoded;charset=UTF-8"],
  "a blob": () => [new Blob(["hé", "llo"], { type: "text/x" }), "text/x"],
  "a stream": () => [ReadableStream.from([encoder.encode("hé"), encoder.encode("llo")]), undefined],
  "an iterable": () => [["hé", encoder.encode("llo")], undefined],
  "an async iterable": () => [
    async function* () {
      yield "hé";
      yield encoder.encode("llo");
    }(),
    undefined,
  ],
  "a coroutine": () => [
    function* (): Coroutine {
      yield "hé";
      yield* sleep(1);
      yield encoder.encode("llo");
    }(),
    undefined,
  ],
  "nothing in pieces": () => [[], undefined],
};
const SENT: Record<string, string> = { "a query": "a=%C3%A9+b", "nothing in pieces": "" };

for (const name in BODIES) {
  clientTest(`HttpClient sends ${name}`, mirror, async (client, url) => {
    for (const framing of ["as it is", "with a length"]) {
      const [body, type] = BODIES[name]!();
      const expected = SENT[name] ?? "héllo";
      const length = String(encoder.encode(expected).length);
      const headers = framing === "as it is" ? {} : { "content-length": length };
      const answer = await client.post(url, { body: body!, headers });
      const { headers: got, body: text } = await answer.json();
      assertEquals([text, got["content-type"]], [expected, type]);
      const isKnown = framing !== "as it is" ||
        ["text", "bytes", "a query", "a blob"].includes(name);
      assertEquals(got["content-length"], isKnown ? length : undefined);
      assertEquals(
        got["transfer-encoding"],
        isKnown || answer.version === "2" ? undefined : "chunked",
      );
    }
    assertEquals(client.inspect()[0]!.idle, 1); // It was kept.
  });
}

clientTest("HttpClient sends a form with a file", function* (request) {
  const form: FormData = yield request.formData();
  yield ok();
  const file = form.get("file") as File;
  const text: string = yield* wait(file.text());
  yield `${form.get("name")} ${file.name} ${text}`;
}, async (client, url) => {
  const body = new FormData();
  body.append("name", "value");
  body.append("file", new File(["content"], "a.txt"));
  assertEquals(await (await client.post(url, { body })).text(), "value a.txt content");
});

const LARGE = 5_000_000;

/** Says how much came. */
function* count(): Coroutine {
  let length = 0;
  try {
    for (;;) length += (yield).length;
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
  }
  yield ok();
  yield String(length);
}

clientTest(
  "HttpClient sends large bodies in each way, with back-pressure",
  count,
  async (client, url) => {
    const path = await Deno.makeTempFile();
    await Deno.writeFile(path, new Uint8Array(LARGE));
    const chunk = new Uint8Array(100_000);
    const piecemeal = function* () {
      for (let i = 0; i < LARGE / chunk.length; i++) yield chunk;
    };
    const file = function* (): Coroutine {
      yield* sendFile(here, path);
    };
    const spliced = function* (): Coroutine {
      using source = open(path);
      yield* splice(source, here);
    };
    for (const body of [() => new Uint8Array(LARGE), piecemeal, file, spliced]) {
      for (const headers of [{}, { "content-length": LARGE }]) {
        const answer = await client.post(url, { body: body() as Coroutine, headers });
        assertEquals([await answer.text(), body.name], [String(LARGE), body.name]);
      }
    }
    assertEquals(client.inspect()[0]!.idle, 1);
    await Deno.remove(path);
  },
);

clientTest("the error of a body's coroutine is that of the request", count, async (client, url) => {
  const failing = function* (): Coroutine {
    yield "abc";
    yield* sleep(1);
    throw new RangeError("No more");
  };
  await assertRejects(
    async () => await client.post(url, { body: failing() }),
    RangeError,
    "No more",
  );
  for (const piece of ["abc", "abcdefgh"]) {
    await assertRejects(
      async () => await client.post(url, { body: [piece], headers: { "content-length": 5 } }),
      LocalProtocolError,
      piece.length < 5
        ? "2 bytes of its Content-Length are missing"
        : "Cannot send 8 bytes: only 5",
    );
  }
});

clientTest("a response is read piece by piece, and no faster than it is wanted", function* () {
  yield ok();
  for (let i = 0; i < 100; i++) yield new Uint8Array(100_000);
}, async (client, url, reactor) => {
  const length = await gio(
    reactor,
    undefined,
    function* (): Coroutine<number> {
      const answer = yield* client.get(url);
      let length = 0;
      using _ = answer.enter();
      try {
        for (;;) {
          const { length: more } = yield;
          length += more;
          if (length < 1_000_000) yield* sleep(1);
        }
      } catch (error) {
        assertInstanceOf(error, EndOfStream);
      }
      return length;
    }(),
  ).result;
  assertEquals(length, 10_000_000);
  assertEquals(client.inspect()[0]!.idle, 1);
});

clientTest("a response is a stream, also decoded", function* (request) {
  const body = new Uint8Array(300_000).map((_, i) => i % 251);
  const isCoded = request.headers.get("accept-encoding") !== undefined;
  yield ok(isCoded ? { "content-encoding": "gzip" } : {});
  yield isCoded ? encodeWhole("gzip", body) : body;
}, async (client, url) => {
  for (const decompression of [true, false]) {
    const answer = await client.get(url, { decompression });
    assertEquals(answer.headers.get("content-encoding"), decompression ? "gzip" : undefined);
    const bytes = await new Response(answer.stream()).bytes();
    assertEquals([bytes.length, bytes[1000]], [300_000, 1000 % 251]);
  }
  const answer = await client.get(url);
  await answer.stream().cancel();
});

clientTest("a response is saved to a file, and spliced to another connection", function* (request) {
  const [, framing, size] = request.path.split("/");
  yield ok(framing === "chunked" ? {} : { "content-length": size });
  yield new Uint8Array(Number(size)).fill(7);
}, async (client, url, reactor) => {
  const path = await Deno.makeTempFile();
  // A small body has come whole, together with the head.
  const targets = [0, 3, LARGE].flatMap((size) => [`/length/${size}`, `/chunked/${size}`]);
  for (const target of targets) {
    const size = Number(target.split("/")[2]);
    let last = 0;
    const onProgress = ({ bytes }: { bytes: number }) => last = bytes;
    const answer = await client.get(url + target);
    assertEquals([await answer.saveTo(path, { onProgress }), last], [size, size], target);
    const bytes = await Deno.readFile(path);
    assertEquals([bytes.length, bytes.every((byte) => byte === 7)], [size, true]);
  }
  await Deno.remove(path);
  using proxy = new HttpServer(reactor, {
    ...listening,
    *handler(request) {
      const answer = yield* client.get(url + request.target);
      yield ok({ "content-length": answer.headers.get("content-length") });
      yield* splice(answer, here);
    },
  });
  for (const target of targets) {
    const got = await fetch(`http://${hostname}:${proxy.port}${target}`);
    assertEquals((await got.bytes()).length, Number(target.split("/")[2]), target);
  }
});

clientTest("trailers are there when the body has been read", function* () {
  yield ok();
  yield "a";
  yield trailers({ "x-sum": "42" });
}, async (client, url) => {
  const answer = await client.get(url);
  assertEquals(await answer.text(), "a");
  assertEquals(answer.trailers?.get("x-sum"), "42");
});

/** What redirects, how the request is sent then, and what is left out. */
const REDIRECTS: [status: number, method: string, then: string, body: string][] = [
  [301, "GET", "GET", ""],
  [301, "POST", "GET", ""],
  [302, "POST", "GET", ""],
  [302, "PUT", "PUT", "body"],
  [303, "PUT", "GET", ""],
  [303, "HEAD", "HEAD", ""],
  [307, "POST", "POST", "body"],
  [308, "POST", "POST", "body"],
  [308, "DELETE", "DELETE", ""],
];

clientTest("a redirection is followed as its status says", function* (request) {
  const [, status] = /^\/from\/(\d+)/.exec(request.path) ?? [];
  if (status === undefined) return yield mirror(request);
  yield response(Number(status), { location: "../to?x" });
  yield "moved";
}, async (client, url) => {
  for (const [status, method, then, body] of REDIRECTS) {
    const options = body !== "" || method === "POST" ? { body: "body" } : {};
    const answer = await client.request(method, `${url}/from/${status}#part`, options);
    assertEquals([answer.status, answer.url.href], [200, `${url}/to?x#part`]);
    assertEquals(answer.redirects.map((one) => one.href), [`${url}/from/${status}#part`]);
    if (method === "HEAD") continue;
    const { method: got, body: sent, headers } = await answer.json();
    assertEquals([status, got, sent], [status, then, body]);
    assertEquals(headers["content-type"] !== undefined, body !== "");
  }
  const manual = await client.get(`${url}/from/302`, { redirect: "manual" });
  assertEquals([manual.status, await manual.text()], [302, "moved"]);
  await assertRejects(
    async () => await client.get(`${url}/from/302`, { redirect: "error" }),
    RemoteProtocolError,
    "redirects to ../to?x",
  );
  await assertRejects(
    async () => await client.post(`${url}/from/307`, { body: ["a"] }),
    LocalProtocolError,
    "the body cannot be sent again",
  );
  // The connections are used again.
  assertEquals(client.inspect().map(({ idle, active }) => [idle > 0, active]), [[true, 0]]);
});

serverTest(
  "another origin gets no credentials, and no host that is not its own",
  async (reactor) => {
    using to = new HttpServer(reactor, { ...listening, handler: mirror });
    using from = new HttpServer(reactor, {
      ...listening,
      *handler() {
        yield response(307, { location: `http://${hostname}:${to.port}/` });
      },
    });
    using client = new HttpClient({ reactor, headers: { cookie: "a=b" } });
    const headers = { authorization: "Bearer x", "x-other": "y", host: "virtual" };
    const answer = await client.get(`http://${hostname}:${from.port}/`, { headers });
    const { headers: got } = await answer.json();
    assertEquals([got.authorization, got.cookie, got["x-other"], got.host], [
      undefined,
      undefined,
      "y",
      `${hostname}:${to.port}`,
    ]);
  },
);

serverTest("credentials go to their origin only, and do not come back", async (reactor) => {
  /** What `/to/other/…` redirects to. */
  let other = "";
  const handler: HttpHandler = function* (request) {
    const [, where, path] = /^\/to\/(other\/|one\/)?(.*)/.exec(request.target) ?? [];
    if (path === undefined) return yield mirror(request);
    const to = where === undefined ? "" : where === "one/" ? url : other;
    yield response(307, { location: `${to}/${path}` });
  };
  using one = new HttpServer(reactor, { ...listening, handler });
  using two = new HttpServer(reactor, { ...listening, handler });
  const url: string = `http://${hostname}:${one.port}`;
  const second = `${hostname}:${two.port}`;
  const named = `localhost:${one.port}`;
  using client = new HttpClient({ reactor });
  const CREDENTIALS = { authorization: "Bearer x", cookie: "a=b", "proxy-authorization": "y" };
  const all = Object.keys(CREDENTIALS);
  const CASES: [path: string, other: string, isKept: boolean, host: string][] = [
    ["/to/here", "", true, "virtual"],
    ["/to/other/here", second, false, second],
    ["/to/other/to/here", second, false, second],
    ["/to/other/here", named, false, named],
    ["/to/other/to/one/here", second, false, url.slice(7)],
  ];
  for (const [path, to, isKept, host] of CASES) {
    other = `http://${to}`;
    const headers = { ...CREDENTIALS, host: "virtual", "x-other": "z" };
    const { headers: got } = await (await client.get(url + path, { headers })).json();
    const names = all.filter((name) => got[name] !== undefined);
    assertEquals([path, names, got.host, got["x-other"]], [path, isKept ? all : [], host, "z"]);
  }
  // Those in the URL of a Location are its own.
  other = `http://me:100%@${second}`;
  const own = await client.get(`${url.replace("//", "//user:x@")}/to/other/here`);
  assertEquals((await own.json()).headers.authorization, `Basic ${btoa("me:100%")}`);
});

clientTest("what tells of a body is not sent without it", function* (request) {
  if (request.path === "/there") yield mirror(request);
  else yield response(Number(request.path.slice(1)), { location: "/there" });
}, async (client, url) => {
  const OF_CONTENT = {
    "content-type": "text/x",
    "content-language": "en",
    "content-encoding": "x",
    "content-location": "/x",
    "content-range": "bytes 0-3/4",
    "content-md5": "x",
    digest: "x",
    "last-modified": "x",
    trailer: "x-sum",
  };
  const names = Object.keys(OF_CONTENT);
  for (const [status, isKept] of [[302, false], [303, false], [307, true], [308, true]] as const) {
    const options = { body: "body", headers: { ...OF_CONTENT, "x-other": "y" } };
    const { headers, body } = await (await client.post(`${url}/${status}`, options)).json();
    const got = names.filter((name) => headers[name] !== undefined);
    const expected = isKept ? names : [];
    assertEquals([status, got, headers["x-other"]], [status, expected, "y"]);
    assertEquals([body, headers["content-length"]], isKept ? ["body", "4"] : ["", undefined]);
  }
});

clientTest("what a user does to response.url changes no other request", function* (request) {
  if (request.path === "/a/from") yield response(302, { location: "to" });
  else yield mirror(request);
}, async (client, url) => {
  for (let i = 0; i < 2; i++) {
    const answer = await client.get(`${url}/a/from`);
    assertEquals((await answer.json()).target, "/a/to");
    assertEquals([answer.url.href, answer.redirects.map(String)], [
      `${url}/a/to`,
      [`${url}/a/from`],
    ]);
    for (const one of [answer.url, ...answer.redirects]) {
      one.pathname = "/evil/";
      one.hostname = "localhost";
    }
    const manual = await client.get(`${url}/a/from`, { redirect: "manual" });
    assertEquals([manual.status, await manual.text()], [302, ""]);
    manual.url.pathname = "/evil/";
  }
}, { proxy: (url) => void (url.pathname = "/evil/") });

clientTest(
  "a percent sign in a name or password may stand for itself",
  mirror,
  async (client, url) => {
    const CASES = {
      "user:100%": "user:100%",
      "a%20b:%41%": "a b:%41%",
      "%:": "%:",
      ":%C3%A9": ":\u00c3\u00a9",
    };
    for (const [given, sent] of Object.entries(CASES)) {
      const answer = await client.get(url.replace("//", `//${given}@`));
      assertEquals((await answer.json()).headers.authorization, `Basic ${btoa(sent)}`, given);
    }
  },
);

clientTest("there is one Host", mirror, async (client, url) => {
  const own = url.slice(7);
  const CASES: [headers: RequestOptions["headers"], host: string | undefined][] = [
    [undefined, "default"],
    [{ host: "a" }, "a"],
    [[["Host", "a"]], "a"],
    [[["host", "a"], ["host", "b"]], undefined],
    [[["Host", "a"], ["host", "a"]], undefined],
    [{ host: ["a", "b"] }, undefined],
    [{ host: [] }, undefined],
  ];
  for (const [headers, host] of CASES) {
    const options = headers === undefined ? {} : { headers };
    if (host === undefined) {
      assertThrows(() => client.get(url, options), LocalProtocolError, "Host");
    } else assertEquals((await (await client.get(url, options)).json()).headers.host, host);
  }
  using plain = new HttpClient();
  assertEquals((await (await plain.get(url)).json()).headers.host, own);
}, { headers: { host: "default" } });

for (const selector of SELECTORS) {
  const run = <R>(coroutine: Coroutine<R>) => asProcess(coroutine, { selector });

  leakTest(`a redirection that leads nowhere is an error (${selector})`, async () => {
    const CASES = {
      "ftp://example.org/": "which is no URL of http or https",
      "http://[/": "which is no URL of http or https",
      "/": "there are more than 3 redirections",
    };
    for (const [location, message] of Object.entries(CASES)) {
      const answer = `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
      await using server = scripted(...Array(10).fill(answer));
      using client = new HttpClient({ maxRedirects: 3 });
      await run(function* () {
        try {
          yield* client.get(server.url);
        } catch (error) {
          assertInstanceOf(error, RemoteProtocolError);
          assert(error.message.includes(message), error.message);
          return;
        }
        throw new Error("followed");
      }());
    }
  });

  leakTest(`a request is repeated once, if it may be (${selector})`, async () => {
    const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    /** Asks twice: the second time the server closes the connection instead. */
    const twice = async (
      method: string,
      options: RequestOptions,
      ...answers: (string | undefined)[]
    ) => {
      await using server = scripted(answer, ...answers);
      using client = new HttpClient();
      const outcome = await run(function* () {
        yield* call((yield* client.get(server.url)).text());
        try {
          const again = yield* client.request(method, server.url, options);
          return [again.isReused, yield* call(again.text())];
        } catch (error) {
          return (error as Error).message.replace(/ to [A-Z]+ http:[^ ]+(?=: )/, "");
        }
      }());
      return [outcome, server.seen.length, server.connections];
    };
    const lost =
      "Cannot read the response: the server closed the connection before a byte of it came";
    assertEquals(await twice("GET", {}, undefined, answer), [[false, "ok"], 3, 2]);
    assertEquals(await twice("PUT", { body: "x" }, undefined, answer), [[false, "ok"], 3, 2]);
    assertEquals(await twice("POST", { body: "x" }, undefined, answer), [lost, 2, 1]);
    assertEquals(await twice("PUT", { body: ["x"] }, undefined, answer), [lost, 2, 1]);
    assertEquals(await twice("GET", {}, undefined, undefined, answer), [lost, 3, 2]);
    const [outcome] = await twice("GET", {}, "HTTP/1.1 200", answer);
    assert(String(outcome).includes("after 12 bytes of its head"), String(outcome));
  });

  leakTest(`each phase has its limit of time (${selector})`, async () => {
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc";
    await using silent = scripted("", "HTTP/1.1 200 OK\r\n", head, "", "");
    using client = new HttpClient({ timeouts: { headMs: 40, bodyMs: 40 } });
    const fails = (options: RequestOptions) =>
      run(function* () {
        try {
          const answer = yield* client.get(silent.url, options);
          yield* call(answer.text());
        } catch (error) {
          assertInstanceOf(error, TimeoutError);
          return error.message.replaceAll(silent.url, "URL");
        }
      }());
    assertEquals(
      await fails({}),
      "Cannot get a response to GET URL/: its head did not come within 40 ms",
    );
    assertEquals(
      await fails({}),
      "Cannot get a response to GET URL/: its head did not come within 40 ms",
    );
    const silence =
      "Cannot read the response to GET URL/: the server was silent for 40 ms within its body";
    assertEquals(await fails({}), silence);
    const inAll = "Cannot ask URL/: it took longer than 20 ms";
    assertEquals(await fails({ timeoutMs: 20 }), inAll);
    assertEquals(await fails({ timeouts: { totalMs: 20 } }), inAll);
    assertEquals(client.inspect(), []);
  });

  leakTest(`what a coroutine has asked for ends with it (${selector})`, async () => {
    const endless = "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\nabc";
    await using server = scripted(endless, "", endless);
    using client = new HttpClient();
    await run(function* () {
      yield* client.get(server.url); // and does not read it
    }());
    await run(function* () {
      yield* race(client.get(server.url), sleep(10));
      assertEquals(client.inspect(), []);
      const task = yield* spawn(function* (): Coroutine {
        using _ = (yield* client.get(server.url)).enter();
        for (;;) yield;
      }());
      yield* sleep(10);
      task.cancel();
      yield* sleep(10);
      assertEquals(client.inspect(), []);
    }());
  });

  leakTest(
    `a client without a reactor runs one while something is awaited (${selector})`,
    async () => {
      await using server = Deno.serve({ ...listening, onListen() {} }, () => new Response("hi"));
      using client = new HttpClient();
      const url = `http://${hostname}:${server.addr.port}/`;
      for (let i = 0; i < 3; i++) {
        const answers = await Promise.all([client.get(url), client.get(url)]);
        assertEquals(await Promise.all(answers.map((answer) => answer.text())), ["hi", "hi"]);
      }
      assertEquals(client.inspect()[0]!.idle, 2);
      using abandoned = await client.get(url);
      assertEquals(abandoned.status, 200);
    },
  );
}

let isSilent = false;
leakTest("a client without a reactor reads as a stream what is decoded, or upgraded", async () => {
  const data = new Uint8Array(1_000_000).map((_, i) => Math.imul(i, 2654435761) >>> 24);
  const coded = encodeWhole("gzip", data) as Uint8Array<ArrayBuffer>; // too large to be decoded at once
  await using server = Deno.serve(
    { ...listening, onListen() {} },
    () => new Response(coded, { headers: { "content-encoding": "gzip" } }),
  );
  using listener = Deno.listen(listening);
  const isRead = Promise.withResolvers<void>();
  const upgrading = (async () => {
    using conn = await listener.accept();
    await conn.read(new Uint8Array(1000));
    await conn.write(encoder.encode("HTTP/1.1 101 x\r\nUpgrade: other\r\n\r\nearly"));
    await isRead.promise;
    await conn.write(encoder.encode(", late"));
  })();
  using client = new HttpClient();
  const response = await client.get(`http://${hostname}:${server.addr.port}/`);
  assertEquals(await new Response(response.stream()).bytes(), data);
  const upgraded = await client.get(`http://${hostname}:${(listener.addr as Deno.NetAddr).port}/`, {
    headers: { upgrade: "other" },
  });
  let heard = "";
  for await (const piece of upgraded.stream()) {
    heard += new TextDecoder().decode(piece);
    isRead.resolve();
  }
  assertEquals(heard, "early, late");
  upgraded.close();
  await upgrading;
});

for (const selector of SELECTORS) {
  leakTest(
    `nothing is left of a request that is given up while its body is dropped (${selector})`,
    async () => {
      await using server = scripted("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
      const controller = new AbortController();
      const { signal } = controller;
      let listeners = 0;
      const { addEventListener, removeEventListener } = signal;
      signal.addEventListener = (...args: unknown[]) => {
        listeners++;
        addEventListener.apply(signal, args as never);
      };
      signal.removeEventListener = (...args: unknown[]) => {
        listeners--;
        removeEventListener.apply(signal, args as never);
      };
      using client = new HttpClient();
      await asProcess(
        function* () {
          const response = yield* client.get(server.url, { signal });
          response.close();
          assertEquals([client.inspect()[0]!.active, listeners], [1, 1]);
          controller.abort();
          assertEquals([client.inspect().length, listeners], [0, 0]);
        }(),
        { selector },
      );
    },
  );
}

clientTest("a signal gives up, before and within the response", function* () {
  yield ok();
  for (const piece of "abc") {
    yield piece;
    yield* sleep(1);
  }
  isSilent = true;
  yield* sleep(100_000);
}, async (client, url, reactor) => {
  await assertRejects(
    async () => await client.get(url, { signal: AbortSignal.abort(new RangeError("no")) }),
    RangeError,
    "no",
  );
  const path = await Deno.makeTempFile();
  const ways: ((answer: HttpResponse) => PromiseLike<unknown>)[] = [
    (answer) => answer.text(),
    (answer) => new Response(answer.stream()).text(),
    (answer) => answer.saveTo(path),
  ];
  for (const read of ways) {
    const controller = new AbortController();
    const reason = new RangeError("enough");
    const answer = await client.get(url, { signal: controller.signal });
    const reading = read(answer);
    reading.then(() => {}, () => {});
    await turnsUntil(() => isSilent);
    isSilent = false;
    reactor.addTimer(0, () => controller.abort(reason));
    assertEquals(await reading.then(() => {}, (error) => error), reason);
  }
  await Deno.remove(path);
});

clientTest(
  "there are no more connections than allowed, and others wait in their order",
  function* (request) {
    yield* sleep(1);
    yield ok();
    yield request.path;
  },
  async (client, url, reactor) => {
    const order: string[] = [];
    await gio(
      reactor,
      undefined,
      function* () {
        yield* all(...Array.from({ length: 20 }, (_, i) =>
          function* (): Coroutine {
            const answer = yield* client.get(`${url}/${i}`);
            order.push(yield* call(answer.text()));
            const [{ idle, active }] = client.inspect() as [OriginInspected];
            assert(idle + active <= 2);
          }()));
      }(),
    ).result;
    assertEquals(order.length, 20);
    assertEquals([order[0], order[19]].every((path) => path !== undefined), true);
  },
  { maxConnectionsPerOrigin: 2 },
);

clientTest("too many connections are an error, if that is wanted", function* () {
  yield* sleep(5);
  yield ok();
}, async (client, url) => {
  const first = client.get(url).then((answer) => answer.text());
  await assertRejects(
    async () => await client.get(url),
    TooManyConnections,
    "there are 1 connections",
  );
  await first;
}, { maxConnections: 1, overload: "fail", http2: false });

serverTest("a free connection to another origin makes room", async (reactor) => {
  using one = new HttpServer(reactor, { ...listening, handler: mirror });
  using two = new HttpServer(reactor, { ...listening, handler: mirror });
  using client = new HttpClient({ reactor, maxConnections: 1 });
  for (const { port } of [one, two, one]) {
    await (await client.get(`http://${hostname}:${port}/`)).text();
    assertEquals(client.inspect().length, 1);
  }
});

clientTest("a request waits for a connection no longer than it may", function* () {
  yield* sleep(200);
  yield ok();
}, async (client, url) => {
  const first = client.get(url).then((answer) => answer.text());
  await assertRejects(
    async () => await client.get(url, { timeouts: { waitMs: 10 } }),
    TimeoutError,
    "no connection was free within 10 ms",
  );
  await first;
}, { maxConnections: 1, http2: false });

clientTest("the body waits for a 100, if it is to", function* (request) {
  if (request.path === "/refused") return yield response(413);
  yield mirror(request);
}, async (client, url) => {
  for (const body of ["abc", ["a", "bc"]]) {
    const options = { body, expectContinue: true };
    const interims: number[] = [];
    const onInterim = ({ status }: { status: number }) => void interims.push(status);
    const answer = await client.post(url, { ...options, onInterim });
    const { body: sent, headers } = await answer.json();
    assertEquals([sent, headers.expect, interims], ["abc", "100-continue", [100]]);
    const refused = await client.post(`${url}/refused`, options);
    assertEquals([refused.status, await refused.text()], [413, ""]);
  }
  assertThrows(
    () => client.post(url, { headers: { expect: "100-continue" } }),
    LocalProtocolError,
    "use the option expectContinue",
  );
});

clientTest("cookies are kept by whoever wants to", function* (request) {
  yield ok({ "set-cookie": ["a=1", "b=2"] });
  yield request.headers.get("cookie") ?? "none";
}, async (client, url) => {
  jar.length = 0;
  assertEquals(await (await client.get(url)).text(), "none");
  assertEquals(await (await client.get(url)).text(), "a=1; b=2");
}, {
  cookies: {
    get: () => jar.length === 0 ? undefined : jar.join("; "),
    set: (_, lines) => void jar.splice(0, jar.length, ...lines),
  },
});
const jar: string[] = [];

serverTest("a proxy of http gets the whole URL, and its own credentials", async (reactor) => {
  using proxy = new HttpServer(reactor, { ...listening, handler: mirror });
  using client = new HttpClient({
    reactor,
    proxy: `http://me:pass%20word@${hostname}:${proxy.port}`,
  });
  const answer = await client.get("http://user@example.org:8080/a?b");
  const { target, headers } = await answer.json();
  assertEquals([target, headers.host], ["http://example.org:8080/a?b", "example.org:8080"]);
  assertEquals(headers["proxy-authorization"], `Basic ${btoa("me:pass word")}`);
  assertEquals(headers.authorization, `Basic ${btoa("user:")}`);
});

serverTest("connections through a proxy are those of one user", async (reactor) => {
  using proxy = new HttpServer(reactor, { ...listening, handler: mirror });
  let user = "";
  using client = new HttpClient({
    reactor,
    proxy: () => `http://${user}${hostname}:${proxy.port}`,
  });
  const seen: [boolean, string | undefined][] = [];
  for (user of ["a:x@", "b:x@", "a:y@", "", "a:x@", "b:x@", ""]) {
    const answer = await client.get("http://example.org/");
    const { headers } = await answer.json();
    const sent = headers["proxy-authorization"]?.slice("Basic ".length);
    seen.push([answer.isReused, sent && `${atob(sent)}@`]);
  }
  assertEquals(seen, [
    [false, "a:x@"],
    [false, "b:x@"],
    [false, "a:y@"],
    [false, undefined],
    [true, "a:x@"],
    [true, "b:x@"],
    [true, undefined],
  ]);
  assertEquals(client.inspect().length, 4);
  // No secret is told.
  assertEquals(client.inspect().some(({ origin }) => /[xy]@|Basic/.test(origin)), false);
});

/** Lists of hosts, a URL, and whether it is one of them. */
const NO_PROXY: [list: string, url: string, isExempt: boolean][] = [
  ["", "http://a/", false],
  ["*", "http://a/", true],
  ["localhost", "http://localhost:80/", true],
  ["localhost", "http://LOCALHOST/", true],
  ["LocalHost", "http://localhost/", true],
  ["localhost.", "http://localhost/", true],
  ["localhost", "http://localhost./", true],
  ["a b,c  d", "http://b/", true],
  ["a b,c  d", "http://c/", true],
  ["a b,c  d", "http://d/", true],
  ["a b,c  d", "http://e/", false],
  ["example.org", "http://example.org/", true],
  ["example.org", "http://www.example.org/", true],
  [".example.org", "http://www.example.org/", true],
  [".example.org", "http://example.org/", true],
  ["*.example.org", "http://www.example.org/", true],
  ["example.org", "http://badexample.org/", false],
  ["www.example.org", "http://example.org/", false],
  ["example.org:8080", "http://example.org:8080/", true],
  ["example.org:8080", "http://example.org/", false],
  ["example.org:80", "http://example.org/", true],
  ["example.org:443", "https://example.org/", true],
  ["example.org:443", "http://example.org/", false],
  ["127.0.0.1", "http://127.0.0.1/", true],
  ["0.0.1", "http://127.0.0.1/", false],
  ["1", "http://127.0.0.1/", false],
  ["127.0.0.0/8", "http://127.1.2.3/", true],
  ["127.0.0.0/8", "http://128.1.2.3/", false],
  ["127.0.0.0/8", "http://a/", false],
  ["::1", "http://[::1]/", true],
  ["[::1]", "http://[::1]:8080/", true],
  ["[::1]:8080", "http://[::1]:8080/", true],
  ["[::1]:8080", "http://[::1]/", false],
  ["::2", "http://[::1]/", false],
  ["fe80::/10", "http://[fe80::1]/", true],
  ["fe80::/10", "http://[::1]/", false],
];

Deno.test("the environment tells which hosts are asked without a proxy", () => {
  const names = ["no_proxy", "NO_PROXY", "http_proxy", "https_proxy"];
  const before = names.map((name) => [name, Deno.env.get(name)] as const);
  try {
    Deno.env.delete("NO_PROXY");
    Deno.env.set("http_proxy", "proxy:3128");
    Deno.env.set("https_proxy", "proxy:3128");
    const proxyOf = proxies("environment")!;
    for (const [list, url, isExempt] of NO_PROXY) {
      Deno.env.set("no_proxy", list);
      assertEquals([list, url, proxyOf(new URL(url)) === undefined], [list, url, isExempt]);
    }
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
});

serverTest("a Unix socket", async (reactor) => {
  const path = `${await Deno.makeTempDir()}/socket`;
  using _server = new HttpServer(reactor, { path, handler: mirror });
  using client = new HttpClient({ reactor });
  const answer = await client.get("http://any/where", { socketPath: path });
  const { target, headers } = await answer.json();
  assertEquals([target, headers.host], ["/where", "any"]);
});

serverTest("after an Upgrade the connection is both ways", async (reactor) => {
  using server = new HttpServer(reactor, {
    ...listening,
    *handler() {
      yield response(101, { upgrade: "echo" });
      for (;;) yield yield;
    },
  });
  using client = new HttpClient({ reactor });
  const url = `http://${hostname}:${server.port}/`;
  const heard = await gio(
    reactor,
    undefined,
    function* (): Coroutine<string> {
      const answer = yield* client.get(url, { headers: { upgrade: "echo" } });
      assertEquals([answer.status, client.inspect()], [101, []]);
      using _ = answer.enter();
      yield "hello";
      return new TextDecoder().decode(yield);
    }(),
  ).result;
  assertEquals(heard, "hello");
});

clientTest("an early answer ends what is left of the request", function* () {
  yield response(413, { connection: "close" });
  yield "too much";
}, async (client, url) => {
  const endless = function* (): Coroutine {
    for (;;) {
      yield new Uint8Array(1000);
      yield* sleep(1);
    }
  };
  const answer = await client.post(url, { body: endless() });
  assertEquals([answer.status, await answer.text()], [413, "too much"]);
});

Deno.test("what makes no sense is an error that says what to write", () => {
  const at = "http://127.0.0.1/";
  const CASES: [() => unknown, new (message: string) => Error, string][] = [
    [() => new HttpClient({ maxConnections: 0 }), RangeError, "maxConnections"],
    [() => new HttpClient({ maxConnectionsPerOrigin: NaN }), RangeError, "maxConnectionsPerOrigin"],
    [
      () => new HttpClient({ overload: "drop" as never }),
      TypeError,
      'overload is "wait" or "fail"',
    ],
    [() => new HttpClient({ redirect: "never" as never }), TypeError, "redirect is"],
    [() => new HttpClient({ timeouts: { headMs: -1 } }), RangeError, "headMs"],
    [() => new HttpClient({ limits: { maxHeaders: -1 } }), RangeError, "maxHeaders"],
    [() => new HttpClient({ proxy: "proxy:3128" }), TypeError, "Cannot use the proxy"],
    [() => new HttpClient({ cookies: {} as never }), TypeError, "get() and set()"],
    [() => new HttpClient({ tls: { alpnProtocols: [] } as never }), TypeError, "alpnProtocols"],
    [() => new HttpClient({ reactor: {} as never }), TypeError, "reactor"],
    [() => new HttpClient().get("/path"), TypeError, "Cannot ask"],
    [() => new HttpClient().get("ftp://a/"), TypeError, "Cannot ask"],
    [() => new HttpClient().get(at, { body: {} as never }), TypeError, "{ json: value }"],
    [() => new HttpClient().get(at, { json: 1, body: "1" }), TypeError, "and not both"],
    [() => new HttpClient().get(at, { json: () => 1 }), TypeError, "JSON cannot tell it"],
    [() => new HttpClient().get(at, { timeoutMs: 0 }), RangeError, "timeoutMs"],
    [() => new HttpClient().get(at, { signal: {} as never }), TypeError, "AbortSignal"],
    [() => new HttpClient().get(at, { headers: { "a b": "c" } }), LocalProtocolError, "a b"],
    [
      () => new HttpClient().get(at, { headers: { a: "b\r\nc" } }),
      LocalProtocolError,
      "line break",
    ],
    [() => new HttpClient().request("G T", at), LocalProtocolError, "Cannot ask by the method"],
    [
      () => new HttpClient().post(at, { body: "abc", headers: { "content-length": 4 } }),
      LocalProtocolError,
      "the body has 3 bytes",
    ],
  ];
  for (const [act, type, message] of CASES) assertThrows(act, type as ErrorConstructor, message);
  const closed = new HttpClient();
  closed.close();
  assertThrows(() => closed.get(at), TypeError, "the client is closed");
});
