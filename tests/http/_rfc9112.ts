/** What RFC 9112 asks of a server, and RFC 9110 where HTTP/1.1 depends on it: one row for each rule. */

import { ANSWERED, ENDED, type Sent } from "./_live.ts";

export interface Rule {
  /** The RFC and its section. */
  section: string;
  /** What the RFC asks for. */
  requirement: string;
  /** What this server does. */
  reaction: string;
  /** What the client sends: one text, or several, each after the one before has arrived. */
  sent: string | Sent[];
  /** What comes back until the server closes the connection. */
  answer: RegExp;
}

const END = "Connection: close\r\n\r\n";

/** A request, the last one. */
function last(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, "Host: x", ...fields, END].join("\r\n");
}

/** A request after which the connection stays open. */
function kept(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, "Host: x", ...fields, "", ""].join("\r\n");
}

function refused(status: number): RegExp {
  return new RegExp(`^HTTP/1\\.1 ${status} (.+\r\n)+connection: close\r\n(.+\r\n)*\r\n.+$`);
}

/** The handler of the tests says what it was asked for. */
function accepted(text = "GET /"): RegExp {
  const escaped = text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^HTTP/1\\.1 200 OK\r\n(.+\r\n)+\r\n${escaped}$`);
}

const chunked = (body: string, ...fields: string[]) =>
  last("POST /", "Transfer-Encoding: chunked", ...fields) + body;

export const rules: Rule[] = [
  {
    section: "9112 2.2",
    requirement: "MUST parse a message as octets of a superset of US-ASCII",
    reaction: "octets from 0x80 on are allowed in field values, and are ISO-8859-1",
    sent: last("GET /field", "X: \xe9\xff"),
    answer: accepted("\xe9\xff"),
  },
  {
    section: "9112 2.2",
    requirement: "MAY recognize a single LF as the end of a line",
    reaction: "400",
    sent: "GET / HTTP/1.1\n",
    answer: refused(400),
  },
  {
    section: "9112 2.2",
    requirement: "MUST take a bare CR as invalid, or replace it with SP",
    reaction: "400",
    sent: kept("GET /", "A: b\rc").slice(0, -4),
    answer: refused(400),
  },
  {
    section: "9112 2.2",
    requirement: "SHOULD ignore at least one empty line before the request line",
    reaction: "one is ignored",
    sent: `\r\n${last("GET /")}`,
    answer: accepted(),
  },
  {
    section: "9112 2.2",
    requirement: "MUST reject whitespace between the start-line and the first field, or consume it",
    reaction: "400",
    sent: "GET / HTTP/1.1\r\n ",
    answer: refused(400),
  },
  {
    section: "9112 2.2",
    requirement: "SHOULD answer what is not a message with 400, and close the connection",
    reaction: "400",
    sent: "\x16\x03\x01",
    answer: refused(400),
  },
  {
    section: "9112 2.3",
    requirement: "HTTP-version is case-sensitive",
    reaction: "400",
    sent: "GET / h",
    answer: refused(400),
  },
  {
    section: "9110 2.5",
    requirement: "SHOULD process a higher minor version as the highest one that it knows",
    reaction: "HTTP/1.2 is read as 1.1",
    sent: last("GET /").replace("1.1", "1.2"),
    answer: accepted(),
  },
  {
    section: "9110 15.6.6",
    requirement: "505 is for a major version that is not supported",
    reaction: "505",
    sent: "GET / HTTP/2.0",
    answer: refused(505),
  },
  {
    section: "9112 3.2",
    requirement: "SHOULD answer an invalid request-line with 400, and SHOULD NOT correct it",
    reaction: "400",
    sent: "GET /a b HTTP/1.1",
    answer: refused(400),
  },
  {
    section: "9112 3",
    requirement: "SHOULD answer a method that is longer than any with 501",
    reaction: "501 for more than 32 bytes",
    sent: "M".repeat(33),
    answer: refused(501),
  },
  {
    section: "9112 3",
    requirement: "MUST answer a target that is too long with 414",
    reaction: "414, as soon as the line exceeds `maxRequestLineBytes`",
    sent: `GET /${"x".repeat(8188)}`,
    answer: refused(414),
  },
  {
    section: "9112 3",
    requirement: "RECOMMENDED: support request-lines of at least 8000 octets",
    reaction: "`maxRequestLineBytes` is 8192",
    sent: last(`GET /?${"x".repeat(7985)}`),
    answer: accepted("GET /"),
  },
  {
    section: "9112 3.2",
    requirement: "MUST answer an HTTP/1.1 request without Host with 400",
    reaction: "400",
    sent: "GET / HTTP/1.1\r\n\r\n",
    answer: refused(400),
  },
  {
    section: "9112 3.2",
    requirement: "MUST answer more than one Host with 400",
    reaction: "400, also in HTTP/1.0 and if they are the same",
    sent: kept("GET /", "Host: x").slice(0, -2),
    answer: refused(400),
  },
  {
    section: "9112 3.2",
    requirement: "MUST answer an invalid Host with 400",
    reaction: "400 for what is not a host and port by RFC 3986, at the end of its line",
    sent: "GET / HTTP/1.1\r\nHost: a%zz\r\n",
    answer: refused(400),
  },
  {
    section: "9112 3.2",
    requirement: "SHOULD answer a target with invalid characters with 400",
    reaction: "400; what browsers leave unescaped in a query is allowed there",
    sent: "GET /a{b}",
    answer: refused(400),
  },
  {
    section: "9112 3.2.1",
    requirement: "origin-form: a path and a query",
    reaction: "they are given as they were sent",
    sent: last("GET /url?a={b|c}"),
    answer: accepted("http://x/url?a={b|c}"),
  },
  {
    section: "9112 3.2.2",
    requirement: "MUST accept the absolute-form",
    reaction: "the host of the target counts, and not that of Host",
    sent: last("GET http://y/url"),
    answer: accepted("http://y/url"),
  },
  {
    section: "9110 4.2.1",
    requirement: "MUST reject an http URI with an empty host",
    reaction: "400",
    sent: "GET http:///x HTTP/1.1\r\n",
    answer: refused(400),
  },
  {
    section: "9110 4.2.4",
    requirement: "SHOULD treat userinfo as an error",
    reaction: "400",
    sent: "GET http://u:p@x/ HTTP/1.1\r\n",
    answer: refused(400),
  },
  {
    section: "9110 7.4",
    requirement: "MUST reject a request for an https resource on a connection without TLS",
    reaction: '421, unless the option `scheme` is `"https"`',
    sent: "GET https://x/ HTTP/1.1\r\n",
    answer: refused(421),
  },
  {
    section: "9112 3.2.3",
    requirement: "authority-form: CONNECT has a host and a port",
    reaction: "400 for anything else",
    sent: "CONNECT /x HTTP/1.1\r\n",
    answer: refused(400),
  },
  {
    section: "9110 9.3.6",
    requirement: "MUST reject a CONNECT with an empty or invalid port",
    reaction: "400",
    sent: "CONNECT x:65536 HTTP/1.1\r\n",
    answer: refused(400),
  },
  {
    section: "9110 9.3.6",
    requirement: "MUST NOT send Transfer-Encoding or Content-Length in a 2xx to CONNECT",
    reaction: "there is neither; what comes after the head is for the tunnel",
    sent: `${kept("CONNECT x:1", "Content-Length: 2")}early`,
    answer: /^HTTP\/1\.1 200 OK\r\n(?!.*(transfer-encoding|content-length))(.+\r\n)*\r\nearly$/s,
  },
  {
    section: "9112 3.2.4",
    requirement: "asterisk-form: only for OPTIONS",
    reaction: "400 for another method",
    sent: "GET * HTTP/1.1\r\n",
    answer: refused(400),
  },
  {
    section: "9112 3.2.4",
    requirement: "asterisk-form: OPTIONS of the server as a whole",
    reaction: "the target is `*`",
    sent: last("OPTIONS *"),
    answer: accepted("OPTIONS *"),
  },
  {
    section: "9112 4",
    requirement: "MUST send the space after the status code, also without a reason",
    reaction: "there is always a space",
    sent: last("GET /599"),
    answer: /^HTTP\/1\.1 599 \r\n/,
  },
  {
    section: "9112 5",
    requirement: "whitespace around a field value is not part of it",
    reaction: "it is left out",
    sent: last("GET /field", "X: \t a b\t "),
    answer: accepted("a b"),
  },
  {
    section: "9112 5.1",
    requirement: "MUST answer whitespace between a field's name and its colon with 400",
    reaction: "400",
    sent: "GET / HTTP/1.1\r\nHost ",
    answer: refused(400),
  },
  {
    section: "9112 5.2",
    requirement: "MUST answer a folded line with 400, or replace the fold with SP",
    reaction: "400",
    sent: kept("GET /", "A: b", " ").slice(0, -4),
    answer: refused(400),
  },
  {
    section: "9110 5.5",
    requirement: "MUST reject CR, LF and NUL in a field value, or replace them with SP",
    reaction: "400, as for all other control characters",
    sent: kept("GET /", "A: b\0").slice(0, -4),
    answer: refused(400),
  },
  {
    section: "9110 5.4",
    requirement: "MUST answer fields that are larger than wanted with a 4xx",
    reaction: "431 for more than `maxHeadBytes` or `maxHeaders`",
    sent: `${kept("GET /").slice(0, -2)}A: ${"b".repeat(65_600)}`.slice(0, 65_537),
    answer: refused(431),
  },
  {
    section: "9112 6",
    requirement: "a request has a body if there is Content-Length or Transfer-Encoding",
    reaction: "otherwise it has none, whatever the method",
    sent: kept("POST /") + last("GET /2"),
    answer: /POST \/HTTP\/1\.1 200 OK\r\n(.+\r\n)+\r\nGET \/2$/,
  },
  {
    section: "9112 6.1",
    requirement: "MUST be able to parse the chunked transfer coding",
    reaction: "the body is what the chunks have",
    sent: chunked("3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n"),
    answer: accepted("POST / abc0123456789"),
  },
  {
    section: "9112 6.1",
    requirement: "MUST NOT apply chunked more than once",
    reaction: "400",
    sent: kept("POST /", "Transfer-Encoding: chunked, chunked").slice(0, -2),
    answer: refused(400),
  },
  {
    section: "9112 6.1",
    requirement: "SHOULD answer a transfer coding that it does not understand with 501",
    reaction: "501 for all but chunked",
    sent: kept("POST /", "Transfer-Encoding: gzip, chunked"),
    answer: refused(501),
  },
  {
    section: "9112 6.1",
    requirement: "MAY reject Content-Length with Transfer-Encoding; MUST close the connection",
    reaction: "400",
    sent: kept("POST /", "Content-Length: 1", "Transfer-Encoding: chunked").slice(0, -2),
    answer: refused(400),
  },
  {
    section: "9112 6.1",
    requirement: "MUST treat Transfer-Encoding in HTTP/1.0 as faulty framing",
    reaction: "400",
    sent: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
    answer: refused(400),
  },
  {
    section: "9112 6.1",
    requirement: "MUST NOT send Transfer-Encoding to an HTTP/1.0 client",
    reaction: "a body of unknown length ends with the connection",
    sent: "GET /pieces HTTP/1.0\r\n\r\n",
    answer:
      /^HTTP\/1\.1 200 OK\r\n(?!.*transfer-encoding)(.+\r\n)*connection: close\r\n\r\nonetwo$/s,
  },
  {
    section: "9112 6.1",
    requirement: "MUST NOT send Transfer-Encoding with a 1xx or 204",
    reaction: "there is none",
    sent: last("GET /204"),
    answer: /^HTTP\/1\.1 204 No Content\r\n(?!.*(transfer-encoding|content-length))(.+\r\n)*\r\n$/s,
  },
  {
    section: "9112 6.2",
    requirement: "MUST NOT send Content-Length with Transfer-Encoding",
    reaction: "the one or the other",
    sent: last("GET /pieces"),
    answer:
      /^HTTP\/1\.1 200 OK\r\n(?!.*content-length)(.+\r\n)*transfer-encoding: chunked\r\n(.+\r\n)*\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n$/s,
  },
  {
    section: "9112 6.3",
    requirement: "the answer to HEAD ends with its head",
    reaction: "it has the Content-Length of the answer to GET, and no body",
    sent: last("HEAD /"),
    answer: /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*content-length: 6\r\n(.+\r\n)*\r\n$/,
  },
  {
    section: "9110 15.4.5",
    requirement: "a 304 ends with its head",
    reaction: "it has no body; bytes for it are an error of the handler",
    sent: last("GET /304"),
    answer: /^HTTP\/1\.1 304 Not Modified\r\n(.+\r\n)*\r\n$/,
  },
  {
    section: "9110 15.3.6",
    requirement: "MUST NOT send content with a 205",
    reaction: "it has `content-length: 0`",
    sent: last("GET /205"),
    answer: /^HTTP\/1\.1 205 Reset Content\r\n(.+\r\n)*content-length: 0\r\n(.+\r\n)*\r\n$/,
  },
  {
    section: "9112 6.3",
    requirement: "MUST answer a request in which chunked is not the final coding with 400",
    reaction: "400",
    sent: kept("POST /", "Transfer-Encoding: chunked, gzip").slice(0, -2),
    answer: refused(400),
  },
  {
    section: "9112 6.3",
    requirement: "MUST answer an invalid Content-Length with 400, and close the connection",
    reaction: "400, also for values that differ; a list of the same value counts as one",
    sent: kept("POST /", "Content-Length: 1", "Content-Length: 2").slice(0, -2),
    answer: refused(400),
  },
  {
    section: "9110 8.6",
    requirement: "MUST anticipate large numbers, and prevent overflow",
    reaction: "400 for more than 15 digits",
    sent: kept("POST /", "Content-Length: 18446744073709551617").slice(0, -2),
    answer: refused(400),
  },
  {
    section: "9112 7.1",
    requirement: "MUST anticipate large chunk sizes, and prevent overflow",
    reaction: "400 for more than 12 digits",
    sent: chunked("1000000000000"),
    answer: refused(400),
  },
  {
    section: "9112 7.1",
    requirement: "a chunk is followed by CRLF",
    reaction: "400 for anything else",
    sent: chunked("1\r\na\n"),
    answer: refused(400),
  },
  {
    section: "9112 7.1.1",
    requirement: "MUST ignore chunk extensions that it does not recognize",
    reaction: "all are ignored, if their syntax is right",
    sent: chunked('1;a;b="c;\\"d"\r\nx\r\n0;e=f\r\n\r\n'),
    answer: accepted("POST / x"),
  },
  {
    section: "9112 7.1.1",
    requirement: "ought to limit the total length of chunk extensions, with a 4xx",
    reaction: "400 for more than `maxChunkExtensionBytes` in a body",
    sent: chunked(`1;${"a".repeat(16_384)}`),
    answer: refused(400),
  },
  {
    section: "9112 7.1.2",
    requirement: "MUST NOT merge trailers into the headers, unless their definition allows it",
    reaction: "they are apart, in `request.trailers`",
    sent: chunked("0\r\nX: y\r\n\r\n").replace("POST /", "POST /field"),
    answer: accepted("none, trailer y"),
  },
  {
    section: "9112 8",
    requirement: "MAY answer a request that ends in the middle before it closes the connection",
    reaction: "400",
    sent: ["GET / HTTP/1.1\r\nHo", ENDED],
    answer: refused(400),
  },
  {
    section: "9112 9.3",
    requirement: "a connection persists in HTTP/1.1",
    reaction: "it does, until one side closes it",
    sent: [kept("GET /1"), ANSWERED, last("GET /2")],
    answer: /GET \/1HTTP\/1\.1 200 OK\r\n(.+\r\n)+\r\nGET \/2$/,
  },
  {
    section: "9112 9.3",
    requirement: "a connection persists in HTTP/1.0 with the option keep-alive only",
    reaction: "the answer says `connection: keep-alive`",
    sent: "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
    answer:
      /connection: keep-alive\r\nkeep-alive: timeout=60\r\n\r\nGET \/1HTTP\/1\.1 200 OK\r\n(.+\r\n)*connection: close\r\n(.+\r\n)*\r\nGET \/2$/,
  },
  {
    section: "9112 9.3",
    requirement: "MUST read the whole body of a request, or close the connection after the answer",
    reaction: "up to `maxDrainBytes` are read and dropped",
    sent: `${kept("POST /unread", "Content-Length: 3")}abc${last("GET /2")}`,
    answer: /unreadHTTP\/1\.1 200 OK\r\n(.+\r\n)+\r\nGET \/2$/,
  },
  {
    section: "9112 9.3.2",
    requirement: "MUST answer pipelined requests in their order",
    reaction: "each handler runs after the one before has ended",
    sent: kept("GET /slow") + kept("GET /2") + last("GET /3"),
    answer: /slowHTTP[^]*\r\nGET \/2HTTP[^]*\r\nGET \/3$/,
  },
  {
    section: "9112 9.6",
    requirement:
      "MUST close after the answer to a request with the option close, and SHOULD say so",
    reaction: "the answer says `connection: close`",
    sent: last("GET /"),
    answer: /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*connection: close\r\n(.+\r\n)*\r\nGET \/$/,
  },
  {
    section: "9112 9.6",
    requirement: "MUST NOT process requests after one with the option close",
    reaction: "they are ignored",
    sent: last("GET /1") + last("GET /2"),
    answer: accepted("GET /1"),
  },
  {
    section: "9112 9.6",
    requirement: "MUST close after an answer with the option close, and process no more requests",
    reaction: "the handler says `connection: close`",
    sent: kept("GET /close") + last("GET /2"),
    answer: /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*connection: close\r\n(.+\r\n)*\r\nclosed$/,
  },
  {
    section: "9110 7.8",
    requirement: "MUST NOT switch to a protocol that the client did not name",
    reaction: "500, reported as an error of the handler",
    sent: last("GET /upgrade"),
    answer: /^HTTP\/1\.1 500 /,
  },
  {
    section: "9110 9.1",
    requirement:
      "SHOULD answer a method that is not recognized with 501, and one not allowed with 405",
    reaction: "the handler does, by `methodNotAllowed()`",
    sent: kept("BREW /method") + last("DELETE /method"),
    answer: /^HTTP\/1\.1 501 (.+\r\n)+\r\nHTTP\/1\.1 405 (.+\r\n)*allow: GET\r\n(.+\r\n)*\r\n$/,
  },
  {
    section: "9110 10.1.1",
    requirement: "MUST send 100 or a final status to an expectation of 100-continue",
    reaction: "100 when the handler reads the body",
    sent: [last("POST /", "Expect: 100-continue", "Content-Length: 3"), ANSWERED, "abc"],
    answer: /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n(.+\r\n)+\r\nPOST \/ abc$/,
  },
  {
    section: "9110 10.1.1",
    requirement: "MAY omit the 100 if some of the content has come",
    reaction: "it is left out",
    sent: `${last("POST /", "Expect: 100-continue", "Content-Length: 3")}abc`,
    answer: accepted("POST / abc"),
  },
  {
    section: "9110 10.1.1",
    requirement: "SHOULD say whether it closes if it answers before the content, instead of 100",
    reaction: "the answer says `connection: close`, for the client may send the content or not",
    sent: kept("POST /unread", "Expect: 100-continue", "Content-Length: 3"),
    answer: /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*connection: close\r\n(.+\r\n)*\r\nunread$/,
  },
  {
    section: "9110 10.1.1",
    requirement: "MUST ignore an expectation in HTTP/1.0",
    reaction: "there is no 100",
    sent: ["POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", "abc"],
    answer: accepted("POST / abc"),
  },
  {
    section: "9110 10.1.1",
    requirement: "MAY answer another expectation with 417",
    reaction: "417",
    sent: kept("GET /", "Expect: more").slice(0, -2),
    answer: refused(417),
  },
  {
    section: "9110 15.2",
    requirement: "MUST NOT send a 1xx to an HTTP/1.0 client",
    reaction: "it is left out",
    sent: "GET /103 HTTP/1.0\r\n\r\n",
    answer: accepted("hinted"),
  },
  {
    section: "9110 6.6.1",
    requirement: "MUST send Date in a 2xx, 3xx and 4xx, if there is a clock",
    reaction: "Date is added to every answer, unless the handler gives it",
    sent: "GET / HTTP/9.9",
    answer: /\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/,
  },
];
