import type { ByteStream } from "./byte_stream.ts";
import { shown } from "./_describe.ts";
import { Ending, Input, Output } from "./_program.ts";
import type { Reactor } from "./reactor.ts";
import type { Socket } from "./socket.ts";

/** Options of {@linkcode subprocess}. */
export interface SubprocessOptions extends
  Pick<
    Deno.CommandOptions,
    "args" | "cwd" | "clearEnv" | "env" | "uid" | "gid" | "signal"
  > {
  /**
   * What becomes of its standard error: it is to be received (`"piped"`), goes where ours goes, or nowhere.
   * @default {"piped"}
   */
  stderr?: "piped" | "inherit" | "null";
}

/**
 * A program that runs, and its pipes. By `using`, it is ended and the pipes are closed at the end of the block. When it has
 * ended by itself, they are closed as well, and what it had said and nobody has received is kept.
 */
export interface Subprocess<Stderr extends Socket | undefined = Socket> extends Disposable {
  /** Its standard input (send) and output (receive). `shutdown()` ends its input. */
  readonly io: Socket;
  /**
   * What it says on standard error, if that is piped. It need not be received: the last 64 KiB are kept until somebody does,
   * and what is older is dropped. Then nothing is.
   */
  readonly stderr: Stderr;
  /** Its process id. */
  readonly pid: number;
  /** How it ended. */
  readonly status: Promise<Deno.CommandStatus>;
  /** Sends it a signal. One that has ended is left alone. @default {"SIGTERM"} */
  kill(signal?: Deno.Signal): void;
}

const STDERRS = ["piped", "inherit", "null"];

/**
 * Starts a program with its pipes in `reactor`. When the reactor shuts down, or the program is disposed of, it is ended by
 * SIGTERM, and by SIGKILL when it has not gone after the reactor's `lingerMs`; {@linkcode Reactor.run} waits for that.
 *
 * @throws whatever `Deno.Command` throws, for example `Deno.errors.NotFound`
 * @throws {TypeError} when the reactor is shut down, or an option has no effect
 *
 * @example Piping through cat
 * ```ts
 * import { Reactor, subprocess } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const { io, status } = subprocess(reactor, "cat", { stderr: "inherit" });
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
  options?: SubprocessOptions & { stderr?: "piped" },
): Subprocess;
/** As above; without `stderr` if that is not piped. */
export function subprocess(
  reactor: Reactor,
  command: string | URL,
  options: SubprocessOptions,
): Subprocess<Socket | undefined>;
export function subprocess(
  reactor: Reactor,
  command: string | URL,
  options: SubprocessOptions = {},
): Subprocess<Socket | undefined> {
  const { stderr = "piped" } = options;
  checkPipes(options);
  const child = new Deno.Command(command, {
    ...options,
    stdin: "piped",
    stdout: "piped",
    stderr,
  }).spawn();
  const name = `${command} ${child.pid}`;
  const ending = new Ending(reactor, child);
  const input = new Input(child.stdin);
  const output = new Output(child.stdout, false);
  const errors = stderr === "piped" ? new Output(child.stderr, true) : undefined;
  const onShutdown = () => {
    ending.begin();
    errors?.close();
  };
  reactor.addShutdownHook(onShutdown);
  const status = child.status.finally(() => {
    reactor.removeShutdownHook(onShutdown);
    ending.ended();
    input.abort(new Deno.errors.BrokenPipe("The program has ended"));
    output.ended();
    errors?.ended();
  });
  const adopt = (stream: ByteStream) => {
    try {
      return reactor.adopt(stream);
    } catch (error) {
      stream.close();
      errors?.close();
      ending.kill("SIGKILL");
      throw error;
    }
  };
  const io = adopt({
    name,
    pull: () => output.pull(),
    write: (bytes) => input.write(bytes),
    closeWrite: () => input.close(),
    close() {
      output.close();
      input.close().catch(ignore);
    },
    abort() {
      output.close();
      input.abort(new Error("Not all was sent"));
    },
  });
  errors?.keep();
  let heard: Socket | undefined;
  return {
    io,
    /** Only when somebody wants it: until then it is no open connection. */
    get stderr() {
      return heard ??= errors && adopt({
        name: `${name} stderr`,
        pull: () => errors.pull(),
        close: () => errors.close(),
      });
    },
    pid: child.pid,
    status,
    kill: (signal) => ending.kill(signal),
    [Symbol.dispose]() {
      onShutdown();
      io.abort();
      heard?.abort();
    },
  };
}

/** What is given by force, and would have no effect, is an error. */
function checkPipes(options: Deno.CommandOptions): void {
  for (const name of ["stdin", "stdout"] as const) {
    if ((options[name] ?? "piped") === "piped") continue;
    throw new TypeError(`Cannot start a program: its ${name} is always piped`);
  }
  if (STDERRS.includes(options.stderr ?? "piped")) return;
  throw new TypeError(
    `Cannot start a program: stderr must be "piped", "inherit" or "null", not ${
      shown(options.stderr)
    }`,
  );
}

function ignore(): void {}
