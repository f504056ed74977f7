/** A server that plays scripts, and the ways in which it misbehaves. */
import type { Coroutine } from "../../compose/mod.ts";
import { gio, sleep } from "../../gio/mod.ts";
import { encodeWhole, type HttpClient } from "../../http/mod.ts";
import { Acceptor, type AcceptorOptions, type Reactor, type Socket } from "../../reactor/mod.ts";
import { endTcp } from "../../reactor/linux/_tcp.ts";
import { listening } from "../_sockets.ts";
import { CA_CERT, CERT, KEY, OTHER_CERT, OTHER_KEY } from "../reactor/_tls.ts";
import { bytes, text } from "./_drive.ts";

/** One connection of the server. */
export class Talk {
  readonly #server: Misbehaving;
  readonly socket: Socket;
  /** What the client has sent and no step has taken, a character for each byte. */
  #received = "";

  constructor(server: Misbehaving, socket: Socket) {
    this.#server = server;
    this.socket = socket;
  }

  /** Reads the head of a request. Returns its first line. */
  *request(): Coroutine<string> {
    let end: number;
    while ((end = this.#received.indexOf("\r\n\r\n")) < 0) this.#received += text(yield);
    const line = this.#received.slice(0, this.#received.indexOf("\r\n"));
    this.#received = this.#received.slice(end + 4);
    this.#server.requests.push(line);
    return line;
  }

  /** Reads so many bytes. */
  *take(length: number): Coroutine {
    while (this.#received.length < length) this.#received += text(yield);
    this.#received = this.#received.slice(length);
  }
}

/** What a server does next: it sends text, a byte for each character, or bytes; or it does this. */
export type Step = string | Uint8Array | Act;
export type Act = (talk: Talk) => Coroutine<unknown>;

class Reset extends Error {}
class Close extends Error {}

/** Reads the head of a request, and nothing after it. */
const REQUEST: Act = (talk) => talk.request();
/** Closes, after all has been sent. */
export const CLOSE: Act = function* () {
  throw new Close();
};
/** Resets the connection, after the client has had time to take what was sent. */
export const RESET: Act = function* () {
  yield* sleep(1);
  throw new Reset();
};
/** Ends sending, and goes on reading. */
const HALF_CLOSE: Act = function* ({ socket }) {
  yield* sleep(1);
  socket.shutdown();
};
/** Ends the connection behind the back of TLS, which says no goodbye. */
const CUT: Act = function* ({ socket }) {
  yield* sleep(1);
  endTcp(socket as unknown as Partial<Deno.Conn>);
};
/** Does nothing for so long. */
const pause = (ms: number): Act => () => sleep(ms)[Symbol.iterator]() as Coroutine;
/** Reads so many bytes of a request's body. */
const take = (length: number): Act => (talk) => talk.take(length);
/** Sends a character at a time. */
const drip = (text: string, everyMs: number): Act =>
  function* () {
    for (const character of text) {
      yield* sleep(everyMs);
      yield bytes(character);
    }
  };
/** Sends the same until the client has gone. */
const endless = (piece: string, everyMs = 0): Act =>
  function* () {
    const sent = bytes(everyMs === 0 ? piece.repeat(Math.ceil(10_000 / piece.length)) : piece);
    for (;;) {
      if (everyMs > 0) yield* sleep(everyMs);
      yield sent;
    }
  };

/** Accepts connections, and plays the next script on each; the last one on all that follow. */
export class Misbehaving implements Disposable {
  readonly #acceptor: Acceptor;
  /** The first lines of all requests. */
  readonly requests: string[] = [];
  /** How many connections were accepted. */
  connections = 0;

  constructor(
    reactor: Reactor,
    scripts: readonly (readonly Step[])[],
    options: Pick<AcceptorOptions, "cert" | "key"> = {},
  ) {
    this.#acceptor = new Acceptor(reactor, { ...listening, ...options }, (socket) => {
      const script = scripts[Math.min(this.connections++, scripts.length - 1)]!;
      const playing = gio(reactor, socket, play(new Talk(this, socket), script));
      // The client may go away as it likes.
      playing.result.catch(() => {});
    });
  }

  get port(): number {
    return this.#acceptor.port;
  }

  [Symbol.dispose](): void {
    this.#acceptor.close();
  }
}

function* play(talk: Talk, script: readonly Step[]): Coroutine {
  try {
    for (const step of script) {
      if (typeof step === "function") yield step(talk);
      else yield typeof step === "string" ? bytes(step) : step;
    }
    for (;;) yield; // It stays until the client goes.
  } catch (error) {
    if (!(error instanceof Close)) throw error;
  }
}

type ClientOptions = NonNullable<ConstructorParameters<typeof HttpClient>[0]>;
type RequestOptions = NonNullable<Parameters<HttpClient["request"]>[2]>;

/** The class of an error, or two where it depends on who is quicker, and a piece of its message. */
export const ERROR: RegExp = /^(\w+(?: or \w+)?): (.*)$/s;

/** A request: GET / over http unless it says otherwise. */
export interface Asked extends RequestOptions {
  method?: string;
  path?: string;
  /** How long to wait before it is made. */
  afterMs?: number;
}

/** One way to misbehave, or to behave in a way that is not often seen. */
export interface Way {
  /** What the server does: the end of a sentence. */
  name: string;
  /** Its script, or one for each connection. */
  serves: readonly Step[] | readonly (readonly Step[])[];
  /** What the client does; one GET unless it says otherwise. */
  asks?: Asked[];
  /** What it gets for each: `200 "body"`, or as ERROR has it. */
  gets: string | string[];
  /** How many connections the client makes, if it is not one for each script. */
  connections?: number;
  /** How many requests arrive, where it matters. */
  requests?: number;
  options?: (origin: string) => ClientOptions;
  /** The URLs begin with https. */
  https?: boolean;
  /** The server has a certificate: this one. */
  cert?: Pick<AcceptorOptions, "cert" | "key">;
  /** Nobody listens. */
  absent?: boolean;
}

const OK = "HTTP/1.1 200 OK\r\n";
const HELLO = `${OK}Content-Length: 5\r\n\r\nhello`;
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const MINUTES = 600_000;
const gzipped = (text: string) => encodeWhole("gzip", bytes(text));
const GZIPPED = gzipped("hello ".repeat(100));
const withLength = (body: Uint8Array, fields: string) =>
  `${OK}${fields}\r\nContent-Length: ${body.length}\r\n\r\n`;
const LARGE = new Uint8Array(8 * 1024 * 1024).fill(120);
const secured = { https: true, options: () => ({ tls: { caCerts: [CA_CERT] } }) };
const proxied = {
  https: true,
  options: (origin: string) => ({ proxy: origin, tls: { caCerts: [CA_CERT] } }),
};
const TWICE: Asked[] = [{}, { afterMs: 1 }];

/** All ways, by what they have to do with. */
export const ways: Record<string, Way[]> = {
  "Connecting": [
    {
      name: "is not there",
      serves: [],
      absent: true,
      connections: 0,
      gets: "ConnectionRefused: Cannot connect to tcp 127.0.0.1",
    },
    {
      name: "accepts, and closes at once",
      serves: [CLOSE],
      gets: "RemoteProtocolError or ConnectionReset: ",
    },
    {
      name: "accepts, and resets at once",
      serves: [RESET],
      gets: "ConnectionReset: ",
    },
    {
      name: "accepts, and says nothing",
      serves: [],
      gets: "TimeoutError: its head did not come within 60000 ms",
    },
    {
      name: "speaks before it is asked",
      serves: [["HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nlate", CLOSE]],
      gets: '408 "late"',
    },
    {
      name: "says nothing in the TLS handshake",
      serves: [],
      ...secured,
      options: () => ({ timeouts: { tlsMs: 10_000 } }),
      gets: "TimeoutError: TLS handshake",
    },
    {
      name: "is a server of SSH, which speaks first, where TLS was expected",
      serves: ["SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"],
      ...secured,
      gets: "RemoteProtocolError or InvalidData: ",
    },
    {
      name: "accepts, and closes at once, where TLS was expected",
      serves: [CLOSE],
      ...secured,
      gets: "RemoteProtocolError or UnexpectedEof: ",
    },
    {
      name: "accepts, and resets at once, where TLS was expected",
      serves: [RESET],
      ...secured,
      gets: "ConnectionReset: ",
    },
    {
      name: "closes in the TLS handshake",
      serves: [take(1), CLOSE],
      ...secured,
      gets: "UnexpectedEof: ",
    },
    {
      name: "resets in the TLS handshake",
      serves: [take(1), RESET],
      ...secured,
      gets: "ConnectionReset: ",
    },
    {
      name: "answers the TLS handshake in plain HTTP",
      serves: [take(1), "HTTP/1.1 400 Bad Request\r\n\r\n", CLOSE],
      ...secured,
      gets: "InvalidData: ",
    },
    {
      name: "answers the TLS handshake with an alert",
      serves: [take(1), "\x15\x03\x03\x00\x02\x02\x28", CLOSE],
      ...secured,
      gets: "InvalidData: ",
    },
    {
      name: "has a certificate that nobody vouches for",
      serves: [],
      ...secured,
      cert: { cert: OTHER_CERT, key: OTHER_KEY },
      gets: "InvalidData: ",
    },
  ],
  "Closing": [
    {
      name: "closes when it has the request",
      serves: [REQUEST, CLOSE],
      gets: "RemoteProtocolError: before a byte of it came",
    },
    {
      name: "ends sending when it has the request, and stays",
      serves: [REQUEST, HALF_CLOSE],
      gets: "RemoteProtocolError: before a byte of it came",
    },
    {
      name: "resets when it has the request",
      serves: [REQUEST, RESET],
      gets: "ConnectionReset: ",
    },
    {
      name: "closes in the first line",
      serves: [REQUEST, "HTTP/1.1 20", CLOSE],
      gets: "RemoteProtocolError: ",
    },
    {
      name: "closes in the headers",
      serves: [REQUEST, `${OK}Content-Le`, CLOSE],
      gets: "RemoteProtocolError: ",
    },
    {
      name: "closes before the end of the head",
      serves: [REQUEST, `${OK}Content-Length: 5\r\n`, CLOSE],
      gets: "RemoteProtocolError: ",
    },
    {
      name: "resets in the head",
      serves: [REQUEST, `${OK}Content-Le`, RESET],
      gets: "RemoteProtocolError: ",
    },
    {
      name: "closes after the head",
      serves: [REQUEST, `${OK}Content-Length: 10\r\n\r\n`, CLOSE],
      gets: "RemoteProtocolError: after 0 of 10 bytes",
    },
    {
      name: "closes in the body",
      serves: [REQUEST, `${OK}Content-Length: 10\r\n\r\nhello`, CLOSE],
      gets: "RemoteProtocolError: after 5 of 10 bytes",
    },
    {
      name: "ends sending in the body, and stays",
      serves: [REQUEST, `${OK}Content-Length: 10\r\n\r\nhello`, HALF_CLOSE],
      gets: "RemoteProtocolError: after 5 of 10 bytes",
    },
    {
      name: "resets in the body",
      serves: [REQUEST, `${OK}Content-Length: 10\r\n\r\nhello`, RESET],
      gets: "RemoteProtocolError: after 5 of 10 bytes",
    },
    {
      name: "closes after a 100",
      serves: [REQUEST, "HTTP/1.1 100 Continue\r\n\r\n", CLOSE],
      gets: "RemoteProtocolError: ",
    },
    {
      name: "resets after a body that ends when it closes",
      serves: [REQUEST, `${OK}\r\nhello`, RESET],
      gets: "RemoteProtocolError: after 5 bytes",
    },
    {
      name: "closes after a body that ends when it closes",
      serves: [REQUEST, `${OK}\r\nhello`, CLOSE],
      gets: '200 "hello"',
    },
    {
      name: "ends sending after a body that ends when it closes",
      serves: [REQUEST, `${OK}\r\nhello`, HALF_CLOSE],
      gets: '200 "hello"',
    },
    {
      name: "resets after the whole response",
      serves: [REQUEST, HELLO, RESET],
      gets: '200 "hello"',
    },
  ],
  "Silence and slowness": [
    {
      name: "says nothing when it has the request",
      serves: [REQUEST],
      gets: "TimeoutError: its head did not come within 60000 ms",
    },
    {
      name: "says nothing after half of the first line",
      serves: [REQUEST, "HTTP/1.1 2"],
      gets: "TimeoutError: its head did not come within 60000 ms",
    },
    {
      name: "says nothing after half of the head",
      serves: [REQUEST, `${OK}Content-Le`],
      gets: "TimeoutError: its head did not come within 60000 ms",
    },
    {
      name: "says nothing after a 100",
      serves: [REQUEST, "HTTP/1.1 100 Continue\r\n\r\n"],
      gets: "TimeoutError: its head did not come within 60000 ms",
    },
    {
      name: "says nothing after the head",
      serves: [REQUEST, `${OK}Content-Length: 5\r\n\r\n`],
      gets: "TimeoutError: the server was silent for 60000 ms within its body",
    },
    {
      name: "says nothing in the middle of the body",
      serves: [REQUEST, `${OK}Content-Length: 5\r\n\r\nhel`],
      gets: "TimeoutError: the server was silent for 60000 ms within its body",
    },
    {
      name: "says nothing within the size of a chunk",
      serves: [REQUEST, `${CHUNKED}5\r\nhello\r\n1`],
      gets: "TimeoutError: the server was silent for 60000 ms within its body",
    },
    {
      name: "says nothing before the last chunk",
      serves: [REQUEST, `${CHUNKED}5\r\nhello\r\n`],
      gets: "TimeoutError: the server was silent for 60000 ms within its body",
    },
    {
      name: "says nothing within the trailers",
      serves: [REQUEST, `${CHUNKED}5\r\nhello\r\n0\r\nx: `],
      gets: "TimeoutError: the server was silent for 60000 ms within its body",
    },
    {
      name: "says nothing in a body that ends when it closes",
      serves: [REQUEST, `${OK}\r\nhello`],
      gets: "TimeoutError: the server was silent for 60000 ms within its body",
    },
    {
      name: "sends a byte of the head every 10 s",
      serves: [REQUEST, drip(HELLO, 10_000)],
      gets: "TimeoutError: its head did not come within 60000 ms",
    },
    {
      name: "sends a 102 every 10 s",
      serves: [REQUEST, endless("HTTP/1.1 102 Processing\r\n\r\n", 10_000)],
      gets: "TimeoutError: its head did not come within 60000 ms",
    },
    {
      name: "sends a byte of the body every 10 s",
      serves: [REQUEST, `${OK}Content-Length: 5\r\n\r\n`, drip("hello", 10_000)],
      gets: '200 "hello"',
    },
    {
      name: "sends a byte of the body every 10 s, for a client that gives it 25 s in all",
      serves: [REQUEST, `${OK}Content-Length: 5\r\n\r\n`, drip("hello", 10_000)],
      asks: [{ timeoutMs: 25_000 }],
      gets: "TimeoutError: 25000",
    },
    {
      name: "sends all chunks together, a moment after the head",
      serves: [REQUEST, CHUNKED, pause(1), "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", REQUEST, HELLO],
      asks: TWICE,
      gets: ['200 "hello"', '200 "hello"'],
      connections: 1,
    },
    {
      name: "sends a byte of a chunk's size every 10 s",
      serves: [REQUEST, CHUNKED, drip("5\r\nhello\r\n0\r\n\r\n", 10_000)],
      gets: '200 "hello"',
    },
  ],
  "First lines": [
    {
      name: "speaks HTTP/0.9",
      serves: [REQUEST, "<html>hello</html>", CLOSE],
      gets: "RemoteProtocolError: no HTTP version",
    },
    {
      name: "is a server of SSH",
      serves: [REQUEST, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", CLOSE],
      gets: "RemoteProtocolError: no HTTP version",
    },
    {
      name: "is a server of SMTP that speaks first",
      serves: ["220 mail.example.org ESMTP ready\r\n"],
      gets: "RemoteProtocolError: no HTTP version",
    },
    {
      name: "answers in TLS",
      serves: [REQUEST, "\x15\x03\x01\x00\x02\x02\x0a", CLOSE],
      gets: "RemoteProtocolError: no HTTP version",
    },
    {
      name: "answers with frames of HTTP/2",
      serves: [REQUEST, "\0\0\x0c\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\x01\0\0", CLOSE],
      gets: "RemoteProtocolError: no HTTP version",
    },
    {
      name: "answers with the preface of HTTP/2",
      serves: [REQUEST, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", CLOSE],
      gets: "RemoteProtocolError: no HTTP version",
    },
    {
      name: "answers as HTTP/2.0",
      serves: [REQUEST, "HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
      gets: "RemoteProtocolError: its version is not HTTP/1.1",
    },
    {
      name: "answers as HTTP/1.9",
      serves: [REQUEST, "HTTP/1.9 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
      gets: '200 "hello"',
    },
    {
      name: "answers as http/1.1",
      serves: [REQUEST, "http/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
      gets: "RemoteProtocolError: no HTTP version",
    },
    {
      name: "answers as ICY, as servers of music do",
      serves: [REQUEST, "ICY 200 OK\r\n\r\nhello", CLOSE],
      gets: "RemoteProtocolError: no HTTP version",
    },
    {
      name: "answers with random bytes",
      serves: [REQUEST, "\xa7\x13\xfe\x80\x99\x01\x02\x03".repeat(100), CLOSE],
      gets: "RemoteProtocolError: no HTTP version",
    },
    {
      name: "answers with NULs without end",
      serves: [REQUEST, endless("\0")],
      gets: "RemoteProtocolError: no HTTP version",
    },
    {
      name: "sends empty lines before the response",
      serves: [REQUEST, `\r\n\r\n${HELLO}`],
      gets: "RemoteProtocolError: no HTTP version",
    },
    {
      name: "sends a status of two digits",
      serves: [REQUEST, "HTTP/1.1 20 OK\r\n\r\n"],
      gets: "RemoteProtocolError: an invalid status",
    },
    {
      name: "sends a status of four digits",
      serves: [REQUEST, "HTTP/1.1 2000 OK\r\n\r\n"],
      gets: "RemoteProtocolError: no space after its status",
    },
    {
      name: "sends status 099",
      serves: [REQUEST, "HTTP/1.1 099 OK\r\n\r\n"],
      gets: "RemoteProtocolError: an invalid status",
    },
    {
      name: "sends status 600",
      serves: [REQUEST, "HTTP/1.1 600 What\r\nContent-Length: 5\r\n\r\nhello"],
      gets: '600 "hello"',
    },
    {
      name: "sends no reason",
      serves: [REQUEST, "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello"],
      gets: '200 "hello"',
    },
    {
      name: "sends no reason, nor the space before it",
      serves: [REQUEST, "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello"],
      gets: '200 "hello"',
    },
    {
      name: "ends the lines with LF alone",
      serves: [REQUEST, "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"],
      gets: "RemoteProtocolError: a control character in its status line",
    },
    {
      name: "ends the lines with CR alone",
      serves: [REQUEST, "HTTP/1.1 200 OK\rContent-Length: 5\r\rhello"],
      gets: "RemoteProtocolError: a CR without LF",
    },
    {
      name: "sends a first line without end",
      serves: [REQUEST, "HTTP/1.1 200 ", endless("a")],
      gets: "RemoteProtocolError: its first line is too long",
    },
  ],
  "Headers": [
    {
      name: "sends a header without a colon",
      serves: [REQUEST, `${OK}Content-Length 5\r\n\r\nhello`],
      gets: "RemoteProtocolError: a space after a header's name, where its colon belongs",
    },
    {
      name: "sends a header without a name",
      serves: [REQUEST, `${OK}: 5\r\n\r\nhello`],
      gets: "RemoteProtocolError: a header without a name",
    },
    {
      name: "sends a space before the colon",
      serves: [REQUEST, `${OK}Content-Length : 5\r\n\r\nhello`],
      gets: "RemoteProtocolError: a space after a header's name, where its colon belongs",
    },
    {
      name: "folds a header over two lines",
      serves: [REQUEST, `${OK}X: a\r\n b\r\nContent-Length: 5\r\n\r\nhello`],
      gets: '200 "hello"',
    },
    {
      name: "sends a NUL in a header",
      serves: [REQUEST, `${OK}X: a\0b\r\n\r\n`],
      gets: "RemoteProtocolError: a control character",
    },
    {
      name: "sends a CR in a header",
      serves: [REQUEST, `${OK}X: a\rb\r\n\r\n`],
      gets: "RemoteProtocolError: a CR without LF",
    },
    {
      name: "sends one header without end",
      serves: [REQUEST, `${OK}X: `, endless("a")],
      gets: "RemoteProtocolError: headers are too large",
    },
    {
      name: "sends the name of a header without end",
      serves: [REQUEST, OK, endless("a")],
      gets: "RemoteProtocolError: headers are too large",
    },
    {
      name: "sends headers without end",
      serves: [REQUEST, OK, endless("A: b\r\n")],
      gets: "RemoteProtocolError: headers are too large",
    },
    {
      name: "sends 201 headers",
      serves: [REQUEST, `${OK}${"A: b\r\n".repeat(200)}Content-Length: 5\r\n\r\nhello`],
      gets: "RemoteProtocolError: headers are too large",
    },
    {
      name: "sends bytes that are no UTF-8 in a header",
      serves: [REQUEST, `${OK}X: \xff\xfe\r\nContent-Length: 5\r\n\r\nhello`],
      gets: '200 "hello"',
    },
  ],
  "Informational responses": [
    {
      name: "sends a 100 that nobody has asked for",
      serves: [REQUEST, `HTTP/1.1 100 Continue\r\n\r\n${HELLO}`],
      gets: '200 "hello"',
    },
    {
      name: "sends 32 of them",
      serves: [REQUEST, `${"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n".repeat(32)}${HELLO}`],
      gets: '200 "hello"',
    },
    {
      name: "sends 33 of them",
      serves: [REQUEST, `${"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n".repeat(33)}${HELLO}`],
      gets: "RemoteProtocolError: more than 32 interim responses",
    },
    {
      name: "sends them without end",
      serves: [REQUEST, endless("HTTP/1.1 100 Continue\r\n\r\n")],
      gets: "RemoteProtocolError: more than 32 interim responses",
    },
    {
      name: "sends one with a Content-Length",
      serves: [REQUEST, `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${HELLO}`],
      gets: '200 "hello"',
    },
    {
      name: "switches to a protocol that nobody has asked for",
      serves: [REQUEST, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n\r\nhello"],
      gets: "RemoteProtocolError: a protocol that was not asked for",
    },
    {
      name: "does not know Expect: 100-continue, and waits for the body",
      serves: [REQUEST, take(4), pause(30_000), HELLO],
      asks: [{ method: "POST", body: "body", expectContinue: true }],
      gets: '200 "hello"',
    },
    {
      name: "refuses the expectation",
      serves: [REQUEST, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno"],
      asks: [{ method: "POST", body: "body", expectContinue: true }],
      gets: '417 "no"',
    },
  ],
  "Lengths": [
    {
      name: "sends more than its Content-Length",
      serves: [[REQUEST, `${HELLO}, world`], [REQUEST, HELLO]],
      asks: TWICE,
      gets: ['200 "hello"', '200 "hello"'],
    },
    {
      name: "sends a negative Content-Length",
      serves: [REQUEST, `${OK}Content-Length: -5\r\n\r\nhello`],
      gets: "RemoteProtocolError: an invalid Content-Length",
    },
    {
      name: "sends a Content-Length with a sign",
      serves: [REQUEST, `${OK}Content-Length: +5\r\n\r\nhello`],
      gets: "RemoteProtocolError: an invalid Content-Length",
    },
    {
      name: "sends a Content-Length that is not a number",
      serves: [REQUEST, `${OK}Content-Length: five\r\n\r\nhello`],
      gets: "RemoteProtocolError: an invalid Content-Length",
    },
    {
      name: "sends a Content-Length in hexadecimal digits",
      serves: [REQUEST, `${OK}Content-Length: 0x5\r\n\r\nhello`],
      gets: "RemoteProtocolError: an invalid Content-Length",
    },
    {
      name: "sends a Content-Length with a fraction",
      serves: [REQUEST, `${OK}Content-Length: 5.0\r\n\r\nhello`],
      gets: "RemoteProtocolError: an invalid Content-Length",
    },
    {
      name: "sends an empty Content-Length",
      serves: [REQUEST, `${OK}Content-Length: \r\n\r\nhello`],
      gets: "RemoteProtocolError: an invalid Content-Length",
    },
    {
      name: "sends two different Content-Lengths",
      serves: [REQUEST, `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
      gets: "RemoteProtocolError: more than one Content-Length",
    },
    {
      name: "sends a list of different lengths",
      serves: [REQUEST, `${OK}Content-Length: 5, 6\r\n\r\nhello!`],
      gets: "RemoteProtocolError: more than one Content-Length",
    },
    {
      name: "sends the same Content-Length twice",
      serves: [REQUEST, `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
      gets: '200 "hello"',
    },
    {
      name: "sends a list of the same lengths",
      serves: [REQUEST, `${OK}Content-Length: 5, 5\r\n\r\nhello`],
      gets: '200 "hello"',
    },
    {
      name: "sends a Content-Length of 30 digits",
      serves: [REQUEST, `${OK}Content-Length: ${"9".repeat(30)}\r\n\r\nhello`],
      gets: "RemoteProtocolError: an invalid Content-Length",
    },
    {
      name: "promises 999 TB, and closes",
      serves: [REQUEST, `${OK}Content-Length: 999999999999999\r\n\r\nhello`, CLOSE],
      gets: "RemoteProtocolError: after 5 of 999999999999999 bytes",
    },
    {
      name: "promises more than the client's maxBodyBytes",
      serves: [REQUEST, `${OK}Content-Length: 11\r\n\r\nhello world`],
      options: () => ({ limits: { maxBodyBytes: 10 } }),
      gets: "RemoteProtocolError: more than 10 bytes",
    },
    {
      name: "sends more chunks than the client's maxBodyBytes",
      serves: [REQUEST, CHUNKED, endless("1\r\na\r\n")],
      options: () => ({ limits: { maxBodyBytes: 10 } }),
      gets: "RemoteProtocolError: more than 10 bytes",
    },
    {
      name: "sends more than the client's maxBodyBytes until it closes",
      serves: [REQUEST, `${OK}\r\n`, endless("hello")],
      options: () => ({ limits: { maxBodyBytes: 10 } }),
      gets: "RemoteProtocolError: more than 10 bytes",
    },
    {
      name: "sends a body after a 204",
      serves: [[REQUEST, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"], [
        REQUEST,
        HELLO,
      ]],
      asks: TWICE,
      gets: ['204 ""', '200 "hello"'],
    },
    {
      name: "sends a body after a 304",
      serves: [[REQUEST, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"], [
        REQUEST,
        HELLO,
      ]],
      asks: TWICE,
      gets: ['304 ""', '200 "hello"'],
    },
    {
      name: "sends a body in answer to HEAD",
      serves: [[REQUEST, HELLO], [REQUEST, HELLO]],
      asks: [{ method: "HEAD" }, { afterMs: 1 }],
      gets: ['200 ""', '200 "hello"'],
    },
    {
      name: "sends a Content-Length and a Transfer-Encoding",
      serves: [[
        REQUEST,
        `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      ]],
      gets: "RemoteProtocolError: both Content-Length and Transfer-Encoding",
    },
    {
      name: "sends an unknown Transfer-Encoding",
      serves: [REQUEST, `${OK}Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, CLOSE],
      gets: "RemoteProtocolError: whose last and only last is not chunked",
    },
    {
      name: "encodes for the transfer by gzip",
      serves: [REQUEST, `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`, CLOSE],
      gets: "RemoteProtocolError: a transfer coding other than chunked",
    },
    {
      name: "sends chunked twice",
      serves: [REQUEST, `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
      gets: "RemoteProtocolError: whose last and only last is not chunked",
    },
    {
      name: "sends chunks as HTTP/1.0",
      serves: [
        REQUEST,
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        CLOSE,
      ],
      gets: "RemoteProtocolError: a Transfer-Encoding in HTTP/1.0",
    },
  ],
  "Chunks": [
    {
      name: "sends a chunk without a size",
      serves: [REQUEST, `${CHUNKED}\r\nhello\r\n`],
      gets: "RemoteProtocolError: a chunk without a size",
    },
    {
      name: "sends a chunk with a size that is not hexadecimal",
      serves: [REQUEST, `${CHUNKED}5g\r\nhello\r\n`],
      gets: "RemoteProtocolError: a chunk with an invalid size",
    },
    {
      name: "sends a chunk with a negative size",
      serves: [REQUEST, `${CHUNKED}-5\r\nhello\r\n`],
      gets: "RemoteProtocolError: a chunk without a size",
    },
    {
      name: "sends a chunk with a size of 0x5",
      serves: [REQUEST, `${CHUNKED}0x5\r\nhello\r\n`],
      gets: "RemoteProtocolError: a chunk with an invalid size",
    },
    {
      name: "sends a chunk with a size of 17 digits",
      serves: [REQUEST, `${CHUNKED}10000000000000005\r\nhello\r\n`],
      gets: "RemoteProtocolError: a chunk that is too large",
    },
    {
      name: "sends a chunk's size without end",
      serves: [REQUEST, CHUNKED, endless("0")],
      gets: "RemoteProtocolError: a chunk that is too large",
    },
    {
      name: "sends a chunk that is longer than its size",
      serves: [REQUEST, `${CHUNKED}4\r\nhello\r\n0\r\n\r\n`],
      gets: "RemoteProtocolError: a chunk that is longer than its size",
    },
    {
      name: "sends a chunk that is shorter than its size",
      serves: [REQUEST, `${CHUNKED}6\r\nhello\r\n0\r\n\r\n`],
      gets: "RemoteProtocolError: a chunk that is longer than its size",
    },
    {
      name: "ends the size of a chunk with LF alone",
      serves: [REQUEST, `${CHUNKED}5\nhello\n0\n\n`],
      gets: "RemoteProtocolError: a chunk with an invalid size",
    },
    {
      name: "sends an extension of a chunk that is none",
      serves: [REQUEST, `${CHUNKED}5;=\r\nhello\r\n0\r\n\r\n`],
      gets: "RemoteProtocolError: an invalid chunk extension",
    },
    {
      name: "sends an extension of a chunk without end",
      serves: [REQUEST, `${CHUNKED}5;a=`, endless("a")],
      gets: "RemoteProtocolError: an invalid chunk extension, or too many",
    },
    {
      name: "sends small chunks with extensions without end",
      serves: [REQUEST, CHUNKED, endless("1;a=b\r\na\r\n")],
      gets: "RemoteProtocolError: an invalid chunk extension, or too many",
    },
    {
      name: "closes before the last chunk",
      serves: [REQUEST, `${CHUNKED}5\r\nhello\r\n`, CLOSE],
      gets: "RemoteProtocolError: after 5 bytes",
    },
    {
      name: "closes within the last chunk",
      serves: [REQUEST, `${CHUNKED}5\r\nhello\r\n0\r\n`, CLOSE],
      gets: "RemoteProtocolError: after 5 bytes",
    },
    {
      name: "resets before the last chunk",
      serves: [REQUEST, `${CHUNKED}5\r\nhello\r\n`, RESET],
      gets: "RemoteProtocolError: after 5 bytes",
    },
    {
      name: "sends trailers without end",
      serves: [REQUEST, `${CHUNKED}5\r\nhello\r\n0\r\n`, endless("A: b\r\n")],
      gets: "RemoteProtocolError: headers are too large",
    },
    {
      name: "sends a trailer that is none",
      serves: [REQUEST, `${CHUNKED}5\r\nhello\r\n0\r\nno colon\r\n\r\n`],
      gets: "RemoteProtocolError: a space after a header's name, where its colon belongs",
    },
    {
      name: "sends a Content-Length as a trailer",
      serves: [REQUEST, `${CHUNKED}5\r\nhello\r\n0\r\nContent-Length: 4\r\n\r\n`],
      gets: '200 "hello"',
    },
    {
      name: "sends more after the last chunk",
      serves: [[REQUEST, `${CHUNKED}5\r\nhello\r\n0\r\n\r\n5\r\n`], [REQUEST, HELLO]],
      asks: TWICE,
      gets: ['200 "hello"', '200 "hello"'],
    },
  ],
  "Uploads": [
    {
      name: "answers 413 before it has the body, and closes",
      serves: [
        REQUEST,
        "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlarge",
        CLOSE,
      ],
      asks: [{ method: "POST", body: LARGE }],
      gets: '413 "large"',
    },
    {
      name: "answers 413 before it has the body, and reads no more",
      serves: [[
        REQUEST,
        "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge",
        pause(MINUTES),
      ], [REQUEST, HELLO]],
      asks: [{ method: "POST", body: LARGE }, { afterMs: 1 }],
      gets: ['413 "large"', '200 "hello"'],
    },
    {
      name: "answers 413 before it has the body, and reads on",
      serves: [[
        REQUEST,
        "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge",
        take(LARGE.length),
      ], [REQUEST, HELLO]],
      asks: [{ method: "POST", body: LARGE }, { afterMs: 1 }],
      gets: ['413 "large"', '200 "hello"'],
    },
    {
      name: "answers before it has the body, slowly",
      serves: [
        REQUEST,
        `${OK}Connection: close\r\nContent-Length: 5\r\n\r\n`,
        drip("hello", 10_000),
        CLOSE,
      ],
      asks: [{ method: "POST", body: LARGE }],
      gets: '200 "hello"',
    },
    {
      name: "closes in the middle of the upload",
      serves: [REQUEST, take(10_000), CLOSE],
      asks: [{ method: "POST", body: LARGE }],
      gets: "RemoteProtocolError or ConnectionReset: ",
    },
    {
      name: "resets in the middle of the upload",
      serves: [REQUEST, take(10_000), RESET],
      asks: [{ method: "POST", body: LARGE }],
      gets: "ConnectionReset: ",
    },
    {
      name: "reads nothing of the upload",
      serves: [REQUEST, pause(MINUTES)],
      asks: [{ method: "POST", body: LARGE }],
      gets: "TimeoutError: its head did not come within 60000 ms",
    },
  ],
  "Connections that are used again": [
    {
      name: "sends a second response that nobody has asked for",
      serves: [[REQUEST, HELLO + HELLO], [REQUEST, `${OK}Content-Length: 5\r\n\r\nright`]],
      asks: TWICE,
      gets: ['200 "hello"', '200 "right"'],
    },
    {
      name: "sends it while the connection is idle",
      serves: [[REQUEST, HELLO, pause(1000), HELLO], [
        REQUEST,
        `${OK}Content-Length: 5\r\n\r\nright`,
      ]],
      asks: [{}, { afterMs: 2000 }],
      gets: ['200 "hello"', '200 "right"'],
    },
    {
      name: "sends a 408 while the connection is idle, and closes",
      serves: [[REQUEST, HELLO, pause(1000), "HTTP/1.1 408 Timeout\r\n\r\n", CLOSE], [
        REQUEST,
        HELLO,
      ]],
      asks: [{}, { afterMs: 2000 }],
      gets: ['200 "hello"', '200 "hello"'],
    },
    {
      name: "closes while the connection is idle",
      serves: [[REQUEST, HELLO, pause(1000), CLOSE], [REQUEST, HELLO]],
      asks: [{}, { method: "POST", body: "body", afterMs: 2000 }],
      gets: ['200 "hello"', '200 "hello"'],
    },
    {
      name: "resets while the connection is idle",
      serves: [[REQUEST, HELLO, pause(1000), RESET], [REQUEST, HELLO]],
      asks: [{}, { method: "POST", body: "body", afterMs: 2000 }],
      gets: ['200 "hello"', '200 "hello"'],
    },
    {
      name: "closes when it has the second request, a GET",
      serves: [[REQUEST, HELLO, REQUEST, CLOSE], [REQUEST, HELLO]],
      asks: TWICE,
      gets: ['200 "hello"', '200 "hello"'],
      requests: 3,
    },
    {
      name: "resets when it has the second request, a GET",
      serves: [[REQUEST, HELLO, REQUEST, RESET], [REQUEST, HELLO]],
      asks: TWICE,
      gets: ['200 "hello"', '200 "hello"'],
      requests: 3,
    },
    {
      name: "closes when it has the second request, a POST",
      serves: [[REQUEST, HELLO, REQUEST, CLOSE], [REQUEST, HELLO]],
      asks: [{}, { method: "POST", body: "body", afterMs: 1 }],
      gets: ['200 "hello"', "RemoteProtocolError: before a byte of it came"],
      connections: 1,
      requests: 2,
    },
    {
      name: "closes when it has the second request, and the same again",
      serves: [[REQUEST, HELLO, REQUEST, CLOSE], [REQUEST, CLOSE]],
      asks: TWICE,
      gets: ['200 "hello"', "RemoteProtocolError: before a byte of it came"],
      requests: 3,
    },
    {
      name: "closes after a byte of the second response",
      serves: [[REQUEST, HELLO, REQUEST, "H", CLOSE], [REQUEST, HELLO]],
      asks: TWICE,
      gets: ['200 "hello"', "RemoteProtocolError: "],
      connections: 1,
      requests: 2,
    },
    {
      name: "says Connection: close, and stays",
      serves: [[REQUEST, `${OK}Connection: close\r\nContent-Length: 5\r\n\r\nhello`], [
        REQUEST,
        HELLO,
      ]],
      asks: TWICE,
      gets: ['200 "hello"', '200 "hello"'],
    },
    {
      name: "answers as HTTP/1.0, and stays",
      serves: [[REQUEST, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"], [REQUEST, HELLO]],
      asks: TWICE,
      gets: ['200 "hello"', '200 "hello"'],
    },
    {
      name: "answers as HTTP/1.0 with Connection: keep-alive",
      serves: [[
        REQUEST,
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
        REQUEST,
        HELLO,
      ]],
      asks: TWICE,
      gets: ['200 "hello"', '200 "hello"'],
    },
    {
      name: "says Keep-Alive: timeout=1, and stays",
      serves: [[REQUEST, `${OK}Keep-Alive: timeout=1\r\nContent-Length: 5\r\n\r\nhello`], [
        REQUEST,
        HELLO,
      ]],
      asks: [{}, { afterMs: 1500 }],
      gets: ['200 "hello"', '200 "hello"'],
    },
    {
      name: "says Keep-Alive: timeout=9999999999999999999, and stays",
      serves: [[
        REQUEST,
        `${OK}Keep-Alive: timeout=9999999999999999999\r\nContent-Length: 5\r\n\r\nhello`,
      ], [REQUEST, HELLO]],
      asks: [{}, { afterMs: 40_000 }],
      gets: ['200 "hello"', '200 "hello"'],
    },
  ],
  "Content codings": [
    {
      name: "cuts a gzip body, with the right length of the part",
      serves: [
        REQUEST,
        withLength(GZIPPED.subarray(0, 20), "Content-Encoding: gzip"),
        GZIPPED.subarray(0, 20),
      ],
      gets: "RemoteProtocolError: gzip data are faulty, or not complete",
    },
    {
      name: "sends a gzip body that is none",
      serves: [REQUEST, `${OK}Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello`],
      gets: "RemoteProtocolError: gzip data are faulty, or not complete",
    },
    {
      name: "sends something after a gzip body",
      serves: [
        REQUEST,
        withLength(new Uint8Array(GZIPPED.length + 5), "Content-Encoding: gzip"),
        GZIPPED,
        "hello",
      ],
      gets: "RemoteProtocolError: gzip data are faulty, or not complete",
    },
    {
      name: "closes within a gzip body",
      serves: [
        REQUEST,
        withLength(GZIPPED, "Content-Encoding: gzip"),
        GZIPPED.subarray(0, 20),
        CLOSE,
      ],
      gets: `RemoteProtocolError: after 20 of ${GZIPPED.length} bytes`,
    },
    {
      name: "sends 32 MiB in a few bytes",
      serves: [
        REQUEST,
        ...((bomb) => [withLength(bomb, "Content-Encoding: gzip"), bomb])(
          encodeWhole("gzip", new Uint8Array(32 * 1024 * 1024)),
        ),
      ],
      options: () => ({ limits: { maxDecodedBytes: 16 * 1024 * 1024 } }),
      gets: "RemoteProtocolError: more than 16777216 bytes",
    },
    {
      name: "sends a coding that nobody knows",
      serves: [REQUEST, `${OK}Content-Encoding: rot13\r\nContent-Length: 5\r\n\r\nuryyb`],
      gets: '200 "uryyb"',
    },
    {
      name: "encodes five times",
      serves: [
        REQUEST,
        `${OK}Content-Encoding: gzip, gzip, gzip, gzip, gzip\r\nContent-Length: 5\r\n\r\nhello`,
      ],
      gets: '200 "hello"',
    },
    {
      name: "sends an empty body in gzip",
      serves: [REQUEST, `${OK}Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n`],
      gets: '200 ""',
    },
    {
      name: "answers HEAD with gzip",
      serves: [REQUEST, `${OK}Content-Encoding: gzip\r\nContent-Length: 100\r\n\r\n`],
      asks: [{ method: "HEAD" }],
      gets: '200 ""',
    },
  ],
  "Redirects": [
    {
      name: "redirects to itself for ever",
      serves: [
        Array.from({ length: 21 }).flatMap(() => [
          REQUEST,
          "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
        ]),
      ],
      gets: "RemoteProtocolError: more than 20 redirections",
      requests: 21,
    },
    {
      name: "redirects without a Location",
      serves: [REQUEST, "HTTP/1.1 302 Found\r\nContent-Length: 5\r\n\r\nhello"],
      gets: '302 "hello"',
    },
    {
      name: "redirects to what is no URL",
      serves: [REQUEST, "HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n"],
      gets: "RemoteProtocolError: http://[",
    },
    {
      name: "redirects to a file",
      serves: [
        REQUEST,
        "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
      ],
      gets: "RemoteProtocolError: file:",
    },
    {
      name: "redirects to ftp",
      serves: [
        REQUEST,
        "HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
      ],
      gets: "RemoteProtocolError: ftp:",
    },
    {
      name: "redirects to where nobody listens",
      serves: [
        REQUEST,
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
      ],
      gets: "ConnectionRefused: 127.0.0.1:1",
    },
    {
      name: "redirects with two Locations",
      serves: [
        REQUEST,
        "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
      ],
      gets: "RemoteProtocolError: more than one Location",
    },
    {
      name: "redirects with a body without end",
      serves: [[REQUEST, "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", endless("a")], [
        REQUEST,
        HELLO,
      ]],
      gets: '200 "hello"',
    },
    {
      name: "redirects with a body that does not come",
      serves: [[REQUEST, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 5\r\n\r\n"], [
        REQUEST,
        HELLO,
      ]],
      gets: '200 "hello"',
    },
    {
      name: "redirects a client that takes that for an error",
      serves: [REQUEST, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"],
      asks: [{ redirect: "error" }],
      gets: "RemoteProtocolError: redirect",
    },
  ],
  "TLS": [
    {
      name: "closes in the body, over TLS",
      serves: [REQUEST, `${OK}Content-Length: 10\r\n\r\nhello`, CLOSE],
      ...secured,
      cert: { cert: CERT, key: KEY },
      gets: "RemoteProtocolError: after 5 of 10 bytes",
    },
    {
      name: "resets after a body that ends when it closes, over TLS",
      serves: [REQUEST, `${OK}\r\nhello`, RESET],
      ...secured,
      cert: { cert: CERT, key: KEY },
      gets: "RemoteProtocolError: after 5 bytes",
    },
    {
      name: "closes without the goodbye of TLS, in a body that ends when it closes",
      serves: [REQUEST, `${OK}\r\nhello`, CUT],
      ...secured,
      cert: { cert: CERT, key: KEY },
      gets: "RemoteProtocolError: after 5 bytes",
    },
    {
      name: "answers with garbage, over TLS",
      serves: [REQUEST, "garbage\r\n\r\n", CLOSE],
      ...secured,
      cert: { cert: CERT, key: KEY },
      gets: "RemoteProtocolError: no HTTP version",
    },
  ],
  "Proxies": [
    {
      name: "is a proxy that asks for credentials",
      serves: [REQUEST, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"],
      ...proxied,
      gets: "RemoteProtocolError: 407",
    },
    {
      name: "is a proxy that answers CONNECT with garbage",
      serves: [REQUEST, "garbage\r\n\r\n", CLOSE],
      ...proxied,
      gets: "RemoteProtocolError: no HTTP version",
    },
    {
      name: "is a proxy that closes instead of an answer to CONNECT",
      serves: [REQUEST, CLOSE],
      ...proxied,
      gets: "RemoteProtocolError: ",
    },
    {
      name: "is a proxy that does not answer CONNECT",
      serves: [REQUEST],
      ...proxied,
      options: (proxy) => ({ proxy, timeouts: { tlsMs: 10_000 } }),
      gets: "TimeoutError: ",
    },
    {
      name: "is a proxy that speaks in the tunnel before the handshake",
      serves: [REQUEST, `${OK}\r\nhello`],
      ...proxied,
      gets: "RemoteProtocolError: the proxy sent something before TLS began",
    },
    {
      name: "is a proxy that closes the tunnel",
      serves: [REQUEST, `${OK}\r\n`, CLOSE],
      ...proxied,
      gets: "RemoteProtocolError or UnexpectedEof: ",
    },
  ],
};

/** A whole response that is cut at each of its bytes. */
export interface Cut {
  /** How the response is framed: the end of "a response". */
  name: string;
  head: string;
  /** The pieces of the body as they are sent, and whether each is data. */
  body: [piece: string, isData: boolean][];
  /** What the body is. */
  content: string;
  /** Whether it ends when the connection is closed. */
  isUntilClose?: boolean;
}

export const cuts: Cut[] = [
  {
    name: "with a Content-Length",
    head: `${OK}Content-Type: text/plain\r\nContent-Length: 11\r\n\r\n`,
    body: [["hello world", true]],
    content: "hello world",
  },
  {
    name: "in chunks with extensions and trailers",
    head: `${OK}Trailer: x\r\nTransfer-Encoding: chunked\r\n\r\n`,
    body: [
      ["5;a=b\r\n", false],
      ["hello", true],
      ['\r\n006 ; c="d;e"\r\n', false],
      [" world", true],
      ["\r\n0\r\nx: y\r\n\r\n", false],
    ],
    content: "hello world",
  },
  {
    name: "after two informational ones",
    head: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" +
      `${OK}Content-Length: 11\r\n\r\n`,
    body: [["hello world", true]],
    content: "hello world",
  },
  {
    name: "without a body",
    head: "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
    body: [],
    content: "",
  },
  {
    name: "that ends when it closes",
    head: `${OK}Content-Type: text/plain\r\n\r\n`,
    body: [["hello world", true]],
    content: "hello world",
    isUntilClose: true,
  },
];

/**
 * Sends so much of a response as the path of each request says, all together, or the body a moment after the head. Then
 * it closes or resets.
 */
export function cutting({ head, body }: Cut, how: "closes" | "resets"): Step[] {
  const whole = head + body.map(([piece]) => piece).join("");
  return [function* (talk) {
    for (;;) {
      const [, length, apart] = /^GET \/(\d+)(\/apart)? /.exec(yield* talk.request())!;
      const sent = whole.slice(0, Number(length));
      if (apart) {
        yield sent.slice(0, head.length);
        yield* sleep(1);
        yield sent.slice(head.length);
      } else yield sent;
      yield how === "closes" ? CLOSE(talk) : RESET(talk);
    }
  }];
}

/** The rows of docs/http_client_errors.md, by their headings. */
export function rowsFor(): Record<string, [server: string, gets: string][]> {
  const listed = Object.entries(ways).map(([title, ways]) => {
    const rows = ways.map(({ name, gets }) => [name, [gets].flat().map(told).join(", then ")]);
    return [title, rows];
  });
  const cut = cuts.flatMap(({ name, isUntilClose }) => {
    const error = `${told("RemoteProtocolError: ")} that says how far it came`;
    const response = isUntilClose
      ? "the response, if its head has come"
      : "the response, if all has";
    return [
      [`closes at any byte of a response ${name}`, `${response}, or ${error}`],
      [
        `resets at any byte of a response ${name}`,
        isUntilClose ? error : `${response}, or ${error}`,
      ],
    ];
  });
  return Object.fromEntries([...listed, ["Cut at any byte", cut]]);
}

function told(gets: string): string {
  const [, names, piece] = ERROR.exec(gets) ?? [];
  if (names === undefined) return `\`${gets}\``;
  const classes = names.split(" or ").map((name) => `\`${name}\``).join(" or ");
  return piece === "" ? classes : `${classes}: … ${piece}`;
}
