/** WebSockets as users have them, over both wires and on both back ends. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { concat } from "../../compose/_bytes.ts";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { all, enter, open, spawn, TimeoutError, wait } from "../../gio/mod.ts";
import {
  type HttpHandler,
  type HttpRequest,
  LocalProtocolError,
  ok,
  RemoteProtocolError,
  response,
} from "../../http/mod.ts";
import {
  accept,
  type AcceptOptions,
  Broadcast,
  type IncomingMessage,
  type WebSocketConnection,
  WebSocketEnd,
  WebSocketFault,
} from "../../http/websocket/mod.ts";
import { splice, TransferError } from "../../reactor/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { answerHead, Peer, PeerListener, requestHead } from "./_web_socket_peer.ts";
import { Frames } from "./_websocket.ts";
import { closedOf, ended, socketTest, type World } from "./_web_sockets.ts";

function* echo(request: HttpRequest): Coroutine {
  yield* accept(request);
  for (;;) yield yield;
}

/** Bytes that differ from place to place. */
const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => i * 7 ^ i >> 8);

const MESSAGES: (string | Uint8Array)[] = [
  "hello",
  "",
  new Uint8Array(0),
  Uint8Array.of(0, 255, 128),
  "x".repeat(125),
  "x".repeat(126),
  pattern(65535),
  pattern(65536),
  "¿naïve? 日本語 😀",
  "日本😀".repeat(50_000),
  pattern(3_000_000),
  "the last",
];

socketTest("an echo gives each message as it was sent", function* ({ serve, client }) {
  yield* client.webSocket(serve(echo));
  for (const message of MESSAGES) {
    yield message;
    assertEquals(yield, message);
  }
});

socketTest("messages come in the order in which they were sent", function* ({ serve, client }) {
  yield* client.webSocket(serve(echo));
  const count = 2000;
  for (let i = 0; i < count; i++) yield i % 3 === 0 ? Uint8Array.of(i & 255, i >> 8) : `${i}`;
  for (let i = 0; i < count; i++) {
    assertEquals(yield, i % 3 === 0 ? Uint8Array.of(i & 255, i >> 8) : `${i}`);
  }
});

socketTest(
  "messages that come at once are all read, those to streams among them",
  function* (world) {
    const got: unknown[] = [];
    const url = world.serve(function* (request) {
      const socket = yield* accept(request);
      got.push(yield);
      {
        using message = yield* socket.receive();
        using _ = message.enter();
        got.push([message.type, yield]);
      }
      for (;;) got.push(yield);
    });
    const socket = yield* world.client.webSocket(url);
    const texts = Array.from({ length: 100 }, (_, i) => `${i}`);
    const { sends } = world.counts;
    for (const text of texts) yield text;
    socket.close();
    assertEquals(yield* ended(), [1000, ""]);
    const [first, second, ...others] = texts;
    assertEquals(got, [first, ["text", second], ...others]);
    // All of it was one send. The answer, and the ends of both, are some more.
    assert(world.counts.sends - sends < 10, `${world.counts.sends - sends} sends`);
  },
);

socketTest("what a handler writes goes out when it waits, in one send", function* (world) {
  const url = world.serve(function* (request) {
    yield* accept(request);
    yield;
    for (let i = 0; i < 500; i++) yield `message ${i}`;
    yield;
  });
  yield* world.client.webSocket(url);
  // What both sides say about the connection of HTTP/2 is over.
  yield* wait(world.settled());
  const { sends } = world.counts;
  yield "go";
  for (let i = 0; i < 500; i++) assertEquals(yield, `message ${i}`);
  assert(world.counts.sends - sends < 10, `${world.counts.sends - sends} sends`);
});

const PIECE = pattern(64 * 1024);
/** Much more than the kernel and both ends keep for a peer that does not read. */
const TOO_MUCH = 64 * 1024 * 1024;

socketTest("a writer stands still while its peer does not read", function* (world) {
  let written = 0;
  let isDone = false;
  let served: WebSocketConnection | undefined;
  const url = world.serve(function* (request) {
    served = yield* accept(request);
    for (; written < TOO_MUCH; written += PIECE.length) yield PIECE;
    isDone = true;
  });
  const socket = yield* world.client.webSocket(url);
  // It reads nothing, as the first message waits for it.
  yield* wait(world.settled());
  assert(written > 0 && !isDone, `${written} bytes`);
  assert(served!.context.unsent! <= 2 * PIECE.length, `${served!.context.unsent} bytes wait`);
  // Then it goes on.
  let got = 0;
  try {
    for (;;) got += (yield).length;
  } catch (error) {
    assertInstanceOf(error, WebSocketEnd);
  }
  assertEquals([got, isDone, socket.isOpen], [TOO_MUCH, true, false]);
});

socketTest("a reader that does not read stops its peer", function* (world) {
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  const got: number[] = [];
  const url = world.serve(function* (request) {
    yield* accept(request);
    yield* wait(goOn);
    for (;;) got.push((yield).length);
  });
  const socket = yield* world.client.webSocket(url);
  let written = 0;
  const writer = yield* spawn(function* (): Coroutine {
    using _ = socket.enter();
    for (; written < TOO_MUCH; written += PIECE.length) yield PIECE;
  }());
  yield* wait(world.settled());
  assert(written > 0 && written < TOO_MUCH / 2, `${written} bytes`);
  assert(socket.context.unsent! <= 3 * PIECE.length, `${socket.context.unsent} bytes wait`);
  resolve();
  yield* writer;
  socket.close();
  yield* ended();
  assertEquals(got, Array.from({ length: TOO_MUCH / PIECE.length }, () => PIECE.length));
});

socketTest("of large messages to a peer that does not read, two wait at most", async (world) => {
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  const url = world.serve(function* (request) {
    yield* accept(request);
    yield* wait(goOn);
    for (;;) yield `${(yield).length}`;
  });
  const socket = await world.client.webSocket(url);
  const large = new Uint8Array(16 * 1024 * 1024);
  let sent = 0;
  const sending = (async () => {
    for (; sent < 5; sent++) await socket.send(large);
    socket.close();
  })();
  await world.settled();
  // A stream of HTTP/2 takes one.
  assert(sent <= 1, `${sent} were sent`);
  assert(socket.context.unsent! <= large.length + 100);
  resolve();
  await sending;
  await socket.closed;
});

/** What a server speaks, what a client wants, and what is spoken. */
const PROTOCOLS: [string[], string[], string | undefined][] = [
  [[], [], undefined],
  [["chat"], [], undefined],
  [[], ["chat"], undefined],
  [["chat"], ["chat"], "chat"],
  [["a", "b"], ["b", "a"], "b"],
  [["a", "b"], ["c", "b"], "b"],
  [["a"], ["b"], undefined],
];

socketTest("the client's favourite of the subprotocols is spoken", function* ({ serve, client }) {
  for (const [protocols, wanted, spoken] of PROTOCOLS) {
    const url = serve(function* (request) {
      const socket = yield* accept(request, { protocols });
      yield `${socket.protocol}`;
    });
    using socket = yield* client.webSocket(url, { protocols: wanted });
    assertEquals([socket.protocol, yield], [spoken, `${spoken}`]);
  }
});

// How it ends:

socketTest("a handler that returns closes it with 1000", function* ({ serve, client }) {
  const socket = yield* client.webSocket(serve(function* (request) {
    yield* accept(request);
    yield "bye";
  }));
  assertEquals(yield, "bye");
  assertEquals(yield* ended(), [1000, ""]);
  assertEquals(yield* wait(closedOf(socket)), [1000, ""]);
});

socketTest(
  "a handler that fails closes it with 1011, and is reported once",
  function* ({ serve, client }) {
    yield* client.webSocket(serve(function* (request) {
      yield* accept(request);
      yield "so far";
      yield;
      throw new Error("failed");
    }));
    assertEquals(yield, "so far");
    yield "go on";
    assertEquals(yield* ended(), [1011, ""]);
  },
  { errors: ["failed"] },
);

socketTest(
  "a handler whose task fails closes it with 1011 too",
  function* ({ serve, client }) {
    yield* client.webSocket(serve(function* (request) {
      yield* accept(request);
      yield* spawn(function* (): Coroutine {
        yield* wait(Promise.reject(new Error("of the task")));
      }());
      for (;;) yield;
    }));
    assertEquals(yield* ended(), [1011, ""]);
  },
  { errors: ["of the task"] },
);

socketTest(
  "a message that is none fails the handler, and not the connection before",
  function* ({ serve, client }) {
    const seen: unknown[] = [];
    const url = serve(function* (request) {
      yield* accept(request);
      for (const wrong of [42, {}, [1], new ArrayBuffer(8)]) {
        try {
          yield wrong as never;
        } catch (error) {
          seen.push((error as Error).constructor);
        }
      }
      yield "still here";
    });
    yield* client.webSocket(url);
    assertEquals(yield, "still here");
    assertEquals(yield* ended(), [1000, ""]);
    assertEquals(seen, [TypeError, TypeError, TypeError, TypeError]);
  },
);

/** Codes that may be sent, with reasons. */
const CLOSES: [number | undefined, string | undefined][] = [
  [undefined, undefined],
  [1000, "all was said"],
  [1001, ""],
  [1003, "x".repeat(123)],
  [1007, "日".repeat(41)],
  [1014, "gateway"],
  [3000, "registered"],
  [4999, "own"],
];

socketTest("a server tells its code and reason", function* ({ serve, client }) {
  for (const [code, reason] of CLOSES) {
    const url = serve(function* (request) {
      const socket = yield* accept(request);
      socket.close(code, reason);
      assertEquals(socket.isOpen, false);
      // RFC 6455 5.5.1: the answer has the same code.
      assertEquals(yield* wait(closedOf(socket)), [code ?? 1000, ""]);
    });
    const socket = yield* client.webSocket(url);
    assertEquals(yield* ended(), [code ?? 1000, reason ?? ""]);
    assertEquals(yield* wait(closedOf(socket)), [code ?? 1000, reason ?? ""]);
    socket[Symbol.dispose]();
  }
});

socketTest("a client tells its code and reason", function* ({ serve, client }) {
  for (const [code, reason] of CLOSES) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const url = serve(function* (request) {
      const socket = yield* accept(request);
      const end = yield* ended();
      resolve([end, yield* wait(closedOf(socket))]);
    });
    using socket = yield* client.webSocket(url);
    socket.close(code, reason);
    assertEquals(yield* wait(closedOf(socket)), [code ?? 1000, ""]);
    const told = [code ?? 1000, reason ?? ""];
    assertEquals(yield* wait(promise), [told, told]);
  }
});

socketTest("codes and reasons that cannot be sent are refused, and it goes on", function* (world) {
  const socket = yield* world.client.webSocket(world.serve(echo));
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000.5, NaN, -1]) {
    assertThrows(() => socket.close(code), RangeError, "Close", `${code}`);
  }
  for (const reason of ["x".repeat(124), "日".repeat(42)]) {
    assertThrows(() => socket.close(1000, reason), RangeError, "reason", reason);
  }
  assertEquals(socket.isOpen, true);
  yield "still";
  assertEquals(yield, "still");
});

socketTest("what was sent before a close arrives before it", function* (world) {
  const got: string[] = [];
  const url = world.serve(function* (request) {
    yield* accept(request);
    try {
      for (;;) got.push(`${(yield).length}`);
    } catch (error) {
      assertInstanceOf(error, WebSocketEnd);
      got.push(`${error.code}`);
    }
  });
  const socket = yield* world.client.webSocket(url);
  yield "a";
  yield new Uint8Array(5_000_000);
  yield "abc";
  socket.close(4001);
  yield* wait(socket.closed);
  assertEquals(got, ["1", "5000000", "3", "4001"]);
});

socketTest("a server closes while its client sends", function* (world) {
  const url = world.serve(function* (request) {
    const socket = yield* accept(request);
    yield;
    socket.close(4000, "enough");
    yield* wait(socket.closed);
  });
  yield* world.client.webSocket(url);
  let end: unknown;
  try {
    for (;;) yield PIECE;
  } catch (error) {
    end = error;
  }
  assertInstanceOf(end, WebSocketEnd);
  assertEquals([end.code, end.reason], [4000, "enough"]);
});

socketTest("a client closes while its server sends", function* (world) {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const url = world.serve(function* (request) {
    yield* accept(request);
    try {
      for (;;) yield PIECE;
    } catch (error) {
      resolve(error);
      throw error;
    }
  });
  const socket = yield* world.client.webSocket(url);
  yield;
  socket.close(4000, "enough");
  // Nobody reads, and what the server has sent is dropped.
  assertEquals(yield* wait(closedOf(socket)), [4000, ""]);
  const end = yield* wait(promise);
  assertInstanceOf(end, WebSocketEnd);
  assertEquals([end.code, end.reason], [4000, "enough"]);
});

socketTest("both close at the same time", function* (world) {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const { promise: opened, resolve: open } = Promise.withResolvers<WebSocketConnection>();
  const url = world.serve(function* (request) {
    const socket = yield* accept(request);
    open(socket);
    resolve(yield* wait(closedOf(socket)));
  });
  const socket = yield* world.client.webSocket(url);
  const other = yield* wait(opened);
  socket.close(4001, "client");
  other.close(4002, "server");
  assertEquals(yield* wait(closedOf(socket)), [4002, "server"]);
  assertEquals(yield* wait(promise), [4001, "client"]);
});

socketTest("nothing can be sent after close(), and a second one does nothing", function* (world) {
  const socket = yield* world.client.webSocket(world.serve(echo));
  socket.close();
  socket.close(4000, "again");
  for (
    const send of [
      () => wait(socket.send("x")),
      () => wait(socket.ping()),
    ]
  ) {
    let error: unknown;
    try {
      yield* send();
    } catch (thrown) {
      error = thrown;
    }
    assertInstanceOf(error, LocalProtocolError);
  }
  yield* wait(socket.closed);
});

socketTest("abort() is seen as a loss", function* (world) {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const url = world.serve(function* (request) {
    yield* accept(request);
    resolve(yield* ended());
  });
  const socket = yield* world.client.webSocket(url);
  socket.abort();
  assertEquals(yield* wait(promise), [1006, ""]);
  assertEquals(yield* wait(closedOf(socket)), [1006, ""]);
});

// Messages piece by piece:

/** Reads the message that the running coroutine is in, up to its end. */
function* pieces(message: IncomingMessage): Coroutine<(string | Uint8Array)[]> {
  const got: (string | Uint8Array)[] = [];
  using _ = message.enter();
  try {
    for (;;) got.push(yield);
  } catch (error) {
    if (!(error instanceof EndOfStream) || error instanceof WebSocketEnd) throw error;
    return got;
  }
}

/** Reads the next message by pieces. */
function* read(socket: WebSocketConnection): Coroutine<string | Uint8Array> {
  using message = yield* socket.receive();
  const got = yield* pieces(message);
  for (const piece of got) assertEquals(typeof piece === "string", message.type === "text");
  return message.type === "text" ? got.join("") : concat(got as Uint8Array[]);
}

/** Sends each message that comes in pieces, as they come. */
function* echoInPieces(request: HttpRequest): Coroutine {
  const socket = yield* accept(request);
  for (;;) {
    using message = yield* socket.receive();
    using answer = socket.stream(message.type);
    yield* splice(message, answer);
  }
}

socketTest("messages are read by pieces, whole and by pieces in turn", function* (world) {
  const socket = yield* world.client.webSocket(world.serve(echo));
  for (const message of MESSAGES) {
    yield message;
    assertEquals(yield* read(socket), message);
    yield message;
    assertEquals(yield, message);
  }
});

socketTest("messages are spliced to messages", function* (world) {
  const socket = yield* world.client.webSocket(world.serve(echoInPieces));
  for (const message of MESSAGES) {
    yield message;
    assertEquals(yield, message);
    {
      using _ = socket.stream(typeof message === "string" ? "text" : "binary").enter();
      yield message;
    }
    assertEquals(yield* read(socket), message);
  }
});

socketTest("a message is larger than may be read whole, and goes by in pieces", function* (world) {
  const size = 64 * 1024 * 1024;
  const url = world.serve(function* (request) {
    const socket = yield* accept(request, { limits: { maxMessageBytes: 1000 } });
    for (;;) {
      using message = yield* socket.receive();
      using _ = message.enter();
      let length = 0;
      try {
        for (;;) length += (yield).length;
      } catch (error) {
        if (error instanceof WebSocketEnd || !(error instanceof EndOfStream)) throw error;
      }
      using __ = socket.enter();
      yield `${length}`;
    }
  });
  const socket = yield* world.client.webSocket(url);
  {
    using _ = socket.stream("binary").enter();
    for (let sent = 0; sent < size; sent += PIECE.length) yield PIECE;
    assert(socket.context.unsent! <= 3 * PIECE.length);
  }
  assertEquals(yield, `${size}`);
  yield new Uint8Array(1001);
  assertEquals(yield, "1001"); // It is not read whole, so the limit does not count.
});

socketTest("a message that is too large closes it with 1009", function* (world) {
  const caught: unknown[] = [];
  const url = world.serve(function* (request) {
    yield* accept(request, { limits: { maxMessageBytes: 1000 } });
    assertEquals((yield).length, 1000);
    try {
      yield;
    } catch (error) {
      caught.push(error);
      throw error;
    }
  });
  yield* world.client.webSocket(url);
  yield "x".repeat(1000);
  yield "x".repeat(1001);
  const [code] = yield* ended();
  assertEquals(code, 1009);
  const [fault] = caught;
  assertInstanceOf(fault, WebSocketFault);
  assertEquals(fault.code, 1009);
});

socketTest("text in pieces is never cut within a character", function* (world) {
  const text = "aé日😀".repeat(20_000);
  const bytes = new TextEncoder().encode(text);
  const url = world.serve(function* (request) {
    const socket = yield* accept(request);
    using message = yield* socket.receive();
    const got = yield* pieces(message);
    assert(got.length > 1);
    for (const piece of got as string[]) assert(piece !== "" && piece.isWellFormed());
    assertEquals(got.join(""), text);
    yield "right";
  });
  const socket = yield* world.client.webSocket(url);
  {
    using _ = socket.stream("text").enter();
    // It is written in bytes, cut anywhere.
    for (let at = 0, size = 1; at < bytes.length; at += size, size = size % 997 + 1) {
      yield bytes.subarray(at, at + size);
    }
  }
  assertEquals(yield, "right");
});

socketTest("a text that ends within a character closes it with 1011", function* (world) {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const url = world.serve(function* (request) {
    yield* accept(request);
    resolve(yield* ended());
  });
  const socket = yield* world.client.webSocket(url);
  {
    using _ = socket.stream("text").enter();
    yield Uint8Array.of(0xe6, 0x97);
  }
  assertEquals(((yield* wait(promise)) as unknown[])[0], 1011);
  yield* wait(socket.closed);
});

socketTest("messages are spliced from and to files", function* (world) {
  const path = yield* wait(Deno.makeTempFile());
  const copy = yield* wait(Deno.makeTempFile());
  try {
    const content = pattern(3_000_000);
    yield* wait(Deno.writeFile(path, content));
    const url = world.serve(function* (request) {
      const socket = yield* accept(request);
      {
        using message = yield* socket.receive();
        using file = open(copy, { write: true });
        yield* splice(message, file);
      }
      using answer = socket.stream("binary");
      using file = open(copy);
      yield* splice(file, answer);
    });
    const socket = yield* world.client.webSocket(url);
    {
      using message = socket.stream("binary");
      using file = open(path);
      yield* splice(file, message);
    }
    assertEquals(yield* read(socket), content);
    assertEquals(yield* ended(), [1000, ""]);
    assertEquals(yield* wait(Deno.readFile(copy)), content);
  } finally {
    yield* wait(Deno.remove(path));
    yield* wait(Deno.remove(copy));
  }
});

socketTest("contexts of messages nest", function* (world) {
  const url = world.serve(function* (request) {
    const socket = yield* accept(request);
    const message = yield* socket.receive();
    using answer = socket.stream("text");
    using _ = answer.enter();
    yield "<";
    for (;;) {
      let piece: string;
      try {
        using _ = enter(message.context);
        piece = yield;
      } catch (error) {
        assertInstanceOf(error, EndOfStream);
        break;
      }
      yield piece.toUpperCase();
    }
    yield ">";
  });
  const socket = yield* world.client.webSocket(url);
  {
    using message = socket.stream("text");
    for (const piece of ["some", " ", "text"]) {
      using _ = enter(message.context);
      yield piece;
    }
  }
  assertEquals(yield, "<SOME TEXT>");
  assertEquals(yield* ended(), [1000, ""]);
});

socketTest("what is left of a message is dropped, and whole ones follow", function* (world) {
  const url = world.serve(function* (request) {
    const socket = yield* accept(request);
    {
      // One that is not read at all.
      using _ = yield* socket.receive();
    }
    {
      using message = yield* socket.receive();
      using _ = message.enter();
      yield; // One piece.
    }
    yield yield;
    {
      using _ = yield* socket.receive(); // One that has not come whole.
    }
    yield yield;
  });
  const socket = yield* world.client.webSocket(url);
  yield "not read";
  yield pattern(2_000_000);
  yield "whole";
  assertEquals(yield, "whole");
  {
    using _ = socket.stream("text").enter();
    yield "the beginning";
    yield* wait(world.settled());
    yield "the end";
  }
  yield "whole again";
  assertEquals(yield, "whole again");
  assertEquals(yield* ended(), [1000, ""]);
});

socketTest("whole messages wait until one in pieces has ended", function* (world) {
  const socket = yield* world.client.webSocket(world.serve(echo));
  const message = socket.stream("text");
  {
    using _ = enter(message.context);
    yield "first ";
    // What was yielded goes out when the coroutine waits.
    yield* wait(Promise.resolve());
  }
  const second = yield* spawn(function* (): Coroutine<string> {
    yield* socket.send("second");
    return "sent";
  }());
  const third = yield* spawn(function* (): Coroutine<string> {
    using other = socket.stream("text");
    using _ = other.enter();
    yield "third";
    return "sent";
  }());
  yield* wait(world.settled());
  assertEquals(second.done, false);
  {
    using _ = enter(message.context);
    yield "to its end";
  }
  message.close();
  assertEquals(yield, "first to its end");
  assertEquals([yield* second, yield* third], ["sent", "sent"]);
  assertEquals(new Set([yield, yield]), new Set(["second", "third"]));
});

socketTest("only one reads, and is told how", function* (world) {
  const socket = yield* world.client.webSocket(world.serve(echo));
  yield "a";
  const message = yield* socket.receive();
  let error: unknown;
  try {
    yield;
  } catch (thrown) {
    error = thrown;
  }
  assertInstanceOf(error, TypeError);
  assert(error.message.includes("piece by piece"), error.message);
  message.close();
  yield "b";
  assertEquals(yield, "b");
});

socketTest("a message that the peer cuts is not taken for a whole one", function* (world) {
  for (const cut of ["abort", "close"] as const) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const url = world.serve(function* (request) {
      const socket = yield* accept(request);
      const message = yield* socket.receive();
      try {
        yield* pieces(message);
        resolve("whole");
      } catch (error) {
        resolve(error);
      }
    });
    using socket = yield* world.client.webSocket(url);
    const message = socket.stream("binary");
    {
      using _ = enter(message.context);
      yield "some";
      yield* wait(Promise.resolve());
    }
    yield* wait(world.settled());
    socket[cut]();
    const error = yield* wait(promise);
    assertInstanceOf(error, RemoteProtocolError, cut);
    assertInstanceOf(error.cause, WebSocketEnd);
    assertEquals(error.cause.code, cut === "abort" ? 1006 : 1000);
    message.close();
    yield* wait(socket.closed);
  }
});

for (const when of ["at once", "when a part was sent"]) {
  socketTest(
    `a message that is aborted ${when} does not arrive, and nobody is told`,
    function* (world) {
      const url = world.serve(function* (request) {
        const socket = yield* accept(request);
        const message = socket.stream("text");
        using _ = message.enter();
        yield "a part";
        if (when !== "at once") yield* wait(Promise.resolve());
        message.abort();
      });
      const socket = yield* world.client.webSocket(url);
      assertEquals(yield* ended(), [1011, "A message was cut"]);
      assertEquals(socket.isOpen, false);
    },
  );
}

socketTest("a message that is bound and entered arrives whole", function* (world) {
  const socket = yield* world.client.webSocket(world.serve(echo));
  const large = pattern(5_000_000);
  {
    using message = socket.stream("binary");
    using _ = message.enter();
    for (let at = 0; at < large.length; at += 100_000) yield large.subarray(at, at + 100_000);
  }
  assertEquals(yield, large);
});

socketTest(
  "a message that a cut splice was to make does not arrive as a whole one",
  function* (world) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const url = world.serve(function* (request) {
      const socket = yield* accept(request);
      const message = yield* socket.receive();
      try {
        yield* pieces(message);
        resolve("whole");
      } catch (error) {
        resolve(error);
      }
    });
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const source = yield* world.client.webSocket(world.serve(function* (request) {
      const socket = yield* accept(request);
      using _ = enter(socket.stream("binary").context);
      yield "a part";
      yield* wait(begun);
      socket.abort();
    }));
    const socket = yield* world.client.webSocket(url);
    try {
      using from = yield* source.receive();
      using to = socket.stream("binary");
      yield* splice(from, to, { onProgress: () => begin() });
    } catch (error) {
      assertInstanceOf(error, TransferError);
    }
    socket.close();
    assertInstanceOf(yield* wait(promise), Error);
    yield* wait(socket.closed);
  },
);

// Pings:

socketTest("ping() waits for its answer, on both sides", function* (world) {
  const url = world.serve(function* (request) {
    const socket = yield* accept(request);
    yield;
    yield `${yield* socket.ping()}`;
    for (;;) yield;
  });
  const socket = yield* world.client.webSocket(url);
  assertEquals(yield* socket.ping(), 0); // By a clock that nobody moves.
  const ping = function* (): Coroutine<number> {
    return yield* socket.ping();
  };
  assertEquals(yield* all(ping(), ping(), ping()), [0, 0, 0]);
  yield "now you";
  assertEquals(yield, "0");
});

/** More than is kept while nobody reads. */
const UNREAD = "x".repeat(100_000);

socketTest("ping() is answered while messages wait, if they are few", function* (world) {
  const url = world.serve(function* (request) {
    yield* accept(request);
    yield "unread";
    yield Uint8Array.of(1);
    for (;;) yield;
  });
  const socket = yield* world.client.webSocket(url);
  yield* wait(world.settled());
  assertEquals(yield* socket.ping(), 0);
  assertEquals([yield, yield], ["unread", Uint8Array.of(1)]);
});

socketTest("an answer behind many messages that nobody reads is not seen", function* (world) {
  const url = world.serve(function* (request) {
    yield* accept(request);
    yield UNREAD;
    for (;;) yield;
  });
  const socket = yield* world.client.webSocket(url);
  yield* wait(world.settled());
  const ping = yield* spawn(function* (): Coroutine<number> {
    return yield* socket.ping();
  }());
  yield* wait(world.settled());
  assertEquals(ping.done, false);
  assertEquals(yield, UNREAD);
  assertEquals(yield* ping, 0);
});

socketTest("ping() fails when it ends before the answer", async (world) => {
  using listener = new PeerListener();
  for (const [end, code] of [["close", 4000], ["FIN", 1006]] as const) {
    const opening = world.client.webSocket(listener.url).then((socket) => socket);
    using peer = await listener.next();
    await peer.send(answerHead(await peer.head()));
    const socket = await opening;
    const ping = assertRejects(async () => await socket.ping(), WebSocketEnd, `${code}`);
    if (end === "close") await peer.send(new Frames("server").close(4000));
    await peer.vanish("FIN");
    await ping;
    await socket.closed;
  }
}, { wire: "1.1" });

socketTest("a client that has gone is reported by nobody", function* (world) {
  for (const last of ["nothing", "a message", "a Ping", "all but what came"]) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const url = world.serve(function* (request) {
      yield* accept(request);
      try {
        if (last === "all but what came") yield "unread";
        for (;;) yield yield;
      } catch (error) {
        resolve(error);
        throw error;
      }
    });
    const socket = yield* world.client.webSocket(url);
    yield* wait(world.settled());
    // What the server answers cannot be sent any more.
    if (last === "a message") yield* socket.send("x");
    if (last === "a Ping" || last === "all but what came") {
      yield* spawn(function* (): Coroutine {
        try {
          yield* socket.ping();
        } catch { /* It ends before. */ }
      }());
    }
    socket.abort();
    const error = yield* wait(promise);
    assertInstanceOf(error, WebSocketEnd);
    assertEquals(error.code, 1006);
    socket[Symbol.dispose]();
  }
});

// Tasks beside:

socketTest("tasks write beside the coroutine that reads", function* (world) {
  const url = world.serve(function* (request) {
    const socket = yield* accept(request);
    const ticks = yield* spawn(function* (): Coroutine {
      using _ = socket.enter();
      for (let i = 0; i < 100; i++) {
        yield `tick ${i}`;
        yield* wait(Promise.resolve());
      }
    }());
    let read = 0;
    for (let message; (message = yield) !== "end"; read++) yield message;
    yield* ticks;
    yield `${read} read`;
  });
  yield* world.client.webSocket(url);
  const ticks: string[] = [];
  const others: string[] = [];
  for (let i = 0; i < 100; i++) yield `${i}`;
  yield "end";
  try {
    for (;;) {
      const message: string = yield;
      (message.startsWith("tick") ? ticks : others).push(message);
    }
  } catch (error) {
    assertInstanceOf(error, WebSocketEnd);
  }
  assertEquals(ticks, Array.from({ length: 100 }, (_, i) => `tick ${i}`));
  assertEquals(others, [...Array.from({ length: 100 }, (_, i) => `${i}`), "100 read"]);
});

socketTest("a task that waits to read is told of the end", function* (world) {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const url = world.serve(function* (request) {
    const socket = yield* accept(request);
    const reader = yield* spawn(function* (): Coroutine {
      using _ = socket.enter();
      resolve(yield* ended());
    }());
    yield* reader;
  });
  const socket = yield* world.client.webSocket(url);
  socket.close(4000, "over");
  assertEquals(yield* wait(promise), [4000, "over"]);
  yield* wait(socket.closed);
});

socketTest("two read in one coroutine from two WebSockets", function* (world) {
  const first = yield* world.client.webSocket(world.serve(echo));
  const second = yield* world.client.webSocket(world.serve(echo));
  for (const socket of [first, second]) {
    using _ = socket.enter();
    yield `to ${socket === first ? "first" : "second"}`;
  }
  for (const socket of [first, second]) {
    using _ = socket.enter();
    assertEquals(yield, `to ${socket === first ? "first" : "second"}`);
  }
  // Those that the coroutine has opened end with it.
});

socketTest("what a handler has bound is closed at the end of its block", function* (world) {
  const url = world.serve(function* (request) {
    {
      using socket = yield* accept(request);
      yield "within";
      void socket;
    }
    // The connection is over for the handler.
    yield* wait(world.settled());
  });
  const socket = yield* world.client.webSocket(url);
  assertEquals(yield, "within");
  assertEquals(yield* ended(), [1000, ""]);
  socket[Symbol.dispose]();
});

// In plain async code:

socketTest("plain async code reads by for await, and sends", async (world) => {
  const socket = await world.client.webSocket(world.serve(echo));
  const got: (string | Uint8Array)[] = [];
  for (const message of MESSAGES) await socket.send(message);
  for await (const message of socket) {
    got.push(message);
    if (got.length === MESSAGES.length) socket.close(4000, "enough");
  }
  assertEquals(got, MESSAGES);
  assertEquals(await closedOf(socket), [4000, ""]);
  assertEquals(socket.isOpen, false);
});

socketTest("a handler may be plain async code", async (world) => {
  const url = world.serve(function* (request) {
    const socket = yield* accept(request);
    yield* wait((async () => {
      for await (const message of socket) {
        await socket.send(typeof message === "string" ? message.toUpperCase() : message);
      }
    })());
  });
  await using socket = await world.client.webSocket(url);
  await socket.send("hello");
  for await (const message of socket) {
    assertEquals(message, "HELLO");
    break;
  }
});

socketTest("for await ends at a close, and throws at a loss", async (world) => {
  for (const [how, code] of [["close", 1000], ["abort", 1006]] as const) {
    const socket = await world.client.webSocket(world.serve(function* (request) {
      const socket = yield* accept(request);
      yield "last";
      yield;
      socket[how]();
      yield* wait(socket.closed);
    }));
    const got: unknown[] = [];
    const reading = (async () => {
      for await (const message of socket) {
        got.push(message);
        await socket.send("go on");
      }
    })();
    if (how === "close") await reading;
    else await assertRejects(() => reading, WebSocketEnd, "1006");
    assertEquals([got, (await socket.closed).code], [["last"], code]);
  }
});

socketTest("streams of messages", async (world) => {
  const socket = await world.client.webSocket(world.serve(echo));
  const writer = socket.writable.getWriter();
  const reader = socket.readable.getReader();
  assertStrictEquals(socket.readable, socket.readable);
  for (const message of MESSAGES) {
    await writer.write(message);
    assertEquals(await reader.read(), { value: message, done: false });
  }
  await writer.close();
  assertEquals((await reader.read()).done, true);
  assertEquals(await closedOf(socket), [1000, ""]);
});

socketTest("streams are piped", async (world) => {
  const first = await world.client.webSocket(world.serve(function* (request) {
    yield* accept(request);
    for (const message of MESSAGES) yield message;
  }));
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const second = await world.client.webSocket(world.serve(function* (request) {
    yield* accept(request);
    const got: unknown[] = [];
    try {
      for (;;) got.push(yield);
    } catch (error) {
      resolve([got, (error as WebSocketEnd).code]);
    }
  }));
  await first.readable.pipeTo(second.writable);
  assertEquals(await promise, [MESSAGES, 1000]);
});

socketTest("a stream that is cancelled or aborted closes it", async (world) => {
  for (
    const [end, code] of [
      [(socket: WebSocketConnection) => socket.readable.cancel(), 1000],
      [(socket: WebSocketConnection) => socket.writable.abort(), 1011],
    ] as const
  ) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const socket = await world.client.webSocket(world.serve(function* (request) {
      yield* accept(request);
      resolve(yield* ended());
    }));
    await end(socket);
    assertEquals(await promise, [code, ""]);
    await socket.closed;
  }
});

socketTest("messages by pieces in plain async code", async (world) => {
  const socket = await world.client.webSocket(world.serve(echoInPieces));
  for (const message of MESSAGES) {
    const isText = typeof message === "string";
    const writer = socket.stream(isText ? "text" : "binary").writable.getWriter();
    const half = message.length >> 1;
    const writing = Promise.all([
      writer.write(message.slice(0, half)),
      writer.write(message.slice(half)),
      writer.close(),
    ]);
    const incoming = await socket.receive();
    assertEquals(incoming.type, isText ? "text" : "binary");
    const got = await Array.fromAsync(incoming.stream());
    await writing;
    assertEquals(isText ? got.join("") : concat(got as Uint8Array[]), message);
  }
  socket.close();
  await socket.closed;
});

socketTest("await using closes it, and waits for the end", async (world) => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  let outer: WebSocketConnection;
  {
    await using socket = await world.client.webSocket(world.serve(function* (request) {
      yield* accept(request);
      resolve(yield* ended());
    }));
    outer = socket;
  }
  assertEquals([outer.isOpen, (await outer.closed).code], [false, 1000]);
  assertEquals(await promise, [1000, ""]);
});

socketTest("a reader and send() are told the end", async (world) => {
  const socket = await world.client.webSocket(world.serve(function* (request) {
    const socket = yield* accept(request);
    socket.close(4000, "no");
  }));
  await assertRejects(async () => await socket.receive(), WebSocketEnd, "4000: no");
  await assertRejects(async () => await socket.send("x"), WebSocketEnd, "4000: no");
  await assertRejects(async () => await socket.ping(), WebSocketEnd, "4000: no");
  await socket.closed;
});

socketTest("a signal aborts the opening, before it and within", async (world) => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const url = world.serve(function* (request) {
    ask();
    yield* wait(new Promise((resolve) => request.signal.addEventListener("abort", resolve)));
  });
  const reason = new Error("not wanted");
  await assertRejects(
    async () => await world.client.webSocket(url, { signal: AbortSignal.abort(reason) }),
    Error,
    "not wanted",
  );
  const controller = new AbortController();
  const opening = world.client.webSocket(url, { signal: controller.signal });
  const rejected = assertRejects(async () => await opening, Error, "not wanted");
  await asked;
  controller.abort(reason);
  await rejected;
});

socketTest("a signal closes it after the opening, with 1001", async (world) => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const url = world.serve(function* (request) {
    yield* accept(request);
    resolve(yield* ended());
  });
  const controller = new AbortController();
  const reason = new Error("not wanted any more");
  const socket = await world.client.webSocket(url, { signal: controller.signal });
  const reading = assertRejects(
    async () => {
      for await (const _ of socket);
    },
    Error,
    "not wanted any more",
  );
  controller.abort(reason);
  await reading;
  assertEquals(await promise, [1001, ""]);
  await socket.closed;
});

socketTest("timeoutMs limits the opening", async (world) => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const url = world.serve(function* (request) {
    ask();
    yield* wait(new Promise((resolve) => request.signal.addEventListener("abort", resolve)));
  });
  const rejected = assertRejects(
    async () => await world.client.webSocket(url, { timeoutMs: 100 }),
    TimeoutError,
  );
  await asked;
  world.clock.advance(100);
  await rejected;
  // Not the WebSocket.
  const socket = await world.client.webSocket(world.serve(echo), { timeoutMs: 100 });
  world.clock.advance(200);
  await socket.send("x");
  for await (const message of socket) {
    assertEquals(message, "x");
    socket.close();
  }
});

socketTest("a server that does not open it is told with its status", async (world) => {
  const cases: [HttpHandler, string][] = [
    [function* () {
      yield ok();
      yield "no";
    }, world.wire === "2" ? "" : "answers 200"],
    [function* () {
      yield response(404);
    }, "answers 404"],
    [function* () {
      yield response(302, { location: "/other" });
    }, "answers 302"],
    [function* (request) {
      yield* accept(request, { origins: ["https://example.org"] });
    }, "answers 403"],
  ];
  for (const [handler, message] of cases) {
    if (message === "") continue;
    await assertRejects(
      async () => {
        const url = world.serve(handler);
        await world.client.webSocket(url, { headers: { origin: "https://example.com" } });
      },
      RemoteProtocolError,
      message,
    );
  }
});

socketTest(
  "what is sent by a client that has closed, and the other way, is told",
  async (world) => {
    const socket = await world.client.webSocket(world.serve(echo));
    socket.close();
    await assertRejects(async () => await socket.send("x"), LocalProtocolError);
    await socket.closed;
    world.client.close();
    assertThrows(() => world.client.webSocket("ws://127.0.0.1:1/"), TypeError, "closed");
  },
);

// Broadcast:

/** A server whose handlers are members, and clients of it. */
function* room(
  world: World,
  broadcast: Broadcast,
  options: readonly AcceptOptions[],
): Coroutine<{ clients: WebSocketConnection[]; members: WebSocketConnection[] }> {
  const clients: WebSocketConnection[] = [];
  const members: WebSocketConnection[] = [];
  for (const given of options) {
    const { promise, resolve } = Promise.withResolvers<WebSocketConnection>();
    const url = world.serve(function* (request) {
      const socket = yield* accept(request, given);
      using _ = broadcast.add(socket);
      resolve(socket);
      for (;;) yield;
    });
    clients.push(yield* world.client.webSocket(url, given));
    members.push(yield* wait(promise));
  }
  return { clients, members };
}

/** The next message of each. */
function* next(sockets: readonly WebSocketConnection[]): Coroutine<(string | Uint8Array)[]> {
  const got = [];
  for (const socket of sockets) {
    using _ = socket.enter();
    got.push(yield);
  }
  return got;
}

const COMPRESSIONS: AcceptOptions[] = [
  {},
  {},
  { compression: true },
  { compression: true },
  { compression: { contextTakeover: true, peerContextTakeover: true } },
  { compression: { contextTakeover: true, peerContextTakeover: true } },
  { compression: { maxWindowBits: 9, peerMaxWindowBits: 9 } },
  { compression: { level: 9, minBytes: 0 } },
];

socketTest("Broadcast sends to all members, whatever their compression", function* (world) {
  const broadcast = new Broadcast();
  const { clients, members } = yield* room(world, broadcast, COMPRESSIONS);
  assertEquals(members.map(({ isCompressed }) => isCompressed), [
    false,
    false,
    ...members.slice(2).map(() => true),
  ]);
  assertEquals(broadcast.size, COMPRESSIONS.length);
  // Some are sent to one member between, whose context of compression goes on.
  for (const message of [...MESSAGES.filter(({ length }) => length < 100_000), ...MESSAGES]) {
    if (message.length > 1_000_000) continue;
    broadcast.send(message);
    assertEquals(yield* next(clients), clients.map(() => message));
    for (const member of members) yield* member.send("between ".repeat(200));
    assertEquals(yield* next(clients), clients.map(() => "between ".repeat(200)));
  }
  assertEquals(broadcast.skipped, 0);
});

socketTest("Broadcast forgets members that leave, and leaves one out", function* (world) {
  const broadcast = new Broadcast();
  const { clients, members } = yield* room(world, broadcast, [{}, {}, {}]);
  broadcast.send("for others", members[1]);
  broadcast.send("for all");
  assertEquals(yield* next(clients), ["for others", "for all", "for others"]);
  assertEquals(yield* next([clients[0]!, clients[2]!]), ["for all", "for all"]);
  const added = broadcast.add(members[0]!); // It is one already.
  assertEquals(broadcast.size, 3);
  clients[1]!.close();
  yield* wait(clients[1]!.closed);
  yield* wait(turnsUntil(() => broadcast.size === 2));
  broadcast.send("for two");
  assertEquals(yield* next([clients[0]!, clients[2]!]), ["for two", "for two"]);
  clients[2]!.abort();
  yield* wait(turnsUntil(() => broadcast.size === 1));
  // It was added twice, so it is removed twice.
  added[Symbol.dispose]();
  added[Symbol.dispose]();
  assertEquals(broadcast.size, 1);
  broadcast.send("for one");
  assertEquals(yield* next([clients[0]!]), ["for one"]);
  clients[0]!.close();
  yield* wait(turnsUntil(() => broadcast.size === 0));
  broadcast.send("for nobody");
  assertEquals(broadcast.skipped, 0);
});

socketTest("Broadcast does not break into a message in pieces", function* (world) {
  const broadcast = new Broadcast();
  const { clients, members } = yield* room(world, broadcast, [{}, {}]);
  const message = members[0]!.stream("text");
  {
    using _ = enter(message.context);
    yield "in ";
    yield* wait(Promise.resolve());
    yield "pieces";
    yield* wait(Promise.resolve());
    broadcast.send("news");
  }
  message.close();
  yield* wait(Promise.resolve());
  broadcast.send("more news");
  assertEquals(yield* next(clients), ["in pieces", "news"]);
  assertEquals(yield* next(clients), ["more news", "more news"]);
  assertEquals(broadcast.skipped, 1);
});

socketTest("Broadcast leaves messages out for a member that does not read", function* (world) {
  const broadcast = new Broadcast({ maxWaitingBytes: 100_000 });
  const { clients, members } = yield* room(world, broadcast, [{}, {}]);
  const [slow, fast] = clients;
  const news = (i: number) => `${i}`.padStart(10_000);
  let sent = 0;
  // The kernel takes some first.
  while (broadcast.skipped === 0) {
    broadcast.send(news(sent++));
    assertEquals(yield* next([fast!]), [news(sent - 1)]);
    assert(sent < TOO_MUCH / 10_000);
  }
  assert(members[0]!.context.unsent! <= 100_000 + 20_000);
  for (let i = 0; i < 100; i++) {
    broadcast.send(news(sent++));
    assertEquals(yield* next([fast!]), [news(sent - 1)]);
  }
  assert(members[0]!.context.unsent! <= 100_000 + 20_000);
  const { skipped } = broadcast;
  assertEquals(skipped, 101);
  // When it has caught up, it gets the news again.
  let got = 0;
  using _ = slow!.enter();
  for (; got < sent - skipped; got++) assertEquals(yield, news(got));
  broadcast.send("latest");
  assertEquals(yield, "latest");
  assertEquals(broadcast.skipped, skipped);
});

socketTest("Broadcast closes a member that does not read with 1008", function* (world) {
  const broadcast = new Broadcast({ slow: "close", maxWaitingBytes: 100_000 });
  const { clients, members } = yield* room(world, broadcast, [{}, {}]);
  const [slow, fast] = clients;
  let sent = 0;
  while (members[0]!.isOpen) {
    broadcast.send("x".repeat(10_000));
    yield* next([fast!]);
    assert(++sent < TOO_MUCH / 10_000);
  }
  assertEquals(broadcast.skipped, 1);
  broadcast.send("one more");
  assertEquals(yield* next([fast!]), ["one more"]);
  using _ = slow!.enter();
  assertEquals(yield* ended(), [1008, "Too slow"]);
});

socketTest("Broadcast of a client's WebSockets masks each", function* (world) {
  const broadcast = new Broadcast();
  const clients: WebSocketConnection[] = [];
  for (let i = 0; i < 3; i++) {
    const socket = yield* world.client.webSocket(world.serve(echo));
    clients.push(socket);
    broadcast.add(socket);
  }
  broadcast.send("to servers");
  assertEquals(yield* next(clients), clients.map(() => "to servers"));
});

socketTest(
  "Broadcast sends what is sent in one turn together, before what comes after",
  function* (world) {
    const broadcast = new Broadcast();
    const url = world.serve(function* (request) {
      const socket = yield* accept(request);
      using _ = broadcast.add(socket);
      yield;
      const { sends } = world.counts;
      for (let number = 0; number < 50; number++) broadcast.send(String(number));
      yield "after";
      broadcast.send("last");
      yield;
      assertEquals(world.counts.sends - sends < 10, true);
      yield "done";
    });
    yield* world.client.webSocket(url);
    yield "begin";
    for (let number = 0; number < 50; number++) assertEquals(yield, String(number));
    assertEquals(yield, "after");
    assertEquals(yield, "last");
    yield "go on";
    assertEquals(yield, "done");
  },
);

socketTest("Broadcasts with the same member keep the order of the program", function* (world) {
  const rooms = [new Broadcast(), new Broadcast(), new Broadcast()];
  const url = world.serve(function* (request) {
    const socket = yield* accept(request);
    for (const room of rooms) room.add(socket);
    yield;
    for (let number = 0; number < 9; number++) rooms[number % 3]!.send(String(number));
    yield "9";
    rooms[0]!.send("nobody", socket);
    rooms[0]!.send("10");
    yield;
  });
  yield* world.client.webSocket(url);
  yield "begin";
  for (let number = 0; number <= 10; number++) assertEquals(yield, String(number));
});

Deno.test("Broadcast refuses options and members that make no sense", () => {
  assertThrows(() => new Broadcast({ slow: "wait" as "skip" }), TypeError, "slow");
  assertThrows(() => new Broadcast({ maxWaitingBytes: -1 }), RangeError, "maxWaitingBytes");
  assertThrows(() => new Broadcast({ maxWaitingBytes: 1.5 }), RangeError, "maxWaitingBytes");
  assertThrows(() => new Broadcast({ other: 1 } as never), TypeError, "other");
  assertThrows(() => new Broadcast().add({} as WebSocketConnection), TypeError, "Cannot add");
  assertEquals(new Broadcast({ maxWaitingBytes: Infinity }).size, 0);
});

// Compression:

const TEXT = "WebSockets send messages, again and again. ".repeat(2000);

socketTest("what is compressed is less on the wire", function* (world) {
  const bytesFor = function* (
    compression: AcceptOptions["compression"],
    messages: readonly (string | Uint8Array)[],
  ): Coroutine<number> {
    const options: AcceptOptions = compression === undefined ? {} : { compression };
    const url = world.serve(function* (request) {
      const socket = yield* accept(request, options);
      assertEquals(socket.isCompressed, compression !== undefined);
      for (;;) yield yield;
    });
    using socket = yield* world.client.webSocket(url, options);
    assertEquals(socket.isCompressed, compression !== undefined);
    yield* wait(world.settled());
    const before = world.counts.sent;
    for (const message of messages) {
      yield message;
      assertEquals(yield, message);
    }
    // Both ways. Windows of HTTP/2 are told besides.
    yield* wait(world.settled());
    return world.counts.sent - before;
  };
  const large = [TEXT, new TextEncoder().encode(TEXT)];
  const size = 4 * TEXT.length;
  assert((yield* bytesFor(undefined, large)) > size);
  assert((yield* bytesFor(true, large)) < size / 20);
  assert(
    (yield* bytesFor({ contextTakeover: true, peerContextTakeover: true }, large)) < size / 20,
  );
  // Small messages of the same form need the context of those before.
  const form = (i: number) => `{"id":${i},"kind":"measurement","place":"kitchen","value":${i * 7}}`;
  const small = Array.from({ length: 200 }, (_, i) => form(i));
  const alone = yield* bytesFor({ minBytes: 0 }, small);
  const takingOver = yield* bytesFor(
    { minBytes: 0, contextTakeover: true, peerContextTakeover: true },
    small,
  );
  assert(takingOver < alone * 0.7, `${takingOver} and ${alone} bytes`);
});

socketTest("compressed messages are read and written by pieces", function* (world) {
  for (const compression of [true, { contextTakeover: true, peerContextTakeover: true }]) {
    const url = world.serve(function* (request) {
      const socket = yield* accept(request, { compression });
      for (;;) {
        using message = yield* socket.receive();
        using answer = socket.stream(message.type);
        yield* splice(message, answer);
      }
    });
    using socket = yield* world.client.webSocket(url, { compression });
    assertEquals(socket.isCompressed, true);
    for (const message of [...MESSAGES, TEXT]) {
      yield message;
      assertEquals(yield, message);
      yield message;
      assertEquals(yield* read(socket), message);
    }
  }
});

socketTest("what is left of a compressed message is dropped", function* (world) {
  const compression = { contextTakeover: true, peerContextTakeover: true };
  const url = world.serve(function* (request) {
    const socket = yield* accept(request, { compression });
    for (let i = 0; i < 3; i++) {
      using message = yield* socket.receive();
      using _ = message.enter();
      if (i > 0) yield;
    }
    yield yield;
  });
  yield* world.client.webSocket(url, { compression });
  for (let i = 0; i < 3; i++) yield `${i}${TEXT.repeat(20)}`;
  yield TEXT;
  assertEquals(yield, TEXT);
});

socketTest("few bytes that become many end at the limit, with 1009", function* (world) {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const url = world.serve(function* (request) {
    yield* accept(request, { compression: true, limits: { maxMessageBytes: 100_000 } });
    try {
      resolve(yield);
    } catch (error) {
      resolve(error);
      throw error;
    }
  });
  const socket = yield* world.client.webSocket(url, { compression: true });
  const before = world.counts.sent;
  yield new Uint8Array(10_000_000);
  const [code] = yield* ended();
  assertEquals(code, 1009);
  assert(world.counts.sent - before < 100_000);
  assertInstanceOf(yield* wait(promise), WebSocketFault);
  yield* wait(socket.closed);
});

socketTest("nobody compresses unless both want it", function* (world) {
  for (const [ours, theirs] of [[true, false], [false, true]] as const) {
    const url = world.serve(function* (request) {
      yield `${(yield* accept(request, { compression: theirs })).isCompressed}`;
    });
    using socket = yield* world.client.webSocket(url, { compression: ours });
    assertEquals([socket.isCompressed, yield], [false, "false"]);
  }
});

// Options:

/** Options that are refused by both, with their error. */
const WRONG: [Record<string, unknown>, ErrorConstructor | typeof LocalProtocolError, string][] = [
  [{ unknown: 1 }, TypeError, "unknown"],
  [{ protocol: "chat" }, TypeError, "protocol"],
  [{ protocols: "chat" }, LocalProtocolError, "subprotocols"],
  [{ protocols: ["a b"] }, LocalProtocolError, "subprotocols"],
  [{ protocols: ["a", "a"] }, LocalProtocolError, "subprotocols"],
  [{ compression: "yes" }, TypeError, "compress"],
  [{ compression: { other: 1 } }, TypeError, "other"],
  [{ compression: { maxWindowBits: 16 } }, RangeError, "maxWindowBits"],
  [{ compression: { level: 10 } }, RangeError, "level"],
  [{ compression: { minBytes: -1 } }, RangeError, "minBytes"],
  [{ limits: { maxMessageBytes: -1 } }, RangeError, "maxMessageBytes"],
  [{ limits: { other: 1 } }, TypeError, "other"],
  [{ timeouts: { pingMs: 0 } }, RangeError, "pingMs"],
  [{ timeouts: { pongMs: NaN } }, RangeError, "pongMs"],
  [{ timeouts: { other: 1 } }, TypeError, "other"],
];

socketTest("options that make no sense are refused by webSocket()", async (world) => {
  const { client } = world;
  for (const [options, type, message] of WRONG) {
    await assertRejects(async () => await client.webSocket("ws://x/", options), type, message);
  }
  for (const url of ["", "x", "ftp://x/", "//x/"]) {
    assertThrows(() => client.webSocket(url), TypeError, "ws", url);
  }
});

for (const [options, type, message] of WRONG) {
  socketTest(`accept() refuses ${JSON.stringify(options)}`, function* (world) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const url = world.serve(function* (request) {
      try {
        yield* accept(request, options);
      } catch (error) {
        resolve(error);
        yield response(500);
      }
    });
    try {
      yield* world.client.webSocket(url);
    } catch (error) {
      assertInstanceOf(error, RemoteProtocolError);
    }
    const error = yield* wait(promise);
    assertInstanceOf(error, type);
    assert(error.message.includes(message), error.message);
  });
}

/** How plain code, that a coroutine has called or not, sends: what arrives. */
const GIVEN: Record<string, [(socket: WebSocketConnection) => unknown, string[]]> = {
  "and awaits only the last": [async (socket) => {
    socket.send("1");
    socket.send("2");
    await socket.send("3");
  }, ["1", "2", "3"]],
  "and awaits the first last": [async (socket) => {
    const first = socket.send("1");
    await socket.send("2");
    await first;
  }, ["1", "2"]],
  "and closes": [(socket) => {
    for (const text of "123") socket.send(text);
    socket.close(4000);
  }, ["1", "2", "3"]],
  "and closes in a while": [async (socket) => {
    for (let i = 0; i < 100; i++) socket.send(`${i}`);
    await Promise.resolve();
    socket.close(4000);
  }, Array.from({ length: 100 }, (_, i) => `${i}`)],
  "after its own close": [(socket) => {
    socket.close(4000);
    socket.send("nobody sees it");
  }, []],
};
for (const [what, [act, expected]] of Object.entries(GIVEN)) {
  for (const where of ["by wait()", "in a listener", "outside of coroutines"]) {
    socketTest(`what plain code sends ${what} arrives, ${where}`, function* (world) {
      const got: unknown[] = [];
      const url = world.serve(function* (request) {
        yield* accept(request);
        for (;;) got.push(yield);
      });
      const socket = yield* world.client.webSocket(url);
      if (where === "by wait()") yield* wait(Promise.resolve(act(socket)));
      else if (where === "in a listener") act(socket);
      else yield* wait(Promise.resolve().then(() => act(socket)));
      socket.close();
      yield* wait(socket.closed);
      assertEquals(got, expected);
    });
  }
}

socketTest("messages that come in one segment with the request are read", async (world) => {
  const got: unknown[] = [];
  const url = world.serve(function* (request) {
    yield* accept(request);
    for (;;) got.push(yield);
  });
  using peer = await Peer.connect(url);
  const frames = new Frames("client");
  await peer.send(concat([requestHead(), frames.text("early"), frames.text("too")]));
  await turnsUntil(() => got.length === 2);
  assertEquals(got, ["early", "too"]);
}, { wire: "1.1" });
