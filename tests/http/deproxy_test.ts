/** What is shown of requests that come through a proxy. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import {
  ApacheLogger,
  type ConnectionInfo,
  Deproxy,
  HttpProtocol,
  type HttpRequest,
  IpFilter,
  ok,
  PathRename,
  Server,
} from "../../http/mod.ts";
import { be, Observable, type Strand } from "../../pipeline/mod.ts";
import { hostname, listening } from "../_sockets.ts";
import { Driver } from "./_drive.ts";
import { answerTo, serverTest } from "./_live.ts";

/** Answers with whom the request is from and for what it asks. */
class Shown extends Observable {
  *processRequest(request: HttpRequest): Coroutine {
    const { connection, url } = request;
    const body = yield* call(request.text());
    yield ok();
    yield `${shown(connection.remoteAddr)} ${url} ${body}`.trimEnd();
  }
}

function shown(addr: Deno.Addr | undefined): string {
  if (addr === undefined) return "nobody";
  return "hostname" in addr ? `${addr.hostname}|${addr.port}` : addr.transport;
}

const PROXY: Deno.Addr = { transport: "tcp", hostname: "10.0.0.1", port: 999 };

/** What is shown of a request that has come from there with these lines. */
function through(strand: Strand, lines: string[], remoteAddr: Deno.Addr | undefined = PROXY) {
  const info: ConnectionInfo = { remoteAddr, localAddr: undefined, tls: undefined };
  const http = be([new HttpProtocol(), strand]);
  const driver = new Driver(http.processConnection(info));
  driver.feed(
    ["POST /p?q HTTP/1.1", "Host: inner:8000", "Content-Length: 0", ...lines, "", ""].join("\r\n"),
  );
  const { output } = driver;
  driver.end();
  return output.startsWith("HTTP/1.1 200 ")
    ? output.slice(output.indexOf("\r\n\r\n") + 4).replace(/^[\da-f]+\r\n|\r\n.*/gs, "")
    : output.slice(9, 12);
}

const seen = (lines: string[], trusted = ["10.0.0.0/8"], from?: Deno.Addr) =>
  through([new Deproxy({ trusted }), [new Shown()]], lines, from);

const direct = "10.0.0.1|999 http://inner:8000/p?q";

Deno.test("Deproxy passes a request on as it is without trusted proxies", () => {
  assertEquals(seen(["X-Forwarded-For: 2.2.2.2", "X-Forwarded-Host: x"], []), direct);
});

Deno.test("Deproxy passes a request on as it is when the proxy tells nothing", () => {
  assertEquals(seen([]), direct);
  assertEquals(
    seen(["X-Forwarded-For:", "X-Forwarded-Host: ,", "X-Forwarded-Proto: ,,"]),
    direct,
  );
});

Deno.test("Deproxy does not take the word of who is not trusted", () => {
  const lines = ["X-Forwarded-For: 2.2.2.2", "X-Forwarded-Host: x", "X-Forwarded-Proto: https"];
  assertEquals(seen(lines, ["10.0.0.2"]), direct);
  const unix: Deno.Addr = { transport: "unix", path: "/run/x" };
  assertEquals(seen(lines, ["0.0.0.0/0"], unix), "unix http://inner:8000/p?q");
});

Deno.test("Deproxy takes the word of who is on the other side of a Unix socket if that is trusted", () => {
  const unix: Deno.Addr = { transport: "unix", path: "/run/x" };
  assertEquals(
    seen(["X-Forwarded-For: 2.2.2.2"], ["unix"], unix),
    "2.2.2.2|0 http://inner:8000/p?q",
  );
});

Deno.test("Deproxy shows the client's address, by X-Forwarded-For", () => {
  for (
    const [lines, client] of [
      [["X-Forwarded-For: 2.2.2.2"], "2.2.2.2|0"],
      [["x-forwarded-for: 2.2.2.2:33"], "2.2.2.2|33"],
      [["X-Forwarded-For: 2001:DB8::1"], "2001:DB8::1|0"],
      [["X-Forwarded-For: [2001:db8::1]"], "2001:db8::1|0"],
      [["X-Forwarded-For: [2001:db8::1]:33"], "2001:db8::1|33"],
      [["X-Forwarded-For: unknown"], "nobody"],
      [["X-Forwarded-For: 2.2.2.256"], "nobody"],
      [["X-Forwarded-For: 2.2.2.2:x"], "nobody"],
      [["X-Forwarded-For: client.example"], "nobody"],
    ] as const
  ) assertEquals(seen([...lines]), `${client} http://inner:8000/p?q`, String(lines));
});

Deno.test("Deproxy takes the last of several addresses that is not trusted", () => {
  for (
    const [lines, client] of [
      [["X-Forwarded-For: 2.2.2.2,3.3.3.3,4.4.4.4"], "4.4.4.4"],
      [["X-Forwarded-For:  2.2.2.2 , 3.3.3.3, 4.4.4.4 ,"], "4.4.4.4"],
      [["X-Forwarded-For: 2.2.2.2", "X-Forwarded-For: 3.3.3.3"], "3.3.3.3"],
      [["X-Forwarded-For: 2.2.2.2, 10.1.1.1"], "2.2.2.2"],
      [["X-Forwarded-For: 10.2.2.2, 10.1.1.1"], "10.2.2.2"],
      [["X-Forwarded-For: 2.2.2.2, unknown, 10.1.1.1"], "nobody"],
    ] as const
  ) assertEquals(seen([...lines]).replace("|0", "").split(" ")[0], client, String(lines));
});

Deno.test("Deproxy shows for what the client has asked, by X-Forwarded-Host and -Proto", () => {
  for (
    const [lines, url] of [
      [["X-Forwarded-Host: 2.2.2.2:222,3.3.3.3:333,4.4.4.4:444"], "http://4.4.4.4:444/p?q"],
      [["X-Forwarded-Host: a.example, b.example"], "http://b.example/p?q"],
      [["X-Forwarded-Host: [2001:88:99::11:22]:12345"], "http://[2001:88:99::11:22]:12345/p?q"],
      [["X-Forwarded-Proto: https"], "https://inner:8000/p?q"],
      [["X-Forwarded-Host: a", "X-Forwarded-Proto: HTTPS"], "https://a/p?q"],
      [["X-Forwarded-Proto: https, http"], "http://inner:8000/p?q"],
      [["X-Forwarded-Proto: gopher"], "http://inner:8000/p?q"],
    ] as const
  ) assertEquals(seen([...lines]).split(" ")[1], url, String(lines));
});

Deno.test("Deproxy answers 400 if the proxy tells a host that none can be", () => {
  for (const host of ["a b", "a/b", "a@b", "a:99999", "[::", "\xe9"]) {
    assertEquals(seen([`X-Forwarded-Host: ${host}`]), "400", host);
  }
});

Deno.test("Deproxy leaves the headers as they were received", () => {
  class Headers extends Observable {
    *processRequest({ headers, host }: HttpRequest): Coroutine {
      yield ok();
      yield `${headers.get("host")} ${headers.get("x-forwarded-host")} ${host}`;
    }
  }
  const strand: Strand = [new Deproxy({ trusted: ["10.0.0.1"] }), [new Headers()]];
  assertEquals(through(strand, ["X-Forwarded-Host: a"]), "inner:8000 a a");
});

Deno.test("Deproxy trusts others as soon as it is told", () => {
  const deproxy = new Deproxy({ trusted: ["10.0.0.1"] });
  const ask = () => through([deproxy, [new Shown()]], ["X-Forwarded-For: 2.2.2.2"]).split("|")[0];
  assertEquals(ask(), "2.2.2.2");
  deproxy.trusted = ["192.168.96.96", "10.0.1.0/24"];
  assertEquals(ask(), "10.0.0.1");
  assertEquals(deproxy.trusted, ["192.168.96.96", "10.0.1.0/24"]);
  assertThrows(() => deproxy.trusted = ["x"], SyntaxError, 'Cannot trust proxies by "x"');
  assertEquals(deproxy.trusted, ["192.168.96.96", "10.0.1.0/24"]);
});

Deno.test("behind a Deproxy others go by the client", () => {
  const lines: string[] = [];
  const strand: Strand = [
    new Deproxy({ trusted: ["10.0.0.1"] }),
    [new IpFilter({ deny: ["10.0.0.0/8", "3.3.3.3"] }), [
      new ApacheLogger((line) => lines.push(line)),
      [new PathRename(() => "/renamed"), [new Shown()]],
    ]],
  ];
  assertEquals(
    through(strand, ["X-Forwarded-For: 2.2.2.2", "X-Forwarded-Host: a"]),
    "2.2.2.2|0 http://a/renamed?q",
  );
  assert(lines[0]!.startsWith("2.2.2.2 - - "), lines[0]);
  assertEquals(through(strand, ["X-Forwarded-For: 3.3.3.3"]), "403");
  assertEquals(through(strand, []), "403");
});

Deno.test("an IpFilter before a Deproxy lets only requests of proxies pass", () => {
  const strand: Strand = [
    new IpFilter({ allow: ["10.0.0.1"] }),
    [new Deproxy({ trusted: ["10.0.0.1"] }), [new Shown()]],
  ];
  assertEquals(through(strand, ["X-Forwarded-For: 2.2.2.2"]).split("|")[0], "2.2.2.2");
  assertEquals(through(strand, [], { ...PROXY, hostname: "10.0.0.2" } as Deno.Addr), "403");
});

Deno.test("Deproxy refuses what are no proxies", () => {
  for (
    const [options, type, message] of [
      [{}, TypeError, "Cannot trust proxies: trusted must be a list"],
      [{ trusted: "10.0.0.1" }, TypeError, "trusted must be a list"],
      [{ trusted: ["10.0.0.1/33"] }, SyntaxError, "the prefix has at most 32 bits"],
      [{ trusted: ["proxy.example"] }, SyntaxError, "it is neither an address nor a range"],
      [{ trust: [] }, TypeError, "there is no option trust"],
    ] as const
  ) assertThrows(() => new Deproxy(options as never), type, message);
});

serverTest(
  "a request behind a Deproxy is read and answered like any other",
  async (reactor, errors) => {
    using server = be([new Server(reactor, listening), [
      new HttpProtocol(),
      [new Deproxy({ trusted: [hostname] }), [new Shown()]],
    ]]);
    const answer = await answerTo(
      server.port,
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n" +
        "X-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Host: a\r\n\r\nbody",
    );
    assertEquals(answer.slice(answer.indexOf("\r\n\r\n") + 4), "2.2.2.2|0 http://a/ body");
    assertEquals(errors, []);
  },
);
