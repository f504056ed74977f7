/** Responses, well-formed and malformed, and what a client must make of them. */
import { Input } from "../../http/_body.ts";
import { ResponseBody } from "../../http/h1/_response_body.ts";
import { Pieces } from "../../http/h1/_pieces.ts";
import {
  ResponseHeadParser,
  responseHeadParser,
  type ResponseLimits,
} from "../../http/h1/_response_head.ts";
import { HttpHeaders } from "../../http/http_headers.ts";
import { bytes, text } from "./_drive.ts";

export const limits: ResponseLimits = {
  maxStatusLineBytes: 50,
  maxHeadBytes: 300,
  maxHeaders: 6,
  maxBodyBytes: 100,
  maxChunkExtensionBytes: 20,
};

/** Limits that are not reached. */
export const large: ResponseLimits = {
  maxStatusLineBytes: 8192,
  maxHeadBytes: 65536,
  maxHeaders: 100,
  maxBodyBytes: Infinity,
  maxChunkExtensionBytes: 16384,
};

/** Bytes that mean something to a parser. */
export const MEANINGFUL: readonly string[] = [..."\r\n \t:;,/01aG\0\x7f\xe9"];

export interface Answer {
  status: number;
  reason: string;
  version: string;
  headers: [string, string][];
  body: string;
  trailers: [string, string][];
  keepAlive: boolean;
  keepAliveMs: number | undefined;
}

/** Reads the responses to requests of these methods, as a client does. */
export class Responses {
  readonly #methods: string[];
  readonly #limits: ResponseLimits;
  readonly #input = new Input();
  readonly #body: ResponseBody;
  #pieces: Pieces | undefined;
  #parser: ResponseHeadParser;
  #answer: Answer | undefined;
  /** The answers that are complete. */
  readonly seen: Answer[] = [];
  error: unknown;

  constructor(methods: string[], given: ResponseLimits = limits) {
    this.#methods = [...methods];
    this.#limits = given;
    this.#body = new ResponseBody(this.#input, given);
    this.#parser = responseHeadParser(given);
  }

  feed(piece: string): void {
    if (this.error !== undefined) return;
    this.#input.receive(bytes(piece));
    try {
      while (this.#step()) { /* goes on */ }
    } catch (error) {
      this.error = error;
    }
  }

  /** The connection ends. Returns what it cut, as the error of the client says it. */
  end(): string {
    if (this.error !== undefined) return String(this.error);
    if (this.#answer === undefined) return this.#pieces === undefined ? "" : "in the head";
    const { received, expected } = this.#body;
    if (this.#body.end()) {
      this.#complete();
      return "";
    }
    return `after ${received} of ${expected ?? "?"}`;
  }

  /** Whether all of the bytes belonged to the responses. */
  get isDrained(): boolean {
    return this.#input.empty;
  }

  #step(): boolean {
    const input = this.#input;
    if (this.#answer === undefined) {
      if (this.#methods.length === 0 || input.empty || !this.#readHead()) return false;
    }
    const piece = this.#body.read();
    if (piece !== undefined) this.#answer!.body += text(piece);
    else if (this.#body.done) this.#complete();
    else return false;
    return true;
  }

  #complete(): void {
    const answer = this.#answer!;
    answer.trailers = [...this.#body.trailers ?? []];
    this.seen.push(answer);
    this.#answer = undefined;
    const { status } = answer;
    if (status >= 200 || status === 101) this.#methods.shift();
  }

  /** A head that comes whole is read where it is. */
  #readHead(): boolean {
    const input = this.#input;
    if (this.#pieces === undefined) {
      const parser = this.#parser = responseHeadParser(this.#limits);
      if (parser.parse(input.bytes, input.at)) {
        input.at = parser.end;
        this.#begin();
        parser.forget();
        return true;
      }
      this.#parser = new ResponseHeadParser(this.#limits);
      this.#parser.parse(new Uint8Array(0), 0);
      this.#pieces = new Pieces(this.#parser, this.#limits.maxHeadBytes + 1);
    }
    if (!this.#pieces.add(input)) return false;
    this.#pieces = undefined;
    this.#begin();
    return true;
  }

  #begin(): void {
    const parser = this.#parser;
    this.#body.start(parser.framing(this.#methods[0]!));
    const { bytes, reasonFrom, reasonTo, headersFrom, headersTo } = parser;
    this.#answer = {
      status: parser.status,
      reason: text(bytes.subarray(reasonFrom, reasonTo)),
      version: parser.version,
      headers: [...new HttpHeaders(bytes.slice(), headersFrom, headersTo)],
      body: "",
      trailers: [],
      keepAlive: parser.keepAlive,
      keepAliveMs: parser.keepAliveMs,
    };
  }
}

export interface Sample {
  name: string;
  methods: string[];
  text: string;
  seen: Answer[];
  /** The last body ends with the connection. */
  untilClose: boolean;
}

const OK = "HTTP/1.1 200 OK\r\n";
/** The lines of a response, and its body. */
export const ok = (...lines: string[]): string => OK + [...lines, "", ""].join("\r\n");
const chunked = (body: string): string => ok("Transfer-Encoding: chunked") + body;

function good(
  name: string,
  text: string,
  seen: Partial<Answer> | Partial<Answer>[],
  methods: string | string[] = "GET",
): Sample {
  const answers = [seen].flat().map((answer) => ({
    status: 200,
    reason: "OK",
    version: "1.1",
    headers: [],
    body: "",
    trailers: [],
    keepAlive: true,
    keepAliveMs: undefined,
    ...answer,
  }));
  const untilClose = name.startsWith("until");
  return { name, methods: [methods].flat(), text, seen: answers, untilClose };
}

const length = (value: string): [string, string] => ["content-length", value];
const CHUNKED: [string, string] = ["transfer-encoding", "chunked"];

export const wellFormed: Sample[] = [
  // The status line
  good("no body", `${OK}Content-Length: 0\r\n\r\n`, { headers: [length("0")] }),
  good("a reason of many words", "HTTP/1.1 404 Not\t\xe9 Found \r\nContent-Length: 0\r\n\r\n", {
    status: 404,
    reason: "Not\t\xe9 Found ",
    headers: [length("0")],
  }),
  good("9112 4: an empty reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", {
    reason: "",
    headers: [length("0")],
  }),
  good("9112 4: no reason, and no space", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", {
    reason: "",
    headers: [length("0")],
  }),
  good("9110 2.5: a later minor version", "HTTP/1.7 200 OK\r\nContent-Length: 0\r\n\r\n", {
    headers: [length("0")],
  }),
  good("9110 15: an unknown status", "HTTP/1.1 299 OK\r\nContent-Length: 0\r\n\r\n", {
    status: 299,
    headers: [length("0")],
  }),
  good("9110 15: an invalid status is as a 5xx", "HTTP/1.1 999 No\r\nContent-Length: 1\r\n\r\na", {
    status: 999,
    reason: "No",
    headers: [length("1")],
    body: "a",
  }),
  good(
    "a line as long as it may be",
    `HTTP/1.1 200 ${"x".repeat(37)}\r\nContent-Length: 0\r\n\r\n`,
    { reason: "x".repeat(37), headers: [length("0")] },
  ),
  // Bodies
  good("a length", `${ok("Content-Length: 5")}hello`, { headers: [length("5")], body: "hello" }),
  good("9110 8.6: the same length twice", `${ok("Content-Length: 2, 2", "content-length: 2")}ab`, {
    headers: [length("2, 2"), length("2")],
    body: "ab",
  }),
  good("chunks", chunked("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"), {
    headers: [CHUNKED],
    body: "abcde",
  }),
  good("chunks and trailers", chunked("3\r\nabc\r\n0\r\na: b\r\nC:\r\n\r\n"), {
    headers: [CHUNKED],
    body: "abc",
    trailers: [["a", "b"], ["c", ""]],
  }),
  good("9112 5.2: a folded trailer", chunked("0\r\na: b\r\n c\r\n\td\r\ne: f\r\n\r\n"), {
    headers: [CHUNKED],
    trailers: [["a", "b   c  \td"], ["e", "f"]],
  }),
  good("9110 5.6.1: empty elements", ok("Transfer-Encoding: , CHUNKED ,\t") + "0\r\n\r\n", {
    headers: [["transfer-encoding", ", CHUNKED ,"]],
  }),
  good("until the end", `${ok()}anything\r\n\r\nHTTP/1.1 200 OK\r\n\r\n`, {
    body: "anything\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    keepAlive: false,
  }),
  good("until the end, as long as it may be", ok() + "x".repeat(100), {
    body: "x".repeat(100),
    keepAlive: false,
  }),
  good("until the end, of HTTP/1.0", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nab", {
    version: "1.0",
    headers: [["connection", "keep-alive"]],
    body: "ab",
    keepAlive: false,
  }),
  good("one after the other", `${ok("Content-Length: 1")}a${ok("Content-Length: 1")}b`, [
    { headers: [length("1")], body: "a" },
    { headers: [length("1")], body: "b" },
  ], ["GET", "GET"]),
  // No body
  good("9112 6.3: HEAD", ok("Content-Length: 500"), { headers: [length("500")] }, "HEAD"),
  good("9112 6.3: HEAD of chunks", ok("Transfer-Encoding: gzip, chunked"), {
    headers: [["transfer-encoding", "gzip, chunked"]],
  }, "HEAD"),
  good("9112 6.3: HEAD with an invalid length", ok("Content-Length: -"), {
    headers: [length("-")],
    keepAlive: false,
  }, "HEAD"),
  good("9112 6.3: HEAD without a length", ok(), {}, "HEAD"),
  good("9112 6.3: 204", "HTTP/1.1 204 OK\r\n\r\n", { status: 204 }),
  good("9110 8.6: 204 with a length of 0", "HTTP/1.1 204 OK\r\nContent-Length: 0\r\n\r\n", {
    status: 204,
    headers: [length("0")],
  }),
  good("9110 8.6: 204 with a length", "HTTP/1.1 204 OK\r\nContent-Length: 5\r\n\r\n", {
    status: 204,
    headers: [length("5")],
    keepAlive: false,
  }),
  good("9112 6.3: 304 with a length", "HTTP/1.1 304 OK\r\nContent-Length: 500\r\n\r\n", {
    status: 304,
    headers: [length("500")],
  }),
  good(
    "9112 6.3: 1xx, and the answer",
    `HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\n${ok("Content-Length: 1")}a`,
    [
      { status: 100, reason: "" },
      { status: 103, reason: "Hints", headers: [["link", "a"]] },
      { headers: [length("1")], body: "a" },
    ],
  ),
  // Tunnels
  good("until the end: 101", "HTTP/1.1 101 Up\r\nUpgrade: x\r\n\r\n\0\x81anything", {
    status: 101,
    reason: "Up",
    headers: [["upgrade", "x"]],
    body: "\0\x81anything",
    keepAlive: false,
  }),
  good(
    "until the end, 9110 9.3.6: CONNECT",
    `${ok("Content-Length: 5, x", "Transfer-Encoding: chunked")}${"x".repeat(200)}`,
    {
      headers: [length("5, x"), CHUNKED],
      body: "x".repeat(200),
      keepAlive: false,
    },
    "CONNECT",
  ),
  good("9110 9.3.6: CONNECT refused", "HTTP/1.1 407 OK\r\nContent-Length: 2\r\n\r\nno", {
    status: 407,
    headers: [length("2")],
    body: "no",
  }, "CONNECT"),
  // Folded lines
  good("9112 5.2: a folded header", ok("A: b\r\n c\r\n\td", "Content-Length: 0"), {
    headers: [["a", "b   c  \td"], length("0")],
  }),
  good("9112 5.2: a folded length", ok("Content-Length:\r\n\t5\r\n ") + "hello", {
    headers: [length("5")],
    body: "hello",
  }),
  good("9112 5.2: a folded list", ok("Content-Length: 2\r\n ,2", "X: \r\n \r\n ") + "ab", {
    headers: [length("2   ,2"), ["x", ""]],
    body: "ab",
  }),
  good("9112 5.2: a folded coding", `${ok("Transfer-Encoding: \r\n chunked")}0\r\n\r\n`, {
    headers: [CHUNKED],
  }),
  good("9112 5.2: folded options", ok("Connection: a,\r\n close", "Content-Length: 0"), {
    headers: [["connection", "a,   close"], length("0")],
    keepAlive: false,
  }),
  // Persistence
  good("9112 9.3: close", ok("Connection: Close", "Content-Length: 0"), {
    headers: [["connection", "Close"], length("0")],
    keepAlive: false,
  }),
  good("9112 9.3: HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", {
    version: "1.0",
    headers: [length("1")],
    body: "a",
    keepAlive: false,
  }),
  good(
    "9112 9.3: keep-alive in HTTP/1.0",
    "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n",
    { version: "1.0", headers: [["connection", "Keep-Alive"], length("0")] },
  ),
  ...([
    ["timeout=5", 5000],
    ["timeout=5, max=100", 5000],
    ["max=100,Timeout = 7", 7000],
    ["timeout=0", 0],
    ["timeout=", undefined],
    ["timeout=-5", undefined],
    ["timeout=1e3", undefined],
    [`timeout=${"9".repeat(20)}`, undefined],
    ["timeouts=5", undefined],
    ["", undefined],
  ] as const).map(([value, keepAliveMs]) =>
    good(`Keep-Alive: ${value}`, ok(`Keep-Alive: ${value}`, "Content-Length: 0"), {
      headers: [["keep-alive", value], length("0")],
      keepAliveMs,
    })
  ),
];

const line = (line: string): string => `${line}\r\nContent-Length: 0\r\n\r\n`;

/** What is sent, what is wrong with it, and which rule it breaks. */
export const malformed: [text: string, message: string, rule: string, method?: string][] = [
  // The status line
  [
    line("\r\nHTTP/1.1 200 OK"),
    "no HTTP version",
    "9112 2.2: empty lines are for servers to ignore",
  ],
  [line(" HTTP/1.1 200 OK"), "no HTTP version", "9112 4"],
  [line("http/1.1 200 OK"), "no HTTP version", "9112 2.3: case-sensitive"],
  [line("HTTPS/1.1 200 OK"), "no HTTP version", "9112 2.3"],
  [line("HTTP/11 200 OK"), "no HTTP version", "9112 2.3"],
  [line("HTTP/1.10 200 OK"), "no space before its status", "9112 2.3: single digits"],
  [line("ICY 200 OK"), "no HTTP version", "9112 2.3"],
  [line("hello"), "no HTTP version", "9112 4: HTTP/0.9"],
  [line("HTTP/2.0 200 OK"), "version is not HTTP/1.1", "9112 2.3"],
  [line("HTTP/0.9 200 OK"), "version is not HTTP/1.1", "9112 2.3"],
  ["\x15\x03\x01\x00\x02\x02\x46", "no HTTP version", "an alert of TLS"],
  [line("HTTP/1.1  200 OK"), "an invalid status", "9112 4: single spaces"],
  [line("HTTP/1.1\t200 OK"), "no space before its status", "9112 4: single spaces"],
  [line("HTTP/1.1"), "no space before its status", "9112 4"],
  [line("HTTP/1.1 "), "an invalid status", "9112 4"],
  [line("HTTP/1.1 20"), "an invalid status", "9112 4: three digits"],
  [line("HTTP/1.1 20 OK"), "an invalid status", "9112 4: three digits"],
  [line("HTTP/1.1 2000 OK"), "no space after its status", "9112 4: three digits"],
  [line("HTTP/1.1 2x0 OK"), "an invalid status", "9112 4: three digits"],
  [line("HTTP/1.1 +20 OK"), "an invalid status", "9112 4: three digits"],
  [line("HTTP/1.1 000 OK"), "an invalid status", "9110 15: 100 to 599"],
  [line("HTTP/1.1 099 OK"), "an invalid status", "9110 15: 100 to 599"],
  [line("HTTP/1.1 200-OK"), "no space after its status", "9112 4"],
  [line("HTTP/1.1 200 O\0K"), "a control character", "9112 4"],
  [line("HTTP/1.1 200 O\x7fK"), "a control character", "9112 4"],
  ["HTTP/1.1 200 OK\n\n", "a control character", "9112 2.2: bare LF"],
  ["HTTP/1.1 200\n\n", "no space after its status", "9112 2.2: bare LF"],
  ["HTTP/1.1 200 O\rK\r\n\r\n", "a CR without LF", "9112 2.2: bare CR"],
  ["HTTP/1.1 200\r OK\r\n\r\n", "a CR without LF", "9112 2.2: bare CR"],
  [line(`HTTP/1.1 200 ${"x".repeat(38)}`), "line is too long", "the limit"],
  [`HTTP/1.1 200 ${"x".repeat(500)}`, "line is too long", "the limit, without an end"],
  // The headers
  [ok(" A: b"), "begins with a space", "9112 2.2: a space before the first header"],
  [ok("\tA: b"), "begins with a space", "9112 2.2: a tab before the first header"],
  [ok("A : b"), "a space after", "9112 5.1"],
  [ok(": b"), "a header without a name", "9112 5"],
  [ok("A"), "a line without a colon", "9112 5"],
  [ok("A\xe9: b"), "an invalid character", "9110 5.1"],
  [ok("A: b\0"), "a control character", "9110 5.5"],
  [ok("A: b\r\n c\0"), "a control character", "9110 5.5: in a folded line"],
  [ok("A: b\r\n c\rd"), "a CR without LF", "9112 2.2: in a folded line"],
  [ok("A: b\nC: d"), "a control character", "9112 2.2: bare LF"],
  [ok("A: b\rC: d"), "a CR without LF", "9112 2.2: bare CR"],
  [`${OK}\n`, "a line without a colon", "9112 2.2: bare LF"],
  [`${OK}\rHTTP`, "a CR without LF", "9112 2.2: bare CR"],
  [ok(..."abcdefg".split("").map((name) => `${name}: x`)), "headers are too large", "their number"],
  [ok(`A: ${"x".repeat(300)}`), "headers are too large", "their length"],
  [ok(`A: ${"\r\n ".repeat(100)}`), "headers are too large", "their length, folded"],
  [OK + "a".repeat(500), "headers are too large", "their length, without an end"],
  // The framing
  ...["", "x", "-1", "+1", "1.0", "0x1", "1 1", ",", "1\r\n 1", "9".repeat(16), "1;a"].map((
    value,
  ): [string, string, string] => [
    ok(`Content-Length: ${value}`),
    "an invalid Content-Length",
    `9110 8.6: ${value}`,
  ]),
  [ok("Content-Length: 1,"), "more than one Content-Length", "9112 6.3"],
  [ok("Content-Length: 1", "Content-Length: 2"), "more than one Content-Length", "9112 6.3"],
  [ok("Content-Length: 1, 2"), "more than one Content-Length", "9112 6.3"],
  [ok("Content-Length: 1\r\n , 2"), "more than one Content-Length", "9112 6.3: folded"],
  [
    ok("Content-Length: 5", "Transfer-Encoding: chunked"),
    "both Content-Length and Transfer-Encoding",
    "9112 6.3",
  ],
  [
    ok("Transfer-Encoding: chunked", "Content-Length: 5"),
    "both Content-Length and Transfer-Encoding",
    "9112 6.3",
  ],
  [
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a Transfer-Encoding in HTTP/1.0",
    "9112 6.1",
  ],
  ...["chunked, chunked", "chunked, gzip", "gzip", "identity", "", "xchunked", "chunked;a=b"].map((
    codings,
  ): [string, string, string] => [
    ok(`Transfer-Encoding: ${codings}`),
    "a Transfer-Encoding whose last",
    `9112 6.3, 7: ${codings}`,
  ]),
  [
    ok("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "a Transfer-Encoding whose last",
    "9112 6.1: twice",
  ],
  [ok("Transfer-Encoding: gzip, chunked"), "other than chunked", "9112 6.1: not understood"],
  [ok("Transfer-Encoding: gzip\r\n , chunked"), "other than chunked", "9112 6.1: folded"],
  // The body
  [ok("Content-Length: 101"), "body has more than 100 bytes", "the limit"],
  [ok() + "x".repeat(101), "body has more than 100 bytes", "the limit, until the end"],
  [
    chunked(`40\r\n${"x".repeat(64)}\r\n40\r\n`),
    "body has more than 100 bytes",
    "the limit, in chunks",
  ],
  [chunked("x\r\n"), "a chunk without a size", "9112 7.1"],
  [chunked("\r\n"), "a chunk without a size", "9112 7.1"],
  [chunked("-1\r\n"), "a chunk without a size", "9112 7.1"],
  [chunked("0x1\r\n"), "a chunk with an invalid size", "9112 7.1"],
  [chunked("1\n"), "a chunk with an invalid size", "9112 7.1: bare LF"],
  [chunked("1\r\r"), "a chunk's size that ends without LF", "9112 7.1"],
  [chunked("fffffffffffff\r\n"), "a chunk that is too large", "9112 7.1"],
  [chunked("1\r\nab\r\n"), "a chunk that is longer than its size", "9112 7.1"],
  [chunked("1\r\na\rb"), "a chunk that ends without LF", "9112 7.1"],
  [chunked("1;\r\na"), "an invalid chunk extension", "9112 7.1.1"],
  [chunked(`1;${"x".repeat(30)}\r\n`), "an invalid chunk extension", "the limit"],
  [chunked("0\r\n a: b\r\n\r\n"), "begins with a space", "9112 5.2: before the first trailer"],
  [chunked("0\r\na b\r\n\r\n"), "a space after", "9112 7.1.2"],
  [chunked("0\r\n\n"), "a line without a colon", "9112 2.2: bare LF"],
  [chunked(`0\r\n${"a: b\r\n".repeat(7)}\r\n`), "headers are too large", "the limit of trailers"],
  // After a response that has no body
  [
    `HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello${OK}`,
    "no HTTP version",
    "9112 6.3: a 1xx has no body",
  ],
];
