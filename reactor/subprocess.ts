import type { Reactor } from "./reactor.ts";
import type { Socket } from "./socket.ts";
import { fromStreams } from "./streams.ts";

/** Options of {@linkcode subprocess}. */
export type SubprocessOptions = Pick<
  Deno.CommandOptions,
  "args" | "cwd" | "clearEnv" | "env" | "uid" | "gid" | "signal"
>;

/** A program that runs, and its pipes. */
export interface Subprocess extends Disposable {
  /** Its standard input (send) and output (receive). `shutdown()` ends its input. */
  readonly io: Socket;
  /** What it says on standard error. */
  readonly stderr: Socket;
  /** Its process id. */
  readonly pid: number;
  /** How it ended. */
  readonly status: Promise<Deno.CommandStatus>;
  /** Sends it a signal. One that has ended is left alone. @default {"SIGTERM"} */
  kill(signal?: Deno.Signal): void;
}

/**
 * Starts a program with its pipes in `reactor`. It is killed when the reactor shuts down.
 *
 * @throws whatever `Deno.Command` throws, for example `Deno.errors.NotFound`
 *
 * @example Piping through cat
 * ```ts
 * import { Reactor, subprocess } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const { io, status } = subprocess(reactor, "cat");
 * io.send(new TextEncoder().encode("hello"));
 * io.shutdown();
 * let output = "";
 * reactor.addReader(io, () => {
 *   const bytes = io.recv();
 *   if (bytes) output += new TextDecoder().decode(bytes);
 *   else if (bytes === null) reactor.requestShutdown();
 * });
 * await reactor.run();
 * assertEquals(output, "hello");
 * await status;
 * ```
 */
export function subprocess(
  reactor: Reactor,
  command: string | URL,
  options: SubprocessOptions = {},
): Subprocess {
  const piped = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command(command, { ...options, ...piped }).spawn();
  let running = true;
  const kill = (signal?: Deno.Signal) => {
    if (running) child.kill(signal);
  };
  const onShutdown = () => kill();
  reactor.addShutdownHook(onShutdown);
  const status = child.status.finally(() => {
    running = false;
    reactor.removeShutdownHook(onShutdown);
  });
  const name = `${command} ${child.pid}`;
  return {
    io: reactor.adopt(fromStreams({ readable: child.stdout, writable: child.stdin, name })),
    stderr: reactor.adopt(fromStreams({ readable: child.stderr, name: `${name} stderr` })),
    pid: child.pid,
    status,
    kill,
    [Symbol.dispose]: () => kill(),
  };
}
