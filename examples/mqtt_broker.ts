/**
 * A broker as of MQTT 3.1.1: topics with wildcards, QoS 0 and 1, retained messages, wills, and clients that fall silent. A session
 * ends with its connection. Nobody is asked for a password, so it is for this machine only.
 *
 *     deno run --allow-net --allow-ffi examples/mqtt_broker.ts [--port 1883] [--hostname 127.0.0.1]
 *     mosquitto_sub -t 'home/+/light'      # and: mosquitto_pub -t home/kitchen/light -m on
 */
import { call, type Coroutine, EndOfStream } from "@weightless/io/compose";
import {
  type Context,
  currentGio,
  enter,
  gio,
  Queue,
  spawn,
  timeout,
  TimeoutError,
} from "@weightless/io/gio";
import { Acceptor } from "@weightless/io/reactor";
import { options, port, selector, serve } from "./_cli.ts";
import * as mqtt from "./_mqtt.ts";
import { Unread } from "./_unread.ts";

const MAX_CONNECTIONS = 1000, MAX_PACKET = 256 * 1024;
const MAX_TOPIC = 1024,
  MAX_FILTERS = 100,
  MAX_RETAINED = 10_000,
  MAX_RETAINED_BYTES = 64 * 1024 * 1024;
/** A client must say who it is within this time. */
const CONNECT_MS = 10_000;
/** So many messages of QoS 1 may wait for their acknowledgement, for each subscriber. */
const MAX_IN_FLIGHT = 20;

interface Message {
  topic: string;
  payload: Uint8Array;
  qos: number;
  retain: boolean;
}

/** Who has subscribed to what, and what is kept for those who do so later. */
export class Broker {
  readonly sessions: Map<string, Session> = new Map();
  readonly #retained = new Map<string, Message>();
  #retainedBytes = 0;

  publish(message: Message): void {
    if (message.retain) this.#retain(message);
    for (const session of this.sessions.values()) session.offer({ ...message, retain: false });
  }

  /** 3.3.1.3: an empty message takes back the one before. */
  #retain(message: Message): void {
    const { topic, payload } = message;
    const before = this.#retained.get(topic);
    if (before) this.#retainedBytes -= topic.length + before.payload.length;
    this.#retained.delete(topic);
    const size = topic.length + payload.length;
    const isRoom = this.#retained.size < MAX_RETAINED &&
      this.#retainedBytes + size <= MAX_RETAINED_BYTES;
    if (payload.length === 0 || !isRoom) return;
    this.#retained.set(message.topic, message);
    this.#retainedBytes += size;
  }

  retained(filter: string): Message[] {
    return [...this.#retained.values()].filter(({ topic }) => mqtt.matches(filter, topic));
  }
}

/** A client that has connected. */
class Session {
  /** The QoS that was granted for each filter. */
  readonly filters: Map<string, number> = new Map();
  readonly #unread = new Unread<Message & { length: number }>();
  /** The identifiers that packets may have: who takes one waits for an acknowledgement. */
  readonly #free = new Queue<number>({ capacity: MAX_IN_FLIGHT });
  readonly #inFlight = new Set<number>();
  readonly #client = currentGio();

  constructor(readonly id: string) {
    for (let id = 1; id <= MAX_IN_FLIGHT; id++) this.#free.tryPut(id);
  }

  /** Another client has come by the same name. */
  end(): void {
    this.#client.cancel();
  }

  /** Takes a message if one of the filters wants it. */
  offer(message: Message): void {
    const wanted = [...this.filters].filter(([filter]) => mqtt.matches(filter, message.topic));
    if (wanted.length > 0) this.send(message, Math.max(...wanted.map(([, qos]) => qos)));
  }

  /** A client that is too slow misses messages of QoS 0. If it would miss one of QoS 1, it is cut off. */
  send(message: Message, granted: number): void {
    const qos = Math.min(message.qos, granted);
    const length = message.topic.length + message.payload.length;
    if (!this.#unread.offer({ ...message, qos, length }) && qos > 0) this.end();
  }

  /** Writes messages to the connection while the session reads from it. */
  *deliver(connection: Context): Coroutine {
    using _ = enter(connection);
    for (;;) {
      const { topic, payload, qos, retain } = yield* call(this.#unread.next());
      const flags = qos << 1 | Number(retain);
      const head = mqtt.lengthAndText(topic);
      if (qos === 0) yield mqtt.encodePacket(mqtt.PUBLISH, flags, head, payload);
      else {
        const id = yield* this.#free.get();
        this.#inFlight.add(id);
        yield mqtt.encodePacket(mqtt.PUBLISH, flags, head, mqtt.two(id), payload);
      }
    }
  }

  acknowledged(id: number): void {
    if (this.#inFlight.delete(id)) this.#free.tryPut(id);
  }
}

/** One connection: the protocol from CONNECT to DISCONNECT. */
export function* serveClient(client: Context, broker: Broker): Coroutine {
  let will: Message | undefined;
  let session: Session | undefined;
  try {
    const first = timeout(CONNECT_MS);
    const hello = connect(yield* call(mqtt.readPacket(MAX_PACKET)));
    first[Symbol.dispose]();
    if ("refusal" in hello) return yield mqtt.encodePacket(mqtt.CONNACK, 0, 0, hello.refusal);
    will = hello.will;
    session = new Session(hello.id);
    broker.sessions.get(session.id)?.end(); // 3.1.4: the one before of that name
    broker.sessions.set(session.id, session);
    yield mqtt.encodePacket(mqtt.CONNACK, 0, 0, 0);
    yield* spawn(session.deliver(client));
    // 3.1.2.10: it must say something within one and a half of the time that it has promised.
    const silence = hello.keepAlive > 0 ? timeout(hello.keepAlive * 1500) : undefined;
    for (;;) {
      const packet = yield* call(mqtt.readPacket(MAX_PACKET));
      silence?.renew();
      if (packet.type === mqtt.DISCONNECT) {
        will = undefined; // 3.14.4
        return;
      }
      yield* call(answer(packet, session, broker));
    }
  } catch (error) {
    // There is no answer to these in MQTT 3.1.1.
    const isTheirs = error instanceof EndOfStream || error instanceof TimeoutError ||
      error instanceof mqtt.Malformed;
    if (!isTheirs) throw error;
  } finally {
    if (session !== undefined && broker.sessions.get(session.id) === session) {
      broker.sessions.delete(session.id);
    }
    if (will !== undefined) broker.publish(will);
  }
}

type Hello = { refusal: number } | { id: string; keepAlive: number; will: Message | undefined };

/** 3.1: CONNECT. */
function connect(packet: mqtt.Packet): Hello {
  if (packet.type !== mqtt.CONNECT) throw new mqtt.Malformed("A client does not begin by CONNECT");
  if (packet.text() !== "MQTT" || packet.byte() !== 4) return { refusal: 1 };
  const flags = packet.byte();
  const keepAlive = packet.number();
  const id = packet.text();
  const [isClean, hasWill, qos, retain] = [flags & 2, flags & 4, flags >> 3 & 3, flags & 32];
  if (flags & 1 || qos === 3) throw new mqtt.Malformed("CONNECT has flags that do not exist");
  if (id === "" && !isClean) return { refusal: 2 }; // 3.1.3.1
  let will: Message | undefined;
  if (hasWill) {
    const topic = checked(packet.text());
    const payload = packet.bytes(packet.number()).slice();
    will = { topic, payload, qos: Math.min(qos, 1), retain: retain > 0 };
  }
  return { id: id || crypto.randomUUID(), keepAlive, will }; // Whatever user and password follow.
}

/** 3.3.2.1: a topic is of a certain thing. */
function checked(topic: string): string {
  // It is compared to each filter of each session.
  if (topic.length > MAX_TOPIC) throw new mqtt.Malformed("A topic is too long");
  if (topic !== "" && !/[+#]/.test(topic)) return topic;
  throw new mqtt.Malformed("A topic is empty, or has wildcards");
}

/** Does what a packet wants, and answers it. */
function* answer(packet: mqtt.Packet, session: Session, broker: Broker): Coroutine {
  switch (packet.type) {
    case mqtt.PUBLISH: {
      const qos = packet.flags >> 1 & 3;
      if (qos > 1) throw new mqtt.Malformed("QoS 2 is not supported");
      const topic = checked(packet.text());
      const id = qos > 0 ? packet.number() : 0;
      broker.publish({ topic, payload: packet.rest(), qos, retain: (packet.flags & 1) > 0 });
      if (qos > 0) yield mqtt.encodePacket(mqtt.PUBACK, 0, mqtt.two(id));
      break;
    }
    case mqtt.PUBACK:
      session.acknowledged(packet.number());
      break;
    case mqtt.SUBSCRIBE: {
      if (packet.flags !== 2) throw new mqtt.Malformed("SUBSCRIBE has flags that do not exist");
      const id = packet.number();
      const granted: number[] = [], retained: [Message, number][] = [];
      do {
        const filter = packet.text(), qos = Math.min(packet.byte(), 1);
        const isPossible = mqtt.isFilter(filter) && filter.length <= MAX_TOPIC &&
          session.filters.size < MAX_FILTERS;
        granted.push(isPossible ? qos : 0x80);
        if (!isPossible) continue;
        session.filters.set(filter, qos);
        for (const message of broker.retained(filter)) retained.push([message, qos]);
      } while (!packet.isAtEnd);
      yield mqtt.encodePacket(mqtt.SUBACK, 0, mqtt.two(id), ...granted);
      for (const [message, qos] of retained) session.send(message, qos);
      break;
    }
    case mqtt.UNSUBSCRIBE: {
      const id = packet.number();
      do session.filters.delete(packet.text()); while (!packet.isAtEnd);
      yield mqtt.encodePacket(mqtt.UNSUBACK, 0, mqtt.two(id));
      break;
    }
    case mqtt.PINGREQ:
      yield mqtt.encodePacket(mqtt.PINGRESP, 0);
      break;
    default:
      throw new mqtt.Malformed(`A client sends a packet of type ${packet.type}`);
  }
}

if (import.meta.main) {
  const given = options(
    "mqtt_broker.ts [--port 1883] [--hostname 127.0.0.1] [--selector auto|deno|epoll]",
    { port: "1883", hostname: "127.0.0.1", selector: "auto" },
  );
  const at = { hostname: given.hostname, port: port(given.port), maxConnections: MAX_CONNECTIONS };
  await serve({ selector: selector(given.selector) }, (reactor) => {
    const broker = new Broker();
    const acceptor = new Acceptor(
      reactor,
      at,
      (client) => gio(reactor, client, serveClient(client, broker)),
    );
    return `${given.hostname}:${acceptor.port}`;
  });
}
