/** What all tests of sockets use. */

/** The back ends that there are here. Every test of sockets runs on each. */
export const SELECTORS: readonly ("deno" | "epoll")[] = Deno.build.os === "linux"
  ? ["deno", "epoll"]
  : ["deno"];

/** Where tests listen and connect: nobody else can reach it. */
export const hostname = "127.0.0.1";

/** Any free port there. */
export const listening: { hostname: string; port: number } = { hostname, port: 0 };
