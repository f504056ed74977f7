/** What all tests of sockets use. */
import type { Socket } from "../reactor/mod.ts";

/** The back ends that there are here. Every test of sockets runs on each. */
export const SELECTORS: readonly ("deno" | "epoll")[] = Deno.build.os === "linux"
  ? ["deno", "epoll"]
  : ["deno"];

/** Where tests listen and connect: nobody else can reach it. */
export const hostname = "127.0.0.1";

/** Any free port there. */
export const listening: { hostname: string; port: number } = { hostname, port: 0 };

/** Whether all that the kernel has sent of a TCP socket has arrived, and its peer has no room for more (Linux). */
export function isStuck(socket: Socket): boolean {
  if (Deno.build.os !== "linux") return true;
  const [local, remote] = [socket.localAddr, socket.remoteAddr].map((addr) =>
    (addr as Deno.NetAddr).port.toString(16).toUpperCase().padStart(4, "0")
  );
  const [, timer] = Deno.readTextFileSync("/proc/net/tcp")
    .match(new RegExp(`:${local} \\w+:${remote} \\w+ \\w+:\\w+ (\\w+):`)) ?? [];
  // The timer is the one after which it probes whether there is room again.
  return timer === "04";
}
