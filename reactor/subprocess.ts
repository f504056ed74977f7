import { ignore } from "./_ignore.ts";
import type { ByteStream } from "./byte_stream.ts";
import { shown } from "./_describe.ts";
import { Ending, Input, Output } from "./_program.ts";
import type { Reactor } from "./reactor.ts";
import type { Socket } from "./socket.ts";

/**
 * Options of {@linkcode subprocess}.
 *
 * @category Programs and streams
 */
export interface SubprocessOptions extends
  Pick<
    Deno.CommandOptions,
    "args" | "cwd" | "clearEnv" | "env" | "uid" | "gid" | "signal"
  > {
  /**
   * Where its standard error goes: to {@linkcode Subprocess.stderr} (`"piped"`), to our own
   * standard error, or nowhere.
   *
   * @default {"piped"}
   */
  stderr?: "piped" | "inherit" | "null";
}

/**
 * A running program and its pipes. With `using`, the program and its pipes are closed at the end of
 * the block. If the program ends by itself, its pipes are closed, and its unread output is kept.
 *
 * @category Programs and streams
 */
export interface Subprocess<Stderr extends Socket | undefined = Socket> extends Disposable {
  /** Its standard input (send) and output (receive). `shutdown()` ends its input. */
  readonly io: Socket;
  /**
   * Its standard error, if that is piped. If nobody uses it, the last 64 KiB are kept and older
   * output is dropped. From the first use on, nothing is dropped.
   */
  readonly stderr: Stderr;
  /** Its process id. */
  readonly pid: number;
  /** How it ended. */
  readonly status: Promise<Deno.CommandStatus>;
  /**
   * Sends it a signal. Does nothing if the program has ended.
   *
   * @param signal The signal; `"SIGTERM"` if it is missing.
   * @throws {TypeError} If there is no such signal.
   */
  kill(signal?: Deno.Signal): void;
}

const STDERRS = ["piped", "inherit", "null"];

/**
 * Starts a program whose pipes are in `reactor`. When the reactor shuts down, or the program is
 * disposed of, it is ended by SIGTERM. If it is still there after the reactor's `lingerMs`, it is
 * ended by SIGKILL. {@linkcode Reactor.run} waits for that.
 *
 * @param reactor The reactor that the pipes belong to.
 * @param command The path or name of the program.
 * @param options Its arguments, and others.
 * @returns The program.
 * @throws {TypeError} If the reactor is shut down, or an option has no effect.
 * @throws {Deno.errors.NotFound} If there is no such program; and whatever else `Deno.Command`
 * throws.
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
 *
 * @category Programs and streams
 */
export function subprocess(
  reactor: Reactor,
  command: string | URL,
  options?: SubprocessOptions & { stderr?: "piped" },
): Subprocess;
/**
 * Starts a program. `stderr` is missing if it is not piped.
 *
 * @param reactor The reactor that the pipes belong to.
 * @param command The path or name of the program.
 * @param options Its arguments, and others.
 * @returns The program.
 * @throws {TypeError} If the reactor is shut down, or an option has no effect.
 * @throws {Deno.errors.NotFound} If there is no such program; and whatever else `Deno.Command`
 * throws.
 */
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
  const child = start(command, { ...options, stdin: "piped", stdout: "piped", stderr });
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
    ending.ended();
    input.abort(new Deno.errors.BrokenPipe("The program has ended"));
    output.ended();
    Promise.resolve(errors?.ended()).then(() => reactor.removeShutdownHook(onShutdown));
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
      input.abort(new Error("Not everything was sent"));
    },
  });
  errors?.keep();
  let heard: Socket | undefined;
  return {
    io,
    /** It is made at the first use. Before that it is no open connection. */
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

function start(command: string | URL, options: Deno.CommandOptions): Deno.ChildProcess {
  try {
    return new Deno.Command(command, options).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Deno.errors.NotFound(
      `Cannot start ${shown(String(command))}: there is no such program, or no such cwd; ` +
        'arguments are an option of their own, subprocess(reactor, "ls", { args: ["-l"] })',
      { cause: error },
    );
  }
}

/** Checks options that the type of TypeScript excludes or that would have no effect. */
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
