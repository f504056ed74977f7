/** What all tests of sockets use. */
import type { Socket } from "../reactor/mod.ts";
import { turns } from "./_leaks.ts";

/** The back ends that there are here. Every test of sockets runs on each. */
export const SELECTORS: readonly ("deno" | "epoll")[] = Deno.build.os === "linux"
  ? ["deno", "epoll"]
  : ["deno"];

/** Where tests listen and connect: nobody else can reach it. */
export const hostname = "127.0.0.1";

/** Any free port there. */
export const listening: { hostname: string; port: number } = { hostname, port: 0 };

/**
 * Sends until nothing more has been accepted for a while: everything between the socket and a peer that does not read is
 * full. Returns how many bytes were accepted.
 */
export async function fill(socket: Pick<Socket, "send">): Promise<number> {
  const piece = new Uint8Array(256 * 1024);
  let accepted = 0;
  for (let quiet = 0; quiet < 25; quiet++) {
    const length = socket.send(piece);
    accepted += length;
    if (length > 0) quiet = 0;
    // Deno looks for input and output when it has nothing else to do: while another thread has.
    await crypto.subtle.digest("SHA-1", new Uint8Array(0));
    await turns(5);
  }
  return accepted;
}
