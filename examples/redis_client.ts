/**
 * A client of Redis (RESP2) for many coroutines: their commands go out together on one connection, which is made again when it
 * is lost. As a program it does the commands that it reads, one a line, without waiting for one answer before the next command.
 *
 *     printf 'SET n 41\nINCR n\nGET n\n' | deno run --allow-net examples/redis_client.ts [--host 127.0.0.1] [--port 6379]
 */
import { call, type Coroutine, EndOfStream } from "@weightless/io/compose";
import {
  all,
  asProcess,
  connectTo,
  currentGio,
  enter,
  type Gio,
  Queue,
  race,
  sleep,
  spawn,
  Suspend,
  timeout,
} from "@weightless/io/gio";
import { lines, pipe } from "@weightless/io/pipeline";
import { type Socket, stdio } from "@weightless/io/reactor";
import { fail, number, options } from "./_cli.ts";
import { encodeCommand, readReply, RedisError, type Reply } from "./_resp.ts";

const MAX_REPLY = 64 * 1024 * 1024;
/** So many commands may wait to be sent. More wait in the coroutines that ask. */
const MAX_WAITING = 1000;
const MAX_PAUSE_MS = 5000, CONNECT_MS = 5000;

interface Asked {
  command: Uint8Array;
  reply: Suspend<Reply>;
}

export class RedisClient {
  readonly #waiting = new Queue<Asked>({ capacity: MAX_WAITING });
  #sent: Asked[] = [];

  /** What the server answers: `yield* call(redis.ask("GET", "key"))`. An error is thrown. */
  *ask(...command: (string | Uint8Array)[]): Coroutine<Exclude<Reply, RedisError>> {
    const asked = { command: encodeCommand(command), reply: new Suspend<Reply>() };
    yield* this.#waiting.put(asked);
    const reply = yield* asked.reply;
    if (reply instanceof RedisError) throw reply;
    return reply;
  }

  /** Keeps a connection, for ever: `yield* spawn(redis.run({ port: 6379 }))`. */
  *run(
    at: { hostname?: string; port: number },
    onLost: (error: Error) => void = () => {},
  ): Coroutine<never> {
    for (let pauseMs = 0;; pauseMs = Math.min(2 * pauseMs + 100, MAX_PAUSE_MS)) {
      yield* sleep(pauseMs);
      try {
        using server = yield* call(connect(at));
        pauseMs = 0;
        yield* race(this.#write(server.context), this.#read(server.context));
      } catch (error) {
        // Whether these were done, nobody knows. Those that wait are sent on the next connection.
        const lost = new Error("The connection was lost before the answer came", { cause: error });
        for (const { reply } of this.#sent.splice(0)) reply.throw(lost);
        onLost(error as Error);
      }
    }
  }

  *#write(server: Socket): Coroutine {
    using _ = enter(server);
    for (;;) {
      const asked = yield* this.#waiting.get();
      this.#sent.push(asked);
      yield asked.command;
    }
  }

  *#read(server: Socket): Coroutine {
    using _ = enter(server);
    for (;;) {
      const reply = yield* call(readReply(MAX_REPLY));
      const asked = this.#sent.shift();
      if (asked === undefined) throw new Error("The server answers what nobody has asked");
      asked.reply.resume(reply);
    }
  }
}

function* connect(at: { hostname?: string; port: number }) {
  using _ = timeout(CONNECT_MS);
  return yield* connectTo(at);
}

/** Asks what each line says. It does not wait for the answers. */
function* askAll(redis: RedisClient, answers: Queue<Gio<string>>): Coroutine {
  using _ = answers; // closes it at the end
  try {
    for (;;) {
      const line: string = yield;
      const words = line.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', ""));
      if (words) yield* answers.put(yield* spawn(answer(redis, words)));
    }
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
  }
}

function* answer(redis: RedisClient, words: string[]): Coroutine<string> {
  try {
    return shown(yield* call(redis.ask(...words)));
  } catch (error) {
    return `(error) ${(error as Error).message}`;
  }
}

/** As JSON, which shows where a text begins and ends. */
function shown(reply: Reply): string {
  if (Array.isArray(reply)) return `[${reply.map(shown).join(", ")}]`;
  if (reply instanceof Uint8Array) return JSON.stringify(new TextDecoder().decode(reply));
  return reply === null ? "(nil)" : String(reply);
}

function* printAll(answers: Queue<Gio<string>>): Coroutine {
  try {
    for (;;) console.log(yield* yield* answers.get());
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
  }
}

function* main(at: { hostname: string; port: number }): Coroutine {
  const redis = new RedisClient();
  const answers = new Queue<Gio<string>>({ capacity: 100 });
  yield* spawn(redis.run(at, ({ message }) => console.error(`Tries again: ${message}`)));
  function* readAll(): Coroutine {
    using _ = enter(currentGio().reactor.adopt(stdio()));
    yield pipe(lines(), askAll(redis, answers));
  }
  yield* all(readAll(), printAll(answers));
}

if (import.meta.main) {
  const given = options("redis_client.ts [--host 127.0.0.1] [--port 6379] < COMMANDS", {
    host: "127.0.0.1",
    port: "6379",
  });
  const at = { hostname: given.host, port: number("port", given.port, 1, 65535) };
  const stop = new AbortController();
  Deno.addSignalListener("SIGINT", () => stop.abort());
  try {
    await asProcess(main(at), { signal: stop.signal });
  } catch (error) {
    if (!stop.signal.aborted) fail(`Cannot go on: ${(error as Error).message}`);
  }
  Deno.exit();
}
