/** Servers of WebSockets that are measured beside each other. What comes to `/echo` goes back; what comes to `/broadcast` goes to all. */
import { DESCRIPTORS } from "./_h2_servers.ts";
import { has, here, type Server, start } from "./_servers.ts";

/** What can be measured: `deflate` is `idle` with permessage-deflate. */
export type Part = "echo" | "large" | "broadcast" | "idle" | "deflate" | "stream";

/** How a server is started, and what it offers. */
export interface Candidate {
  start: () => Promise<Server>;
  parts: Part[];
}

/** Who the others are compared to. */
export const REFERENCES = ["ws on Node", "Deno.upgradeWebSocket"] as const;

const USUAL: Part[] = ["echo", "large", "broadcast", "idle"];
const WITH_DEFLATE: Part[] = [...USUAL, "deflate"];
const UWS = "uNetworking/uWebSockets.js#v20.52.0";
const NPM_SECONDS = 60;

/** With two processors or more, servers have the first one, and what loads them has the second one. */
const isPinned = navigator.hardwareConcurrency > 1 && await has("taskset");

/** A command that has the processor of this number, if there is a choice. */
export function pinned(cpu: 0 | 1, command: string, ...args: string[]): [string, string[]] {
  return isPinned ? ["taskset", ["-c", String(cpu), command, ...args]] : [command, args];
}

function candidate(parts: Part[], command: string, ...args: string[]): Candidate {
  return { parts, start: () => start(...pinned(0, command, ...args), DESCRIPTORS) };
}

const deno = (parts: Part[], path: string, ...args: string[]) =>
  candidate(parts, Deno.execPath(), "run", "-A", here(path), ...args);

/** By name, as far as they are installed. */
export async function candidates(): Promise<Record<string, Candidate>> {
  const ours = (selector: string) =>
    deno([...WITH_DEFLATE, "stream"], "peers/websocket_server.ts", selector);
  return {
    "weightless, epoll": ours("epoll"),
    "weightless, deno": ours("deno"),
    [REFERENCES[1]]: deno(USUAL, "peers/websocket_deno.ts"),
    ...await onNode(),
    "ws on Deno": deno(WITH_DEFLATE, "peers/websocket_ws.mjs", "ws"),
    ...await onPython(),
  };
}

async function onNode(): Promise<Record<string, Candidate>> {
  if (!await has("node") || !await has("npm")) {
    console.error("Without Node and npm their servers are left out: apt-get install nodejs npm");
    return {};
  }
  const node = async (
    name: string,
    parts: Part[],
    packages: string[],
    server: string,
    path: string,
  ) => {
    const folder = await installed(packages);
    if (folder === undefined) return {};
    const args = [here(server), `${folder}/node_modules/${path}`];
    return { [name]: candidate(parts, "node", ...args) };
  };
  const ws = ["peers/websocket_ws.mjs", "ws/wrapper.mjs"] as const;
  const uws = ["peers/websocket_uws.mjs", "uWebSockets.js/uws.js"] as const;
  return {
    ...await node(REFERENCES[0], WITH_DEFLATE, ["ws@8"], ...ws),
    // It unmasks in C, which makes a difference for large messages only.
    ...await node("ws with bufferutil", ["large"], ["ws@8", "bufferutil@4"], ...ws),
    ...await node("uWebSockets.js", WITH_DEFLATE, [UWS], ...uws),
  };
}

/** The folder of packages that npm could install. */
async function installed(packages: string[]): Promise<string | undefined> {
  const folder = await Deno.makeTempDir();
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const { success } = await new Deno.Command("npm", {
    args: ["install", "--silent", "--no-save", "--prefix", folder, ...packages],
    stderr: "null",
    signal: AbortSignal.timeout(1000 * NPM_SECONDS),
  }).output();
  if (success) return folder;
  console.error(`${packages.join(", ")} is left out: npm cannot fetch it`);
}

/** The Python of the system knows the packages of the system; another one may come first. */
async function onPython(): Promise<Record<string, Candidate>> {
  for (const python of ["python3", "/usr/bin/python3"]) {
    if (!await has(python)) continue;
    const args = ["-c", "import websockets"];
    const { success } = await new Deno.Command(python, { args, stderr: "null" }).output();
    if (!success) continue;
    const parts: Part[] = ["echo", "large"];
    return {
      "websockets on Python": candidate(parts, python, here("peers/websocket_python.py")),
    };
  }
  console.error("websockets of Python is left out: apt-get install python3-websockets");
  return {};
}
