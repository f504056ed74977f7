import type { ByteStream } from "./byte_stream.ts";
import type { Reactor } from "./reactor.ts";
import type { Socket } from "./socket.ts";
import { fromStreams } from "./streams.ts";

/** Options of {@linkcode subprocess}. */
export type SubprocessOptions = Pick<
  Deno.CommandOptions,
  "args" | "cwd" | "clearEnv" | "env" | "uid" | "gid" | "signal"
>;

/** A program that runs, and its pipes. By `using`, it is killed and the pipes are closed at the end of the block. */
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
 * @throws {TypeError} when the reactor is shut down
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
  const { stdin = "piped", stdout = "piped" }: Deno.CommandOptions = options;
  if (stdin !== "piped") throw new TypeError("Cannot start a program: its stdin is always piped");
  if (stdout !== "piped") throw new TypeError("Cannot start a program: its stdout is always piped");
  const piped = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command(command, { ...options, ...piped }).spawn();
  let running = true;
  const kill = (signal?: Deno.Signal) => {
    if (!running) return;
    try {
      child.kill(signal);
    } catch (error) {
      // It has ended, and nobody knows yet.
      if (!(error instanceof Deno.errors.NotFound) && !hasTerminated(error)) throw error;
    }
  };
  const onShutdown = () => kill();
  reactor.addShutdownHook(onShutdown);
  const status = child.status.finally(() => {
    running = false;
    reactor.removeShutdownHook(onShutdown);
  });
  const name = `${command} ${child.pid}`;
  const io = fromStreams({ readable: child.stdout, writable: child.stdin, name });
  const stderr = fromStreams({ readable: child.stderr, name: `${name} stderr` });
  const adopt = (stream: ByteStream) => {
    try {
      return reactor.adopt(stream);
    } catch (error) {
      io.close();
      stderr.close();
      kill("SIGKILL");
      throw error;
    }
  };
  const sockets = [adopt(io), adopt(stderr)] as const;
  return {
    io: sockets[0],
    stderr: sockets[1],
    pid: child.pid,
    status,
    kill,
    [Symbol.dispose]() {
      kill();
      for (const socket of sockets) socket.abort();
    },
  };
}

function hasTerminated(error: unknown): boolean {
  return error instanceof TypeError && error.message.includes("already terminated");
}
