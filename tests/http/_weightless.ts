/** What Weightless's HTTP server does, by its own tests, and what happens here. */
import { type ContentCoding, encodeWhole } from "../../http/mod.ts";
import { bytes, text } from "./_drive.ts";
import {
  accepted,
  ANSWERED,
  answered,
  chunked,
  ENDED,
  type Exchange,
  kept,
  last,
  refused,
} from "./_rules.ts";

interface Behaviour {
  /** What Weightless does. */
  weightless: string;
  /** What happens here, and why if it is something else. */
  here: string;
}

/** Each is shown by an exchange, or by a test that is there. */
export type Row = Behaviour & (Exchange | { test: string });

/** A form of one part. */
function form(parameters: string, data: string, coding?: ContentCoding): string {
  const disposition = `Content-Disposition: form-data; ${parameters}`;
  const plain = `--B\r\n${disposition}\r\n\r\n${data}\r\n--B--\r\n`;
  const body = coding === undefined ? plain : text(encodeWhole(coding, bytes(plain)));
  return last(
    "POST /form-data",
    'Content-Type: multipart/form-data; boundary="B"',
    ...coding === undefined ? [] : [`Content-Encoding: ${coding}`],
    `Content-Length: ${body.length}`,
  ) + body;
}

const gzipped = text(encodeWhole("gzip", "bodydatabodydata"));

const COMPRESS = { compression: { minBytes: 1 } } as const;
const POST_FORM = "Content-Type: application/x-www-form-urlencoded";

export const rows: Row[] = [
  {
    weightless: "a handler runs for a request, and what it yields is the answer",
    here: "the same",
    sent: last("GET /path/here"),
    answer: accepted("GET /path/here"),
  },
  {
    weightless: "a handler gets the path, the version and the headers of the request",
    here: "the same, as one `request`; names of headers are lower-case, as on the Web",
    sent: last("GET /request", "Ape-Nut: Mies"),
    answer: accepted("GET /request 1.1 host: x, ape-nut: Mies, connection: close"),
  },
  {
    weightless: "a handler gets the address of the client",
    here: "`request.connection.remoteAddr`",
    sent: last("GET /client"),
    answer: accepted("127.0.0.1"),
  },
  {
    weightless: "a handler writes the status line and the headers itself",
    here: "`yield raw` does that; without it, the head is made of `ok()` and checked",
    sent: last("GET /raw"),
    answer: /^HTTP\/1\.0 418 I'm a teapot\r\n\r\nBody\?$/,
  },
  {
    weightless: "the connection is closed after each answer",
    here: "that of an HTTP/1.0 client is; HTTP/1.1 keeps it (RFC 9112 9.3)",
    sent: "GET / HTTP/1.0\r\n\r\n",
    answer: answered(200, ["connection: close"], "GET /"),
  },
  {
    weightless: "a server listens on one address if it is given, otherwise on all",
    here: "the same: the option `hostname`",
    test: "url of a server that listens everywhere can be opened",
  },
  {
    weightless: "a server takes a socket that listens already",
    here: "the option `listener`",
    test: "Acceptor (epoll) refuses what a listener cannot have any more",
  },
  {
    weightless: "a port can be listened on again at once",
    here: "the same",
    test: "a server listens again where another has just served",
  },
  {
    weightless: "a server has a priority in the reactor, and so have its connections",
    here: "the option `priority`",
    test: "Acceptor (epoll) takes what is honoured, or asks for nothing",
  },
  {
    weightless: "the request may come in pieces of any size",
    here: "the same, for every request of the tests",
    test: "HttpServer answers each request of the tests alike, wherever it is cut",
  },
  {
    weightless: "the answer may go out in pieces of any size",
    here: "the same",
    test: "gio() sends every byte when little is accepted at a time",
  },
  {
    weightless: "an empty text that is yielded sends nothing, and does no harm",
    here: "the same",
    sent: last("GET /empty-pieces"),
    answer: accepted("ab"),
  },
  {
    weightless: "text is encoded as the system does, which is UTF-8",
    here: "it is UTF-8",
    sent: last("GET /text"),
    answer: new RegExp(
      `^HTTP/1\\.1 200 OK\\r\\n(.+\\r\\n)*content-length: 60000\\r\\n(.+\\r\\n)*\\r\\n(some t\xc3\xa9xt){6000}$`,
    ),
  },
  {
    weightless: "with `compressResponse`, a body is compressed as the client accepts: deflate",
    here: "the same, with the option `compression`",
    sent: last("GET /long", "Accept-Encoding: deflate"),
    answer: /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*content-encoding: deflate\r\n(.+\r\n)*\r\nx/,
    options: COMPRESS,
  },
  {
    weightless: "of the codings that it knows it takes the one with the highest q",
    here: "the same; also br and zstd",
    sent: last("GET /long", "Accept-Encoding: gzip;q=0.999, deflate;q=0.998, unknown;q=1"),
    answer: answeredBy("gzip"),
    options: COMPRESS,
  },
  {
    weightless: "a coding with q=0 is not used",
    here: "the same",
    sent: last("GET /long", "Accept-Encoding: gzip;q=0.00, deflate;q=1.0"),
    answer: answeredBy("deflate"),
    options: COMPRESS,
  },
  {
    weightless: "spaces around codings count for nothing, and names are compared exactly",
    here: "names are compared without regard to case (RFC 9110 8.4.1)",
    sent: last("GET /long", "Accept-Encoding:  GZIP  , unknown "),
    answer: answeredBy("gzip"),
    options: COMPRESS,
  },
  {
    weightless: "x-gzip is gzip, and answered by that name",
    here: "it is answered as gzip (RFC 9110 8.4.1.3)",
    sent: last("GET /long", "Accept-Encoding: x-gzip"),
    answer: answeredBy("gzip"),
    options: COMPRESS,
  },
  {
    weightless: "a body is compressed only if that is turned on",
    here: "the same",
    sent: last("GET /long", "Accept-Encoding: gzip"),
    answer: answered(200, ["!content-encoding"], "a".repeat(2000)),
  },
  {
    weightless: "a body is left as it is if the client accepts no known coding",
    here: "the same; Vary tells caches that it depends on Accept-Encoding",
    sent: last("GET /long", "Accept-Encoding: unknown"),
    answer: answered(200, ["!content-encoding", "vary: accept-encoding"], "a".repeat(2000)),
    options: COMPRESS,
  },
  {
    weightless: "the Content-Length of the handler is dropped if the body is compressed",
    here: "the same: the length is that of what is sent",
    sent: last("GET /measured", "Accept-Encoding: gzip"),
    answer: /^HTTP\/1\.1 200 OK\r\n(?!(.+\r\n)*content-length: 2000)(.+\r\n)+\r\n.\x8b/,
    options: COMPRESS,
  },
  {
    weightless: "a body that has a Content-Encoding already is not compressed",
    here: "the same",
    sent: last("GET /encoded", "Accept-Encoding: deflate"),
    answer: answered(200, ["content-encoding: enlightened"], "a".repeat(2000)),
    options: COMPRESS,
  },
  {
    weightless: "the other headers stay as they are, wherever they stand",
    here: "the same; a strong ETag becomes weak, for it means bytes (RFC 9110 8.8.3)",
    test: "the other headers stay, a strong ETag becomes weak, and Vary grows",
  },
  {
    weightless: "what the socket did not take of a compressed body is not compressed again",
    here: "the same, to clients that read slowly too",
    test: "a large body is streamed to all clients",
  },
  {
    weightless: "a long compressed body is sent in several pieces, none of them empty",
    here: "the same; what was yielded is sent before the handler waits",
    test: "the client gets what was yielded before the handler reads more",
  },
  {
    weightless: "a request line that is none is answered with 400, after a timeout",
    here: "400 at once, when it is clear",
    sent: "GET HTTP/1.0\r\n",
    answer: refused(400),
  },
  {
    weightless: "bytes that are no request are answered with 400 when the client ends",
    here: "400, also before that, if it is clear",
    sent: ["POST / HTT", ENDED],
    answer: refused(400),
  },
  {
    weightless: "a client that closes within its body leaves nothing behind",
    here: "the same: the handler that reads is told, and nobody else",
    sent: [kept("POST /", "Content-Length: 5") + "1234", ENDED],
    answer: refused(400),
  },
  {
    weightless: "a head that is not complete in time is answered with 400",
    here: "with 408 (RFC 9110 15.5.9), and no byte gives it more time",
    test: "a head that comes byte by byte has no more time than another",
  },
  {
    weightless:
      "a body that is not complete in time is answered with 400; each byte gives more time",
    here: "with 408; each KiB gives more time",
    test: "a body that makes no progress is a 408 for the handler",
  },
  {
    weightless: "the timeout ends with the request: a handler may take as long as it likes",
    here: "the same",
    test: "a handler may run as long as it likes",
  },
  {
    weightless: "the body of a POST is read before the handler runs",
    here: "the handler runs first and reads it, whole by `request.text()` or in pieces",
    sent: last("POST /", POST_FORM, "Content-Length: 8") + "bodydata",
    answer: accepted("POST / bodydata"),
  },
  {
    weightless: "the body of a PUT is read",
    here: "the same, for every method",
    sent: last("PUT /", POST_FORM, "Content-Length: 8") + "bodydata",
    answer: accepted("PUT / bodydata"),
  },
  {
    weightless: "the body of another method is not looked at",
    here: "it is a body, by its framing (RFC 9112 6); otherwise it were taken for a request",
    sent: last("GET /", "Content-Length: 8") + "bodydata",
    answer: accepted("GET / bodydata"),
  },
  ...(["deflate", "gzip"] as const).map((coding): Row => {
    const body = text(encodeWhole(coding, "bodydatabodydata"));
    return {
      weightless: `a body with \`Content-Encoding: ${coding}\` is decoded`,
      here: "the same, with the option `decompression`",
      sent: last("POST /", `Content-Encoding: ${coding}`, `Content-Length: ${body.length}`) + body,
      answer: accepted("POST / bodydatabodydata"),
      options: { decompression: true },
    };
  }),
  {
    weightless: "Content-Length stays that of what was sent",
    here: "the same",
    sent: last("POST /length", "Content-Encoding: gzip", `Content-Length: ${gzipped.length}`) +
      gzipped,
    answer: accepted(`${gzipped.length} bodydatabodydata`),
    options: { decompression: true },
  },
  {
    weightless: "a body in x-gzip is decoded",
    here: "the same",
    sent: last("POST /", "Content-Encoding: x-gzip", `Content-Length: ${gzipped.length}`) + gzipped,
    answer: accepted("POST / bodydatabodydata"),
    options: { decompression: true },
  },
  {
    weightless: "a body in x-deflate is decoded",
    here: "415: no RFC has this name",
    sent: kept("POST /", "Content-Encoding: x-deflate", "Content-Length: 1") + "a",
    answer: refused(415),
    options: { decompression: true },
  },
  {
    weightless: "a body in an unknown coding, or in several, is answered with 400",
    here: "an unknown one with 415 (RFC 9110 15.5.16); several are decoded",
    sent: kept("POST /", "Content-Encoding: unknown", "Content-Length: 1") + "a",
    answer: refused(415),
    options: { decompression: true },
  },
  {
    weightless: "chunks are read, also of an HTTP/1.0 client",
    here: "of HTTP/1.1 only (RFC 9112 6.1)",
    sent: chunked("5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n"),
    answer: accepted("POST / abcdefghij"),
  },
  {
    weightless: "the chunks end with the last one, without an empty line",
    here: "the empty line is needed (RFC 9112 7.1), for trailers may come",
    sent: chunked("1\r\na\r\n0\r\nX: y\r\n\r\n").replace("POST /", "POST /field"),
    answer: accepted("none, trailer y"),
  },
  {
    weightless: "chunks of a compressed body are decoded",
    here: "the same",
    sent: last("POST /", "Content-Encoding: gzip", "Transfer-Encoding: chunked") +
      `a\r\n${gzipped.slice(0, 10)}\r\n` +
      `${(gzipped.length - 10).toString(16)}\r\n${gzipped.slice(10)}\r\n0\r\n\r\n`,
    answer: accepted("POST / bodydatabodydata"),
    options: { decompression: true },
  },
  {
    weightless: "a form of several parts is read whole, before the handler runs",
    here: "`request.form()` reads it part by part, and `request.formData()` whole",
    sent: form('name="id"', "SOME ID"),
    answer: accepted("id=SOME ID"),
  },
  {
    weightless: "a part with a file name has a name, a type and bytes",
    here: "the same",
    sent: form('name="f"; filename="midget.png"\r\nContent-Type: image/png', "\x89PNG"),
    answer: accepted("f=midget.png (image/png, 4)"),
  },
  {
    weightless: "a file of text is a file as well",
    here: "the same",
    sent: form('name="f"; filename="hello.bas"\r\nContent-Type: text/plain', "10 END"),
    answer: accepted("f=hello.bas (text/plain, 6)"),
  },
  {
    weightless: "of a path of Windows only the name of the file is kept",
    here: "the same",
    sent: form(
      'name="f"; filename="C:\\dir\\Bank Gothic.ttf"\r\nContent-Type: application/octet-stream',
      "x",
    ),
    answer: accepted("f=Bank Gothic.ttf (application/octet-stream, 1)"),
  },
  {
    weightless: "a name in quotes may have a semicolon",
    here: "the same",
    sent: form(
      'name="name with ; semicolon"; filename="a;b.txt"\r\nContent-Type: text/plain',
      "x",
    ),
    answer: accepted("name with ; semicolon=a;b.txt (text/plain, 1)"),
  },
  {
    weightless: "the last boundary is found, however it is cut",
    here: "the same",
    test: "form() gives what was written, whatever the data and the boundary are",
  },
  {
    weightless: "a compressed form is not supported yet",
    here: "it is, with the option `decompression`",
    sent: form('name="id"', "SOME ID", "gzip"),
    answer: accepted("id=SOME ID"),
    options: { decompression: true },
  },
  {
    weightless: "requests beyond `maxConnections` are answered by the `errorHandler`",
    here: "the same with `overload: 503`; by default they wait in the kernel",
    test: "connections of one address are limited, and an errorHandler answers the others",
  },
  {
    weightless: "requests below `maxConnections` are answered as ever",
    here: "the same",
    sent: last("GET /"),
    answer: accepted(),
    options: { maxConnections: 1, overload: 503 },
  },
  {
    weightless: "without an `errorHandler` the answer is 503 and a page",
    here: "503, a line of text, and Retry-After",
    test:
      "connections beyond maxConnections are answered with 503, and others are served again later",
  },
  {
    weightless: "`maxConnections` can be changed while the server runs",
    here: "the same",
    test: "maxConnections lets others wait, and may be changed",
  },
  {
    weightless: "a handler that yields `Yield` lets the others run meanwhile",
    here: "the same; long handlers do so by themselves",
    test: "gio() gives others a turn when the coroutine yields Yield",
  },
  {
    weightless: "what was yielded before a handler waits is sent",
    here: "the same",
    sent: last("GET /waits"),
    answer: answered(200, ["transfer-encoding: chunked"], "1\r\nA\r\n1\r\nB\r\n0\r\n\r\n"),
  },
  {
    weightless: "a handler that fails before it has answered is answered for with 500, and told",
    here: "the same: to `onError`. The 500 has a body; no trace of the error is sent",
    sent: kept("GET /throws") + last("GET /"),
    answer: /^HTTP\/1\.1 500 (?![^]*The handler fails)[^]*\r\n\r\nGET \/$/,
  },
  {
    weightless: "a handler that fails after it has begun its answer is told, and the answer ends",
    here: "the connection is cut, so that nobody takes a part for the whole",
    test: "a handler that fails after something is sent has its connection cut",
  },
  {
    weightless: "a handler without an answer is answered for with 500, and told",
    here: "the same",
    sent: last("GET /nothing"),
    answer: /^HTTP\/1\.1 500 /,
  },
  {
    weightless: "a handler that yields empty texts only is answered for with 500, and told",
    here: "the same",
    sent: last("GET /empty"),
    answer: /^HTTP\/1\.1 500 /,
  },
  {
    weightless: "a handler whose client has gone gets the error at its yield, and it is told",
    here: "it is closed through its `finally`s; that is nobody's error, so it is not told",
    test: "HttpServer closes handlers whose clients go away, and reports nothing",
  },
  {
    weightless: "a handler may yield a `Suspend`, and is resumed with its result",
    here: "the same",
    test: "a handler may yield a Suspend",
  },
  {
    weightless: "a `Suspend` may throw into the handler, or time out",
    here: "the same",
    test: "gio() waits for a Suspend of the reactor: resumed, thrown into, timed out",
  },
  {
    weightless: "`shutdown` stops listening",
    here: "`close()` does; `shutdown()` ends what is open as well, in good order",
    test: "shutdown() closes what is idle, and lets the others end, with connection: close",
  },
  {
    weightless: "TLS by a wrapper of sockets, or by a server of its own",
    here: "the options `cert` and `key`",
    sent: last("GET /"),
    answer: accepted(),
    tls: true,
  },
  {
    weightless: "names of headers are compared without regard to case",
    here: "the same",
    sent: last("GET /field", "x: a"),
    answer: accepted("a"),
  },
  {
    weightless: "a header that comes twice is a list of its values",
    here: "`get()` joins them with commas, and `getAll()` gives the list",
    sent: last("GET /field", "X: noot", "X: vuur"),
    answer: accepted("noot, vuur"),
  },
  {
    weightless: "Set-Cookie is always a list",
    here: "every header has one: `getAll()`",
    test: "HttpHeaders.getAll() gives the values of a name one by one",
  },
  {
    weightless: "a value has parameters, which may be quoted and have semicolons",
    here: "the same: `headers.parameters()`",
    sent: last("GET /parameter", 'X: attachment; a="with a ;.pdf"'),
    answer: accepted("with a ;.pdf"),
  },
  {
    weightless: "the escapes of a quoted value stay in it",
    here: "they are undone (RFC 9110 5.6.4)",
    sent: last("GET /parameter", 'X: attachment; a="with a \\".pdf"'),
    answer: accepted('with a ".pdf'),
  },
  {
    weightless: "`filename*` is a parameter of its own, and may be quoted",
    here: "it takes the place of `filename` if it is as RFC 8187 says",
    test: "HttpHeaders.parameters() reads what was written, and never anything but fails with 400",
  },
  {
    weightless: "components are asked one after the other who answers a request",
    here: "the same, with `HttpProtocol`",
    test: "Server and HttpProtocol ask one observer after the other",
  },
  {
    weightless: "a request that no component answers is a 501",
    here: "404; 501 is for methods that nobody knows (RFC 9110 15.6.2)",
    test: "HttpProtocol answers 404 if no observer does",
  },
  {
    weightless: "a handler gets the parts of the target: scheme, host, path, query",
    here: "the same: `request.url`, `path`, `query`",
    sent: last("GET http://host:80/url?a=b&a=c"),
    answer: accepted("http://host/url?a=b&a=c"),
  },
  {
    weightless: "a target may have a fragment",
    here: "400 (RFC 9112 3.2)",
    sent: "GET /path#ref HTTP/1.1\r\n",
    answer: refused(400),
  },
  {
    weightless: "a handler reads as much of the body as it wants by `copyBytes`",
    here: "the same; a bare `yield` never reads beyond the body",
    test: "a handler reads the body with the readers of compose",
  },
  {
    weightless: "the 100 is sent when the handler reads",
    here: "the same",
    sent: [last("POST /", "Expect: 100-continue", "Content-Length: 3"), ANSWERED, "abc"],
    answer: /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n(.+\r\n)+\r\nPOST \/ abc$/,
  },
  {
    weightless: "a handler that neither reads nor answers is a 417 for a client that expects a 100",
    here: "500, reported: the handler is at fault, and not the expectation",
    sent: kept("POST /nothing", "Expect: 100-continue", "Content-Length: 3"),
    answer: /^HTTP\/1\.1 500 /,
  },
  {
    weightless: "chunks come at bare yields, until an exception tells of their end",
    here: "the same: `EndOfStream`, which ends a handler quietly",
    test: "a handler gets EndOfStream each time it reads beyond the body",
  },
  {
    weightless: "a connection has several requests, one after the other",
    here: "the same",
    sent: [kept("POST /1", "Content-Length: 3") + "abc", ANSWERED, last("GET /2")],
    answer: /POST \/1 abcHTTP\/1\.1 200 [^]*\r\n\r\nGET \/2$/,
  },
  {
    weightless: "a handler that yields a value gets nothing in return, and no later request",
    here: "the same",
    sent: kept("GET /yields") + last("GET /2"),
    answer: /yielded \r\n9\r\nundefined\r\n0\r\n\r\nHTTP\/1\.1 200 [^]*\r\n\r\nGET \/2$/,
  },
  {
    weightless: "`Connection: close` and HTTP/1.0 end a connection, also in a pipeline",
    here: "the same",
    sent: kept("GET /1") + "GET /2 HTTP/1.0\r\n\r\n",
    answer: /GET \/1HTTP\/1\.1 200 OK\r\n(.+\r\n)*connection: close\r\n(.+\r\n)*\r\nGET \/2$/,
  },
  {
    weightless: "a client that says nothing gets a 408",
    here:
      "it is closed without a word: a 408 could be taken for the answer to a request that crosses it",
    test: "an idle connection is closed without a word, a little later than announced",
  },
  {
    weightless: "a head that is too large is answered with 413",
    here: "with 431, and 414 for the first line (RFC 9110 5.4, RFC 9112 3)",
    sent: `${kept("GET /").slice(0, -2)}A: ${"b".repeat(65_600)}`.slice(0, 65_537),
    answer: refused(431),
  },
  {
    weightless: "a client may close at any time, and the server closes as well",
    here: "the same",
    sent: [kept("GET /"), ANSWERED, ENDED],
    answer: /\r\n\r\nGET \/$/,
  },
];

function answeredBy(coding: string): RegExp {
  return new RegExp(`^HTTP/1\\.1 200 OK\\r\\n(.+\\r\\n)*content-encoding: ${coding}\\r\\n`);
}
