// deno-lint-ignore-file -- slips are what is written here
/**
 * The usual slips: what somebody wrote, what is to be seen, and what to write instead. This is the
 * table of docs/slips.md, and each row is a test. `…` stands for what differs from run to run.
 */
import * as W from "../mod.ts";
import lint from "../lint/mod.ts";
import { stub } from "@std/testing/mock";
import { FakeTime } from "@std/testing/time";

// The types would refuse most of it, and not all users have them.
// deno-lint-ignore no-explicit-any
const w = W as any;
const {
  Acceptor,
  HttpClient,
  HttpServer,
  Reactor,
  all,
  asProcess,
  be,
  call,
  compose,
  enter,
  gio,
  here,
  lines,
  memory,
  ok,
  pipe,
  readLine,
  sendFile,
  sleep,
  spawn,
  splice,
  timeout,
  wait,
} = w;

/** A row of the table. What the program throws has the message `see`; `nothing: …` is no error. */
export interface Slip {
  wrote: string;
  see: string;
  write: string;
  program: () => unknown;
}

function* main(): Generator<unknown, string> {
  yield* sleep(0);
  return "done";
}
async function fetching(): Promise<void> {}
const local = { hostname: "127.0.0.1", port: 0 };

/** Runs a coroutine on a connection in memory. */
const run = (body: () => Generator, text?: string) =>
  asProcess(body(), { connection: text === undefined ? memory() : memory(text) });

/** The first error that a reactor is told. */
async function reported(use: (reactor: W.Reactor) => unknown): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  using reactor = new Reactor({ onError: resolve });
  use(reactor);
  const running = reactor.run();
  const error = await promise;
  reactor.requestShutdown();
  await running;
  throw error;
}

/** What a server is told of a handler that answers one request. */
async function served(handler: (request: W.HttpRequest) => Generator): Promise<void> {
  const errors: unknown[] = [];
  const text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
  const protocol = w.serveHttp(handler, { onError: (error: unknown) => errors.push(error) });
  // The connection fails as well, if the answer is cut.
  await asProcess(protocol, { connection: memory(text) }).catch(() => {});
  if (errors.length > 0) throw errors[0];
}

/** What `deno lint` says of a line in a coroutine. */
function linted(line: string): void {
  const source =
    `import { call, HttpClient, ok, pushBack, readLine, sleep, wait } from "@weightless/io";
    function* word() { return pushBack(yield); }
    function* main() { const client = new HttpClient(); ${line} }`;
  const [found] = Deno.lint.runPlugin(lint, "main.ts", source);
  if (found !== undefined) throw new Error(`deno lint: ${found.message}`);
}

let denied: Promise<Record<string, string>> | undefined;

/** What is said when something is not allowed. */
async function notAllowed(what: string): Promise<void> {
  denied ??= (async () => {
    const url = new URL("_denied.ts", import.meta.url);
    const args = ["run", "--quiet", "--no-prompt", "--no-config", url.href];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
    return JSON.parse(new TextDecoder().decode(stdout));
  })();
  const message = (await denied)[what];
  if (message !== undefined) throw new Error(message);
}

/** A server that answers each request by "hi". */
async function asking(ask: (client: W.HttpClient, url: string) => Generator): Promise<void> {
  await using server = Deno.serve({ ...local, onListen() {} }, () => new Response("hi"));
  using client = new HttpClient();
  await asProcess(ask(client, `http://127.0.0.1:${server.addr.port}/`));
}

function row(wrote: string, see: string, write: string, program: () => unknown): Slip {
  return { wrote, see, write, program };
}

const ASYNC =
  "a coroutine comes from function*, which waits by yield* wait(promise), and not from async and await";

export const SLIPS: Record<string, Slip[]> = {
  "The star, and call": [
    row(
      "sleep(10);",
      "deno lint: sleep() does nothing by itself: write yield* sleep(…)",
      "yield* sleep(10);",
      () => linted("sleep(10);"),
    ),
    row(
      "word();",
      "deno lint: word() does nothing by itself: write yield* call(word(…))",
      "yield* call(word());",
      () => linted("word();"),
    ),
    row(
      "client.get(url);",
      "deno lint: client.get() is not waited for: write yield* client.get(…)",
      "yield* client.get(url);",
      () => linted("client.get(url);"),
    ),
    row(
      "ok();",
      "deno lint: ok() does nothing by itself: write yield ok(…)",
      "yield ok();",
      () => linted("ok();"),
    ),
    row(
      "const a = yield wait(p);",
      "deno lint: yield wait() gives any: write yield* wait(…)",
      "const a = yield* wait(p);",
      () => linted("const a = yield wait(p);"),
    ),
    row(
      "const a = yield* word();",
      "deno lint: yield* word() loses what it pushes back: write yield* call(word(…))",
      "const a = yield* call(word());",
      () => linted("const a = yield* word();"),
    ),
    row(
      "yield call(main());",
      "Cannot call by `yield call(sub())`: write `yield* call(sub())`, or `yield sub()`",
      "yield* call(main());",
      () =>
        run(function* () {
          yield call(main());
        }),
    ),
    row(
      "yield* readLine();",
      "Cannot give a reader to yield* itself: write yield* call(readLine()), not yield* readLine()",
      "yield* call(readLine());",
      () =>
        run(function* () {
          yield* readLine();
        }),
    ),
    row(
      "yield* call(main);",
      "Cannot call [GeneratorFunction: main]: give a coroutine, call(sub()), not call(sub)",
      "yield* call(main());",
      () =>
        run(function* () {
          yield* call(main);
        }),
    ),
    row(
      "yield* call(sleep(10));",
      "Cannot call [Sleep]: it is a request, give it to yield* without call()",
      "yield* sleep(10);",
      () =>
        run(function* () {
          yield* call(sleep(10));
        }),
    ),
    row(
      "yield* all(call(main()));",
      "Cannot run what call() gives in all(): give the coroutine itself, without call()",
      "yield* all(main());",
      () =>
        run(function* () {
          yield* all(call(main()));
        }),
    ),
    row(
      "const c = call(main()); yield* c; yield* c;",
      "Cannot give what call() made to yield* again: make a new one for each call",
      "yield* call(main()); yield* call(main());",
      () =>
        run(function* () {
          const c = call(main());
          yield* c;
          yield* c;
        }),
    ),
    row(
      "const m = main(); yield* call(m); yield* call(m);",
      "Cannot call a coroutine that is running or has run: make a new one for each call",
      "yield* call(main()); yield* call(main());",
      () =>
        run(function* () {
          const m = main();
          yield* call(m);
          yield* call(m);
        }),
    ),
    row(
      "[...caller()] where caller has yield* call(…)",
      "Cannot go on after yield* call(): it works in a coroutine that was given to compose, a pipe or gio, and once",
      "await asProcess(caller())",
      () => [...function* () {
        yield* call(main());
      }()],
    ),
    row(
      "response = client.get(url); response.text()",
      "response.text is not a function",
      "response = yield* client.get(url)",
      () =>
        asking(function* (client, url) {
          const response = client.get(url) as never as W.HttpResponse;
          yield* call(response.text());
        }),
    ),
    row(
      "yield* fetching();",
      "yield* … is not iterable",
      "yield* wait(fetching());",
      () =>
        run(function* () {
          yield* fetching() as unknown as Generator;
        }),
    ),
  ],
  "A coroutine, and what is none": [
    row(
      "asProcess(main)",
      "Cannot run [GeneratorFunction: main]: give a coroutine, main(), not main",
      "asProcess(main())",
      () => asProcess(main),
    ),
    row(
      "gio(reactor, socket, main)",
      "Cannot run [GeneratorFunction: main]: give a coroutine, main(), not main",
      "gio(reactor, socket, main())",
      () => {
        using reactor = new Reactor();
        gio(reactor, memory(), main);
      },
    ),
    row(
      "asProcess(fetching()), an async function",
      `Cannot run [Promise]: ${ASYNC}`,
      "function* fetching() { yield* wait(…); }",
      () => asProcess(fetching()),
    ),
    row(
      "compose(fetching())",
      `Cannot compose [Promise]: ${ASYNC}`,
      "compose(main())",
      () => compose(fetching()),
    ),
    row(
      "yield* spawn(fetching)",
      `Cannot run [AsyncFunction: fetching]: ${ASYNC}`,
      "yield* spawn(main())",
      () =>
        run(function* () {
          yield* spawn(fetching);
        }),
    ),
    row(
      "yield* call(fetching())",
      `Cannot call [Promise]: ${ASYNC}`,
      "yield* wait(fetching())",
      () =>
        run(function* () {
          yield* call(fetching());
        }),
    ),
    row(
      "yield* all(fetching())",
      `Cannot run [Promise] in all(): ${ASYNC}`,
      "yield* all(wait(fetching()))",
      () =>
        run(function* () {
          yield* all(fetching());
        }),
    ),
    row(
      "pipe(lines(), fetching)",
      `Cannot make a stage of [Promise]: ${ASYNC}`,
      "pipe(lines(), stage())",
      () => pipe(lines(), fetching),
    ),
    row(
      "asProcess(sleep(10))",
      "Cannot run [Sleep]: it is a request, give it to yield* in a coroutine",
      "asProcess(main())",
      () => asProcess(sleep(10)),
    ),
    row(
      "yield* all([main(), main()])",
      "Cannot run [Array(2)] in all(): give coroutines, main() and not main or call(main()), or requests",
      "yield* all(main(), main())",
      () =>
        run(function* () {
          yield* all([main(), main()]);
        }),
    ),
    row(
      "handler: async (request) => …",
      "Cannot serve HTTP with the handler an async function: give a coroutine function, function* (request) { … }, or fetchHandler((request) => new Response(…))",
      "handler: fetchHandler(async (request) => …)",
      () => {
        using reactor = new Reactor();
        new HttpServer(reactor, { ...local, handler: fetching });
      },
    ),
    row(
      "handler: main()",
      "Cannot serve HTTP with the handler Object [Generator] {}: give a coroutine function, function* (request) { … }, or fetchHandler((request) => new Response(…))",
      "handler: main",
      () => {
        using reactor = new Reactor();
        new HttpServer(reactor, { ...local, handler: main() });
      },
    ),
    row(
      "new Acceptor(reactor, options, main)",
      "Cannot call onAccept with each connection: [GeneratorFunction: main] only makes a coroutine, which nobody runs; give a function that runs it, () => gio(reactor, connection, main())",
      "new Acceptor(reactor, options, (socket) => gio(reactor, socket, main()))",
      () => {
        using reactor = new Reactor();
        new Acceptor(reactor, local, main);
      },
    ),
    row(
      "new Acceptor(reactor, options, () => main())",
      "Cannot serve a connection: the callback returned a coroutine, which nobody runs; write (socket) => gio(reactor, socket, main())",
      "new Acceptor(reactor, options, (socket) => gio(reactor, socket, main()))",
      () =>
        reported((reactor) => {
          const acceptor = new Acceptor(reactor, local, () => main());
          Deno.connect({ ...local, port: acceptor.addr.port }).then(
            (conn) => conn.close(),
            () => {},
          );
        }),
    ),
    row(
      "reactor.addTimer(10, main)",
      "Cannot add a timer: [GeneratorFunction: main] only makes a coroutine, which nobody runs; give a function that runs it, () => gio(reactor, connection, main())",
      "reactor.addTimer(10, () => gio(reactor, undefined, main()))",
      () => {
        using reactor = new Reactor();
        reactor.addTimer(10, main);
      },
    ),
    row(
      "reactor.addProcess(main)",
      "Cannot add a process: [GeneratorFunction: main] only makes a coroutine, which nobody runs; give the coroutine, main(), not main",
      "reactor.addProcess(main())",
      () => {
        using reactor = new Reactor();
        reactor.addProcess(main);
      },
    ),
    row(
      "asProcess(m), and again asProcess(m)",
      "Cannot compose a coroutine that is running or has run: make a new one",
      "asProcess(main())",
      async () => {
        const m = main();
        await asProcess(m);
        await asProcess(m);
      },
    ),
  ],
  "Waiting": [
    row(
      "yield fetching();",
      "Cannot do anything with a yielded object (Promise { undefined }): wait for it, yield* wait(promise)",
      "yield* wait(fetching());",
      () =>
        run(function* () {
          yield fetching();
        }),
    ),
    row(
      "yield* wait(fetching);",
      "Cannot wait for [AsyncFunction: fetching]: give a promise, wait(f()), not wait(f)",
      "yield* wait(fetching());",
      () =>
        run(function* () {
          yield* wait(fetching);
        }),
    ),
    row(
      "yield* wait(main());",
      "Cannot wait for Object [Generator] {}: it is a coroutine, call it by yield* call(sub())",
      "yield* call(main());",
      () =>
        run(function* () {
          yield* wait(main());
        }),
    ),
    row(
      "yield* wait(sleep(10));",
      "Cannot wait for Sleep {}: it is a request, give it to yield* without wait()",
      "yield* sleep(10);",
      () =>
        run(function* () {
          yield* wait(sleep(10));
        }),
    ),
    row(
      'yield* sleep("10");',
      'Cannot sleep: the time must be a number of milliseconds of at least 0, not "10"',
      "yield* sleep(10);",
      () =>
        run(function* () {
          yield* sleep("10");
        }),
    ),
    row(
      "timeout(10) outside of a coroutine",
      "Cannot use timeout() here: call it in a coroutine that gio() is running",
      "await asProcess(function* () { using _ = timeout(10); … }())",
      () => timeout(10),
    ),
    row(
      "await reactor.run() of one that runs",
      "Cannot run: the reactor runs already; what you add to it runs as well",
      "gio(reactor, …)",
      async () => {
        using reactor = new Reactor();
        const running = reactor.run();
        await reactor.run().finally(() => reactor.requestShutdown());
        await running;
      },
    ),
    row(
      "new Acceptor(…) without await reactor.run()",
      "Nobody runs the reactor, so that …: await reactor.run()",
      "await reactor.run();",
      () => {
        let told: unknown;
        using time = new FakeTime();
        using _ = stub(Deno, "unrefTimer");
        using reactor = new Reactor({ onError: (error: unknown) => told = error });
        const acceptor = new Acceptor(reactor, local, () => {});
        time.tick(5000);
        acceptor.close();
        throw told;
      },
    ),
    row(
      "reactor.addTimer(() => {}, 10)",
      "Cannot add a timer: its time must be a number of milliseconds of at least 0, not [Function (anonymous)]",
      "reactor.addTimer(10, () => {})",
      () => {
        using reactor = new Reactor();
        reactor.addTimer(() => {}, 10);
      },
    ),
    row(
      "timeout(10); without using",
      "nothing: it holds until the coroutine ends",
      "using _ = timeout(10);",
      () =>
        run(function* () {
          timeout(60_000);
          yield* sleep(0);
        }),
    ),
  ],
  "Reading and writing": [
    row(
      "yield; without a connection",
      "Cannot read: there is no context, enter one first (using _ = enter(context)) or give gio() a connection",
      "gio(reactor, socket, main())",
      () =>
        asProcess(function* () {
          yield;
        }()),
    ),
    row(
      'yield "text"; without a connection',
      "Cannot write: there is no context, enter one first (using _ = enter(context)) or give gio() a connection",
      "using _ = enter(context); yield text;",
      () =>
        asProcess(function* () {
          yield "text";
        }()),
    ),
    row(
      "yield 5;",
      "Cannot do anything with a yielded number (5): write it as text, yield String(value)",
      "yield String(5);",
      () =>
        run(function* () {
          yield 5;
        }),
    ),
    row(
      "yield { a: 1 };",
      "Cannot do anything with a yielded object ({ a: 1 }): yield nothing to read, a string or Uint8Array to write, or a request such as wait(promise) with yield*",
      "yield JSON.stringify({ a: 1 });",
      () =>
        run(function* () {
          yield { a: 1 };
        }),
    ),
    row(
      "yield new ArrayBuffer(3);",
      "Cannot do anything with a yielded object (ArrayBuffer …): write a Uint8Array of it",
      "yield new Uint8Array(buffer);",
      () =>
        run(function* () {
          yield new ArrayBuffer(3);
        }),
    ),
    row(
      "yield main;",
      "Cannot do anything with a yielded function ([GeneratorFunction: main]): call it, main() and not main",
      "yield* call(main());",
      () =>
        run(function* () {
          yield main;
        }),
    ),
    row(
      "yield asyncGenerator();",
      "Cannot do anything with a yielded object (Object [AsyncGenerator] {}): wait for its next item, yield* wait(generator.next())",
      "yield* wait(generator.next());",
      () =>
        run(function* () {
          yield (async function* () {})();
        }),
    ),
    row(
      "coroutine.next(data) where it has yielded data",
      "Cannot accept data. First send undefined. Only a coroutine that stands at a bare yield takes data",
      "coroutine.next()",
      () => {
        const c = compose(function* (): Generator {
          yield "a";
          yield;
        }());
        c.next();
        c.next("data");
      },
    ),
    row(
      "yield; after the end",
      "The stream has ended",
      "catch EndOfStream, where more may follow",
      () => {
        const c = memory("a");
        c.end();
        return asProcess(
          function* () {
            yield;
            yield;
          }(),
          { connection: c },
        );
      },
    ),
    row(
      "two coroutines that read one socket",
      "Cannot read MemoryContext: another coroutine does (at reads …); let one read and give the others what they need",
      "one that reads, and gives the others what they need",
      async () => {
        using reactor = new Reactor();
        const connection = memory();
        function* reads(): Generator {
          yield;
        }
        gio(reactor, connection, reads());
        await gio(reactor, connection, reads()).result;
      },
    ),
    row(
      "enter(await Deno.connect(…))",
      "Cannot use … as a context: make a socket of it by reactor.adopt()",
      "enter(reactor.adopt(conn))",
      () =>
        run(function* () {
          enter({ read() {}, write() {}, close() {} });
        }),
    ),
    row(
      "gio(reactor, main())",
      "Cannot use Object [Generator] {} as a context: give undefined where there is none, and then the coroutine",
      "gio(reactor, undefined, main())",
      () => {
        using reactor = new Reactor();
        gio(reactor, main());
      },
    ),
    row(
      "gio(socket, reactor, main())",
      "Cannot run a coroutine on MemoryContext …: give a reactor first, gio(reactor, connection, main())",
      "gio(reactor, socket, main())",
      () => {
        using reactor = new Reactor();
        gio(memory(), reactor, main());
      },
    ),
    row(
      "reactor.addReader(conn, …)",
      "Cannot add a reader of Object: it is not a Selectable; make one of a connection by reactor.adopt()",
      "reactor.addReader(reactor.adopt(conn), …)",
      () => {
        using reactor = new Reactor();
        reactor.addReader({ read() {} }, () => {});
      },
    ),
    row(
      "reactor.adopt(Deno.connect(…))",
      "Cannot adopt Promise { undefined }: it is a promise, await it before",
      "reactor.adopt(await Deno.connect(…))",
      () => {
        using reactor = new Reactor();
        reactor.adopt(fetching());
      },
    ),
    row(
      "reactor.adopt(socket) of a socket of ours",
      "Cannot adopt MemoryContext …: it is a socket of a reactor already, use it as it is",
      "gio(reactor, socket, main())",
      () => {
        using reactor = new Reactor();
        reactor.adopt(memory());
      },
    ),
    row(
      "sendFile(path, here)",
      "Cannot send the file Symbol(…): give a path, a URL or an open file, sendFile(to, path)",
      "yield* sendFile(here, path)",
      () =>
        run(function* () {
          yield* sendFile("./a", here);
        }),
    ),
    row(
      "yield* splice(Deno.connect(…), here)",
      "Cannot transfer from Promise { undefined }: it is a promise, await it before",
      "yield* splice(yield* wait(Deno.connect(…)), here)",
      () =>
        run(function* () {
          yield* splice(fetching(), here);
        }),
    ),
    row(
      "socket.close(); socket.close();",
      "nothing: it may be closed as often as you like",
      "socket.close();",
      () => {
        const c = memory();
        c.close();
        c.close();
      },
    ),
    row(
      "memory(5)",
      "Cannot send 5 to a protocol: give text or a Uint8Array",
      'memory("5")',
      () => memory(5),
    ),
    row(
      "new Local().set(1) outside of a coroutine",
      "Cannot set a Local here: no composed coroutine is running; set it in a coroutine that compose() or gio() runs",
      "local.set(1) in a coroutine",
      () => new w.Local().set(1),
    ),
    row(
      "sendFile(here, path);",
      "Cannot transfer from or to `here`: write yield* sendFile(…), or yield* splice(…), in a coroutine that gio runs",
      "yield* sendFile(here, path);",
      () =>
        run(function* () {
          sendFile(here, "/dev/null");
          yield* sleep(0);
        }),
    ),
  ],
  "HTTP": [
    row(
      "a handler that yields nothing",
      "Cannot answer the request: its handler has ended without a response; yield ok(headers), then the body",
      "yield ok(); before it ends",
      () => served(function* () {}),
    ),
    row(
      'yield "text"; without a head',
      "Cannot send a body before the head of the response: yield ok(headers) first",
      'yield ok(); yield "text";',
      () =>
        served(function* () {
          yield "text";
        }),
    ),
    row(
      "yield ok(); yield ok();",
      "Cannot answer with status 200: the head of the response has been yielded before; yield one head, then the body",
      "one head, then the body",
      () =>
        served(function* () {
          yield ok();
          yield ok();
        }),
    ),
    row(
      'yield new Response("text");',
      "Cannot do anything with a yielded Response …: yield ok(headers), then the body; or give fetchHandler() a function that returns it",
      "handler: fetchHandler(() => new Response(…))",
      () =>
        served(function* () {
          yield new Response("text");
        }),
    ),
    row(
      'return "text";',
      "Cannot answer the request: its handler has ended without a response; yield ok(headers), then the body",
      'yield ok(); yield "text";',
      () =>
        served(function* () {
          return "text";
        }),
    ),
    row(
      "enter(context) without using",
      "Cannot go on: the handler has ended without leaving the context that it entered, where nothing of this connection may go; enter it with `using`",
      "using _ = enter(context);",
      () =>
        served(function* () {
          yield ok();
          enter(memory());
          yield "text";
        }),
    ),
    row(
      'ok("text")',
      'Cannot send the headers "text": give names and values, as in ok({ "content-type": "text/plain" }), and yield the body after them',
      'yield ok(); yield "text";',
      () => ok("text"),
    ),
    row(
      "ok(200)",
      'Cannot send the headers 200: give names and values, as in ok({ "content-type": "text/plain" }), and yield the body after them',
      "yield ok();",
      () => ok(200),
    ),
    row(
      'response("200")',
      'Cannot make a response with status "200": it must be a whole number from 100 to 599',
      "response(200)",
      () => w.response("200"),
    ),
    row(
      "yield* call(response.text()); twice",
      "Cannot read the body of the response to GET http://…/: it is being read, or was read or closed before; read it once and keep what comes",
      "const text = yield* call(response.text());",
      () =>
        asking(function* (client, url) {
          const response = yield* client.get(url);
          yield* call(response.text());
          yield* call(response.text());
        }),
    ),
    row(
      'client.get("/path")',
      'Cannot ask "/path": give a URL of http or https, as in client.get("http://127.0.0.1:8000/")',
      "client.get(new URL(path, base))",
      () => new HttpClient().get("/path"),
    ),
    row(
      "client.post(url, { body: { a: 1 } })",
      "Cannot send { a: 1 }: a body is text, bytes, a form, a Blob, a stream, or a coroutine that yields it; for JSON give { json: value }",
      "client.post(url, { json: { a: 1 } })",
      () => new HttpClient().post("http://127.0.0.1/", { body: { a: 1 } }),
    ),
    row(
      "client.get(url) of a client that is closed",
      "Cannot ask: the client is closed; make a new HttpClient, or close this one later",
      "using client = new HttpClient();",
      () => {
        const client = new HttpClient();
        client.close();
        client.get("http://127.0.0.1/");
      },
    ),
    row(
      "client.get(url, { header })",
      "Cannot ask: there is no option header (did you mean headers?); there are …",
      "client.get(url, { headers })",
      () => new HttpClient().get("http://127.0.0.1/", { header: {} }),
    ),
    row(
      'ok({ a: "b\\r\\nc: d" })',
      "Cannot send header a: its value has a line break, a control character or one beyond ISO-8859-1 (RFC 9110 5.5); encode it",
      "ok({ a: encodeURIComponent(value) })",
      () => ok({ a: "b\r\nc: d" }),
    ),
  ],
  "Starting": [
    row(
      "Reactor()",
      "Class constructor Reactor cannot be invoked without 'new'",
      "using reactor = new Reactor();",
      () => Reactor(),
    ),
    row(
      'new Reactor({ selectr: "deno" })',
      "Cannot make a reactor: there is no option selectr (did you mean selector?); there are …",
      'new Reactor({ selector: "deno" })',
      () => new Reactor({ selectr: "deno" }),
    ),
    row(
      'new Reactor({ selector: "poll" })',
      'Cannot use selector "poll": it must be "auto", "deno" or "epoll"',
      "new Reactor()",
      () => new Reactor({ selector: "poll" }),
    ),
    row(
      "lines(100)",
      "Cannot split into lines: give options as an object, { maxLength }, not 100",
      "lines({ maxLength: 100 })",
      () => lines(100),
    ),
    row(
      "new Acceptor(reactor, options)",
      "Cannot call onAccept with each connection: give a function to call, not undefined",
      "new Acceptor(reactor, options, (socket) => gio(reactor, socket, main()))",
      () => {
        using reactor = new Reactor();
        new Acceptor(reactor, local);
      },
    ),
    row(
      "port: a port in use",
      "Cannot listen on tcp 127.0.0.1:…: … (os error …); end the program that listens there, or give another port, or 0 for any that is free",
      "port: 0",
      () => {
        using listener = Deno.listen(local);
        using reactor = new Reactor();
        new Acceptor(reactor, { ...local, port: listener.addr.port }, () => {});
      },
    ),
    row(
      'port: "8000"',
      'Cannot listen: port must be a whole number from 0 to 65535, not "8000"',
      "port: 8000",
      () => {
        using reactor = new Reactor();
        new Acceptor(reactor, { ...local, port: "8000" }, () => {});
      },
    ),
    row(
      'subprocess(reactor, "ls -l")',
      'Cannot start "ls -l": there is no such program, or no such cwd; arguments are an option of their own, subprocess(reactor, "ls", { args: ["-l"] })',
      'subprocess(reactor, "ls", { args: ["-l"] })',
      () => {
        using reactor = new Reactor();
        w.subprocess(reactor, "ls -l");
      },
    ),
    row(
      "be([new Shop(), ledger])",
      "Cannot connect …: a strand is [component, ...strands]",
      "be([new Shop(), [ledger]])",
      () => be([new w.Observable(), {}]),
    ),
    row(
      "reactor.run() after shutdown()",
      "Cannot run: the reactor is shut down",
      "a new Reactor()",
      () => {
        const reactor = new Reactor();
        reactor.shutdown();
        return reactor.run();
      },
    ),
    row(
      "new HttpServer(reactor, { handlr })",
      "Cannot serve HTTP: there is no option handlr (did you mean handler?); there are …",
      "new HttpServer(reactor, { handler })",
      () => {
        using reactor = new Reactor();
        new HttpServer(reactor, { ...local, handlr: main });
      },
    ),
    row(
      "{ cert } without a key",
      "Cannot listen with TLS: give both a cert and a key, in PEM format",
      "{ cert, key }",
      () => {
        using reactor = new Reactor();
        new Acceptor(reactor, { ...local, cert: "a" }, () => {});
      },
    ),
    row(
      "yield* connectTo({ hostname })",
      "Cannot connect: give a port or a path",
      "yield* connectTo({ hostname, port })",
      () =>
        run(function* () {
          yield* w.connectTo({ hostname: "127.0.0.1" });
        }),
    ),
    row(
      "reactor.shutdown(); reactor.shutdown();",
      "nothing: it may be shut down as often as you like",
      "using reactor = new Reactor();",
      () => {
        const reactor = new Reactor();
        reactor.shutdown();
        reactor.shutdown();
      },
    ),
  ],
  "Permissions": [
    row(
      "new Acceptor(…) without --allow-net",
      'Requires net access to "127.0.0.1:1", run again with the --allow-net flag',
      "deno run --allow-net",
      () => notAllowed("listen"),
    ),
    row(
      "new HttpServer(…) without --allow-net",
      'Requires net access to "127.0.0.1:1", run again with the --allow-net flag',
      "deno run --allow-net",
      () => notAllowed("serve"),
    ),
    row(
      "connect(…) without --allow-net",
      'Requires net access to "127.0.0.1:1", run again with the --allow-net flag',
      "deno run --allow-net",
      () => notAllowed("connect"),
    ),
    row(
      "client.get(url) without --allow-net",
      'Requires net access to "127.0.0.1:1", run again with the --allow-net flag',
      "deno run --allow-net",
      () => notAllowed("ask"),
    ),
    row(
      "DatagramSocket.bind(…) without --allow-net",
      'Requires net access to "127.0.0.1:1", run again with the --allow-net flag',
      "deno run --allow-net",
      () => notAllowed("bind"),
    ),
    row(
      "{ path } without --allow-read",
      'Requires read access to "./a.sock", run again with the --allow-read flag',
      "deno run --allow-read --allow-write",
      () => notAllowed("path"),
    ),
    row(
      "open(path) without --allow-read",
      'Requires read access to "./a.txt", run again with the --allow-read flag',
      "deno run --allow-read",
      () => notAllowed("open"),
    ),
    row(
      "sendFile(here, path) without --allow-read",
      'Requires read access to "./a.txt", run again with the --allow-read flag',
      "deno run --allow-read",
      () => notAllowed("sendFile"),
    ),
    row(
      'new Reactor({ selector: "epoll" }) without --allow-ffi',
      "Cannot use the epoll selector: …",
      "deno run --allow-ffi, or new Reactor()",
      () => notAllowed("epoll"),
    ),
    row(
      "zeroCopy without --allow-ffi",
      "Cannot move bytes in the kernel: …; or use splice() and sendFile(), which copy then",
      "deno run --allow-ffi, or splice()",
      () => notAllowed("zeroCopy"),
    ),
    row(
      "subprocess(…) without --allow-run",
      'Requires run access to "ls", run again with the --allow-run flag',
      "deno run --allow-run",
      () => notAllowed("subprocess"),
    ),
    row(
      "listenDescriptors() without --allow-env",
      'Requires env access to "LISTEN_PID", run again with the --allow-env flag',
      "deno run --allow-env",
      () => notAllowed("listenDescriptors"),
    ),
  ],
};
