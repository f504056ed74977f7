import { concat } from "../../compose/_bytes.ts";
import { shown } from "../../reactor/_describe.ts";
import { ignore } from "../../reactor/_ignore.ts";
import { names, refuseUnknown } from "../../reactor/_known.ts";
import { whole } from "../../reactor/_whole.ts";
import { POLICY_VIOLATION } from "./_close_code.ts";
import { type Endpoint, noMessage } from "./_endpoint.ts";
import { encoded, type Message } from "./_wire.ts";
import { OpenWebSocket, type WebSocketConnection } from "./web_socket_connection.ts";

/**
 * Options of {@linkcode Broadcast}.
 *
 * @category WebSocket
 */
export interface BroadcastOptions {
  /**
   * What happens to a member that does not read fast enough: `"skip"` leaves messages out for it, until
   * it has caught up; `"close"` closes it with code 1008. While another message is sent to it piece by
   * piece, messages are left out in either case.
   *
   * @default {"skip"}
   */
  slow?: "skip" | "close";
  /**
   * How many bytes may wait for one member. Beyond that it is too slow.
   *
   * @default {65536}
   */
  maxWaitingBytes?: number;
}

const OPTIONS = names<BroadcastOptions>({ slow: 1, maxWaitingBytes: 1 });

/** Messages that are sent to the same members. */
interface Batch {
  readonly messages: Message[];
  /** Who does not get them. */
  readonly excepted: Endpoint | undefined;
}

interface Member {
  /** How often it was added, and not removed. */
  times: number;
  /** Its end need not be told any more. */
  readonly forget: () => void;
}

/**
 * Sends messages to many WebSockets. A message is encoded once, and compressed once for all members
 * that have agreed on the same. Nobody waits: a member that does not read fast enough misses messages,
 * or is closed, and holds up no other one.
 *
 * As a component of a DNA it takes the message `send`: `this.do.send("news")`.
 *
 * @example A chat
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { asProcess } from "@weightless/io/gio";
 * import { HttpClient, type HttpRequest, HttpServer } from "@weightless/io/http";
 * import { accept, Broadcast } from "@weightless/io/http/websocket";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const room = new Broadcast({ slow: "close" });
 *
 * function* chat(request: HttpRequest): Coroutine {
 *   const socket = yield* accept(request);
 *   using _ = room.add(socket);
 *   room.send(`${room.size} here`);
 *   for (;;) {
 *     const message = yield;
 *     room.send(message, socket); // to all others
 *   }
 * }
 *
 * using reactor = new Reactor();
 * using server = new HttpServer(reactor, { hostname: "127.0.0.1", port: 0, handler: chat });
 * const running = reactor.run();
 * await asProcess(function* () {
 *   using client = new HttpClient();
 *   const ada = yield* client.webSocket(server.url);
 *   assertEquals(yield, "1 here");
 *   yield* client.webSocket(server.url); // Bob's
 *   assertEquals(yield, "2 here");
 *   yield* ada.send("Hello, Bob");
 *   assertEquals(yield, "Hello, Bob");
 * }());
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category WebSocket
 */
export class Broadcast {
  readonly #members: Map<Endpoint, Member> = new Map();
  readonly #closes: boolean;
  readonly #maxWaitingBytes: number;
  #skipped = 0;
  /** What is to be sent in this turn, in order. */
  readonly #batches: Batch[] = [];
  /** How much that is. */
  #waiting = 0;
  #isFlushing = false;

  /**
   * Makes one with no members.
   *
   * @param options What happens to members that are too slow.
   * @throws {TypeError} If an option makes no sense.
   * @throws {RangeError} If `maxWaitingBytes` is no whole number, or Infinity.
   */
  constructor(options: BroadcastOptions = {}) {
    refuseUnknown("make a Broadcast", options, OPTIONS);
    const { slow = "skip", maxWaitingBytes = 65_536 } = options;
    if (slow !== "skip" && slow !== "close") {
      throw new TypeError(`Cannot make a Broadcast: slow is "skip" or "close", not ${shown(slow)}`);
    }
    this.#closes = slow === "close";
    this.#maxWaitingBytes = whole(maxWaitingBytes, "make a Broadcast: maxWaitingBytes");
  }

  /** How many members it has. */
  get size(): number {
    return this.#members.size;
  }

  /** How many messages were left out, counted for each member that was too slow. */
  get skipped(): number {
    return this.#skipped;
  }

  /**
   * Adds a member. It is removed when its WebSocket is closed, at the latest. One that is added twice gets each
   * message once, and is removed twice.
   *
   * @param socket The WebSocket.
   * @returns What removes it, for `using`.
   * @throws {TypeError} If it is no WebSocket of this library.
   */
  add(socket: WebSocketConnection): Disposable {
    if (!(socket instanceof OpenWebSocket)) {
      throw new TypeError(`Cannot add ${shown(socket)}: give what accept() or webSocket() gave`);
    }
    const endpoint = socket.context;
    this.flush();
    if (!endpoint.isOpen) return { [Symbol.dispose]: ignore };
    const member = this.#members.get(endpoint) ?? {
      times: 0,
      forget: endpoint.whenOver(() => this.#members.delete(endpoint)),
    };
    this.#members.set(endpoint, member);
    member.times++;
    let isMember = true;
    return {
      [Symbol.dispose]: () => {
        if (!isMember) return;
        isMember = false;
        if (--member.times > 0) return;
        this.flush();
        member.forget();
        this.#members.delete(endpoint);
      },
    };
  }

  /**
   * Sends a message to all members.
   *
   * @param message Text, or bytes, which must not be changed afterwards.
   * @param except A member that does not get it, such as the one that it came from.
   * @throws {TypeError} If the message is neither.
   */
  send(message: string | Uint8Array, except?: WebSocketConnection): void {
    if (typeof message !== "string" && !(message instanceof Uint8Array)) throw noMessage(message);
    if (this.#members.size === 0) return;
    const excepted = except?.context as Endpoint | undefined;
    if (this.#batches.length === 0) this.#begin();
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.excepted !== excepted) {
      this.#batches.push(batch = { messages: [], excepted });
    }
    batch.messages.push(message);
    this.#waiting += message.length;
    if (this.#waiting >= MAX_WAITING) this.flush();
  }

  /** Begins to gather. What others want to send to the same members goes before, and later what they send. */
  #begin(): void {
    for (const endpoint of [...this.#members.keys()]) endpoint.precede(this);
    queueMicrotask(() => this.flush());
  }

  /** Sends what was given in this turn at once. It is done by itself a moment later. */
  flush(): void {
    // A member that is lost meanwhile may send something itself. That goes out afterwards.
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      for (let batch; (batch = this.#batches.shift()) !== undefined;) this.#send(batch);
    } finally {
      this.#isFlushing = false;
      this.#waiting = 0;
    }
  }

  #send({ messages, excepted }: Batch): void {
    /** The frames, for each way to compress. */
    const frames = new Map<string, Uint8Array>();
    for (const endpoint of [...this.#members.keys()]) {
      if (endpoint === excepted) continue;
      const isFast = endpoint.unsent <= this.#maxWaitingBytes &&
        this.#sendTo(endpoint, messages, frames);
      if (isFast || !endpoint.isOpen) continue;
      this.#skipped += messages.length;
      // While another message goes to it piece by piece, it is not known whether it reads.
      if (this.#closes && endpoint.unsent > this.#maxWaitingBytes) {
        endpoint.shut(POLICY_VIOLATION, "Too slow");
      }
    }
  }

  #sendTo(
    endpoint: Endpoint,
    messages: readonly Message[],
    frames: Map<string, Uint8Array>,
  ): boolean {
    endpoint.precede(undefined);
    const { encoding, compressor } = endpoint.wire;
    if (encoding === undefined) return endpoint.offer(messages);
    let bytes = frames.get(encoding);
    if (bytes === undefined) {
      const all = messages.map((message) => encoded(message, compressor));
      bytes = all.length === 1 ? all[0]! : concat(all);
      frames.set(encoding, bytes);
    }
    return endpoint.append(bytes);
  }
}

/** So much is sent together. */
const MAX_WAITING = 64 * 1024;
