/**
 * A server that speaks as Redis does (RESP2): values that expire, counters, and channels to publish on. All is kept in memory.
 * Nobody is asked for a password, so it is for this machine only.
 *
 *     deno run --allow-net --allow-ffi examples/redis_server.ts [--port 6379] [--hostname 127.0.0.1] [--max-mib 64]
 *     redis-cli SET greeting hello EX 60
 */
import { Buffer } from "node:buffer";
import { call, type Coroutine } from "@weightless/io/compose";
import { currentGio, enter, gio, spawn } from "@weightless/io/gio";
import { Acceptor, type Socket } from "@weightless/io/reactor";
import { number, options, port, selector, serve } from "./_cli.ts";
import { Full, Store } from "./_redis_store.ts";
import {
  encodeArray,
  encodeReply,
  ProtocolError,
  readCommand,
  RedisError,
  type Reply,
} from "./_resp.ts";
import { Unread } from "./_unread.ts";

const MIB = 1024 * 1024;
const MAX_CONNECTIONS = 1000;
/** How many bytes a command may have. */
const MAX_COMMAND = MIB;
const MAX_SUBSCRIPTIONS = 1000;
/** How long a pattern, or the name of a channel, may be. */
const MAX_NAME = 1024;

/** Keys are bytes. Here they are text, in which each character is a byte. */
const text = ({ buffer, byteOffset, length }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, length).toString("latin1");
const bytes = (text: string) => Buffer.from(text, "latin1");

const syntaxError = new RedisError("ERR syntax error");
const notInteger = new RedisError("ERR value is not an integer or out of range");

/** An integer of 64 bits. */
function integer(argument: Uint8Array): bigint {
  const digits = text(argument);
  const value = /^-?\d{1,19}$/.test(digits) ? BigInt(digits) : undefined;
  if (value === undefined || BigInt.asIntN(64, value) !== value) throw notInteger;
  return value;
}

/** How long a value is to be kept, in milliseconds. */
function lifetime(command: string, argument: Uint8Array | undefined, unit: number): number {
  if (argument === undefined) throw syntaxError;
  const ms = Number(integer(argument)) * unit;
  if (ms > 0 && ms < 1e14) return ms;
  throw new RedisError(`ERR invalid expire time in '${command}' command`);
}

/** What the commands do. Their arguments have been counted. */
class Commands {
  constructor(readonly store: Store) {}

  PING(text?: Uint8Array): Reply {
    return text ?? "PONG";
  }

  ECHO(text: Uint8Array): Reply {
    return text;
  }

  GET(key: Uint8Array): Reply {
    return this.store.get(text(key)) ?? null;
  }

  SET(key: Uint8Array, value: Uint8Array, ...rest: Uint8Array[]): Reply {
    let ms: number | undefined, isNew = false;
    for (let option; (option = rest.shift()) !== undefined;) {
      const name = text(option).toUpperCase();
      if (name === "NX") isNew = true;
      else if (ms === undefined && name === "EX") ms = lifetime("set", rest.shift(), 1000);
      else if (ms === undefined && name === "PX") ms = lifetime("set", rest.shift(), 1);
      else throw syntaxError;
    }
    if (isNew && this.store.get(text(key)) !== undefined) return null;
    this.store.set(text(key), value.slice(), ms); // What came with it is not kept.
    return "OK";
  }

  DEL(...keys: Uint8Array[]): Reply {
    return keys.filter((key) => this.store.delete(text(key))).length;
  }

  EXISTS(...keys: Uint8Array[]): Reply {
    return keys.filter((key) => this.store.get(text(key)) !== undefined).length;
  }

  INCR(key: Uint8Array): Reply {
    const name = text(key);
    const value = integer(this.store.get(name) ?? bytes("0")) + 1n;
    if (BigInt.asIntN(64, value) !== value) {
      throw new RedisError("ERR increment or decrement would overflow");
    }
    this.store.set(name, bytes(`${value}`), this.store.ttl(name));
    return value;
  }

  EXPIRE(key: Uint8Array, seconds: Uint8Array): Reply {
    const name = text(key);
    const isDue = integer(seconds) <= 0n;
    if (this.store.get(name) === undefined) return 0;
    if (isDue) this.store.delete(name);
    else this.store.expire(name, lifetime("expire", seconds, 1000));
    return 1;
  }

  TTL(key: Uint8Array): Reply {
    if (this.store.get(text(key)) === undefined) return -2;
    const ms = this.store.ttl(text(key));
    return ms === undefined ? -1 : Math.round(ms / 1000);
  }

  KEYS(pattern: Uint8Array): Reply {
    // It is compared to each key, and nobody else is served meanwhile.
    if (pattern.length > MAX_NAME) throw new RedisError("ERR the pattern is too long");
    return this.store.keys(text(pattern)).map(bytes);
  }

  DBSIZE(): Reply {
    return this.store.size;
  }

  HELLO(version?: Uint8Array): Reply {
    if (version !== undefined && text(version) !== "2") {
      throw new RedisError("NOPROTO unsupported protocol version");
    }
    const about = { server: "weightless", version: "1.0.0", proto: 2, mode: "standalone" };
    const flat = Object.entries(about).flat();
    return flat.map((item) => typeof item === "string" ? bytes(item) : item);
  }
}

/** How many arguments each command takes. */
const ARGUMENTS: Record<string, [least: number, most: number]> = {
  PING: [0, 1],
  ECHO: [1, 1],
  GET: [1, 1],
  SET: [2, Infinity],
  DEL: [1, Infinity],
  EXISTS: [1, Infinity],
  INCR: [1, 1],
  EXPIRE: [2, 2],
  TTL: [1, 1],
  KEYS: [1, 1],
  DBSIZE: [0, 0],
  HELLO: [0, 1],
  QUIT: [0, 0],
  PUBLISH: [2, 2],
  SUBSCRIBE: [1, Infinity],
  UNSUBSCRIBE: [0, Infinity],
};
/** What a connection may do that has subscribed to something. */
const SUBSCRIBED = ["PING", "QUIT", "SUBSCRIBE", "UNSUBSCRIBE"];

/** The channels, and who has subscribed to them. */
class Channels {
  readonly #subscribers = new Map<string, Set<Subscriber>>();

  add(channel: string, subscriber: Subscriber): void {
    if (!this.#subscribers.has(channel)) this.#subscribers.set(channel, new Set());
    this.#subscribers.get(channel)!.add(subscriber);
  }

  remove(channel: string, subscriber: Subscriber): void {
    const subscribers = this.#subscribers.get(channel);
    if (subscribers?.delete(subscriber) && subscribers.size === 0) {
      this.#subscribers.delete(channel);
    }
  }

  publish(channel: Uint8Array, message: Uint8Array): number {
    const subscribers = this.#subscribers.get(text(channel)) ?? [];
    const sent = encodeArray([bytes("message"), channel, message]); // Once for all of them.
    return [...subscribers].filter((subscriber) => subscriber.send(sent)).length;
  }
}

/** A connection that has subscribed. */
class Subscriber {
  readonly channels = new Set<string>();
  readonly #unread = new Unread<Uint8Array>();
  readonly #client = currentGio();

  /** One that is too slow is cut off. */
  send(message: Uint8Array): boolean {
    const isKept = this.#unread.offer(message);
    if (!isKept) this.#client.cancel();
    return isKept;
  }

  /** Writes to the connection while the session reads from it. */
  *deliver(connection: Socket): Coroutine {
    using _ = enter(connection);
    for (;;) yield yield* call(this.#unread.next());
  }
}

/** Answers the commands of one connection, one after the other, in whatever pieces they come. */
function* session(client: Socket, commands: Commands, channels: Channels): Coroutine {
  let subscriber: Subscriber | undefined;

  function* subscribe(names: string[]): Coroutine {
    if (subscriber === undefined) {
      subscriber = new Subscriber();
      yield* spawn(subscriber.deliver(client));
    }
    for (const name of names) {
      if (name.length > MAX_NAME) throw new RedisError("ERR the name of a channel is too long");
      if (subscriber.channels.size === MAX_SUBSCRIPTIONS) {
        throw new RedisError(`ERR only ${MAX_SUBSCRIPTIONS} channels for each connection`);
      }
      subscriber.channels.add(name);
      channels.add(name, subscriber);
      yield encodeReply([bytes("subscribe"), bytes(name), subscriber.channels.size]);
    }
  }

  function* unsubscribe(names: string[]): Coroutine {
    const all = subscriber?.channels ?? new Set<string>();
    if (names.length === 0) names = [...all];
    if (names.length === 0) yield encodeReply([bytes("unsubscribe"), null, 0]);
    for (const name of names) {
      all.delete(name);
      if (subscriber !== undefined) channels.remove(name, subscriber);
      yield encodeReply([bytes("unsubscribe"), bytes(name), all.size]);
    }
  }

  try {
    for (;;) {
      const [word, ...args] = yield* call(readCommand(MAX_COMMAND));
      if (word === undefined) continue;
      const name = text(word).toUpperCase();
      const isSubscribed = (subscriber?.channels.size ?? 0) > 0;
      try {
        check(name, args, isSubscribed);
        if (name === "QUIT") return yield "+OK\r\n";
        else if (name === "SUBSCRIBE") yield* call(subscribe(args.map(text)));
        else if (name === "UNSUBSCRIBE") yield* call(unsubscribe(args.map(text)));
        else if (name === "PUBLISH") yield encodeReply(channels.publish(args[0]!, args[1]!));
        else if (name === "PING" && isSubscribed) {
          yield encodeReply([bytes("pong"), args[0] ?? bytes("")]);
        } else {
          const command = commands[name as "DEL"] as (...args: Uint8Array[]) => Reply;
          yield encodeReply(command.apply(commands, args));
        }
      } catch (error) {
        if (error instanceof Full) {
          yield "-OOM command not allowed when used memory > 'maxmemory'\r\n";
        } else if (error instanceof RedisError) yield encodeReply(error);
        else throw error;
      }
    }
  } catch (error) {
    // Too long a line is a RangeError. Where the next command begins, nobody can tell then.
    if (!(error instanceof ProtocolError || error instanceof RangeError)) throw error;
    yield encodeReply(new RedisError(`ERR Protocol error: ${error.message}`));
  } finally {
    for (const name of subscriber?.channels ?? []) channels.remove(name, subscriber!);
  }
}

function check(name: string, args: Uint8Array[], isSubscribed: boolean): void {
  const [least, most] = Object.hasOwn(ARGUMENTS, name) ? ARGUMENTS[name]! : [0, -1];
  const lower = name.toLowerCase();
  if (most < 0) {
    throw new RedisError(`ERR unknown command '${lower.slice(0, 50)}'`);
  }
  if (args.length < least || args.length > most) {
    throw new RedisError(`ERR wrong number of arguments for '${lower}' command`);
  }
  if (isSubscribed && !SUBSCRIBED.includes(name)) {
    throw new RedisError(`ERR Can't execute '${lower}': only ${SUBSCRIBED.join(" / ")} here`);
  }
}

const given = options(
  "redis_server.ts [--port 6379] [--hostname 127.0.0.1] [--max-mib 64] [--selector auto|deno|epoll]",
  { port: "6379", hostname: "127.0.0.1", "max-mib": "64", selector: "auto" },
);
const maxBytes = MIB * number("max-mib", given["max-mib"], 1, 100_000);
const at = { hostname: given.hostname, port: port(given.port), maxConnections: MAX_CONNECTIONS };
await serve({ selector: selector(given.selector) }, (reactor) => {
  const commands = new Commands(new Store(reactor, maxBytes)), channels = new Channels();
  const acceptor = new Acceptor(
    reactor,
    at,
    (client) => gio(reactor, client, session(client, commands, channels)),
  );
  return `${given.hostname}:${acceptor.port}`;
});
