/** The components of applications, on live sockets. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { posix, win32 } from "node:path";
import { call, type Coroutine } from "../../compose/mod.ts";
import { sleep, spawn } from "../../gio/mod.ts";
import {
  ApacheLogger,
  BasicAuthentication,
  commonLog,
  HttpProtocol,
  type HttpRequest,
  IpFilter,
  jsonLog,
  knownUsers,
  LocalProtocolError,
  ok,
  PathFilter,
  PathRename,
  response,
  Server,
} from "../../http/mod.ts";
import { be, DeclineMessage, Observable, type Strand } from "../../pipeline/mod.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { Driver } from "./_drive.ts";
import { answerTo, serverTest } from "./_live.ts";

/** Answers with what a function makes of the request. */
class Answering extends Observable {
  constructor(readonly answer: (request: HttpRequest) => unknown) {
    super();
  }

  *processRequest(request: HttpRequest): Coroutine {
    const text = String(this.answer(request));
    yield ok();
    yield text;
  }
}

const named = (name: string) => [new Answering(() => name)] as const;

class Declining extends Observable {
  *processRequest(): Coroutine {
    throw new DeclineMessage();
  }
}

/** Serves an application, and gives a function that sends it a request: the status and the body. */
function serving(reactor: Reactor, ...strands: Strand[]) {
  const server = be([new Server(reactor, listening), [new HttpProtocol(), ...strands]]);
  return async (
    target: string,
    lines = "",
    method = "GET",
    body = "",
  ): Promise<[number, string]> => {
    const answer = await answerTo(
      server.port,
      `${method} ${target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n${lines}\r\n${body}`,
    );
    return [Number(answer.slice(9, 12)), answer.slice(answer.indexOf("\r\n\r\n") + 4)];
  };
}

/** Which of the two areas answers: /api, or everything but /secret and /a b. */
const PATHS: [path: string, area: "api" | "site" | undefined][] = [
  ["/api", "api"],
  ["/api/", "api"],
  ["/api/x", "api"],
  ["/api?x=/secret", "api"],
  ["/apix", "site"],
  ["/API", "site"],
  ["/", "site"],
  ["/x/api", "site"],
  ["/%61pi", "api"],
  ["/%61%70%69/x", "api"],
  ["/v2/x", "api"],
  ["/v%32", "api"],
  ["http://a.example/api/x", "api"],
  ["http://a.example", "site"],
  ["http://a.example/secret", undefined],
  ["/secret", undefined],
  ["/secret/", undefined],
  ["/secret/x", undefined],
  ["/secrets", "site"],
  ["/%73ecret", undefined],
  ["/%73%65%63%72%65%74", undefined],
  ["/a%20b/c", undefined],
  // It is decoded once.
  ["/%2573ecret", "site"],
  // An encoded slash
  ["/api%2Fx", "site"],
  ["/api%2fx", "site"],
  ["/api/x%2Fy", "api"],
  ["/secret%2Fx", undefined],
  ["/secret%2f", undefined],
  ["/%2Fsecret", undefined],
  // Segments that are empty
  ["//api", undefined],
  ["//secret", undefined],
  ["/x//y", undefined],
  ["/x%2F/y", undefined],
  ["/x//", undefined],
  // Dots
  ["/api/../secret", undefined],
  ["/api/..", undefined],
  ["/api/.", undefined],
  ["/./secret", undefined],
  ["/../secret", undefined],
  ["/x/..%2fsecret", undefined],
  ["/x%2f..%2fsecret", undefined],
  ["/x/%2e%2e/secret", undefined],
  ["/x/.%2E/secret", undefined],
  ["/%2e/secret", undefined],
  ["/...", "site"],
  ["/.well-known/x", "site"],
  ["/x/a..b", "site"],
  // What cannot be, or is no text
  ["/x%5c..%5csecret", undefined],
  ["/%5csecret", undefined],
  ["/secret%00", undefined],
  ["/x%0d%0ay", undefined],
  ["/x%7f", undefined],
  ["/%", undefined],
  ["/%zz", undefined],
  ["/%ff", undefined],
  ["/%c0%afsecret", undefined],
  ["/%c3%a9t%c3%a9", "site"],
];

serverTest("PathFilter passes on what every reader takes for that path", async (reactor) => {
  const get = serving(
    reactor,
    [new PathFilter(["/api", "/v2/"]), named("api")],
    [new PathFilter(["/"], { excluding: ["/secret", "/a b"] }), named("site")],
  );
  for (const [path, area] of PATHS) {
    const [status, body] = await get(path);
    // The parser itself refuses some of these.
    assertEquals(
      status === 400 ? undefined : status === 404 ? undefined : body,
      area,
      `${path} ${status}`,
    );
  }
  assertEquals((await get("*", "", "OPTIONS"))[0], 404);
  assertEquals((await get("a.example:443", "", "CONNECT"))[0], 404);
});

/** How others may read a path. */
const READERS: ((path: string) => string)[] = [
  (path) => path,
  decodeURIComponent,
  (path) => decodeURIComponent(path.replace(/%2f/gi, "%252F")),
  (path) => new URL(`http://a.example${path}`).pathname,
  (path) => decodeURIComponent(new URL(`http://a.example${path}`).pathname),
  (path) => posix.normalize(path),
  (path) => posix.normalize(decodeURIComponent(path)),
  (path) => win32.normalize(decodeURIComponent(path)).replaceAll("\\", "/"),
];

Deno.test("PathFilter cannot be got around, however a path is read", () => {
  const pieces = "/ /s s %73 %2f %2F . .. %2e %2E %5c x /x %2573 %252e %00 ; // %25 é".split(" ")
    .map((piece) => piece === "é" ? "%c3%a9" : piece);
  const http = be([
    new HttpProtocol(),
    [new PathFilter(["/x"]), named("x")],
    [new PathFilter(["/"], { excluding: ["/s"] }), named("others")],
  ]);
  const isWithin = (area: string) => (path: string) => path === area || path.startsWith(`${area}/`);
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 8 }), (some) => {
      const path = `/${some.join("")}`;
      const { output } = new Driver(http.processConnection()).feed(
        `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`,
      );
      if (output.slice(9, 12) !== "200") return;
      const read = READERS.map((reader) => reader(path));
      assert(!read.some(isWithin("/s")), path);
      if (output.endsWith("\r\n\r\nx")) assert(read.every(isWithin("/x")), path);
    }),
    { numRuns: 3000 },
  );
});

serverTest("a component declines when nobody behind it answers", async (reactor) => {
  const check = () => true;
  const components = [
    new PathFilter(["/"]),
    new PathRename(() => "/other"),
    new BasicAuthentication({ realm: "r", check }),
    new IpFilter({ deny: [] }),
    new ApacheLogger(() => {}),
  ];
  const credentials = `Authorization: Basic ${btoa("a:b")}\r\n`;
  for (const component of components) {
    for (const behind of [[], [[new Declining()]]] as Strand[][]) {
      const get = serving(reactor, [component, ...behind], named("next"));
      assertEquals(await get("/", credentials), [200, "next"], component.constructor.name);
    }
  }
});

Deno.test("each component passes other messages on", () => {
  const other = { name: () => "other" };
  const components = [
    new PathFilter(["/x"]),
    new PathRename(String),
    new BasicAuthentication({ realm: "r", check: () => false }),
    new IpFilter({ allow: [] }),
    new ApacheLogger(() => {}),
  ];
  for (const component of components) {
    const root = be([new Observable(), [component, [other]]]);
    assertEquals(root.call.name(), "other");
  }
});

serverTest("PathRename gives another path to those behind it", async (reactor, errors) => {
  const rename = (path: string) => path.replace(/^\/old(?=\/|$)/, "/new").replace("/bad", "bad");
  const shown = ({ path, target, search, url }: HttpRequest) => [path, target, search, url.href];
  const get = serving(
    reactor,
    [
      new PathRename(rename),
      [new PathFilter(["/"]), [new Answering((request) => shown(request))]],
      [
        new Answering(({ target }) => target),
      ],
    ],
  );
  const cases: [string, string][] = [
    ["/old/x?y=/old", "/new/x,/new/x?y=/old,?y=/old,http://a.example/new/x?y=/old"],
    ["/x", "/x,/x,,http://a.example/x"],
    ["http://a.example/old?z", "/new,http://a.example/new?z,?z,http://a.example/new?z"],
    ["http://a.example?z", "/,http://a.example?z,?z,http://a.example/?z"],
  ];
  for (const [target, body] of cases) assertEquals(await get(target), [200, body], target);
  assertEquals(await get("*", "", "OPTIONS"), [200, "*"]);
  assertEquals((await get("/bad"))[0], 500);
  assertMatch(String(errors), /^LocalProtocolError: Cannot change the path to "bad": a path/);
});

serverTest("HttpRequest.withPath() shares all but the path", async (reactor) => {
  class Reading extends Observable {
    *processRequest(request: HttpRequest): Coroutine {
      const { method, version, keepAlive, hasBody, host, connection, timeouts, signal } = request;
      const other = request.withPath("/a").withPath("/b");
      assertEquals([other.method, other.version, other.keepAlive], [method, version, keepAlive]);
      assertEquals([other.hasBody, other.host, other.headers.get("x")], [hasBody, host, "y"]);
      assert(other.connection === connection && other.timeouts === timeouts);
      assert(other.signal === signal);
      const text = yield* call(other.text());
      yield ok();
      yield [request.path, other.path, text, other.trailers?.get("t"), request.trailers?.get("t")]
        .join();
    }
  }
  const get = serving(reactor, [new Reading()]);
  const chunked = "Transfer-Encoding: chunked\r\nX: y\r\n";
  const answer = await get("/x", chunked, "POST", "3\r\nabc\r\n0\r\nT: u\r\n\r\n");
  assertEquals(answer, [200, "/x,/b,abc,u,u"]);
});

Deno.test("HttpRequest.withPath() takes a path only", () => {
  const WRONG = [
    "",
    "x",
    "*",
    "/a b",
    "/a?b",
    "/a#b",
    "/a\r\nX: y",
    "/é",
    "/\0",
    "/\\",
    "/{x}",
    "/Ā",
  ];
  const errors: unknown[] = [];
  const http = new HttpProtocol({ onError: (error) => errors.push(error) });
  be([http, [
    new Answering((request) => {
      if (request.path !== "/") request.withPath("/");
      for (const path of [...WRONG, undefined, 1] as string[]) {
        assertThrows(() => request.withPath(path), LocalProtocolError, "Cannot change the path to");
      }
      return request.withPath("/!$&'()*+,;=:@-._~%20|[]").path;
    }),
  ]]);
  const answer = (start: string) =>
    new Driver(http.processConnection()).feed(`${start} HTTP/1.1\r\nHost: a.example\r\n\r\n`)
      .output;
  assertMatch(answer("GET /"), / 200 [^]*\/!\$&'\(\)\*\+,;=:@-\._~%20\|\[\]$/);
  assertMatch(answer("OPTIONS *"), / 500 /);
  assertMatch(answer("CONNECT a.example:443"), / 500 /);
  assertEquals(errors.map((error) => (error as Error).message), [
    "Cannot change the path of OPTIONS *: it has none",
    "Cannot change the path of CONNECT a.example:443: it has none",
  ]);
});

const basic = (text: string) => {
  const bytes = new TextEncoder().encode(text);
  return `Authorization: Basic ${btoa(String.fromCharCode(...bytes))}\r\n`;
};

/** What a client sends, and the user that this makes it. */
const CREDENTIALS: [lines: string, user: string | undefined][] = [
  ["", undefined],
  [basic("Ada:dif:ference"), "Ada"],
  [basic("Ada:dif:ference").replace("Basic", "bAsIc  "), "Ada"],
  [basic("Zoë:pässword"), "Zoë"],
  [basic("Zoe\u0308:pa\u0308ssword"), "Zoë"],
  [basic(":empty"), ""],
  [basic("nobody:"), "nobody"],
  [basic("Ada:wrong"), undefined],
  [basic("Ada:dif"), undefined],
  [basic("ada:dif:ference"), undefined],
  [basic("Ada:dif:ference "), undefined],
  [basic("Ada"), undefined],
  [basic(""), undefined],
  [basic(":"), undefined],
  [basic("__proto__:x"), undefined],
  [basic("Ada:dif:ference\n"), undefined],
  [basic("Ada\0:dif:ference"), undefined],
  [basic("\ufeffAda:dif:ference"), undefined],
  // Malformed
  ["Authorization: Basic\r\n", undefined],
  ["Authorization: Basic \r\n", undefined],
  ["Authorization: Basic QWRhOmRpZjpmZXJlbmNl=\r\n", undefined],
  ["Authorization: Basic QWRhOmRpZjpmZXJlbmNl====\r\n", undefined],
  ["Authorization: Basic QWRhOmRpZjpmZXJlbmN\r\n", undefined],
  ["Authorization: Basic QWRh OmRpZjpmZXJlbmNl\r\n", undefined],
  ["Authorization: Basic %%%\r\n", undefined],
  ["Authorization: Basic bm9ib2R5Og==\r\n", "nobody"],
  ["Authorization: Basic bm9ib2R5Og\r\n", undefined],
  ["Authorization: Basic bm9ib2R5Oh==\r\n", undefined],
  ["Authorization: Basic bm9ib2R5Og==, Basic bm9ib2R5Og==\r\n", undefined],
  ["Authorization: Basic bm9ib2R5Og==\r\n".repeat(2), undefined],
  ["Authorization: Basicbm9ib2R5Og==\r\n", undefined],
  ["Authorization: Bearer bm9ib2R5Og==\r\n", undefined],
  // ISO-8859-1, which is not UTF-8
  [`Authorization: Basic ${btoa("Zo\xeb:p\xe4ssword")}\r\n`, undefined],
  [`Authorization: Basic ${"A".repeat(60_000)}\r\n`, undefined],
  [`Authorization: Basic${" ".repeat(60_000)}\r\n`, undefined],
];

const USERS = { Ada: "dif:ference", "Zoë": "pässword", "": "empty", nobody: "" };

serverTest("BasicAuthentication passes those on who are known", async (reactor) => {
  const known = knownUsers(USERS);
  const checks: BasicAuthentication[] = [
    new BasicAuthentication({ realm: 'a "\\ b', check: known }),
    new BasicAuthentication({
      realm: 'a "\\ b',
      check: (name, password) => Promise.resolve(known(name, password)),
    }),
  ];
  for (const component of checks) {
    const user = new Answering(() => encodeURI(BasicAuthentication.user.get()));
    const get = serving(reactor, [component, [user]]);
    for (const [lines, name] of CREDENTIALS) {
      const expected = name === undefined ? [401, "Unauthorized"] : [200, encodeURI(name)];
      assertEquals(await get("/", lines), expected, lines.slice(0, 100));
    }
  }
  const server = be([new Server(reactor, listening), [new HttpProtocol(), [
    checks[0]!,
    named("x"),
  ]]]);
  const request = "GET / HTTP/1.0\r\n\r\n";
  assertMatch(
    await answerTo(server.port, request),
    /^HTTP\/1.1 401 [^]*\r\nwww-authenticate: Basic realm="a \\"\\\\ b", charset="UTF-8"\r\n/,
  );
});

serverTest("BasicAuthentication.user is that of each request", async (reactor) => {
  class Later extends Observable {
    *processRequest(): Coroutine {
      const task = yield* spawn(function* () {
        yield* sleep(1);
        return BasicAuthentication.user.get();
      }());
      const later = yield* task;
      yield ok();
      yield `${BasicAuthentication.user.get()} ${later}`;
    }
  }
  const check = () => true;
  const outside = new Answering(() => {
    assertThrows(() => BasicAuthentication.user.get(), ReferenceError);
    return "nobody";
  });
  const get = serving(
    reactor,
    [new PathFilter(["/in"]), [new BasicAuthentication({ realm: "r", check }), [new Later()]]],
    [outside],
  );
  const names = ["a", "b", "c", "d"];
  const answers = names.map((name) => get("/in", basic(`${name}:`)));
  assertEquals(await Promise.all(answers), names.map((name) => [200, `${name} ${name}`]));
  assertEquals(await get("/", basic("a:")), [200, "nobody"]);
});

serverTest("BasicAuthentication lets nobody in by a check that fails", async (reactor, errors) => {
  const CHECKS: [check: unknown, error: RegExp][] = [
    [() => 1, /check must give a boolean, not 1/],
    [() => "true", /check must give a boolean/],
    [() => undefined, /check must give a boolean/],
    [() => ({}), /check must give a boolean/],
    [function* () {}, /check must give a boolean/],
    [() => Promise.resolve("yes"), /check must give a boolean/],
    [() => Promise.reject(new Error("No database")), /No database/],
    [() => {
      throw new Error("No database");
    }, /No database/],
  ];
  for (const [check, error] of CHECKS) {
    const options = { realm: "r", check } as ConstructorParameters<typeof BasicAuthentication>[0];
    const get = serving(reactor, [new BasicAuthentication(options), named("in")]);
    assertEquals(await get("/", basic("a:b")), [500, "Internal Server Error"]);
    assertEquals(errors.length, 1);
    assertMatch(String(errors.pop()), error);
  }
});

/** Rules, and whether an address may pass: + and -. */
const ADDRESSES: [rules: { allow?: string[]; deny?: string[] }, addresses: string][] = [
  [{ allow: ["192.0.2.1"] }, "+192.0.2.1 -192.0.2.2 +::ffff:192.0.2.1 +::ffff:c000:201 -::1"],
  [{ allow: ["::ffff:192.0.2.1"] }, "+192.0.2.1 -192.0.2.2 +::FFFF:192.0.2.1"],
  [{ allow: ["::ffff:192.0.2.0/120"] }, "+192.0.2.1 -192.0.3.1 +::ffff:192.0.2.9"],
  [{ allow: ["10.0.0.0/8"] }, "+10.0.0.0 +10.255.255.255 -11.0.0.0 -9.255.255.255 -a00::"],
  [{ allow: ["128.0.0.0/1"] }, "+128.0.0.0 +255.255.255.255 -127.255.255.255"],
  [{ allow: ["0.0.0.0/0"] }, "+0.0.0.0 +255.255.255.255 +::ffff:1.2.3.4 -::1"],
  [{ allow: ["::/0"] }, "+:: +::1 +2001:db8::1 -1.2.3.4 -::ffff:1.2.3.4"],
  [{ allow: ["2001:db8::/32"] }, "+2001:db8::1 +2001:DB8:ffff::1 -2001:db9::1"],
  [{ allow: ["2001:db8::/33"] }, "+2001:db8:7fff::1 -2001:db8:8000::1"],
  [{ allow: ["fe80::/10"] }, "+fe80::1 +fe80::1%eth0 +febf::1 -fec0::1"],
  [{ allow: ["1:2:3:4:5:6:7:8/128"] }, "+1:2:3:4:5:6:7:8 +1:2:3:4:5:6:0.7.0.8 -1:2:3:4:5:6:7:9"],
  [{ allow: ["64:ff9b::1.2.3.4"] }, "+64:ff9b::102:304 -1.2.3.4"],
  [{ allow: [] }, "-1.2.3.4 -::1 -unix -none"],
  [{ allow: ["1.2.3.4", "::1"] }, "+1.2.3.4 +::1 -1.2.3.5 -unix -none"],
  [{ deny: ["1.2.3.0/24", "::1"] }, "-1.2.3.4 -::1 +1.2.4.4 +::2 +unix +none"],
  [{ deny: [] }, "+1.2.3.4 +::1 +unix"],
  [{ allow: ["10.0.0.0/8"], deny: ["10.1.0.0/16"] }, "+10.0.0.1 -10.1.0.1 -11.0.0.1 -unix"],
];

Deno.test("IpFilter passes on by address", () => {
  for (const [rules, addresses] of ADDRESSES) {
    const http = be([new HttpProtocol(), [new IpFilter(rules), named("in")]]);
    for (const one of addresses.split(" ")) {
      const address = one.slice(1);
      const remoteAddr: Deno.Addr | undefined = address === "none"
        ? undefined
        : address === "unix"
        ? { transport: "unix", path: "/tmp/x" }
        : { transport: "tcp", hostname: address, port: 1 };
      const info = { remoteAddr, localAddr: undefined, tls: undefined };
      const { output } = new Driver(http.processConnection(info)).feed(
        "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
      );
      assertEquals(
        output.slice(9, 12),
        one[0] === "+" ? "200" : "403",
        `${Deno.inspect(rules)} ${one}`,
      );
    }
  }
});

serverTest("IpFilter sees the address of the client", async (reactor) => {
  const inside = serving(reactor, [new IpFilter({ allow: [hostname] }), named("in")]);
  const outside = serving(reactor, [new IpFilter({ deny: ["127.0.0.0/8"] }), named("in")]);
  assertEquals(await inside("/"), [200, "in"]);
  assertEquals(await outside("/"), [403, "Forbidden"]);
  assertEquals(await outside("/", "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n"), [
    403,
    "Forbidden",
  ]);
});

serverTest("ApacheLogger tells what the client got", async (reactor, errors) => {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line.replace(/\[.*?\]/, "[]"));
  class Bigger extends Observable {
    *processRequest(request: HttpRequest): Coroutine {
      if (request.path === "/declined") throw new DeclineMessage();
      if (request.path === "/fails") throw new Error("of the application");
      if (request.path === "/none") return;
      const length = (yield* call(request.bytes(10))).length;
      yield response(request.path === "/gone" ? 410 : 201);
      yield "x".repeat(length);
      yield "y".repeat(length);
    }
  }
  const get = serving(reactor, [
    new ApacheLogger(write, commonLog),
    [new PathRename((path) => path === "/old" ? "/gone" : path), [new Bigger()]],
  ]);
  const length = (n: number) => `Content-Length: ${n}\r\n`;
  await get("/a", length(3), "POST", "abc");
  await get("/a", length(11), "POST", "abcdefghijk");
  await get("/declined");
  await get("/fails");
  await get("/none");
  await get("/old?x=%22", 'User-Agent: "\r\n');
  await get("/a", length(3), "HEAD", "abc");
  const at = `${hostname} - - []`;
  assertEquals(lines, [
    `${at} "POST /a HTTP/1.1" 201 6`,
    `${at} "POST /a HTTP/1.1" 413 ${"Cannot read the body: it has more than 10 bytes".length}`,
    `${at} "GET /declined HTTP/1.1" 404 9`,
    `${at} "GET /fails HTTP/1.1" 500 21`,
    `${at} "GET /none HTTP/1.1" 500 21`,
    `${at} "GET /old?x=%22 HTTP/1.1" 410 -`,
    lines[6]!,
  ]);
  assertMatch(lines[6]!, /"HEAD \/a HTTP\/1\.1" 201 -$/);
  assertEquals(errors.length, 2);
});

serverTest("ApacheLogger logs a request whose client goes, once", async (reactor) => {
  const lines: string[] = [];
  class Waiting extends Observable {
    *processRequest(request: HttpRequest): Coroutine {
      yield* call(request.text());
    }
  }
  const server = be([
    new Server(reactor, listening),
    [new HttpProtocol(), [new ApacheLogger((line) => lines.push(line), jsonLog), [new Waiting()]]],
  ]);
  {
    using conn = await Deno.connect({ hostname, port: server.port });
    await conn.write(
      new TextEncoder().encode(
        "POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\nabc",
      ),
    );
    await conn.closeWrite();
    await turnsUntil(() => lines.length > 0);
  }
  const { method, target, status } = JSON.parse(lines[0]!);
  assertEquals([lines.length, method, target, status], [1, "POST", "/x", 400]);
});

serverTest("loggers are told each of its own area", async (reactor, errors) => {
  const lines: string[] = [];
  const logger = (name: string) =>
    new ApacheLogger(
      (line) => lines.push(line),
      ({ request, status }) => `${name} ${request!.path} ${status}`,
    );
  const failing = new ApacheLogger(() => {
    throw new Error("The disk is full");
  });
  const all: string[] = [];
  const server = be([new Server(reactor, listening), [
    new HttpProtocol({
      accessLog: ({ request, status }) => all.push(`${request?.path} ${status}`),
    }),
    [new PathFilter(["/a"]), [logger("a"), [new PathRename(() => "/c"), [
      logger("c"),
      named("A"),
    ]]]],
    [new PathFilter(["/b"]), [failing, [logger("b"), named("B")]]],
  ]]);
  const head = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
  const bad = "GET bad HTTP/1.1\r\n\r\n";
  await answerTo(server.port, head("/a/1") + head("/b/2") + head("/x/3") + head("/a/4") + bad);
  assertEquals(lines, ["a /a/1 200", "c /c 200", "b /b/2 200", "a /a/4 200", "c /c 200"]);
  assertEquals(all, ["/a/1 200", "/b/2 200", "/x/3 404", "/a/4 200", "undefined 400"]);
  assertEquals(errors.map(String), ["Error: The disk is full"]);
});

const WRONG: [
  make: (given: never) => unknown,
  given: unknown,
  error: typeof TypeError | typeof SyntaxError | typeof LocalProtocolError,
  message: string,
][] = [
  ...[[""], ["api"], ["//"], ["/a/../b"], ["/a\\b"], ["/a%20b"], ["/a", 1]].map((prefixes) =>
    [
      (given) => new PathFilter(given),
      prefixes,
      TypeError,
      "Cannot filter paths: prefixes has ",
    ] as typeof WRONG[number]
  ),
  [(given) => new PathFilter(given), "/api", TypeError, "prefixes must be a list"],
  [(given) => new PathFilter(given), undefined, TypeError, "prefixes must be a list"],
  [(given) => new PathFilter(given), [], TypeError, "there is no prefix"],
  [
    (given) => new PathFilter(["/"], given),
    { exclude: [] },
    TypeError,
    "there is no option exclude",
  ],
  [
    (given) => new PathFilter(["/"], given),
    { excluding: "/a" },
    TypeError,
    "excluding must be a list",
  ],
  [(given) => new PathFilter(["/"], given), { excluding: ["a"] }, TypeError, 'excluding has "a"'],
  [(given) => new PathRename(given), "/x", TypeError, "rename must be a function"],
  [(given) => new ApacheLogger(given), undefined, TypeError, "write must be a function"],
  [(given) => new ApacheLogger(() => {}, given), "common", TypeError, "format must be a function"],
  [
    (given) => new BasicAuthentication(given),
    { realm: "r" },
    TypeError,
    "check must be a function",
  ],
  [(given) => new BasicAuthentication(given), { check() {} }, TypeError, "realm must be text"],
  [
    (given) => new BasicAuthentication(given),
    { realm: "a\r\nb", check() {} },
    LocalProtocolError,
    "",
  ],
  [
    (given) => new BasicAuthentication(given),
    { realm: "r", check() {}, users: {} },
    TypeError,
    "option users",
  ],
  [(given) => knownUsers(given), { "a:b": "c" }, TypeError, 'Cannot know the user "a:b"'],
  [(given) => knownUsers(given), { a: "b\n" }, TypeError, "Cannot know the user"],
  [(given) => knownUsers(given), { a: undefined }, TypeError, "Cannot know the user"],
  [(given) => new IpFilter(given), {}, TypeError, "give a list"],
  [(given) => new IpFilter(given), { allow: "::1" }, TypeError, "allow must be a list"],
  [(given) => new IpFilter(given), { allowed: [] }, TypeError, "there is no option allowed"],
  ...[
    "",
    "localhost",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "1.2.3.256",
    "1.2.3.4/",
    "1.2.3.4/33",
    "10.0.0.0/08",
    "10.0.0.1/8",
    "0.0.0.1/0",
    "10.0.0.0/8/8",
    "10.0.0.0/255.0.0.0",
    "1.2.3.4 ",
    "1.2.3.4\n",
    ":::",
    ":1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "::/129",
    "::1/127",
    "fe80::1%eth0",
    "[::1]",
    "::1.2.3",
    "12345::",
    "::g",
    "::ffff:1.2.3.4/100",
    1,
    undefined,
    null,
  ].map((rule) =>
    [
      (given) => new IpFilter(given),
      { deny: [rule] },
      SyntaxError,
      "Cannot filter addresses by ",
    ] as typeof WRONG[number]
  ),
];

Deno.test("components refuse what makes no sense", () => {
  for (const [make, given, error, message] of WRONG) {
    assertThrows(() => make(given as never), error, message, Deno.inspect(given));
  }
});
