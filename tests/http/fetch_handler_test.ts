/** Handlers of the Web platform on real sockets, of both kinds. */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { createApp, eventHandler, readBody, toWebHandler } from "npm:h3@^1";
import { Hono } from "npm:hono@^4";
import { AutoRouter } from "npm:itty-router@^5";
import { partsOf } from "../../http/_web_response.ts";
import { type FetchHandler, fetchHandler, type FetchInfo, HttpServer } from "../../http/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { leakTest, turns } from "../_leaks.ts";
import { listening, SELECTORS } from "../_sockets.ts";

interface World {
  url: string;
  port: number;
  errors: unknown[];
}

/** Serves with a handler, and registers a test of it for each kind of socket. */
function serves(name: string, handler: FetchHandler, test: (world: World) => Promise<void>): void {
  for (const selector of SELECTORS) {
    leakTest(`fetchHandler() ${name} (${selector})`, async () => {
      const errors: unknown[] = [];
      using reactor = new Reactor({ selector, onError: (error) => errors.push(error) });
      const server = new HttpServer(reactor, { ...listening, handler: fetchHandler(handler) });
      const running = reactor.run();
      const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      try {
        await test({ url: server.url, port: server.port, errors });
      } finally {
        client.close();
        reactor.requestShutdown();
        await running;
      }
    });
  }
}

const CLOSE = { headers: { connection: "close" } };

/** What comes back for bytes that are sent as they are. */
async function raw(port: number, text: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode(text));
  let answer = "";
  const buffer = new Uint8Array(65536);
  for (let n; (n = await conn.read(buffer)) !== null;) {
    answer += new TextDecoder().decode(buffer.subarray(0, n));
  }
  return answer;
}

const RESPONSES: Record<string, () => Response> = {
  "text": () => new Response("text"),
  "text with headers": () => new Response("t", { status: 201, headers: { "x-a": "b" } }),
  "nothing": () => new Response(null),
  "an empty text": () => new Response(""),
  "bytes": () => new Response(new Uint8Array([1, 2, 255])),
  "JSON": () => Response.json({ a: [1] }, { status: 418 }),
  "a redirection": () => Response.redirect("http://example.org/", 302),
  "204": () => new Response(null, { status: 204 }),
  "304": () => new Response(null, { status: 304, headers: { etag: '"a"' } }),
  "a blob": () => new Response(new Blob(["blob"], { type: "a/b" })),
  "a form": () => new Response(new URLSearchParams({ a: "1 2" })),
  "a stream": () => new Response(ReadableStream.from([new Uint8Array(3), new Uint8Array(4)])),
  "an empty stream": () => new Response(ReadableStream.from([])),
  "a stream of known length": () =>
    new Response(ReadableStream.from([new Uint8Array(3)]), { headers: { "content-length": "3" } }),
  "cookies": () =>
    new Response("c", { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x", "y"]] }),
  "a promise's": () => new Response("later"),
};

for (const [name, make] of Object.entries(RESPONSES)) {
  serves(
    `sends a Response: ${name}`,
    (request) => request.url.endsWith("/later") ? Promise.resolve(make()) : make(),
    async ({ url, errors }) => {
      const expected = make();
      const body = await expected.bytes();
      for (const path of ["", "later"]) {
        for (const method of ["GET", "HEAD", "POST"]) {
          const answer = await fetch(url + path, { method, redirect: "manual", ...CLOSE });
          assertEquals(answer.status, expected.status);
          for (const [key, value] of expected.headers) {
            if (key !== "set-cookie") assertEquals(answer.headers.get(key), value);
          }
          assertEquals(answer.headers.getSetCookie(), expected.headers.getSetCookie());
          assertEquals(await answer.bytes(), method === "HEAD" ? new Uint8Array() : body);
        }
      }
      assertEquals(errors, []);
    },
  );
}

const READS: Record<string, (request: Request) => Promise<unknown>> = {
  text: (request) => request.text(),
  json: (request) => request.json(),
  bytes: async (request) => new TextDecoder().decode(await request.bytes()),
  arrayBuffer: async (request) => new TextDecoder().decode(await request.arrayBuffer()),
  blob: async (request) => await (await request.blob()).text(),
  body: async (request) => await new Response(request.body).text(),
  clone: async (request) => [await request.clone().text(), await request.text()],
  "new Request": (request) => new Request(request).text(),
  "new Request of another URL": async (request) => {
    const other = new Request("http://other.example/", request);
    return [other.method, other.headers.get("x-a"), await other.text()];
  },
  "used twice": async (request) => {
    await request.text();
    const again = await request.text().catch((error) => error.name);
    return [request.bodyUsed, again, request.body?.locked];
  },
  "used, then cloned": async (request) => {
    await request.bytes();
    try {
      return request.clone().method;
    } catch (error) {
      return (error as Error).name;
    }
  },
};

for (const [name, read] of Object.entries(READS)) {
  let got: unknown;
  serves(`gives the body as a real Request does: ${name}`, async (request) => {
    got = await read(request);
    return new Response();
  }, async ({ url, errors }) => {
    const init = { method: "POST", body: '{"a":1}', headers: { "x-a": "b", ...CLOSE.headers } };
    const expected = await read(new Request(url, init));
    for (const pieces of [1, 3]) {
      const stream = ReadableStream.from(split('{"a":1}', pieces));
      const body = pieces === 1 ? init.body : stream;
      await (await fetch(url, { ...init, body, duplex: "half" } as RequestInit)).bytes();
      assertEquals(got, expected);
    }
    assertEquals(errors, []);
  });
}

function split(text: string, pieces: number): Uint8Array[] {
  const size = Math.ceil(text.length / pieces);
  return Array.from(
    { length: pieces },
    (_, i) => new TextEncoder().encode(text.slice(i * size, (i + 1) * size)),
  );
}

serves("gives a Request with all the members of a real one", (request) => {
  assertInstanceOf(request, Request);
  assertEquals(Object.prototype.toString.call(request), "[object Request]");
  const real = new Request(request.url, { method: "PUT", body: "x", headers: { "x-a": "b" } });
  const differing = ["headers", "signal", "body", "bodyUsed"];
  for (const name of Object.getOwnPropertyNames(Request.prototype) as (keyof Request)[]) {
    assertEquals(typeof request[name], typeof real[name], name);
    if (typeof real[name] !== "function" && !differing.includes(name)) {
      assertEquals(request[name], real[name], name);
    }
  }
  assertEquals(request.headers.get("x-a"), "b");
  assertEquals(request.headers, request.headers);
  assertEquals(request.bodyUsed, false);
  return new Response();
}, async ({ url, errors }) => {
  const init = { method: "PUT", body: "x", headers: { "x-a": "b", ...CLOSE.headers } };
  assertEquals((await fetch(`${url}a%20b?c=d`, init)).status, 200);
  assertEquals(errors, []);
});

serves("gives a Request that fetch() takes", async (request) => {
  const { pathname, port } = new URL(request.url);
  if (pathname === "/far") return new Response((await request.text()).toUpperCase());
  return await fetch(new Request(`http://127.0.0.1:${port}/far`, request));
}, async ({ url }) => {
  const answer = await fetch(url, { method: "POST", body: "relayed", ...CLOSE });
  assertEquals(await answer.text(), "RELAYED");
});

serves("streams both ways at once", (request) => new Response(request.body), async ({ url }) => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const answer = await fetch(
    url,
    { method: "POST", body: readable, duplex: "half", ...CLOSE } as RequestInit,
  );
  const reader = answer.body!.getReader();
  for (const text of ["one", "two", "three"]) {
    await writer.write(new TextEncoder().encode(text));
    assertEquals(new TextDecoder().decode((await reader.read()).value), text);
  }
  await writer.close();
  assertEquals((await reader.read()).done, true);
});

serves("answers before the body has come, also while the handler reads it", async (request) => {
  const reader = request.body!.getReader();
  await reader.read();
  const second = reader.read(); // It never comes.
  second.catch(() => {});
  return new Response("enough", { status: 413 });
}, async ({ port }) => {
  const answer = await raw(
    port,
    "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n\r\nbegun",
  );
  assertStringIncludes(answer, "HTTP/1.1 413 ");
  assertStringIncludes(answer, "enough");
});

let pulled = 0;
serves("takes the next piece when the client has taken the last", () => {
  pulled = 0;
  return new Response(
    new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(65536));
      },
    }),
  );
}, async ({ port }) => {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  const buffer = new Uint8Array(65536);
  await conn.read(buffer);
  let before = -1;
  while (before !== pulled) {
    before = pulled;
    await turns(200);
  }
  assert(pulled < 1000, `${pulled} pieces were taken`); // 64 MiB; sockets hold less.
});

let gone: PromiseWithResolvers<unknown>;
let cancelled: PromiseWithResolvers<void>;
let completed: PromiseWithResolvers<string>;
serves("tells the handler when the client goes in the middle of the answer", (request, info) => {
  info.completed.then(() => completed.resolve("sent"), () => completed.resolve("not sent"));
  request.signal.addEventListener("abort", () => gone.resolve(request.signal.reason));
  return new Response(
    new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(65536)),
      cancel: () => cancelled.resolve(),
    }),
  );
}, async ({ port, errors }) => {
  gone = Promise.withResolvers();
  cancelled = Promise.withResolvers();
  completed = Promise.withResolvers();
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  await conn.read(new Uint8Array(10));
  conn.close();
  assertInstanceOf(await gone.promise, Error);
  await cancelled.promise;
  assertEquals(await completed.promise, "sent");
  assertEquals(errors, []);
});

serves("tells the addresses", (_, info) => {
  const [far, near] = [info.remoteAddr, info.localAddr] as Deno.NetAddr[];
  return Response.json([far!.hostname, near!.port]);
}, async ({ url, port }) => {
  assertEquals(await (await fetch(url, CLOSE)).json(), ["127.0.0.1", port]);
});

serves(
  "tells the handler that the client has gone, while it waits for something else",
  async (request) => {
    await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
    gone.resolve(request.signal.reason);
    return new Response();
  },
  async ({ port, errors }) => {
    gone = Promise.withResolvers();
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    await turns(200);
    conn.close();
    assertInstanceOf(await gone.promise, Error);
    assertEquals(errors, []);
  },
);

let signal: AbortSignal;
serves("does not abort the signal of a request that was answered", (request, info) => {
  signal = request.signal;
  info.completed.then(() => completed.resolve("sent"), () => completed.resolve("not sent"));
  return new Response(ReadableStream.from([new Uint8Array(10)]));
}, async ({ url }) => {
  for (const method of ["GET", "HEAD", "POST"]) {
    completed = Promise.withResolvers();
    await (await fetch(url, { method, ...CLOSE })).bytes();
    assertEquals(await completed.promise, "sent");
    assertEquals(signal.aborted, false);
  }
});

const FAILURES: Record<string, [FetchHandler, string]> = {
  "throws": [() => {
    throw new RangeError("secret");
  }, "secret"],
  "rejects": [() => Promise.reject(new RangeError("secret")), "secret"],
  "gives no Response": [() => "text" as never, "the handler must give a Response"],
  "gives undefined": [() => undefined as never, "the handler must give a Response"],
  "gives a promise of no Response": [
    () => Promise.resolve(7) as never,
    "the handler must give a Response",
  ],
  "gives a Response that was used": [async () => {
    const used = new Response("used");
    await used.text();
    return used;
  }, "its body has been used"],
  "gives an error Response": [() => Response.error(), "status 0"],
};

for (const [name, [handler, message]] of Object.entries(FAILURES)) {
  serves(`answers 500 and reports it when the handler ${name}`, handler, async (world) => {
    const answer = await fetch(world.url, CLOSE);
    assertEquals([answer.status, await answer.text()], [500, "Internal Server Error"]);
    assertEquals(world.errors.length, 1);
    assertStringIncludes(String(world.errors[0]), message);
  });
}

const CUTS: Record<string, () => ReadableStream> = {
  "fails": () => {
    let n = 0;
    return new ReadableStream({
      pull(controller) {
        if (n++ > 0) throw new RangeError("half-way");
        controller.enqueue(new Uint8Array(10));
      },
    }, { highWaterMark: 0 });
  },
  "gives text": () => ReadableStream.from(["text"]),
};

for (const [name, stream] of Object.entries(CUTS)) {
  serves(
    `cuts the connection when the stream of the answer ${name}`,
    () => new Response(stream()),
    async ({ url, errors }) => {
      const answer = await fetch(url, CLOSE);
      let failed: unknown;
      await answer.bytes().catch((error) => failed = error);
      assertInstanceOf(failed, TypeError);
      assertEquals(errors.length, 1);
    },
  );
}

const UNCARRIED: Record<string, [string, string]> = {
  "CONNECT": ["CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n", "501"],
  "TRACE": ["TRACE / HTTP/1.1\r\nHost: x\r\n", "501"],
  "OPTIONS *": ["OPTIONS * HTTP/1.1\r\nHost: x\r\n", "204"],
  "GET with a body": ["GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0001\r\n", "400"],
  "HEAD with a body": ["HEAD / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n", "400"],
};

for (const [name, [head, status]] of Object.entries(UNCARRIED)) {
  serves(
    `answers what a Request cannot carry: ${name}`,
    () => new Response("no"),
    async (world) => {
      const body = name.endsWith("body") ? head.includes("chunked") ? "0\r\n\r\n" : "x" : "";
      const answer = await raw(world.port, `${head}Connection: close\r\n\r\n${body}`);
      assertStringIncludes(answer, `HTTP/1.1 ${status} `);
      assertEquals(world.errors, []);
    },
  );
}

const hono = new Hono()
  .use(async (c, next) => {
    await next();
    c.header("x-middleware", "yes");
  })
  .get("/hello/:name", (c) => c.text(`Hello ${c.req.param("name")}`))
  .post("/form", async (c) => c.json(await c.req.parseBody()));
const itty = AutoRouter()
  .get("/hello/:name", ({ name }) => `Hello ${name}`)
  .post("/json", (request) => request.json());
const h3 = toWebHandler(
  createApp().use("/json", eventHandler((event) => readBody(event)))
    .use("/hello", eventHandler((event) => `Hello ${event.path.slice(1)}`)),
);

serves("runs hono", (request) => hono.fetch(request), async ({ url }) => {
  const answer = await fetch(`${url}hello/World`, CLOSE);
  assertEquals([await answer.text(), answer.headers.get("x-middleware")], ["Hello World", "yes"]);
  const body = new URLSearchParams({ a: "1" });
  const form = await fetch(`${url}form`, { method: "POST", body, ...CLOSE });
  assertEquals(await form.json(), { a: "1" });
});

serves("runs itty-router", (request) => itty.fetch(request), async ({ url }) => {
  assertEquals(await (await fetch(`${url}hello/World`, CLOSE)).json(), "Hello World");
  const json = await fetch(`${url}json`, { method: "POST", body: '{"a":1}', ...CLOSE });
  assertEquals(await json.json(), { a: 1 });
  assertEquals((await fetch(`${url}nowhere`, CLOSE)).status, 404);
});

serves("runs h3", (request) => h3(request), async ({ url }) => {
  assertEquals(await (await fetch(`${url}hello/World`, CLOSE)).text(), "Hello World");
  const headers = { "content-type": "application/json", ...CLOSE.headers };
  const json = await fetch(`${url}json`, { method: "POST", body: '{"a":1}', headers });
  assertEquals(await json.json(), { a: 1 });
});

Deno.test("partsOf() gives the same as a look at the response, whatever it was made of", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const bodies = [null, undefined, "", "text", bytes, bytes.buffer, new URLSearchParams("a=1")];
  const headers: (HeadersInit | undefined)[] = [
    undefined,
    {},
    { "content-type": "a/b" },
    { "Content-Type": "a/b", "X-A": "1" },
    [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-a", "1"], ["X-A", "2"]],
    new Headers({ "x-a": "1" }),
  ];
  const looks: ((response: Response) => unknown)[] = [
    () => {},
    (response) => response.headers,
    (response) => response.headers.delete("content-type"),
    (response) => response.headers.append("x-a", "3"),
    (response) => response.clone(),
  ];
  for (const body of bodies) {
    for (const init of headers) {
      for (const status of [200, 203]) {
        for (const look of looks) {
          const response = new Response(body, { status, ...(init && { headers: init }) });
          look(response);
          const { headers, whole } = partsOf(response);
          assertEquals([...new Headers(headers as HeadersInit)], [...response.headers]);
          if (whole !== undefined) assertEquals(bytesOf(whole), bytesOf(body!));
          else assert(typeof body !== "string" || look === looks[4]);
        }
      }
    }
  }
});

function bytesOf(body: string | Uint8Array | ArrayBuffer | URLSearchParams): Uint8Array {
  return typeof body === "object" && !(body instanceof URLSearchParams)
    ? new Uint8Array(body)
    : new TextEncoder().encode(body.toString());
}

serves(
  "goes on when a client leaves a body that its handler reads on its own",
  (request) => {
    request.text().then(() => {});
    return new Response("early");
  },
  async ({ port, errors }) => {
    for (let i = 0; i < 3; i++) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(
        new TextEncoder().encode("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf"),
      );
      const answer = new Uint8Array(1000);
      const text = new TextDecoder().decode(
        answer.subarray(0, await connection.read(answer) ?? 0),
      );
      assertStringIncludes(text, "HTTP/1.1 200 OK");
      connection.close();
    }
    assertEquals(errors, []);
  },
);

for (const selector of SELECTORS) {
  leakTest(
    `fetchHandler() streams its answer while it reads a body that is decoded (${selector})`,
    async () => {
      const text = Array.from({ length: 20_000 }, (_, i) => i).join();
      const zipped = await new Response(
        new Response(text).body!.pipeThrough(new CompressionStream("gzip")),
      ).bytes();
      const errors: unknown[] = [];
      using reactor = new Reactor({ selector, onError: (error) => errors.push(error) });
      const server = new HttpServer(reactor, {
        ...listening,
        decompression: true,
        handler: fetchHandler(({ body }) => new Response(body)),
      });
      const running = reactor.run();
      const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      for (let i = 0; i < 3; i++) {
        const headers = { "content-encoding": "gzip" };
        const answer = await fetch(server.url, { method: "POST", headers, body: zipped, client });
        assertEquals(await answer.text() === text, true);
      }
      client.close();
      assertEquals(errors, []);
      reactor.requestShutdown();
      await running;
    },
  );
}

/** What a handler does with its promises while nobody looks at what becomes of them. */
const FLOATING: Record<string, (request: Request, info: FetchInfo) => unknown> = {
  "text()": (request) => request.text(),
  "json()": (request) => request.json(),
  "blob()": (request) => request.blob(),
  "formData()": (request) => request.formData(),
  "clone().bytes()": (request) => request.clone().bytes(),
  "then()": (request) => request.text().then(() => {}),
  "a function that waits": async (request) => void await request.bytes(),
  "pipeTo()": (request) => request.body!.pipeTo(new WritableStream()),
  "a loop": async (request) => {
    for await (const _ of request.body!) await turns(20);
  },
  "completed": (_, info) => info.completed.then(() => {}),
};

/** What the client does then. It has sent a part of its body. */
const CLIENTS: Record<string, (connection: Deno.TcpConn) => Promise<void> | void> = {
  "leaves": (connection) => connection.close(),
  "ends": (connection) => connection.closeWrite(),
  "goes on with nonsense": async (connection) =>
    void await connection.write(new TextEncoder().encode("nonsense")),
};

const FLOATING_ANSWERS: Record<string, () => Response> = {
  "at once": () => new Response("early"),
  "by a stream": () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          controller.enqueue(new Uint8Array(10));
          return acted.promise.then(() => controller.close());
        },
      }),
    ),
};

/** Resolves when the client has done what it does. */
let acted: PromiseWithResolvers<void>;

for (const [answer, respond] of Object.entries(FLOATING_ANSWERS)) {
  let float: (request: Request, info: FetchInfo) => unknown;
  let ended: PromiseWithResolvers<void>;
  serves(
    `lets no promise of a handler that answers ${answer} end the program, whatever the client does`,
    (request, info) => {
      info.completed.then(ended.resolve, ended.reject);
      request.signal; // Without it, nobody looks whether the client has gone.
      float(request, info);
      return respond();
    },
    async ({ port }) => {
      for (float of Object.values(FLOATING)) {
        for (const act of Object.values(CLIENTS)) {
          ended = Promise.withResolvers();
          acted = Promise.withResolvers();
          const connection = await Deno.connect({ hostname: "127.0.0.1", port });
          await connection.write(
            new TextEncoder().encode(
              "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" +
                "Content-Type: application/x-www-form-urlencoded\r\n\r\n4\r\nhalf\r\n",
            ),
          );
          await connection.read(new Uint8Array(1000));
          await act(connection);
          await turns(50);
          acted.resolve();
          await ended.promise;
          if (act !== CLIENTS.leaves) connection.close();
          await turns(50);
        }
      }
    },
  );
}

for (const [name, read] of Object.entries(FLOATING)) {
  let ended: PromiseWithResolvers<void>;
  serves(
    `lets ${name}, for which nobody waits, not end the program before the answer`,
    async (request, info) => {
      read(request, info);
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
      setTimeout(() => ended.resolve());
      return new Response();
    },
    async ({ port }) => {
      ended = Promise.withResolvers();
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(
        new TextEncoder().encode("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf"),
      );
      await turns(50);
      connection.close();
      await ended.promise;
    },
  );
}

let closed: PromiseWithResolvers<void>;
serves(
  "ends a generator that makes the answer of the body, when the client leaves",
  ({ body }) => {
    async function* answer(): AsyncGenerator<Uint8Array> {
      try {
        yield new Uint8Array(1);
        yield* body!;
      } finally {
        closed.resolve();
      }
    }
    return new Response(ReadableStream.from(answer()));
  },
  async ({ port, errors }) => {
    closed = Promise.withResolvers();
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(
      new TextEncoder().encode("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf"),
    );
    await connection.read(new Uint8Array(1000));
    connection.close();
    await closed.promise;
    assertEquals(errors, []);
  },
);
