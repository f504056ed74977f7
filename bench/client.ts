/**
 * Clients: many requests, 64 at a time, to a server in C, by HTTP/1.1 and by HTTP/2; and the download of a large file
 * from nginx.
 *
 * Ours by coroutines on both back ends, and in a program without coroutines; `fetch` of Deno; undici by its fastest
 * API, `dispatch` of a `Pool`, on Node and on Deno; by HTTP/2 node:http2 in its place. Each has a process of its own, and gets its turn in each round, in
 * alternating order; medians and ratios are over the rounds. The processor time is that of the client alone.
 *
 *     deno run -A bench/client.ts [--requests 50000] [--rounds 5] [--download 1] [--only requests|http2|download]
 *
 * `--download` is in GiB. With `--only` nothing is written to bench/results.
 */
import { parseArgs } from "node:util";
import { Client } from "./_client.ts";
import { startNginx } from "./_ends.ts";
import { denoHello, others } from "./_h2_servers.ts";
import { median, printTable, round, type Row, type Table, writeJson } from "./_report.ts";
import { compiled, has, here, type Server, start, stop } from "./_servers.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    requests: { type: "string", default: "50000" },
    rounds: { type: "string", default: "5" },
    download: { type: "string", default: "1" },
    only: { type: "string" },
  },
});
const requests = Number(options.requests);
const rounds = Number(options.rounds);
const gib = Number(options.download);

const FETCH = "fetch";
const UNDICI = "undici";
const NODE = "node:http2";

if (Deno.build.os !== "linux") {
  console.error("Without Linux nothing is measured");
  Deno.exit();
}

type Clients = Record<string, () => Promise<Client>>;

const deno = (path: string, ...args: string[]) => () =>
  new Client(Deno.execPath(), ["run", "-A", here(path), ...args]).ready();

/** undici on Node, if that and npm are there. */
async function onNode(): Promise<Clients> {
  if (!await has("node") || !await has("npm")) return {};
  const folder = await Deno.makeTempDir();
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const args = ["install", "--silent", "--no-save", "--prefix", folder, "undici@7"];
  const { success } = await new Deno.Command("npm", { args, stderr: "inherit" }).output();
  if (!success) return {};
  const path = `${folder}/node_modules/undici/index.js`;
  return {
    [`${UNDICI} on Node`]: () =>
      new Client("node", [here("peers/undici_client.mjs"), path]).ready(),
  };
}

/** Starts all, lets each work once for a start, then all in turn, there and back. */
async function alternately<Measured>(
  clients: Clients,
  times: number,
  work: (client: Client, isWarmUp: boolean) => Promise<Measured>,
): Promise<Map<string, Measured[]>> {
  const running = new Map<string, Client>();
  try {
    for (const [name, start] of Object.entries(clients)) running.set(name, await start());
    const results = new Map<string, Measured[]>([...running.keys()].map((name) => [name, []]));
    for (const client of running.values()) await work(client, true);
    const order = [...running];
    for (let i = 0; i < times; i++) {
      for (const [name, client] of order) results.get(name)!.push(await work(client, false));
      order.reverse();
    }
    return results;
  } finally {
    for (const client of running.values()) await client.end();
  }
}

/** For the machine: how many others wanted the processors. */
const load = () => Deno.readTextFileSync("/proc/loadavg").split(" ")[0];

/** Ours by each means, and `fetch`. */
const usual = (...wire: string[]): Clients => ({
  "weightless, epoll": deno("peers/client.ts", "epoll", ...wire),
  "weightless, deno": deno("peers/client.ts", "deno", ...wire),
  "weightless, await": deno("peers/client.ts", "await", ...wire),
  [FETCH]: deno("peers/client.ts", "fetch", ...wire),
});

async function requesting(): Promise<Table> {
  const c = await compiled("epoll_server.c");
  const server: Server = c === undefined
    ? await start(Deno.execPath(), ["run", "-A", here("peers/deno_serve.ts")])
    : await start(c, []);
  const clients = {
    ...usual(),
    ...await onNode(),
    [`${UNDICI} on Deno`]: deno("peers/undici_client.mjs", "npm:undici@7"),
  };
  return await asking(server, clients, UNDICI, "requests");
}

async function requestingByHttp2(): Promise<Table> {
  const { nghttpd = denoHello } = await others();
  const clients = {
    ...usual("h2"),
    ...(await has("node") && {
      [`${NODE} on Node`]: async () =>
        await new Client("node", [here("peers/node_http2_client.mjs")]).ready(),
    }),
    [`${NODE} on Deno`]: deno("peers/node_http2_client.mjs"),
  };
  return await asking(await nghttpd(), clients, NODE, "requests by HTTP/2");
}

/** Has clients ask a server, and compares them to `fetch` and to the fastest one of that kind. */
async function asking(
  server: Server,
  clients: Clients,
  kind: string,
  what: string,
): Promise<Table> {
  const url = `http://127.0.0.1:${server.port}/`;
  try {
    const measured = await alternately(
      clients,
      rounds,
      async (client) => {
        const before = client.cpu;
        const { elapsed, p50, p99 } = await client.order("ask", url, requests);
        const cpu = 1000 * (client.cpu - before) / requests;
        return { rate: requests / elapsed! * 1000, cpu, p50: p50!, p99: p99! };
      },
    );
    type Measured = { rate: number; cpu: number; p50: number; p99: number };
    const all = (name: string, what: keyof Measured) => measured.get(name)!.map((one) => one[what]);
    const of = (name: string, what: keyof Measured) => median(all(name, what));
    const fastest = [...measured.keys()].filter((name) => name.startsWith(kind))
      .sort((a, b) => of(b, "rate") - of(a, "rate"))[0]!;
    const ratio = (name: string, other: string, what: keyof Measured) =>
      round(median(all(name, what).map((value, i) => value / all(other, what)[i]!)));
    const rows = [...measured.keys()].map((name): Row => ({
      client: name,
      "requests/s": round(of(name, "rate")),
      lowest: round(Math.min(...all(name, "rate"))),
      highest: round(Math.max(...all(name, "rate"))),
      [`× ${FETCH}`]: ratio(name, FETCH, "rate"),
      [`× ${kind}`]: ratio(name, fastest, "rate"),
      "CPU µs each": round(of(name, "cpu")),
      [`CPU × ${FETCH}`]: ratio(name, FETCH, "cpu"),
      [`CPU × ${kind}`]: ratio(name, fastest, "cpu"),
      "p50 ms": round(of(name, "p50")),
      "p99 ms": round(of(name, "p99")),
    }));
    return {
      title: `${requests} ${what}, 64 at a time (${kind} is that of ${
        fastest.slice(kind.length + 4)
      }; load ${load()})`,
      rows,
    };
  } finally {
    await stop(server);
  }
}

/** nginx sends a file of zeros. */
function nginx(root: string): Promise<Server> {
  return startNginx((port) => [
    "sendfile on; default_type application/octet-stream;",
    `server { listen 127.0.0.1:${port}; root ${root}; }`,
  ]);
}

async function downloading(): Promise<Table> {
  const folder = await Deno.makeTempDir();
  const MIB = 2 ** 20;
  let server: Server | undefined;
  try {
    await Deno.chmod(folder, 0o755);
    for (const [name, size] of [["warm-up", 64 * MIB], ["file", gib * 1024 * MIB]] as const) {
      await Deno.writeFile(`${folder}/${name}`, new Uint8Array());
      await Deno.truncate(`${folder}/${name}`, size);
    }
    server = await nginx(folder);
    const { port } = server;
    const measured = await alternately(
      {
        "saveTo, epoll": deno("peers/client.ts", "epoll"),
        "saveTo, deno": deno("peers/client.ts", "deno"),
        "saveTo, await": deno("peers/client.ts", "await"),
        [FETCH]: deno("peers/client.ts", "fetch"),
      },
      rounds,
      async (client, isWarmUp) => {
        const name = isWarmUp ? "warm-up" : "file";
        const to = `${folder}/copy`;
        client.forgetPeak();
        const before = { cpu: client.cpu, memory: client.peak };
        const { bytes, elapsed } = await client.order(
          "download",
          `http://127.0.0.1:${port}/${name}`,
          to,
        );
        const expected = Deno.statSync(`${folder}/${name}`).size;
        if (bytes !== expected || Deno.statSync(to).size !== expected) {
          throw new Error(`${bytes} of ${expected} bytes arrived`);
        }
        Deno.removeSync(to);
        const size = bytes / 2 ** 30;
        return {
          cpu: (client.cpu - before.cpu) / 1000 / size,
          rate: size / elapsed! * 1000,
          memory: client.peak / MIB,
          more: (client.peak - before.memory) / MIB,
        };
      },
    );
    const reference = measured.get(FETCH)!;
    const rows = [...measured].map(([name, list]): Row => ({
      client: name === FETCH ? `${FETCH}, pipeTo` : name,
      "CPU s/GiB": round(median(list.map(({ cpu }) => cpu))),
      "CPU × fetch": round(median(list.map(({ cpu }, i) => cpu / reference[i]!.cpu))),
      "GiB/s": round(median(list.map(({ rate }) => rate))),
      "peak MiB": round(Math.max(...list.map(({ memory }) => memory))),
      "above before, MiB": round(Math.max(...list.map(({ more }) => more))),
    }));
    return { title: `Download of ${gib} GiB to a file (load ${load()})`, rows };
  } finally {
    if (server !== undefined) await stop(server);
    await Deno.remove(folder, { recursive: true });
  }
}

const tables: Table[] = [];
const parts = { requests: requesting, http2: requestingByHttp2, download: downloading };
for (const [name, part] of Object.entries(parts)) {
  if (options.only !== undefined && options.only !== name) continue;
  if (part === downloading && !await has("nginx")) {
    console.error("Without nginx there is no download: apt-get install nginx");
    continue;
  }
  tables.push(await part());
  printTable(tables.at(-1)!);
}
if (options.only === undefined) await writeJson("client", tables);
