/** WebSockets, with the clients, servers and proxies of other people. */
import { assertEquals } from "@std/assert";
import { file, startNginx, startOnFreePort } from "../../bench/_ends.ts";
import { type Server, stop } from "../../bench/_servers.ts";
import { HttpClient } from "../../http/mod.ts";
import type { WebSocketCompression } from "../../http/websocket/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { Browser } from "../_browser.ts";
import { hasCommand, output } from "../_peers.ts";
import { hostname } from "../_sockets.ts";
import { CA_CERT, CERT, KEY } from "../reactor/_tls.ts";
import { PYTHON } from "./_h2_servers.ts";
import { serverTest } from "./_live.ts";
import {
  chromium,
  type Client,
  COMPRESSIONS,
  converse,
  denoClient,
  denoServer,
  ourTalk,
  PARAMETERS,
  type Parameters,
  pythonClient,
  pythonServer,
  queryOf,
  Served,
  type StartServer,
  talkOfPage,
  undiciClient,
  wsClient,
  wsServer,
} from "./_websocket_peers.ts";

const hasPythons = hasCommand(PYTHON) &&
  (Deno.env.has("CI") || (await output(PYTHON, ["-c", "import websockets"])).code === 0);
const isThere = (command: string) => command === PYTHON ? hasPythons : hasCommand(command);

/** Each client by its name: the command that has to be there, whether it compresses, and how it is run. */
const CLIENTS: [name: string, command: string, compresses: boolean, client: Client][] = [
  ["Deno's WebSocket", "deno", false, denoClient],
  ["ws", "node", true, wsClient],
  ["undici", "node", true, undiciClient],
  ["Chromium", "chromium", true, chromium],
  ["python3-websockets", PYTHON, true, pythonClient],
];

/** Of those who tell it, whether the end was clean. */
const CLEAN = { Chromium: [true], "Deno's WebSocket": [true], ws: [true], undici: [true] };

/** Those that do not compress need not be asked in all ways. */
const isWorth = (compresses: boolean, named: string) => compresses || /^(none|alone)$/.test(named);

for (const [name, command, compresses, client] of CLIENTS) {
  if (!isThere(command)) continue;
  for (const compression of Object.keys(COMPRESSIONS)) {
    if (!isWorth(compresses, compression)) continue;
    serverTest(
      `${name} talks to our server, compression: ${compression}`,
      async (reactor, errors) => {
        const served = new Served(reactor);
        const clean = CLEAN[name as keyof typeof CLEAN] ?? [];
        const talk = await client({
          base: served.base,
          query: queryOf(compression),
          size: 1 << 20,
          parameters: {},
        });
        assertEquals(talk, {
          protocol: "b",
          isCompressed: compresses && compression !== "none",
          different: [],
          closed: [3001, "", ...clean], // We echo the code only (RFC 6455 5.5.1).
          told: [4001, "Grüße", ...clean],
          pinged: "answered",
          tooBig: 1009,
        });
        await turnsUntil(() => served.server.statistics().open === 0);
        const more = name === "ws" ? [[1005, ""], [1006, ""]] : [];
        assertEquals(served.ends, [[3001, "Grüße"], ...more]);
        assertEquals(served.versions, new Set(["1.1"]));
        assertEquals(errors, []);
      },
    );
  }
}

/** Each server by its name: the command that has to be there, whether it compresses, and how it is started. */
const SERVERS: [name: string, command: string, can: boolean, start: StartServer][] = [
  ["Deno.upgradeWebSocket", "deno", false, denoServer],
  ["ws", "node", true, wsServer],
  ["python3-websockets", PYTHON, true, pythonServer],
];

for (const [name, command, can, start] of SERVERS) {
  if (!isThere(command)) continue;
  for (const [named, compression] of Object.entries(COMPRESSIONS)) {
    if (!isWorth(can, named)) continue;
    serverTest(`our client talks to ${name}, compression: ${named}`, async (reactor, errors) => {
      await using peer = await start({});
      const base = `ws://${hostname}:${peer.port}`;
      using client = new HttpClient({ reactor });
      const talk = await ourTalk(reactor, client, base, { compression, canAll: can });
      assertEquals(talk, {
        protocol: "b",
        isCompressed: can && compression !== false,
        different: [],
        closed: [3001, "Grüße"],
        told: [4001, "Grüße"],
        pinged: can ? "answered" : "nothing",
        lost: can ? [1006, ""] : [],
        seen: [3001, "Grüße"],
        tooBig: 1009,
        seenTooBig: 1009,
      });
      assertEquals(errors, []);
    });
  }
}

const WITH_TAKEOVER = Object.keys(COMPRESSIONS).filter((name) => /takeover/.test(name));

/** The zlib of Python cannot compress with a window of 256 bytes. */
const pythonCan = (bits = 15) => bits > 8;

/** Whether ws as a server, which refuses other offers, gets one that it can answer. */
function wsTakes(parameters: Parameters, named: string): boolean {
  const { maxWindowBits = 15, peerMaxWindowBits = 15 } =
    COMPRESSIONS[named] as WebSocketCompression;
  const { server_max_window_bits: server = 8, client_max_window_bits: client = 8 } = parameters;
  return server <= peerMaxWindowBits && client <= maxWindowBits;
}

for (const parameters of PARAMETERS) {
  const asked = JSON.stringify(parameters);
  const { server_max_window_bits, client_max_window_bits } = parameters;

  const clients: [name: string, isThere: boolean, client: Client][] = [
    ["ws", hasCommand("node"), wsClient],
    ["python3-websockets", hasPythons && pythonCan(client_max_window_bits), pythonClient],
  ];
  for (const [name, isThere, client] of clients) {
    if (!isThere) continue;
    serverTest(`${name} asks our server for ${asked}`, async (reactor, errors) => {
      const served = new Served(reactor);
      for (const named of WITH_TAKEOVER) {
        const task = { base: served.base, query: queryOf(named), size: 10_000, parameters };
        const { isCompressed, different } = await client(task);
        assertEquals([isCompressed, different], [true, []], named);
      }
      assertEquals(errors, []);
    });
  }

  const servers: [string, boolean, StartServer, takes: (named: string) => boolean][] = [
    ["ws", hasCommand("node"), wsServer, (named) => wsTakes(parameters, named)],
    [
      "python3-websockets",
      hasPythons && pythonCan(server_max_window_bits),
      pythonServer,
      () => true,
    ],
  ];
  for (const [name, isThere, start, takes] of servers) {
    if (!isThere) continue;
    serverTest(`${name} asks our client for ${asked}`, async (reactor, errors) => {
      await using peer = await start(parameters);
      const base = `ws://${hostname}:${peer.port}`;
      using client = new HttpClient({ reactor });
      for (const named of WITH_TAKEOVER.filter(takes)) {
        const options = { compression: COMPRESSIONS[named]!, size: 10_000 };
        const { isCompressed, different } = await ourTalk(reactor, client, base, options);
        assertEquals([isCompressed, different], [true, []], named);
      }
      assertEquals(errors, []);
    });
  }
}

function nginx(far: number): Promise<Server> {
  return startNginx((port) => [
    "map $http_upgrade $connection_upgrade { default upgrade; '' close; }",
    `server { listen ${hostname}:${port};`,
    `location / { proxy_pass http://${hostname}:${far}; proxy_http_version 1.1;`,
    "proxy_set_header Connection $connection_upgrade; proxy_set_header Upgrade $http_upgrade; }",
    "}",
  ]);
}

/** HAProxy, and what it is told of the protocols: where it listens, and where it connects to. */
function haproxy(far: number, listens = "", connects = ""): Promise<Server> {
  return startOnFreePort("haproxy", (port, folder) => [
    ...["-db", "-q", "-f"],
    file(`${folder}/haproxy.cfg`, [
      "global",
      "nbthread 1",
      "defaults",
      "mode http",
      ...["connect", "client", "server", "tunnel"].map((what) => `timeout ${what} 60s`),
      "listen relay",
      `bind ${hostname}:${port} ${listens}`,
      `server far ${hostname}:${far} ${connects}`,
    ]),
  ]);
}

/** What a client of ours tells when all has gone well. */
const OURS = {
  protocol: "b",
  isCompressed: true,
  different: [],
  told: [4001, "Grüße"],
  pinged: "answered",
  lost: [1006, ""],
  closed: [3001, ""],
  seen: [3001, "Grüße"],
  tooBig: 1009,
  seenTooBig: 1009,
};

for (const [command, front] of Object.entries({ nginx, haproxy })) {
  if (!hasCommand(command)) continue;

  serverTest(`clients talk to our server through ${command}`, async (reactor, errors) => {
    const served = new Served(reactor);
    const proxy = await front(served.server.port);
    try {
      const base = `ws://${hostname}:${proxy.port}`;
      const query = queryOf("takeover");
      using client = new HttpClient({ reactor });
      const compression = COMPRESSIONS["takeover"]!;
      const talk = await ourTalk(reactor, client, base, { query, compression });
      assertEquals(talk, OURS);
      for (const [name, there, compresses, talkOf] of CLIENTS) {
        if (!isThere(there) || name === "Chromium") continue;
        const { isCompressed, different, told, pinged } = await talkOf({
          base,
          query,
          size: 1 << 20,
          parameters: {},
        });
        assertEquals(
          { isCompressed, different, told: told.slice(0, 2), pinged },
          { isCompressed: compresses, different: [], told: [4001, "Grüße"], pinged: "answered" },
          name,
        );
      }
    } finally {
      await stop(proxy);
    }
    await turnsUntil(() => served.server.statistics().open === 0);
    assertEquals(served.versions, new Set(["1.1"]));
    assertEquals(errors, []);
  });

  for (const [name, there, can, start] of SERVERS) {
    if (!isThere(there)) continue;
    serverTest(`our client talks to ${name} through ${command}`, async (reactor, errors) => {
      await using peer = await start({});
      const proxy = await front(peer.port);
      try {
        using client = new HttpClient({ reactor });
        const talk = await ourTalk(reactor, client, `ws://${hostname}:${proxy.port}`, {
          compression: COMPRESSIONS["takeover"]!,
          canAll: can,
        });
        const { isCompressed, different, told, seen } = talk;
        assertEquals(
          { isCompressed, different, told, seen },
          { isCompressed: can, different: [], told: [4001, "Grüße"], seen: [3001, "Grüße"] },
        );
      } finally {
        await stop(proxy);
      }
      assertEquals(errors, []);
    });
  }
}

// HTTP/2 (RFC 8441).

const SECURED = { cert: CERT, key: KEY };

serverTest("our client talks to our server", async (reactor, errors) => {
  const compression = COMPRESSIONS["takeover"]!;
  const query = queryOf("takeover");
  for (const version of ["1.1", "2"]) {
    for (const isSecured of [false, true]) {
      const served = new Served(reactor, isSecured ? SECURED : {});
      using client = new HttpClient({
        reactor,
        http2: version === "1.1" ? false : isSecured ? true : "prior-knowledge",
        tls: { caCerts: [CA_CERT] },
      });
      const base = `${isSecured ? "wss" : "ws"}://${hostname}:${served.server.port}`;
      // It goes by HTTP/2 where there is a connection already.
      await (await client.get(base.replace("ws", "http"))).text();
      const talk = await ourTalk(reactor, client, base, { query, compression });
      assertEquals(talk, OURS);
      assertEquals(served.versions, new Set([version]));
      client.close();
      await turnsUntil(() => served.server.statistics().open === 0);
    }
  }
  assertEquals(errors, []);
});

serverTest("Deno's WebSocket talks to our server by TLS and by HTTP/2", async (reactor, errors) => {
  for (const version of ["1.1", "2"]) {
    const served = new Served(reactor, SECURED);
    const http2 = version === "2";
    using client = Deno.createHttpClient({ http1: !http2, http2, caCerts: [CA_CERT] });
    class Socket extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, { protocols, client });
      }
    }
    const base = `wss://${hostname}:${served.server.port}`;
    const talk = await converse(Socket, base, "", 1 << 20);
    assertEquals(talk, {
      protocol: "b",
      isCompressed: false,
      different: [],
      closed: [3001, "", true],
      told: [4001, "Grüße", true],
      pinged: "answered",
      tooBig: 1009,
    });
    assertEquals(served.versions, new Set([version]));
    await turnsUntil(() => served.server.statistics().open === 0);
  }
  assertEquals(errors, []);
});

const CHROMIUM = {
  protocol: "b",
  isCompressed: true,
  different: [],
  closed: [3001, "", true],
  told: [4001, "Grüße", true],
  pinged: "answered",
  tooBig: 1009,
};

if (hasCommand("chromium")) {
  serverTest("Chromium talks to our server by HTTP/2", async (reactor, errors) => {
    const served = new Served(reactor, SECURED);
    const { port } = served.server;
    await using browser = await Browser.start();
    await browser.trustAll();
    await browser.open(`https://localhost:${port}/`);
    for (const compression of WITH_TAKEOVER) {
      const query = queryOf(compression);
      const task = { base: `wss://localhost:${port}`, query, size: 1 << 20 };
      assertEquals(await browser.evaluate(talkOfPage(task)), CHROMIUM, compression);
    }
    assertEquals(served.versions, new Set(["2"]));
    assertEquals(browser.problems, []);
    await browser.open("about:blank");
    assertEquals(errors, []);
  });

  const name = "Chromium talks to our server by HTTP/2 through HAProxy";
  if (hasCommand("haproxy")) {
    serverTest(name, async (reactor, errors) => {
      const served = new Served(reactor);
      const pem = await Deno.makeTempFile({ suffix: ".pem" });
      await Deno.writeTextFile(pem, CERT + KEY);
      const proxy = await haproxy(
        served.server.port,
        `ssl crt ${pem} alpn h2,http/1.1`,
        "proto h2 ws h2",
      );
      await Deno.remove(pem);
      try {
        await using browser = await Browser.start();
        await browser.trustAll();
        await browser.open(`https://localhost:${proxy.port}/`);
        const task = {
          base: `wss://localhost:${proxy.port}`,
          query: queryOf("takeover"),
          size: 1 << 20,
        };
        assertEquals(await browser.evaluate(talkOfPage(task)), CHROMIUM);
        await browser.open("about:blank");
      } finally {
        await stop(proxy);
      }
      assertEquals(served.versions, new Set(["2"]));
      assertEquals(errors, []);
    });
  }
}

if (hasCommand("haproxy")) {
  for (const listens of ["1.1", "2"]) {
    for (const connects of ["1.1", "2"]) {
      const name = `HAProxy makes HTTP/${connects} of HTTP/${listens}`;
      serverTest(`our client talks to our server, ${name}`, async (reactor, errors) => {
        const served = new Served(reactor);
        const proxy = await haproxy(
          served.server.port,
          listens === "2" ? "proto h2" : "",
          connects === "2" ? "proto h2 ws h2" : "",
        );
        try {
          using client = new HttpClient({
            reactor,
            http2: listens === "2" ? "prior-knowledge" : false,
          });
          const compression = COMPRESSIONS["takeover"]!;
          const query = queryOf("takeover");
          const base = `ws://${hostname}:${proxy.port}`;
          assertEquals(await ourTalk(reactor, client, base, { query, compression }), OURS);
        } finally {
          await stop(proxy);
        }
        assertEquals(served.versions, new Set([connects]));
        assertEquals(errors, []);
      });
    }
  }
}
