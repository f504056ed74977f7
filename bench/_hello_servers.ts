/** The hello server, and what others have in its place. */
import { compiled, has, here } from "./_servers.ts";

/** Who the others are compared to. */
export const REFERENCE = "Deno.serve";

/** By name: a command and its arguments. */
export async function helloServers(): Promise<Record<string, [string, string[]]>> {
  const deno = Deno.execPath();
  const hello = (selector: string, ...flags: string[]): [string, string[]] => [
    deno,
    ["run", "--allow-net", ...flags, here("../examples/hello.ts"), "--port", "0"]
      .concat("--selector", selector),
  ];
  const linux = Deno.build.os === "linux";
  const c = linux ? await compiled("epoll_server.c") : undefined;
  return {
    ...(linux && { "weightless, epoll": hello("epoll", "--allow-ffi") }),
    "weightless, deno": hello("deno"),
    [REFERENCE]: [deno, ["run", "--allow-net", here("peers/deno_serve.ts")]],
    ...(await has("node") && { "node:http on Node": ["node", [here("peers/node_http.mjs")]] }),
    "node:http on Deno": [deno, ["run", "--allow-net", "--allow-env", here("peers/node_http.mjs")]],
    ...(c !== undefined && { "C, epoll": [c, []] }),
  };
}
