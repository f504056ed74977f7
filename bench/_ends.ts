/** What stands beside the reactor where bytes are moved: relays, and servers of a file. */
import { compiled, has, here, type Server, start } from "./_servers.ts";

/** Starts a server, given the port it relays to, or the file it serves. */
export type Start<Given> = (given: Given) => Promise<Server>;

const deno = Deno.execPath();
const hostname = "127.0.0.1";

/** The relays that others are compared to. */
export const PIPE_TO = "readable.pipeTo";
export const LOOP = "read and write, 1 MiB";
export const C = "C, splice";

/** A relay of `peers/relay.ts`. */
export function ours(...means: string[]): Start<number> {
  return (far) => start(deno, ["run", "-A", here("peers/relay.ts"), String(far), ...means]);
}

/** All relays, by name. */
export async function relays(): Promise<Record<string, Start<number>>> {
  const c = await compiled("splice_relay.c");
  return {
    "weightless, epoll": ours("splice", "epoll"),
    "weightless, deno": ours("splice"),
    "weightless, epoll, copy": ours("copy", "epoll"),
    "weightless, deno, copy": ours("copy"),
    [PIPE_TO]: ours("pipeTo"),
    "read and write, 64 KiB": ours("65536"),
    [LOOP]: ours("1048576"),
    ...(await found("socat") && { "socat, 64 KiB": socat }),
    ...(await found("haproxy") && {
      "haproxy": haproxy(),
      "haproxy, 1 MiB pipes": haproxy("tune.pipesize 1048576"),
    }),
    ...(c !== undefined && { [C]: (far: number) => start(c, [String(far)]) }),
  };
}

/** All servers of a file, by name. */
export async function fileServers(): Promise<Record<string, Start<string>>> {
  const server = (...means: string[]): Start<string> => (path) =>
    start(deno, ["run", "-A", here("peers/file_server.ts"), path, ...means]);
  return {
    "weightless, epoll": server("sendFile", "epoll"),
    "weightless, deno": server("sendFile"),
    [PIPE_TO]: server("pipeTo"),
    ...(await found("nginx") && { nginx }),
  };
}

async function found(command: string): Promise<boolean> {
  if (await has(command)) return true;
  console.error(`Without ${command} it is left out: apt-get install ${command}`);
  return false;
}

function socat(far: number): Promise<Server> {
  return startOnFreePort("socat", (port) => [
    "-b",
    "65536",
    `TCP4-LISTEN:${port},bind=${hostname},reuseaddr,fork`,
    `TCP4:${hostname}:${far}`,
  ]);
}

function haproxy(...globals: string[]): Start<number> {
  return (far) =>
    startOnFreePort("haproxy", (port, folder) => [
      "-db",
      "-f",
      file(`${folder}/haproxy.cfg`, [
        "global",
        "nbthread 1",
        ...globals,
        "listen relay",
        "mode tcp",
        `bind ${hostname}:${port}`,
        `server far ${hostname}:${far}`,
        "option splice-request",
        "option splice-response",
        ...["connect", "client", "server"].map((what) => `timeout ${what} 60s`),
      ]),
    ]);
}

function nginx(path: string): Promise<Server> {
  return startNginx((port) => [
    "sendfile on; default_type application/octet-stream;",
    `server { listen ${hostname}:${port}; location = /file { alias ${path}; } }`,
  ]);
}

/**
 * Starts nginx, which writes no log.
 *
 * @param http What its block `http` has.
 * @param main What stands before the blocks.
 * @param port Any free one unless given.
 */
export function startNginx(
  http: (port: number) => string[],
  main: string[] = [],
  port?: number,
): Promise<Server> {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return startOnFreePort("nginx", (port, folder) => [
    "-e",
    `${folder}/errors`,
    "-c",
    file(`${folder}/nginx.conf`, [
      "daemon off; master_process off;",
      ...main,
      `pid ${folder}/pid;`,
      "events {}",
      "http {",
      "access_log off;",
      ...temporary.map((what) => `${what}_temp_path ${folder}/${what};`),
      ...http(port),
      "}",
    ]),
  ], port);
}

export function file(path: string, lines: string[]): string {
  Deno.writeTextFileSync(path, lines.join("\n") + "\n");
  return path;
}

/** A port on which nobody listens. */
export function freePort(): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

/** For servers that cannot choose their port and tell it, unless it is given. */
export async function startOnFreePort(
  command: string,
  args: (port: number, folder: string) => string[],
  port: number = freePort(),
): Promise<Server> {
  const folder = await Deno.makeTempDir();
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const process = new Deno.Command(command, {
    args: args(port, folder),
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const stdout = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let tries = 0; tries < 100; tries++) {
    try {
      (await Deno.connect({ hostname, port })).close();
      return { port, process, stdout };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  process.kill("SIGTERM");
  throw new Error(`${command} does not listen`);
}
