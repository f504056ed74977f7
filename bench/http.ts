/**
 * The hello server against its peers, with wrk (1 thread, 64 connections), with and without 16-fold pipelining.
 *
 * Every peer gets its turn in each round, in alternating order; medians and ratios are over the rounds.
 *
 *     deno run -A bench/http.ts [--rounds 5] [--seconds 3]
 */
import { parseArgs } from "node:util";
import { median, printTable, round, type Row, type Table, writeJson } from "./_report.ts";
import { has, here, type Server, start, stop } from "./_servers.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "3" } },
});

const REFERENCE = "Deno.serve";

async function wrk({ port }: Server, pipelined: boolean, seconds: string): Promise<number> {
  const args = [
    "-t1",
    "-c64",
    `-d${seconds}s`,
    ...(pipelined ? ["-s", here("peers/pipeline.lua")] : []),
    `http://127.0.0.1:${port}/`,
  ];
  const { stdout } = await new Deno.Command("wrk", { args }).output();
  const text = new TextDecoder().decode(stdout);
  const rate = text.match(/Requests\/sec:\s+([\d.]+)/)?.[1];
  if (rate === undefined || /Socket errors|Non-2xx/.test(text)) {
    throw new Error(`wrk reports errors: ${text}`);
  }
  return Number(rate);
}

if (!await has("wrk")) {
  console.error("This benchmark needs wrk: apt-get install wrk, or brew install wrk");
  Deno.exit(1);
}

const deno = Deno.execPath();
const peers: Record<string, [string, string[]]> = {
  "weightless, deno": [deno, [
    "run",
    "--allow-net",
    here("../examples/hello.ts"),
    "--port",
    "0",
    "--selector",
    "deno",
  ]],
  [REFERENCE]: [deno, ["run", "--allow-net", here("peers/deno_serve.ts")]],
};
if (Deno.build.os === "linux") {
  const args = [
    "run",
    "--allow-net",
    "--allow-ffi",
    here("../examples/hello.ts"),
    "--port",
    "0",
    "--selector",
    "epoll",
  ];
  peers["weightless, epoll"] = [deno, args];
}
if (await has("node")) peers["node:http on Node"] = ["node", [here("peers/node_http.mjs")]];
peers["node:http on Deno"] = [deno, [
  "run",
  "--allow-net",
  "--allow-env",
  here("peers/node_http.mjs"),
]];

const servers = new Map<string, Server>();
const tables: Table[] = [];
try {
  for (const [name, [command, args]] of Object.entries(peers)) {
    servers.set(name, await start(command, args));
  }
  for (const pipelined of [false, true]) {
    const rates = new Map<string, number[]>([...servers.keys()].map((name) => [name, []]));
    const order = [...servers.keys()];
    for (const name of order) await wrk(servers.get(name)!, pipelined, "1"); // warm up
    for (let i = 0; i < Number(options.rounds); i++) {
      for (const name of order) {
        rates.get(name)!.push(await wrk(servers.get(name)!, pipelined, options.seconds));
      }
      order.reverse();
    }
    const reference = median(rates.get(REFERENCE)!);
    const rows: Row[] = [...rates].map(([name, list]) => ({
      server: name,
      "requests/s": round(median(list)),
      lowest: round(Math.min(...list)),
      highest: round(Math.max(...list)),
      [`× ${REFERENCE}`]: round(median(list) / reference),
    }));
    tables.push({
      title: `Hello server, 64 connections${pipelined ? ", 16 requests pipelined" : ""}`,
      rows,
    });
    printTable(tables.at(-1)!);
  }
} finally {
  for (const server of servers.values()) await stop(server);
}
await writeJson("http", tables);
