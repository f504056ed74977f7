/**
 * Tells the descriptors that a supervisor has passed to this process, for
 * {@linkcode AcceptorOptions.descriptor}: the supervisor listens, and starts the program when somebody
 * connects, or starts it again without refusing anybody meanwhile. systemd does this by a `.socket`
 * unit, and `systemd-socket-activate` on a command line; see sd_listen_fds(3).
 *
 * It needs `--allow-env=LISTEN_PID,LISTEN_FDS,LISTEN_FDNAMES`. Without that it is an error, and not an
 * empty list: a program that a supervisor has started would listen elsewhere.
 *
 * @param name Only those that have this name (`FileDescriptorName=` of systemd).
 * @returns The numbers of the descriptors, in the order of the supervisor. There are none if no
 * supervisor has passed any to this process itself.
 * @throws {Deno.errors.NotCapable} If the permission is missing.
 *
 * @example A server that a supervisor starts, or anybody else
 * ```ts
 * import { Acceptor, listenDescriptors, Reactor } from "@weightless/io/reactor";
 *
 * const [descriptor] = listenDescriptors();
 * const at = descriptor === undefined ? { port: 0, hostname: "127.0.0.1" } : { descriptor };
 * using reactor = new Reactor();
 * using acceptor = new Acceptor(reactor, at, (socket) => socket.close());
 * ```
 *
 * @category Sockets
 */
export function listenDescriptors(name?: string): number[] {
  // It may be meant for a process that has started this one.
  if (Deno.env.get("LISTEN_PID") !== String(Deno.pid)) return [];
  const text = Deno.env.get("LISTEN_FDS") ?? "";
  const count = /^\d+$/.test(text) ? Math.min(Number(text), MAX_PASSED) : 0;
  const names = Deno.env.get("LISTEN_FDNAMES")?.split(":") ?? [];
  return Array.from({ length: count }, (_, i) => FIRST + i)
    .filter((_, i) => name === undefined || (names[i] || "unknown") === name);
}

/** SD_LISTEN_FDS_START. */
const FIRST = 3;

/** More than any process has. */
const MAX_PASSED = 65536;
