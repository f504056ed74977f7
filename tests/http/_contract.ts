// deno-lint-ignore-file weightless/yield-request
/** What a handler can do wrong, and what comes of it: one row for each. */
import { call, type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { connectTo, enter, memory, sleep, spawn, wait } from "../../gio/mod.ts";
import {
  type HttpRequest,
  ok,
  raw,
  RemoteProtocolError,
  response,
  type ResponseHead,
  trailers,
} from "../../http/mod.ts";
import { here, sendFile, splice } from "../../reactor/mod.ts";

/** How the body of an answer is framed. */
export type Form = "length" | "chunked" | "1.0";

/** What the client sees. */
export type Sees = {
  /** The status of a whole answer, or that of one that is cut. */
  status: number;
  body?: string;
  /** `"cut"`: the client can tell that the answer is not whole. */
  then: "open" | "closed" | "cut" | "aborted" | "gone";
};

export interface World {
  request: HttpRequest;
  /** A request that was answered before. */
  earlier: HttpRequest;
  /** The head of an answer of six bytes, framed in this form. */
  head: ResponseHead;
  form: Form;
  /** A path where no file is, and one of a file with three bytes. */
  missing: string;
  short: string;
  /** What is to be done after the answer. It must reject. */
  later: (() => Promise<unknown>)[];
  /** The port of what says `par`, and ends. */
  upstream: number;
}

export interface Slip {
  /** What the handler does. */
  what: string;
  /** What the client sees, in words. */
  answer: string;
  /** What is reported, in words. */
  reported: string;
  handler?: (world: World) => Coroutine | unknown;
  /** The same for `fetchHandler()`. */
  fetch?: (request: Request, world: World) => Response | PromiseLike<Response>;
  forms: Form[];
  sees: Sees | ((form: Form) => Sees);
  /** What is reported: the name of the error and its message. */
  told: RegExp[];
  /** Whether the client goes as soon as something of the answer has come. */
  leaves?: boolean;
  /** The method of the request; `GET` if it is missing. */
  method?: string;
  /** Whether the client sends no more after this. */
  ends?: boolean;
  /** Whether answers are compressed. */
  compression?: boolean;
  /** Further fields of the request. */
  fields?: string;
  body?: string;
}

const ALL: Form[] = ["length", "chunked", "1.0"];
const CHUNKED: Form[] = ["chunked"];
const UNKNOWN: Form[] = ["chunked", "1.0"];
const LENGTH: Form[] = ["length"];

const FAILED: Sees = { status: 500, body: "Internal Server Error", then: "open" };
const CUT: Sees = { status: 200, then: "cut" };
const whole = (body = "abcdef", then: Sees["then"] = "open"): Sees => ({ status: 200, body, then });
/** An answer that ends with its connection is the last one. */
const wholeIn = (form: Form): Sees => whole("abcdef", form === "1.0" ? "closed" : "open");

const IS_500 = "500; the connection stays open";
const IS_CUT = "the answer is cut: the connection is aborted";
const NOTHING = "nothing";

/** The client gets what was yielded so far. */
function* pause(): Coroutine {
  yield* sleep(0);
}

const secret = () => new Error("secret of /etc/passwd");

/** A slip before anything is sent, and the same after a part was sent. */
function both(
  what: string,
  slip: (world: World) => Coroutine,
  told: RegExp,
  reported: string,
): Slip[] {
  return [
    {
      what: `${what}, before anything is sent`,
      answer: IS_500,
      reported,
      *handler(world) {
        yield slip(world);
      },
      forms: ALL,
      sees: FAILED,
      told: [told],
    },
    {
      what: `${what}, after a part of the answer`,
      answer: IS_CUT,
      reported,
      *handler(world) {
        yield world.head;
        yield "abc";
        yield* pause();
        yield slip(world);
      },
      forms: ALL,
      sees: CUT,
      told: [told],
    },
  ];
}

/** A head that cannot be sent. */
function badHead(
  what: string,
  make: () => ResponseHead,
  told: RegExp,
  reported = "`LocalProtocolError`",
): Slip {
  return {
    what: `makes a head ${what}`,
    answer: IS_500,
    reported,
    *handler() {
      yield make();
    },
    forms: CHUNKED,
    sees: FAILED,
    told: [told],
  };
}

/** What is yielded means nothing. */
function meaningless(what: string, make: () => unknown): Slip {
  return {
    what: `yields ${what}`,
    answer: IS_500,
    reported: "`TypeError` that says what can be yielded",
    *handler({ head }) {
      yield head;
      yield make();
    },
    forms: CHUNKED,
    sees: FAILED,
    told: [/^TypeError: Cannot do anything with a yielded /],
  };
}

export const slips: Slip[] = [
  {
    what: "yields a second head before anything is sent",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield head;
      yield "abc";
      yield response(404);
    },
    forms: CHUNKED,
    sees: FAILED,
    told: [
      /^LocalProtocolError: Cannot answer with status 404: the head .* before; yield one head, then the body$/,
    ],
  },
  {
    what: "yields a second head after a part of the answer",
    answer: IS_CUT,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield head;
      yield "abc";
      yield* pause();
      yield response(404);
    },
    forms: ALL,
    sees: CUT,
    told: [
      /^LocalProtocolError: Cannot answer with status 404: the head .* before; yield one head, then the body$/,
    ],
  },
  {
    what: "yields a second head, and catches the error",
    answer: "the first answer, whole",
    reported: NOTHING,
    *handler({ head }) {
      yield head;
      yield "abc";
      yield* pause();
      try {
        yield response(404);
      } catch {
        yield "def";
      }
    },
    forms: ALL,
    sees: wholeIn,
    told: [],
  },
  {
    what: "yields an informational head (103) after the head",
    answer: IS_CUT,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield head;
      yield "abc";
      yield* pause();
      yield response(103);
    },
    forms: CHUNKED,
    sees: CUT,
    told: [/^LocalProtocolError: Cannot answer with status 103/],
  },
  {
    what: "yields data before a head",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield "abc";
      yield head;
    },
    forms: ALL,
    sees: FAILED,
    told: [/^LocalProtocolError: Cannot send a body before the head of the response/],
  },
  {
    what: "yields another answer after the end of its answer",
    answer: "the first answer, then the connection is aborted",
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield head;
      yield "abcdef";
      yield* pause();
      yield ok();
      yield "again";
    },
    forms: LENGTH,
    sees: { status: 200, body: "abcdef", then: "aborted" },
    told: [/^LocalProtocolError: Cannot answer with status 200/],
  },
  {
    what: "ends without an answer",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler() {},
    forms: CHUNKED,
    sees: FAILED,
    told: [/^LocalProtocolError: Cannot answer the request: its handler has ended without/],
  },
  {
    what: "ends without an answer, and has not read the body of the request",
    answer: `${IS_500}, for the body is read and dropped up to \`maxDrainBytes\``,
    reported: "`LocalProtocolError`",
    *handler() {},
    method: "POST",
    body: "x".repeat(1000),
    forms: CHUNKED,
    sees: FAILED,
    told: [/^LocalProtocolError: Cannot answer the request: its handler has ended without/],
  },
  {
    what: "reads beyond the end of the body, before its head, and does not catch `EndOfStream`",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler() {
      for (;;) yield;
    },
    method: "POST",
    body: "abc",
    forms: CHUNKED,
    sees: FAILED,
    told: [/^LocalProtocolError: .* has ended at the end of a stream, without a response$/],
  },
  {
    what: "reads beyond the end of the body, after its head, and does not catch `EndOfStream`",
    answer: "the answer, whole: this is how a handler that echoes ends",
    reported: NOTHING,
    *handler({ head }) {
      yield head;
      for (;;) {
        const piece: Uint8Array = yield;
        yield piece;
      }
    },
    method: "POST",
    body: "abcdef",
    forms: ALL,
    sees: whole(),
    told: [],
  },
  ...both(
    "throws",
    function* () {
      throw secret();
    },
    /^Error: secret of/,
    "what it threw",
  ),
  ...both(
    "throws what is no `Error`",
    function* () {
      throw "secret";
    },
    /^secret$/,
    "what it threw",
  ),
  {
    what: "throws `RemoteProtocolError`, before anything is sent",
    answer: "its status and its message; the connection is closed",
    reported: NOTHING,
    *handler() {
      throw new RemoteProtocolError("Cannot brew coffee", { status: 418 });
    },
    forms: CHUNKED,
    sees: { status: 418, body: "Cannot brew coffee", then: "closed" },
    told: [],
  },
  {
    what: "throws `RemoteProtocolError`, after a part of the answer",
    answer: IS_CUT,
    reported: "what it threw",
    *handler({ head }) {
      yield head;
      yield "abc";
      yield* pause();
      throw new RemoteProtocolError("Cannot brew coffee", { status: 418 });
    },
    forms: ALL,
    sees: CUT,
    told: [/^RemoteProtocolError: Cannot brew coffee/],
  },
  {
    what: "yields more than its Content-Length, before anything is sent",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield head;
      yield "abcdefg";
    },
    forms: LENGTH,
    sees: FAILED,
    told: [/^LocalProtocolError: Cannot send 7 bytes: only 6 are left/],
  },
  {
    what: "yields more than its Content-Length, after a part of the answer",
    answer: IS_CUT,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield head;
      yield "abc";
      yield* pause();
      yield "defg";
    },
    forms: LENGTH,
    sees: CUT,
    told: [/^LocalProtocolError: Cannot send 4 bytes: only 3 are left/],
  },
  {
    what: "yields less than its Content-Length, and nothing is sent",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield head;
      yield "abc";
    },
    forms: LENGTH,
    sees: FAILED,
    told: [/^LocalProtocolError: Cannot end the response: 3 bytes of its Content-Length/],
  },
  {
    what: "yields less than its Content-Length, and a part is sent",
    answer: IS_CUT,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield head;
      yield "abc";
      yield* pause();
    },
    forms: LENGTH,
    sees: CUT,
    told: [/^LocalProtocolError: Cannot end the response: 3 bytes of its Content-Length/],
  },
  {
    what: "yields a body in answer to HEAD",
    answer:
      "the head alone; the handler is closed when the head is out: at its second `yield` of data, or " +
      "when it waits",
    reported: NOTHING,
    *handler({ head }) {
      yield head;
      yield "abc";
      yield "def";
      throw secret();
    },
    method: "HEAD",
    forms: CHUNKED,
    sees: whole(""),
    told: [],
  },
  ...[204, 205, 304].map((status): Slip => ({
    what: `yields a body after ${status}`,
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler() {
      yield response(status);
      yield "abc";
    },
    forms: CHUNKED,
    sees: FAILED,
    told: [new RegExp(`^LocalProtocolError: Cannot send a body with status ${status}`)],
  })),
  {
    what: "yields trailers before the head",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield trailers({ "x-sum": 1 });
      yield head;
    },
    forms: CHUNKED,
    sees: FAILED,
    told: [/^LocalProtocolError: Cannot send trailers before the head of the response/],
  },
  {
    what: "yields trailers after a head with a Content-Length",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield head;
      yield trailers({ "x-sum": 1 });
      yield "abcdef";
    },
    forms: LENGTH,
    sees: FAILED,
    told: [/^LocalProtocolError: Cannot send trailers with a Content-Length/],
  },
  {
    what: "yields trailers to an HTTP/1.0 client",
    answer: "the answer without them",
    reported: NOTHING,
    *handler({ head }) {
      yield head;
      yield trailers({ "x-sum": 1 });
      yield "abcdef";
    },
    forms: ["1.0"],
    sees: wholeIn,
    told: [],
  },
  badHead("with a name that is none", () => ok({ "a b": "c" }), /a header named "a b"/),
  badHead("with a line break in a value", () => ok({ a: "b\r\nc: d" }), /its value has a line/),
  badHead(
    "with a value that is an object",
    () => ok({ a: {} as string }),
    /its value is neither text/,
  ),
  badHead(
    "with a Content-Length that is none",
    () => ok({ "content-length": "-1" }),
    /number of b/,
  ),
  badHead(
    "with two lengths",
    () => ok([["content-length", 1], ["Content-Length", 2]]),
    /more than one Content-Length/,
  ),
  badHead(
    "with another Transfer-Encoding than chunked",
    () => ok({ "transfer-encoding": "gzip" }),
    /Cannot send Transfer-Encoding: gzip/,
  ),
  badHead(
    "with a Content-Length and 204",
    () => response(204, { "content-length": 1 }),
    /Cannot send a Content-Length with status 204/,
  ),
  badHead("with a status that is none", () => response(600), /with status 600: it must be/),
  badHead(
    "with 101 for a client that did not ask for it",
    () => response(101, { upgrade: "x" }),
    /Cannot switch protocols/,
  ),
  {
    what: "gives a Content-Length and Transfer-Encoding: chunked",
    answer: "the answer, framed by its Content-Length: the server frames answers itself",
    reported: NOTHING,
    *handler() {
      yield ok({ "content-length": 6, "transfer-encoding": "chunked" });
      yield "abcdef";
    },
    forms: CHUNKED,
    sees: whole(),
    told: [],
  },
  {
    what: "gives a status that nobody knows (299)",
    answer: "the answer with that status, and no reason phrase",
    reported: NOTHING,
    *handler() {
      yield response(299);
      yield "abcdef";
    },
    forms: CHUNKED,
    sees: { ...whole(), status: 299 },
    told: [],
  },
  meaningless("a number", () => 42),
  meaningless("an object", () => ({ status: 200 })),
  meaningless("a promise that rejects", () => Promise.reject(secret())),
  meaningless("an async generator", () => (async function* () {})()),
  meaningless("a function instead of a coroutine", () => function* () {}),
  meaningless("a `Response` of the Web platform", () => new Response("x")),
  ...[
    ["gives nothing, because it is no generator function", () => undefined],
    ["gives a promise, which rejects", () => Promise.reject(secret())],
    ["gives a `Response` of the Web platform", () => new Response("x")],
  ].map(([what, handler]): Slip => ({
    what: what as string,
    answer: IS_500,
    reported: "`TypeError` that says what to write",
    handler: handler as () => unknown,
    forms: CHUNKED,
    sees: FAILED,
    told: [/^TypeError: Cannot answer the request: the handler gave .* fetchHandler/],
  })),
  {
    what: "throws when it is called, before it gives a coroutine",
    answer: IS_500,
    reported: "what it threw",
    handler() {
      throw secret();
    },
    forms: CHUNKED,
    sees: FAILED,
    told: [/^Error: secret of/],
  },
  {
    what: "yields data in a task (`spawn`)",
    answer: `${IS_CUT}, or 500 if nothing was sent`,
    reported: "the error: a task has no context until it enters one",
    *handler({ head }) {
      yield head;
      yield "abc";
      yield* pause();
      yield* spawn(function* (): Coroutine {
        yield "from a task";
      }());
      yield* sleep(10_000);
    },
    forms: ALL,
    sees: CUT,
    told: [/^Error: Cannot write: there is no context/],
  },
  {
    what: "ends while a task still works",
    answer: "the answer, whole; the task is cancelled",
    reported: NOTHING,
    *handler({ head }) {
      yield* spawn(function* (): Coroutine {
        yield* sleep(10_000);
      }());
      yield head;
      yield "abcdef";
    },
    forms: ALL,
    sees: whole(),
    told: [],
  },
  {
    what: "has a task that fails",
    answer: `${IS_CUT}, or 500 if nothing was sent`,
    reported: "the error, once",
    *handler({ head }) {
      yield* spawn(function* (): Coroutine {
        yield* sleep(0);
        throw secret();
      }());
      yield head;
      yield "abc";
      yield* sleep(10_000);
    },
    forms: ALL,
    sees: CUT,
    told: [/^Error: secret of/],
  },
  {
    what: "reads the body of a client that ends before it is complete, before anything is sent",
    answer: "400 with the reason; the connection is closed",
    reported: NOTHING,
    *handler({ request, head }) {
      yield* call(request.text());
      yield head;
    },
    method: "POST",
    fields: "Content-Length: 10\r\n",
    ends: true,
    forms: ALL,
    sees: {
      status: 400,
      body: "Cannot read the request: it has an end before its body is complete (RFC 9112 8)",
      then: "closed",
    },
    told: [],
  },
  {
    what: "reads the body of a client that ends before it is complete, after a part of the answer",
    answer: IS_CUT,
    reported: NOTHING,
    *handler({ request, head }) {
      yield head;
      yield "abc";
      yield* pause();
      yield* call(request.text());
    },
    method: "POST",
    fields: "Content-Length: 10\r\n",
    ends: true,
    forms: ALL,
    sees: CUT,
    told: [],
  },
  {
    what: "reads the body after the answer has begun",
    answer: "the answer, whole",
    reported: NOTHING,
    *handler({ head, request }) {
      yield head;
      yield* pause();
      yield yield* call(request.text());
    },
    method: "POST",
    body: "abcdef",
    forms: ALL,
    sees: wholeIn,
    told: [],
  },
  {
    what: "reads the body twice, by `request.text()`",
    answer: "the answer, whole: the second text is empty",
    reported: NOTHING,
    *handler({ head, request }) {
      const first = yield* call(request.text());
      const second = yield* call(request.text());
      yield head;
      yield first + second;
    },
    method: "POST",
    body: "abcdef",
    forms: CHUNKED,
    sees: wholeIn,
    told: [],
  },
  {
    what: "does not read a body of more than `maxDrainBytes`",
    answer: "the answer, whole; the connection is closed",
    reported: NOTHING,
    *handler({ head }) {
      yield head;
      yield "abcdef";
    },
    method: "POST",
    body: "x".repeat(200_000),
    forms: CHUNKED,
    sees: whole("abcdef", "closed"),
    told: [],
  },
  {
    what: "does not read the body that the client would send after a 100 (`Expect: 100-continue`)",
    answer: "the answer, whole, and no 100; the connection is closed",
    reported: NOTHING,
    *handler({ head }) {
      yield head;
      yield "abcdef";
    },
    method: "POST",
    fields: "Expect: 100-continue\r\nContent-Length: 3\r\n",
    forms: CHUNKED,
    sees: whole("abcdef", "closed"),
    told: [],
  },
  ...[
    ["sendFile(here, …)", ({ short }: World) => sendFile(here, short)],
    [
      "splice(…, here)",
      () => splice({ read: () => Promise.resolve(null) }, here),
    ],
    ["splice(here, …)", () => splice(here, { write: (p) => Promise.resolve(p.length) })],
  ].flatMap(([what, make]): Slip[] => [
    {
      what: `makes \`${what}\` and does not yield it, before anything is sent`,
      answer: IS_500,
      reported: "`TypeError` that says what to write",
      *handler(world) {
        yield ok();
        (make as (world: World) => object)(world);
      },
      forms: ALL,
      sees: FAILED,
      told: [/^TypeError: Cannot transfer from or to `here`: .*yield\* /],
    },
    {
      what: `makes \`${what}\` and does not yield it, after a part of the answer`,
      answer: IS_CUT,
      reported: "`TypeError` that says what to write",
      *handler(world) {
        yield world.head;
        yield "abc";
        yield* pause();
        (make as (world: World) => object)(world);
        yield* pause();
        if (world.form !== "length") yield "def";
      },
      forms: ALL,
      sees: CUT,
      told: [/^TypeError: Cannot transfer from or to `here`: .*yield\* /],
    },
  ]),
  {
    what: "makes a transfer between others, does not yield it, and it fails",
    answer: "the answer, whole",
    reported: "`TransferError`",
    *handler({ head, missing }) {
      sendFile({ write: (p) => Promise.resolve(p.length) }, missing);
      yield head;
      yield "abc";
      yield* sleep(5);
      yield "def";
    },
    forms: CHUNKED,
    sees: wholeIn,
    told: [/^NotFound|^TransferError/],
  },
  {
    what: "transfers by `await`, not `yield*`: `wait(sendFile(here, …))`",
    answer: `${IS_CUT}, or 500 if nothing was sent`,
    reported: "`TypeError`",
    *handler({ head, short }) {
      yield head;
      yield* wait(sendFile(here, short));
    },
    forms: ALL,
    sees: CUT,
    told: [/^TypeError: Cannot transfer from or to `here`/],
  },
  {
    what: "transfers a file that is not there, after its head",
    answer: IS_CUT,
    reported: "the error of the file",
    *handler({ head, missing }) {
      yield head;
      yield* sendFile(here, missing);
    },
    forms: ALL,
    sees: CUT,
    told: [/No such file/],
  },
  {
    what: "transfers a file that is shorter than its `length`",
    answer: IS_CUT,
    reported: "`TransferError`",
    *handler({ head, short }) {
      yield head;
      yield* sendFile(here, short, { length: 6 });
    },
    forms: ALL,
    sees: CUT,
    told: [/^TransferError/],
  },
  {
    what: "transfers a file that is shorter than its Content-Length",
    answer: IS_CUT,
    reported: "`LocalProtocolError`",
    *handler({ head, short }) {
      yield head;
      yield* sendFile(here, short);
    },
    forms: LENGTH,
    sees: CUT,
    told: [/^LocalProtocolError: Cannot end the response: 3 bytes of its Content-Length/],
  },
  {
    what: "lets the `EndOfStream` of an upstream out, and bytes of the Content-Length are missing",
    answer: IS_CUT,
    reported: "`LocalProtocolError`, whose `cause` is that `EndOfStream`",
    *handler({ head, upstream }) {
      yield head;
      yield relay(upstream);
    },
    forms: LENGTH,
    sees: CUT,
    told: [/^LocalProtocolError: Cannot end the response/],
  },
  {
    what: "lets the `EndOfStream` of an upstream out, and the length of its answer is not known",
    answer: `${IS_CUT}, for the upstream may have been truncated`,
    reported: "`LocalProtocolError`, whose `cause` is that `EndOfStream`",
    *handler({ head, upstream }) {
      yield head;
      yield relay(upstream);
    },
    forms: UNKNOWN,
    sees: CUT,
    told: [/^LocalProtocolError: Cannot end the response/],
  },
  {
    what: "lets the `EndOfStream` of an upstream out, and its answer is compressed",
    answer: IS_CUT,
    reported: "`LocalProtocolError`, whose `cause` is that `EndOfStream`",
    *handler({ upstream }) {
      yield ok({ "content-type": "text/plain" });
      yield relay(upstream);
    },
    compression: true,
    fields: "Accept-Encoding: gzip\r\n",
    forms: UNKNOWN,
    sees: CUT,
    told: [/^LocalProtocolError: Cannot end the response/],
  },
  {
    what: "lets the `EndOfStream` of an upstream out, before its head",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler({ upstream }) {
      using peer = yield* connectTo({ hostname: "127.0.0.1", port: upstream });
      using _in = enter(peer);
      for (;;) yield;
    },
    forms: ALL,
    sees: FAILED,
    told: [/^LocalProtocolError: .* has ended at the end of a stream, without a response$/],
  },
  {
    what:
      "lets an `EndOfStream` that it made itself out, and the length of its answer is not known",
    answer: `${IS_CUT}, for something has ended that is not the body of the request`,
    reported: "`LocalProtocolError`, whose `cause` is that `EndOfStream`",
    *handler({ head }) {
      yield head;
      yield "abc";
      yield* pause();
      throw new EndOfStream("The data has ended");
    },
    forms: UNKNOWN,
    sees: CUT,
    told: [/^LocalProtocolError: Cannot end the response/],
  },
  {
    what: "ends in a context that it has entered without `using`",
    answer: IS_CUT,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield head;
      enter(memory());
    },
    forms: ALL,
    sees: { status: 0, then: "cut" },
    told: [/^LocalProtocolError: Cannot go on: the handler has ended without leaving the context/],
  },
  {
    what: "takes the connection over, and ends",
    answer: "what it has sent; the connection is closed",
    reported: NOTHING,
    *handler() {
      yield response(101, { upgrade: "x" });
      yield "abcdef";
    },
    fields: "Upgrade: x\r\nConnection: upgrade\r\n",
    forms: CHUNKED,
    sees: { status: 101, body: "abcdef", then: "closed" },
    told: [],
  },
  {
    what: "takes the connection over, and throws",
    answer: "the connection is aborted",
    reported: "what it threw",
    *handler() {
      yield response(101, { upgrade: "x" });
      yield "abcdef";
      yield* pause();
      throw secret();
    },
    fields: "Upgrade: x\r\nConnection: upgrade\r\n",
    forms: CHUNKED,
    sees: { status: 101, then: "cut" },
    told: [/^Error: secret of/],
  },
  {
    what: "takes the connection over by CONNECT, and throws",
    answer: "the connection is aborted",
    reported: "what it threw",
    *handler() {
      yield ok();
      yield "abcdef";
      yield* pause();
      throw secret();
    },
    method: "CONNECT",
    forms: CHUNKED,
    sees: CUT,
    told: [/^Error: secret of/],
  },
  {
    what: "takes the connection over, and yields trailers",
    answer: "the connection is aborted",
    reported: "`LocalProtocolError`",
    *handler() {
      yield response(101, { upgrade: "x" });
      yield* pause();
      yield trailers({ a: 1 });
    },
    fields: "Upgrade: x\r\nConnection: upgrade\r\n",
    forms: CHUNKED,
    sees: { status: 101, then: "cut" },
    told: [/^LocalProtocolError: Cannot send trailers/],
  },
  {
    what: "takes the connection over, and lets the `EndOfStream` of an upstream out",
    answer: "the connection is aborted",
    reported: "`LocalProtocolError`, whose `cause` is that `EndOfStream`",
    *handler({ upstream }) {
      yield response(101, { upgrade: "x" });
      yield relay(upstream);
    },
    fields: "Upgrade: x\r\nConnection: upgrade\r\n",
    forms: CHUNKED,
    sees: { status: 101, then: "cut" },
    told: [/^LocalProtocolError: Cannot end the response/],
  },
  ...both(
    "changes `request.headers`",
    function* ({ request }) {
      Object.assign(request, { headers: { a: "b" } });
    },
    /^TypeError: Cannot set property headers/,
    "`TypeError`",
  ),
  ...both(
    "sets a timeout that there is not",
    function* ({ request }) {
      Object.assign(request, { timeouts: { slowMs: 1 } });
    },
    /^TypeError: .*slowMs/,
    "`TypeError` that names it",
  ),
  ...both(
    "sets a timeout that is no time",
    function* ({ request }) {
      request.timeouts = { bodyMs: -1 };
    },
    /^RangeError: .*bodyMs/,
    "`RangeError` that names it",
  ),
  {
    what: "reads the body of a request that was answered before",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler({ head, earlier }) {
      yield head;
      yield yield* call(earlier.text());
    },
    method: "POST",
    body: "abcdef",
    forms: CHUNKED,
    sees: FAILED,
    told: [/^LocalProtocolError: Cannot read the body of this request: its handler has ended/],
  },
  {
    what: "looks at a request that was answered before: its headers, its signal, its timeouts",
    answer: "the answer, whole: the headers stay readable, the signal does not abort",
    reported: NOTHING,
    *handler({ head, earlier }) {
      yield head;
      earlier.timeouts = { bodyMs: 1 };
      yield earlier.headers.get("host") === "x" && !earlier.signal.aborted ? "abcdef" : "";
    },
    forms: CHUNKED,
    sees: wholeIn,
    told: [],
  },
  {
    what: "never ends its answer, and the client goes",
    answer: "the client has gone; the handler is closed at its next `yield`",
    reported: NOTHING,
    *handler() {
      yield ok();
      for (;;) {
        yield "abc";
        yield* pause();
      }
    },
    leaves: true,
    forms: UNKNOWN,
    sees: { status: 200, then: "gone" },
    told: [],
  },
  {
    what: "yields `raw` after a head",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield head;
      yield raw;
    },
    forms: CHUNKED,
    sees: FAILED,
    told: [/^LocalProtocolError: Cannot answer with raw bytes/],
  },
  {
    what: "yields `raw` and nothing else",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler() {
      yield raw;
    },
    forms: CHUNKED,
    sees: FAILED,
    told: [/^LocalProtocolError: Cannot answer the request: .* raw/],
  },
  {
    what: "yields `raw`, then a head",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler({ head }) {
      yield raw;
      yield head;
    },
    forms: CHUNKED,
    sees: FAILED,
    told: [/^LocalProtocolError: Cannot answer with status 200/],
  },
  {
    what: "yields `raw`, then trailers",
    answer: IS_500,
    reported: "`LocalProtocolError`",
    *handler() {
      yield raw;
      yield "HTTP/1.1 200 OK\r\n\r\n";
      yield trailers({ a: 1 });
    },
    forms: CHUNKED,
    sees: FAILED,
    told: [/^LocalProtocolError: Cannot send trailers/],
  },
  {
    what: "throws in the middle of a raw answer",
    answer: "the connection is aborted",
    reported: "what it threw",
    *handler() {
      yield raw;
      yield "HTTP/1.1 200 OK\r\n\r\nabc";
      yield* pause();
      throw secret();
    },
    forms: CHUNKED,
    sees: CUT,
    told: [/^Error: secret of/],
  },
  ...[
    ["throws", () => {
      throw secret();
    }],
    ["rejects", () => Promise.reject(secret())],
  ].map(([what, fetch]): Slip => ({
    what: `${what}, as \`(request) => Response\``,
    answer: IS_500,
    reported: "what it threw",
    fetch: fetch as unknown as () => Response,
    forms: CHUNKED,
    sees: FAILED,
    told: [/^Error: secret of/],
  })),
  ...[
    ["gives no `Response`", () => "text"],
    ["gives a promise of no `Response`", () => Promise.resolve()],
    ["gives a `Response` whose body was used", async () => {
      const used = new Response("abc");
      await used.text();
      return used;
    }],
  ].map(([what, fetch]): Slip => ({
    what: `${what}, as \`(request) => Response\``,
    answer: IS_500,
    reported: "`TypeError`",
    fetch: fetch as unknown as () => Response,
    forms: CHUNKED,
    sees: FAILED,
    told: [/^TypeError: Cannot answer with/],
  })),
  ...[
    [
      "fails",
      () => {
        throw secret();
      },
      /^Error: secret of/,
      "the error of the stream",
    ],
    ["gives text instead of bytes", () => "text", /a piece of its body is "text"/, "`TypeError`"],
    ["is locked", undefined, /^TypeError/, "`TypeError`"],
  ].map(([what, second, told, reported]): Slip => ({
    what: `gives a \`Response\` whose stream ${what}`,
    answer: second === undefined ? IS_500 : IS_CUT,
    reported: reported as string,
    fetch(_, { form }) {
      const answer = streamed(form, second as (() => unknown) | undefined);
      if (second === undefined) answer.body!.getReader();
      return answer;
    },
    forms: ALL,
    sees: second === undefined ? FAILED : CUT,
    told: [told as RegExp],
  })),
  {
    what: "gives a `Response` whose stream is longer than its Content-Length",
    answer: IS_CUT,
    reported: "`LocalProtocolError`",
    fetch: (_, { form }) => streamed(form, () => new Uint8Array(7)),
    forms: LENGTH,
    sees: CUT,
    told: [/^LocalProtocolError: Cannot send 7 bytes/],
  },
  {
    what: "gives a `Response` whose stream is shorter than its Content-Length",
    answer: IS_CUT,
    reported: "`LocalProtocolError`",
    fetch: (_, { form }) => streamed(form, () => new Uint8Array(1)),
    forms: LENGTH,
    sees: CUT,
    told: [/^LocalProtocolError: Cannot end the response: 2 bytes/],
  },
  {
    what: "gives a `Response` whose stream never ends, and the client goes",
    answer: "the client has gone; the stream is cancelled, and `request.signal` aborts",
    reported: NOTHING,
    fetch: () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            await Promise.resolve();
            controller.enqueue(new Uint8Array(10));
          },
        }),
      ),
    leaves: true,
    forms: UNKNOWN,
    sees: { status: 200, then: "gone" },
    told: [],
  },
  {
    what: "reads the body twice, by `request.text()` of a `Request`",
    answer: IS_500,
    reported: "`TypeError` of the platform",
    async fetch(request) {
      await request.text();
      return new Response(await request.text());
    },
    method: "POST",
    body: "abcdef",
    forms: CHUNKED,
    sees: FAILED,
    told: [/^TypeError/],
  },
  {
    what: "does not read the body of a `Request`",
    answer: "the answer, whole",
    reported: NOTHING,
    fetch: () => new Response("abcdef"),
    method: "POST",
    body: "x".repeat(1000),
    forms: CHUNKED,
    sees: wholeIn,
    told: [],
  },
  ...[
    ["text", (request: Request) => request.text()],
    ["bytes", (request: Request) => request.bytes()],
    ["json", (request: Request) => request.json()],
    ["arrayBuffer", (request: Request) => request.arrayBuffer()],
    ["blob", (request: Request) => request.blob()],
    ["body", (request: Request) => request.body!.getReader().read()],
    ["clone", (request: Request) => request.clone().text()],
  ].map(([name, read]): Slip => ({
    what: `reads the body of a \`Request\` after the answer, by \`${name}\``,
    answer: "the answer, whole",
    reported: "nothing; what it reads by rejects with a `TypeError`",
    fetch: (request, { later }) => {
      later.push(async () => await (read as (request: Request) => Promise<unknown>)(request));
      return new Response("abcdef");
    },
    method: "POST",
    body: "abcdef",
    forms: CHUNKED,
    sees: wholeIn,
    told: [],
  })),
];

/** A response that begins with `abc`, then goes on with what `second` gives. */
function streamed(form: Form, second?: () => unknown): Response {
  let count = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (count === 0) controller.enqueue(new TextEncoder().encode("abc"));
      else if (count > 1) controller.close();
      else controller.enqueue(second!());
      count++;
    },
  }, { highWaterMark: 0 });
  return new Response(body, form === "length" ? { headers: { "content-length": "6" } } : {});
}

/** Passes on what another server says, and does not catch its end. */
function* relay(port: number): Coroutine {
  using peer = yield* connectTo({ hostname: "127.0.0.1", port });
  for (;;) {
    let data: unknown;
    {
      using _in = enter(peer);
      data = yield;
    }
    yield data;
  }
}
