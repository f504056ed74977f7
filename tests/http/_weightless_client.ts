/** What Weightless's HTTP client does, by its own tests, and what happens here. */
import { call, type Coroutine } from "../../compose/mod.ts";
import type { HttpClientOptions, HttpResponse, RequestToSend } from "../../http/mod.ts";
import { type Answer, HOLD, type Script } from "./_scripted.ts";

interface Behaviour {
  /** What Weightless does. */
  weightless: string;
  /** What happens here, and why if it is something else. */
  here: string;
}

/** One request, to the server that answers by a script. */
export interface Ask extends Omit<RequestToSend, "url"> {
  /** @default {"/"} */
  path?: string;
  /** What is read of the response. @default {the body, as text} */
  read?(response: HttpResponse): Coroutine<string>;
}

/** Requests, one after the other, and what comes of them. */
export interface Asking {
  /** @default {one GET} */
  asks?: readonly Ask[];
  script: Script;
  /** For each request: the status and what was read, or the name of the error and its message. */
  got: readonly (string | RegExp)[];
  /** What the server has received. */
  sent?: RegExp;
  /** How the pool is made. */
  options?: HttpClientOptions;
  /** How many connections the client has closed by itself. @default {unknown} */
  left?: number;
}

/** Each is shown by requests to a server, or by a test that is there. */
export type Row = Behaviour & (Asking | { test: string });

function ok(body: string, ...lines: string[]): string {
  return head("1.1 200 OK", `Content-Length: ${body.length}`, ...lines) + body;
}

function head(status: string, ...lines: string[]): string {
  return [`HTTP/${status}`, ...lines, "", ""].join("\r\n");
}

/** An answer in chunks, which are given with their framing. */
function chunked(...body: string[]): Answer {
  return [head("1.1 200 OK", "Transfer-Encoding: chunked") + body[0], ...body.slice(1)];
}

/** One answer, on a connection that is then closed. */
function once(...pieces: string[]): Script {
  return [[pieces]];
}

const TWO: Ask[] = [{ path: "/first" }, { path: "/second" }];

/** A request line, and the head up to its end. */
function request(line: string, ...lines: string[]): RegExp {
  const escape = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const needed = lines.map((line) => `(?=(?:.+\\r\\n)*${escape(line)}\\r\\n)`);
  return new RegExp(`^${escape(line)} HTTP/1\\.1\\r\\n${needed.join("")}(?:.+\\r\\n)*\\r\\n`, "i");
}

const CUT = /^RemoteProtocolError: /;

function* firstBytes(response: HttpResponse): Coroutine<string> {
  let body = "";
  using _ = response.enter();
  while (body.length < 13) body += new TextDecoder().decode(yield);
  return body.slice(0, 13);
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz";
const ALPHABETS: Script[] = [
  once(ok(ALPHABET)),
  once(head("1.0 200 OK"), ALPHABET),
  [[chunked(`1a\r\n${ALPHABET}\r\n0\r\n\r\n`)]],
];

export const rows: Row[] = [
  // HttpReader
  {
    weightless: "`HttpReader` asks by GET, and sends the head and then the body to a handler",
    here:
      "`new HttpReader(client, url).into(sink)`; a function that makes the sink gets the response",
    test: "HttpReader pushes a response into a coroutine as it comes",
  },
  {
    weightless: "the body comes in pieces of at most `recvSize` bytes",
    here: "in pieces as they arrive: how much is read at once adapts to what comes",
    test: "HttpReader gives each piece as it arrives",
  },
  {
    weightless: "Host and User-Agent are sent",
    here: "Host is; the program says who it is, by the option `headers` (RFC 9110 10.1.5)",
    asks: [{ headers: { "user-agent": "me/1.0" } }],
    script: [[ok("")]],
    got: ["200 "],
    sent: request("GET /", "host: 127.0.0.1:PORT", "user-agent: me/1.0"),
  },
  {
    weightless: "a URL has a host, a port that is 80 otherwise, and a path that is / otherwise",
    here: "the same; 443 for https",
    test: "a URL without port or path has those of its scheme",
  },
  {
    weightless: "the query is sent with the path",
    here: "the same",
    asks: [{ path: "/page?x=1&y=%20" }],
    script: [[ok("")]],
    got: ["200 "],
    sent: request("GET /page?x=1&y=%20"),
  },
  {
    weightless: "the fragment is sent with the path",
    here: "it is not: it is for the client (RFC 9110 7.1)",
    asks: [{ path: "/page#anchor" }],
    script: [[ok("")]],
    got: ["200 "],
    sent: request("GET /page"),
  },
  {
    weightless: "a response that is none is an error when the timeout is over",
    here: "at once",
    script: [[[head("1.1 *invalid response* 200 OK"), HOLD]]],
    got: [/^RemoteProtocolError: .*invalid status/],
  },
  {
    weightless: "a server that is silent is an error when the timeout is over",
    here: "the same: `headMs`, a TimeoutError that names the phase",
    asks: [{ timeouts: { headMs: 5 } }],
    script: [[[HOLD]]],
    got: [/^TimeoutError: .*head/],
    left: 1,
  },
  {
    weightless:
      "a server that becomes silent after the head, which the handler has got, is an error as well",
    here: "the same: `bodyMs`",
    asks: [{ timeouts: { bodyMs: 5 } }],
    script: [[[head("1.1 200 OK", "Content-Length: 5"), HOLD]]],
    got: [/^TimeoutError: .*body/],
    left: 1,
  },
  {
    weightless: "each piece of the body gives the server the whole time again",
    here: "the same",
    test: "each piece of a body gives the server its time again",
  },
  {
    weightless: "the timer has gone when the response is complete",
    here: "the same",
    test: "HttpReader leaves no timer when the response is complete",
  },
  {
    weightless: "the end is an exception for the error handler, StopIteration",
    here: "EndOfStream at a bare `yield` of the sink, which ends it quietly",
    test: "HttpReader pushes a response into a coroutine as it comes",
  },
  {
    weightless: "errors are told to an error handler",
    here: "they are thrown to whoever reads; the sink is closed through its `finally`s",
    test: "HttpReader throws what goes wrong, and closes the sink",
  },
  {
    weightless: "with a body the method is POST, otherwise GET",
    here: "the same for `HttpReader`, or as the option `method` says",
    test: "HttpReader posts the body of a coroutine in chunks",
  },
  {
    weightless: "a generator makes the body, which is sent in chunks",
    here: "the same: a coroutine, or anything that can be iterated",
    test: "HttpReader posts the body of a coroutine in chunks",
  },
  {
    weightless: "each piece that is yielded is a chunk, with its length in hexadecimal",
    here: "what is yielded without waiting goes together, in one chunk",
    asks: [{ method: "POST", body: ["A", "B".repeat(10)] }],
    script: [[ok("")]],
    got: ["200 "],
    sent: /\r\n\r\nb\r\nABBBBBBBBBB\r\n0\r\n\r\n$/i,
  },
  {
    weightless: "headers that are given are sent",
    here: "the same",
    asks: [{ headers: { SOAPAction: "blah" } }],
    script: [[ok("")]],
    got: ["200 "],
    sent: request("GET /", "SOAPAction: blah"),
  },
  {
    weightless: "chunks are decoded, also in the body of a 302",
    here: "the same; the redirection is followed unless `redirect` says otherwise",
    asks: [{ redirect: "manual" }],
    script: once(
      head("1.1 302 Found", "Location: /page", "Transfer-Encoding: chunked"),
      "11\r\n<p>It is here</p>\r\n0\r\n\r\n",
    ),
    got: ["302 <p>It is here</p>"],
  },
  {
    weightless: "a redirection is not followed",
    here: "it is, by default; credentials do not go to another origin",
    script: [[head("1.1 302 Found", "Location: /page", "Content-Length: 0"), ok("page")]],
    got: ["200 page"],
    sent: /^GET \/ [^]*\r\n\r\nGET \/page /,
  },
  {
    weightless: "a chunk may come in several network messages",
    here: "the same",
    script: [[chunked("10\r\nfedcba", "9876543210\r\n", "0\r\n", "\r\n")]],
    got: ["200 fedcba9876543210"],
  },
  {
    weightless: "several chunks may come in one network message, and the end as well",
    here: "the same",
    asks: TWO,
    script: [[
      chunked("9\r\n123456789\r\n8\r\n87654321\r\n0\r\n\r\n"),
      chunked("", "9\r\n123456789\r\n8\r\n87654321\r\n0\r\n\r\n"),
    ]],
    got: ["200 12345678987654321", "200 12345678987654321"],
  },
  {
    weightless: "each reader has a connection of its own, which is closed at the end",
    here: "it is one of the client's, which keeps it for the next",
    test: "readers of one client share its connections",
  },
  {
    weightless: "what a handler returns for a piece counts for nothing",
    here: "what a sink yields goes on to the context of whoever reads, as from a pipe",
    test: "HttpReader sends on what its sink yields",
  },

  // httprequest
  {
    weightless: "an empty path is /",
    here: "the same",
    test: "a URL without port or path has those of its scheme",
  },
  {
    weightless: "the request is HTTP/1.0, and the connection is closed after it",
    here: "HTTP/1.1, and the connection is kept; `EmptySocketPool` keeps none",
    asks: TWO,
    script: [[ok("1"), ok("2")]],
    got: ["200 1", "200 2"],
    sent: /^GET \/first HTTP\/1\.1\r\n/,
  },
  {
    weightless: "a handler of a server asks another server, and gives its response",
    here: "the same: the response is an object, so the handler says what it gives on",
    test: "a handler asks another server, and gives its response",
  },
  {
    weightless: "a component does the same for messages: `HttpRequest`",
    here: "`Client` answers `any.httpRequest({ url, … })`",
    test: "Client answers httpRequest in a DNA",
  },
  {
    weightless: "a port that is no number is a TypeError",
    here: "the same: so is whatever is no URL of http or https",
    test: "what cannot be asked for is an error that says so",
  },
  {
    weightless: "where nobody listens the error is that of the system",
    here: "the same: ConnectionRefused",
    test: "what cannot be reached is the error of the system",
  },
  {
    weightless: "a name that does not exist is the error of the system as well",
    here: "the same; a name that no URL can have is a TypeError",
    test: "what cannot be reached is the error of the system",
  },
  {
    weightless: "where nobody listens it is the same with TLS",
    here: "the same",
    test: "what cannot be reached is the error of the system",
  },
  {
    weightless: "the traceback of an error shows who has asked",
    here: "the same",
    test: "an error of a request shows who has asked",
  },
  {
    weightless: "a body that is text is sent in UTF-8, with its Content-Length",
    here: "the same",
    asks: [{ method: "POST", path: "/path", body: "BÖDY" }],
    script: [[ok("")]],
    got: ["200 "],
    sent: /^POST \/path HTTP\/1\.1\r\n(?:.+\r\n)*content-length: 5\r\n(?:.+\r\n)*\r\nB\xc3\x96DY$/i,
  },
  {
    weightless: "a large body is sent whole, whatever the socket takes at once",
    here: "the same",
    asks: [{
      method: "POST",
      body: "BÖDY".repeat(20_000),
      headers: { "content-type": "text/plain" },
    }],
    script: [[ok("")]],
    got: ["200 "],
    sent: /content-length: 100000\r\n(?:.+\r\n)*\r\n(?:B\xc3\x96DY){20000}$/i,
  },
  {
    weightless: "a body needs no headers",
    here: "the same; text has a Content-Type",
    asks: [{ method: "POST", body: "x" }],
    script: [[ok("")]],
    got: ["200 "],
    sent: request("POST /", "content-length: 1", "content-type: text/plain;charset=UTF-8"),
  },
  {
    weightless: "`httpsget` asks over TLS, and checks no certificate",
    here: "an `https` URL does; the certificate is checked, for others could read along",
    test: "a client asks over TLS, and checks the certificate",
  },
  {
    weightless: "`httpspost` sends a body over TLS",
    here: "the same",
    test: "a client asks over TLS, and checks the certificate",
  },
  {
    weightless: "a GET may have a Content-Length of 0",
    here: "the same",
    asks: [{ headers: { "content-type": "text/plain", "content-length": 0 } }],
    script: [[ok("")]],
    got: ["200 "],
    sent: request("GET /", "content-type: text/plain", "content-length: 0"),
  },
  {
    weightless: "a request has a priority in the reactor",
    here: "it has not: the reactor shares the time among all that are ready",
    test: "many requests at once are all answered",
  },
  {
    weightless: "any method can be used, and a 501 is a response like others",
    here: "the same: `client.request(method, url)`",
    asks: [{ method: "MYMETHOD" }],
    script: [[head("1.1 501 Unsupported", "Content-Length: 4") + "what"]],
    got: ["501 what"],
    sent: request("MYMETHOD /"),
  },
  {
    weightless: "`timeout` limits the whole request, if it is given",
    here: "the same: `timeoutMs`",
    asks: [{ timeoutMs: 60_000 }],
    script: once(ok("01234").slice(0, -3), "2", "3", "4"),
    got: ["200 01234"],
  },
  {
    weightless:
      "when `timeout` is over the request ends with TimeoutException, and its socket is closed",
    here: "the same: TimeoutError",
    asks: [{ timeoutMs: 250 }],
    script: [[[ok("01234").slice(0, -3), HOLD]]],
    got: [/^TimeoutError: /],
    left: 1,
  },
  {
    weightless: "a hundred large headers are sent",
    here: "the same",
    asks: [{
      headers: Array.from({ length: 98 }, (_, i) => [`X-Really-${i}`, "aLargeValue"] as const),
    }],
    script: [[ok("")]],
    got: ["200 "],
    sent: request("GET /", "X-Really-0: aLargeValue", "X-Really-97: aLargeValue"),
  },
  {
    weightless: "a response beyond `maxResponseSize` is an error, with this size",
    here: "the same: `limits: { maxBodyBytes }`",
    options: { limits: { maxBodyBytes: 1024 } },
    script: once(head("1.0 200 OK"), "response".repeat(1024)),
    got: [/^RemoteProtocolError: .*1024/],
  },
  {
    weightless: "`handlePartialResponse` gets each piece as it comes",
    here: "bare `yield`s in `using _ = response.enter()`, or `HttpReader`",
    test: "HttpReader gives each piece as it arrives",
  },
  {
    weightless: "`handlePartialResponse` does the same over TLS",
    here: "the same",
    test: "a client asks over TLS, and checks the certificate",
  },
  {
    weightless: "`proxyServer` names a proxy, through which CONNECT makes a tunnel",
    here: "the option `proxy`; a tunnel is for https, http goes by absolute-form (RFC 9112 3.2.2)",
    test: "a proxy is asked by absolute-form",
  },
  {
    weightless: "a proxy that does not answer CONNECT with 200 is an error",
    here: "any 2xx is right (RFC 9110 9.3.6); others are an error that has the status",
    test: "a proxy that makes no tunnel is an error",
  },
  {
    weightless: "the result is the response as text, head and body",
    here: "`response.status`, `headers`, `text()`",
    script: once(head("1.1 404 Not Found", "X: y", "Content-Length: 4") + "none"),
    asks: [{
      *read({ headers, reason, version }) {
        return `${reason} ${version} ${headers.get("x")}`;
      },
    }],
    got: ["404 Not Found 1.1 y"],
  },
  {
    weightless: "`httpget`, `httppost`, `httpput`, `httpdelete` ask by these methods",
    here: "`client.get`, `post`, `put`, `delete`, and others",
    test: "a client has a function for each method",
  },

  // HttpRequest1_1: the wire
  {
    weightless: "`HttpRequest1_1` asks by HTTP/1.1, and gives the head and the whole body",
    here: "`Client`, as soon as the head has come; the body when it is read",
    asks: [{ path: "/path?arg=1&arg=2" }],
    script: once(ok("hello!").slice(0, -6), "hel", "lo!"),
    got: ["200 hello!"],
    sent: request("GET /path?arg=1&arg=2", "host: 127.0.0.1:PORT"),
  },
  {
    weightless: "Host is the name without the port",
    here: "with the port, unless it is the default (RFC 9110 7.2)",
    script: [[ok("")]],
    got: ["200 "],
    sent: request("GET /", "host: 127.0.0.1:PORT"),
  },
  {
    weightless: "Host may be given",
    here: "the same",
    asks: [{ headers: { Host: "vvvvvv.example.org" } }],
    script: [[ok("")]],
    got: ["200 "],
    sent:
      /^GET \/ HTTP\/1\.1\r\n(?!(?:.+\r\n)*host: 127)(?:.+\r\n)*host: vvvvvv\.example\.org\r\n/i,
  },
  {
    weightless: "a HEAD has no body, whatever the head says",
    here: "the same",
    asks: [{ method: "HEAD", path: "/first" }, { path: "/second" }],
    script: [[head("1.1 200 OK", "Content-Length: 1000"), ok("2")]],
    got: ["200 ", "200 2"],
  },
  {
    weightless: "bytes after the response to HEAD are an error",
    here: "the response is right; the connection is not used again",
    asks: [{ method: "HEAD", path: "/first" }, { path: "/second" }],
    script: [[head("1.1 200 OK") + "<BODY>"], [ok("2")]],
    got: ["200 ", "200 2"],
  },
  {
    weightless: "bytes after a 204 are an error",
    here: "the same as for HEAD",
    asks: [{ method: "POST", path: "/first" }, { path: "/second" }],
    script: [[head("1.1 204 No Content") + "<BODY>"], [ok("2")]],
    got: ["204 ", "200 2"],
  },
  {
    weightless: "bytes after a 304 are an error",
    here: "the same as for HEAD",
    asks: TWO,
    script: [[head("1.1 304 Not Modified") + "<BODY>"], [ok("2")]],
    got: ["304 ", "200 2"],
  },
  {
    weightless: "a 304 without a body is right",
    here: "the same",
    asks: TWO,
    script: [[head("1.1 304 Not Modified"), ok("2")]],
    got: ["304 ", "200 2"],
  },
  {
    weightless: "a 101 that nobody asked for is an error",
    here: "the same",
    script: [[head("1.1 101 Switching Protocols")]],
    got: [/^RemoteProtocolError: .*protocol that was not asked for/],
  },
  {
    weightless: "a body of HTTP/1.0 without a length ends with the connection",
    here: "the same",
    script: once(head("1.0 200 Okee-Dan"), "Hi!"),
    got: ["200 Hi!"],
  },
  {
    weightless: "a body of HTTP/1.1 without a length or chunks ends with the connection",
    here: "the same",
    script: once(head("1.1 200 Okee-Dan"), "Hi!"),
    got: ["200 Hi!"],
  },
  {
    weightless: "a body of HTTP/1.0 may have a length",
    here: "the same",
    script: once(head("1.0 200 Yes", "Content-Length: 4"), "ABCD"),
    got: ["200 ABCD"],
  },
  {
    weightless: "more bytes than the length of HTTP/1.0 are an error",
    here: "they are dropped with the connection: the response is complete before them",
    script: once(head("1.0 200 Yes", "Content-Length: 4"), "1234<TOO-LONG>"),
    got: ["200 1234"],
  },
  {
    weightless: "fewer bytes than the length of HTTP/1.0 are an error",
    here: "the same, which tells how many came",
    script: once(head("1.0 200 Yes", "Content-Length: 4"), "A"),
    got: [/^RemoteProtocolError: .*1 of 4 bytes/],
  },
  {
    weightless: "more bytes than the length of HTTP/1.1 are an error, wherever they are cut",
    here: "they are dropped with the connection, and never taken for the next response",
    asks: TWO,
    script: [
      [["HTTP/1.1 200 ok\r\nContent-Length: 4\r\n", "\r\n12", "34<TOO-LONG>"]],
      [ok("2")],
    ],
    got: ["200 1234", "200 2"],
  },
  {
    weightless: "a connection that ends before the body is an error",
    here: "the same",
    script: once(head("1.1 200 ok", "Content-Length: 4")),
    got: [/^RemoteProtocolError: .*0 of 4 bytes/],
  },
  {
    weightless: "a connection that ends within the body is an error",
    here: "the same",
    script: once(head("1.1 200 ok", "Content-Length: 4") + "123"),
    got: [/^RemoteProtocolError: .*3 of 4 bytes/],
  },
  {
    weightless: "a response may come byte by byte, with `Connection: close`",
    here: "the same",
    script: once(...ok("1234", "Connection: close")),
    got: ["200 1234"],
  },
  {
    weightless: "a response may come byte by byte, and its connection be kept",
    here: "the same",
    asks: TWO,
    script: [[[...ok("1234")], ok("2")]],
    got: ["200 1234", "200 2"],
  },
  {
    weightless: "a 100 that nobody waits for is skipped, and its headers with it",
    here: "the same; the option `onInterim` gets it",
    script: once(head("1.1 100 Continue", "wEiRd: Header"), ok("ACK")),
    got: ["200 ACK"],
  },
  {
    weightless: "a connection is used again when the response is complete",
    here: "the same",
    asks: TWO,
    script: [[ok("ACK"), ok("")]],
    got: ["200 ACK", "200 "],
  },
  {
    weightless: "an empty body has a Content-Length of 0",
    here: "the same",
    script: [[ok("")]],
    got: ["200 "],
  },
  {
    weightless: "chunks that never begin are an error",
    here: "the same",
    script: [[chunked("")]],
    got: [CUT],
  },
  {
    weightless: "chunks whose end is cut are an error",
    here: "the same",
    script: [[chunked("0\r\n\r")]],
    got: [CUT],
  },
  {
    weightless: "bytes after the last chunk are an error, if they come with it",
    here: "they are dropped with the connection: the response is complete before them",
    asks: TWO,
    script: [[chunked("0\r\n\r\nBAD_DATA")], [ok("2")]],
    got: ["200 ", "200 2"],
  },
  {
    weightless: "what is no chunk is an error when the connection ends",
    here: "at once",
    script: [[[...chunked("RUBBISH"), HOLD]]],
    got: [/^RemoteProtocolError: /],
  },
  {
    weightless: "what is no trailer is an error when the connection ends",
    here: "at once",
    script: [[[...chunked("0\r\nNOT_A_TRAILER\r\n\r"), HOLD]]],
    got: [/^RemoteProtocolError: /],
  },
  {
    weightless: "a body of chunks may be empty",
    here: "the same",
    script: [[chunked("0\r\n\r\n")]],
    got: ["200 "],
  },
  {
    weightless: "trailers are read and dropped",
    here: "`response.trailers` has them when the body has been read",
    asks: [{
      *read(response) {
        const body = yield* call(response.text());
        return `${body} ${response.trailers?.get("tr")}`;
      },
    }],
    script: [[chunked("3\r\nABC\r\n0\r\nTr: Ailer\r\n\r\n")]],
    got: ["200 ABC Ailer"],
  },
  {
    weightless: "there may be several trailers, cut anywhere",
    here: "the same",
    asks: TWO,
    script: [[
      chunked("2\r\nA", "B\r\n3\r\nCDE\r", "\n0\r\nT1: H1\r", "\nT2: H2\r\n\r", "\n"),
      ok("2"),
    ]],
    got: ["200 ABCDE", "200 2"],
  },
  {
    weightless: "a chunk may come byte by byte",
    here: "the same",
    script: [[chunked(..."3\r\nABC\r\n0\r\n\r\n")]],
    got: ["200 ABC"],
  },
  {
    weightless: "chunk extensions are ignored",
    here: "the same, up to a limit",
    script: [[chunked("1;chunk-ext-name=value;cen=cev\r\nA\r\n0\r\n\r\n")]],
    got: ["200 A"],
  },
  {
    weightless: "the length of a chunk is hexadecimal, in large and small letters",
    here: "the same",
    script: [[chunked("a\r\n0123456789\r\nA\r\n0123456789\r\n00\r\n\r\n")]],
    got: ["200 01234567890123456789"],
  },
  {
    weightless: "the length of a chunk ends with CR and LF, and neither alone",
    here: "the same",
    script: [[[...chunked("1\nA\r\n0\r\n\r\n"), HOLD]]],
    got: [/^RemoteProtocolError: /],
  },
  {
    weightless: "trailers end with CR and LF, and neither alone",
    here: "the same",
    script: [[[...chunked("0\r\nT: H\n\n"), HOLD]]],
    got: [/^RemoteProtocolError: /],
  },
  {
    weightless: "a head may be cut within the name of a header",
    here: "the same",
    script: [[[
      "HTTP/1.1 200 OK\r\nTransfer",
      "-Encoding: chunked\r\n",
      "\r\n1\r\nA\r\n0\r\n\r\n",
    ]]],
    got: ["200 A"],
  },
  {
    weightless: "a connection is used again after chunks, any number of times",
    here: "the same",
    asks: [...TWO, { path: "/third" }],
    script: [[chunked("1\r\nA\r\n0\r\n\r\n"), chunked("0\r\n\r\n"), ok("3")]],
    got: ["200 A", "200 ", "200 3"],
  },
  {
    weightless: "unknown transfer codings are ignored if chunked is the last",
    here: "an error: such a body cannot be undone (RFC 9112 6.1)",
    script: once(
      head("1.1 200 oK", "TRANSFER-encoding: blue, GZip, ChunKeD"),
      "1\r\nx\r\n0\r\n\r\n",
    ),
    got: [/^RemoteProtocolError: .*transfer coding/],
  },
  {
    weightless: "names of headers and of codings have no case",
    here: "the same",
    script: once(head("1.1 200 oK", "TRANSFER-encoding: ChunKeD"), "1\r\nx\r\n0\r\n\r\n"),
    got: ["200 x"],
  },
  ...ALPHABETS.map((script, i): Row => ({
    weightless: `\`bodyMaxSize\` cuts a body off, ${
      ["by its length", "that ends with the connection", "in chunks"][i]
    }`,
    here:
      "read what you want, and leave: `text(max)` is an error, for a body is never short unnoticed",
    asks: [{ read: firstBytes }],
    script,
    got: ["200 abcdefghijklm"],
  })),
  {
    weightless: "a body that is not larger comes whole",
    here: "the same",
    asks: [{ read: (response) => response.text(26) }],
    script: [[ok(ALPHABET)]],
    got: [`200 ${ALPHABET}`],
  },
  {
    weightless: "the connection is closed when a body was cut off",
    here: "if more than a little of the body is left; otherwise that is read and dropped",
    asks: [{ path: "/first", read: firstBytes }, { path: "/second" }],
    options: { limits: { maxDrainBytes: 0 } },
    script: [[[head("1.1 200 OK", "Content-Length: 1000") + ALPHABET, HOLD]], [ok("2")]],
    got: ["200 abcdefghijklm", "200 2"],
    left: 1,
  },
  {
    weightless: "heads are not limited yet",
    here: "they are: `maxHeadBytes`, `maxHeaders`, `maxStatusLineBytes`",
    script: [[[`HTTP/1.1 200 OK\r\nA: ${"b".repeat(66_000)}`, HOLD]]],
    got: [/^RemoteProtocolError: /],
  },

  // HttpRequest1_1: what it does otherwise
  {
    weightless: "CONNECT is refused",
    here: "after a 2xx the connection is a tunnel, in `using _ = response.enter()`",
    test: "CONNECT gives a tunnel",
  },
  {
    weightless: "after a timeout the server finds its connection closed",
    here: "the same",
    asks: [{ timeoutMs: 250 }],
    script: [[[head("1.1 200 OK", "Content-Length: 5", "Connection: close") + "0", HOLD]]],
    got: [/^TimeoutError: /],
    left: 1,
  },
  {
    weightless: "the pool is asked for a socket of the host and port before each request",
    here: "the same; its scheme counts as well",
    test: "a pool gives a connection only to its own origin",
  },
  {
    weightless: "a connection whose response says `Connection: close` does not come to the pool",
    here: "the same",
    asks: TWO,
    script: [[ok("DATA", "Connection: close")], [ok("2")]],
    got: ["200 DATA", "200 2"],
  },
  {
    weightless: "a connection whose request says `Connection: close` does not come to the pool",
    here: "the same",
    asks: [{ path: "/first", headers: { connection: "close" } }, { path: "/second" }],
    script: [[[ok("DATA"), HOLD]], [ok("2")]],
    got: ["200 DATA", "200 2"],
    left: 1,
  },
  {
    weightless: "a connection of HTTP/1.0 does not come to the pool",
    here: "the same, unless it says `Connection: keep-alive`",
    asks: TWO,
    script: [[head("1.0 200 OK", "Content-Length: 1") + "1"], [ok("2")]],
    got: ["200 1", "200 2"],
  },
  {
    weightless: "other connections come to the pool, and the next request gets them",
    here: "the same",
    asks: [...TWO, { path: "/third" }],
    script: [[ok("1", "Connection: close")], [ok("2"), ok("3")]],
    got: ["200 1", "200 2", "200 3"],
  },
  {
    weightless: "a handler of a server may ask while it answers",
    here: "the same",
    test: "a handler asks another server, and gives its response",
  },
  {
    weightless: "an error of the pool comes to whoever asks",
    here: "the same",
    test: "an error of the pool comes to whoever asks",
  },
  {
    weightless: "a kept connection that the server has closed is replaced when it fails",
    here: "it is noticed at once: what can be read of an idle connection ends it",
    test: "a kept connection that the server closes is not used again",
  },
  {
    weightless: "a request is repeated if a kept connection fails before a byte of the response",
    here: "the same, if the request may be repeated (RFC 9110 9.2.2)",
    asks: TWO,
    script: [[ok("1"), ""], [ok("Done")]],
    got: ["200 1", "200 Done"],
    sent: /^GET \/first [^]*\r\n\r\nGET \/second [^]*\r\n\r\nGET \/second /,
  },
  {
    weightless: "a POST is repeated as well",
    here: "a POST is not: the server may have done it",
    asks: [{ path: "/first" }, { method: "POST", path: "/second", body: "x" }],
    script: [[ok("1"), ""]],
    got: ["200 1", /Error: /],
  },
  {
    weightless: "a request is repeated once only",
    here: "the same",
    asks: TWO,
    script: [[ok("1"), ""], [""]],
    got: ["200 1", /Error: /],
  },
  {
    weightless: "a request on a new connection is not repeated",
    here: "the same",
    script: [[""]],
    got: [/Error: /],
  },
  {
    weightless: "a request is not repeated when a byte of its response has come",
    here: "the same",
    asks: TWO,
    script: [[ok("1"), "HTTP/1.1 Oh No!..."]],
    got: ["200 1", /^RemoteProtocolError: /],
  },
  {
    weightless: "a socket of the pool that is unusable is replaced",
    here: "the same",
    test: "a kept connection that the server closes is not used again",
  },
  {
    weightless: "a component logs that it tries again",
    here: "it does not: it is not an error",
    asks: TWO,
    script: [[ok("1"), ""], [ok("Done")]],
    got: ["200 1", "200 Done"],
  },
  {
    weightless: "`HttpRequestAdapter` lets components that send `httprequest` use HTTP/1.1",
    here: "there is one message, `httpRequest`, and one version",
    test: "Client answers httpRequest in a DNA",
  },
  {
    weightless: "`HttpRequestAdapter` gives method, body, headers, TLS and timeout on",
    here: "the same: whatever `client.request()` takes",
    asks: [{
      method: "POST",
      path: "/second",
      body: "request-body",
      headers: { H: "V" },
      timeoutMs: 5000,
    }],
    script: [[ok("Done", "Connection: close")]],
    got: ["200 Done"],
    sent: /^POST \/second HTTP\/1\.1\r\n(?:.+\r\n)*h: v\r\n(?:.+\r\n)*\r\nrequest-body$/i,
  },
  {
    weightless: "`HttpRequestAdapter` refuses proxies and partial responses",
    here: "both are there",
    test: "a proxy is asked by absolute-form",
  },
  {
    weightless: "unknown arguments are a TypeError that names them",
    here: "the same",
    test: "what cannot be asked for is an error that says so",
  },
  {
    weightless: "missing arguments are a TypeError",
    here: "the same",
    test: "what cannot be asked for is an error that says so",
  },
  {
    weightless: "a socket knows whether something was received since the request",
    here: "the same, so that no request is repeated whose response has begun",
    asks: TWO,
    script: [[ok("1"), "H"]],
    got: ["200 1", /^RemoteProtocolError: /],
  },
  {
    weightless: "sockets are shut down and closed once, whatever goes wrong with it",
    here: "the same: no descriptor is left, whatever a test does",
    test: "whatever comes of requests, no connection is left",
  },

  // SocketPool and EmptySocketPool
  {
    weightless: "an empty pool gives no socket",
    here: "the same: the request makes a connection",
    script: [[ok("1")]],
    got: ["200 1"],
  },
  {
    weightless: "a socket that was put into the pool comes out once",
    here: "the same: a connection has one request at a time",
    test: "a connection has one request at a time",
  },
  {
    weightless: "a pool gives only sockets of this host and port",
    here: "the same: of this scheme, host and port",
    test: "a pool gives a connection only to its own origin",
  },
  {
    weightless: "the socket that was put into a pool last comes out first",
    here: "the same",
    test: "a pool gives the latest connection first",
  },
  {
    weightless: "the latest comes out first also when some come out in between",
    here: "the same",
    test: "a pool gives the latest connection first",
  },
  {
    weightless: "a pool that was emptied can be filled again",
    here: "the same",
    asks: [...TWO, { path: "/third" }],
    script: [[ok("1"), ok("2", "Connection: close")], [ok("3")]],
    got: ["200 1", "200 2", "200 3"],
  },
  {
    weightless: "`EmptySocketPool` closes each socket that it gets",
    here: "the same: the request says `Connection: close`",
    test: "EmptySocketPool has a connection for each request",
  },
  {
    weightless: "errors when it closes one do not matter",
    here: "the same",
    test: "EmptySocketPool has a connection for each request",
  },
  {
    weightless: "`EmptySocketPool` gives no socket",
    here: "the same",
    test: "EmptySocketPool has a connection for each request",
  },
  {
    weightless: "unknown limits are a TypeError",
    here: "the same",
    test: "what cannot be asked for is an error that says so",
  },
  {
    weightless: "a pool keeps as many sockets as `totalSize` says",
    here: "`maxConnections` limits all, not only the unused: the server counts these too",
    test: "a pool limits its connections, and others wait",
  },
  {
    weightless: "beyond `totalSize`, a socket of any destination is closed",
    here: "an unused one of another origin is closed, if there is any; otherwise the request waits",
    test: "a pool closes an unused connection of another origin when there are too many",
  },
  {
    weightless: "a pool keeps as many sockets for a destination as `destinationSize` says",
    here: "`maxConnectionsPerOrigin`, again of all connections",
    test: "a pool limits its connections, and others wait",
  },
  {
    weightless: "beyond `destinationSize`, the oldest socket of the destination is closed",
    here: 'there are never more: a request waits, or fails with `overload: "fail"`',
    test: "a pool limits its connections, and others wait",
  },
  {
    weightless: "`unusedTimeout` is how long an unused socket is kept",
    here: "the same: `timeouts: { idleMs }`, 30 s by default; `Keep-Alive: timeout` is respected",
    test: "a pool closes a connection that nobody has used for a while",
  },
  {
    weightless: "sockets that are used within `unusedTimeout` are kept",
    here: "the same",
    test: "a pool closes a connection that nobody has used for a while",
  },
  {
    weightless: "without `unusedTimeout` sockets are kept for ever",
    here: "`idleMs: Infinity`",
    test: "a pool closes a connection that nobody has used for a while",
  },
  {
    weightless: "a pool logs what it closes",
    here: "it does not; `inspect()` tells what there is",
    test: "a pool tells how many connections it has",
  },
  {
    weightless: "a pool that nobody has any more closes its sockets",
    here: "`using pool = …`, or `close()`",
    test: "a pool that is closed closes its connections",
  },

  // Deproxy, of Meresco, which is built on Weightless
  {
    weightless: "`Deproxy` without proxies passes requests on as they are",
    here: "the same",
    test: "Deproxy passes a request on as it is without trusted proxies",
  },
  {
    weightless: "a proxy that tells nothing is the client",
    here: "the same",
    test: "Deproxy passes a request on as it is when the proxy tells nothing",
  },
  {
    weightless: "the client's address is that in X-Forwarded-For",
    here: "the same: `request.connection.remoteAddr`",
    test: "Deproxy shows the client's address, by X-Forwarded-For",
  },
  {
    weightless: "of several addresses in X-Forwarded-For the last counts",
    here: "the last that is not a trusted proxy: there may be several in a row",
    test: "Deproxy takes the last of several addresses that is not trusted",
  },
  {
    weightless: "Host and the port are those in X-Forwarded-Host, the last if there are several",
    here: "`request.host` and `request.url`; the headers stay, and X-Forwarded-Proto counts too",
    test: "Deproxy shows for what the client has asked, by X-Forwarded-Host and -Proto",
  },
  {
    weightless: "the port is 80 if it is not told",
    here: "that of the scheme",
    test: "Deproxy shows for what the client has asked, by X-Forwarded-Host and -Proto",
  },
  {
    weightless: "a host may be an IPv6 address",
    here: "the same; one that no host can be is a 400",
    test: "Deproxy answers 400 if the proxy tells a host that none can be",
  },
  {
    weightless: "others than these proxies are not believed",
    here: "the same",
    test: "Deproxy does not take the word of who is not trusted",
  },
  {
    weightless: "the proxies can be changed, and be asked for",
    here: "the same: `deproxy.trusted`",
    test: "Deproxy trusts others as soon as it is told",
  },
  {
    weightless: "`OnlyDeproxied` passes only requests on that come through a proxy",
    here: "an `IpFilter` for the proxies before the `Deproxy` does so",
    test: "an IpFilter before a Deproxy lets only requests of proxies pass",
  },
  {
    weightless: "components behind it go by the client",
    here: "the same",
    test: "behind a Deproxy others go by the client",
  },

  // seecr.test
  {
    weightless: "`getRequest(port, path)` asks in one line, for tests",
    here: "the same, a promise of `{ status, headers, body }`",
    test: "getRequest() and postRequest() ask in one line",
  },
  {
    weightless: "`postRequest(port, path, data)` does so with a body",
    here: "the same",
    test: "getRequest() and postRequest() ask in one line",
  },
];
