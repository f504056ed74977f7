/**
 * Where the time of one request goes in the hello server on epoll, under full load (wrk, 64 connections).
 *
 * The kernel tells how long its thread computes and how long it is in system calls; V8's profile, how that divides among
 * the modules and among the calls. (V8 alone would see too little of the modules: it mostly comes to look when a system
 * call ends.) Linux.
 *
 *     deno run -A bench/breakdown.ts [--seconds 5] [--selector epoll]
 */
import { parseArgs } from "node:util";
import { printTable, round, type Row, type Table, writeJson } from "./_report.ts";
import { has, here, start } from "./_servers.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    seconds: { type: "string", default: "5" },
    selector: { type: "string", default: "epoll" },
  },
});
const seconds = Number(options.seconds);

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

/** V8 counts a system call, by a fast call of Deno FFI, as part of the function that makes it. */
const SYSTEM_CALLS: Record<string, string> = {
  "_descriptor_socket.ts #send": "send(2)",
  "_descriptor_socket.ts #receive": "recv(2)",
  "_epoll.ts collect": "epoll_wait(2)",
  " op_write": "send(2)",
  " op_read": "recv(2)",
};

interface Place {
  name: string;
  kind: "call" | "code" | "idle";
}

function placeOf(functionName: string, url: string): Place {
  const file = url.split("/").at(-1)!;
  const call = SYSTEM_CALLS[`${file} ${functionName}`];
  if (call !== undefined) return { name: call, kind: "call" };
  if (functionName === "(idle)") return { name: "idle", kind: "idle" };
  if (functionName === "(garbage collector)") return { name: "garbage collection", kind: "code" };
  const module = /\/(compose|pipeline|reactor|gio|http|examples)\/[^/]+$/.exec(url)?.[1];
  return { name: module ?? "Deno: event loop, promises, text", kind: "code" };
}

/** Microseconds of the last so many seconds that fall on each place of a kind. */
function shares({ nodes, samples, timeDeltas }: Profile, kind: Place["kind"]): Map<string, number> {
  const places = new Map(
    nodes.map(({ id, callFrame: { functionName, url } }) =>
      [id, placeOf(functionName, url)] as const
    ),
  );
  const times = new Map<string, number>();
  let left = seconds * 1e6;
  for (let i = samples.length - 1; i >= 0 && left > 0; i--) {
    const place = places.get(samples[i]!)!;
    left -= timeDeltas[i]!;
    if (place.kind === kind) {
      times.set(place.name, (times.get(place.name) ?? 0) + timeDeltas[i]!);
    }
  }
  return times;
}

/** Microseconds that the main thread of a process has computed, and has been in system calls. */
function threadTimes(pid: number): [user: number, system: number] {
  const stat = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/stat`).split(") ")[1]!.split(" ");
  return [10_000 * Number(stat[11]), 10_000 * Number(stat[12])]; // in ticks of 10 ms
}

/** `total`, divided as `parts` are. */
function divide(total: number, parts: Map<string, number>): [string, number][] {
  const sum = parts.values().reduce((all, part) => all + part, 0);
  return [...parts].map(([name, part]) => [name, total * part / sum]);
}

if (!await has("wrk")) {
  console.error("This benchmark needs wrk: apt-get install wrk, or brew install wrk");
  Deno.exit(1);
}
const folder = await Deno.makeTempDir();
try {
  const server = await start(Deno.execPath(), [
    ...["run", "--cpu-prof", `--cpu-prof-dir=${folder}`, "--allow-net", "--allow-ffi"],
    ...[here("../examples/hello.ts"), "--port", "0", "--selector", options.selector],
  ]);
  const url = `http://127.0.0.1:${server.port}/`;
  const load = (duration: number) =>
    new Deno.Command("wrk", { args: ["-t1", "-c64", `-d${duration}s`, url] }).output();
  await load(1); // warm up
  const { pid } = server.process;
  const [userBefore, systemBefore] = threadTimes(pid);
  const { stdout } = await load(seconds);
  const [userAfter, systemAfter] = threadTimes(pid);
  server.process.kill("SIGTERM");
  await server.stdout.cancel();
  await server.process.status;

  const requests = Number(/(\d+) requests in/.exec(new TextDecoder().decode(stdout))![1]);
  const [file] = [...Deno.readDirSync(folder)];
  const profile = JSON.parse(await Deno.readTextFile(`${folder}/${file!.name}`));
  const user = (userAfter - userBefore) / requests;
  const system = (systemAfter - systemBefore) / requests;
  const all = seconds * 1e6 / requests;
  const times = [
    ...divide(system, shares(profile, "call")),
    ...divide(user, shares(profile, "code")),
  ].sort(([, a], [, b]) => b - a);
  times.push(["waiting", all - user - system]);
  const rows = times.map(([place, time]): Row => ({
    place,
    "µs a request": round(time),
    "%": round(100 * time / all),
  }));
  const rate = round(requests / seconds);
  const table: Table = { title: `One request, of ${rate} a second (${options.selector})`, rows };
  printTable(table);
  const ours = times.filter(([name]) => /^\w+$/.test(name) && name !== "waiting")
    .reduce((sum, [, time]) => sum + time, 0);
  console.log(
    `\nThe system calls take ${round(system)} µs, this library ${
      round(ours)
    } µs, and to be 10 % faster means ` +
      `to save ${round((user + system) / 11)} µs.`,
  );
  await writeJson("breakdown", [table]);
} finally {
  await Deno.remove(folder, { recursive: true });
}
