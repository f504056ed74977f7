/** mqtt_broker.ts against the clients of mosquitto. */
import { assert, assertEquals } from "@std/assert";
import { gio, memory, type MemoryContext } from "@weightless/io/gio";
import { Reactor, TestClock } from "@weightless/io/reactor";
import { encodePacket, isFilter, lengthAndText, matches, two } from "../../examples/_mqtt.ts";
import { Broker, serveClient } from "../../examples/mqtt_broker.ts";
import { hasCommand, output } from "../_peers.ts";
import { SELECTORS } from "../_sockets.ts";
import { ExampleServer } from "./_server.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const ignore = !hasCommand("mosquitto_pub");

function start(selector: string): Promise<ExampleServer> {
  const args = ["--port", "0", "--selector", selector];
  return ExampleServer.start("mqtt_broker.ts", args, ["--allow-net", "--allow-ffi"]);
}

/** Runs mosquitto_pub. */
async function publish(port: number, ...args: string[]): Promise<number> {
  return (await output("mosquitto_pub", ["-h", "127.0.0.1", "-p", `${port}`, ...args])).code;
}

/** A mosquitto_sub that has subscribed. With -d it tells what it sends and receives. */
class Subscriber {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(port: number, args: string[]) {
    // Its own output would come in large pieces.
    const command = [
      "-oL",
      "mosquitto_sub",
      "-h",
      "127.0.0.1",
      "-p",
      `${port}`,
      "-d",
      "-F",
      "%t|%p|q%q|r%r",
      ...args,
    ];
    const options = { args: command, stdout: "piped", stderr: "inherit" } as const;
    this.#process = new Deno.Command("stdbuf", options).spawn();
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async start(port: number, ...args: string[]): Promise<Subscriber> {
    const subscriber = new Subscriber(port, args);
    await subscriber.until("Subscribed (");
    return subscriber;
  }

  async until(end: string): Promise<void> {
    while (!this.#text.includes(end)) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`mosquitto_sub ended after ${this.#text}`);
      this.#text += value;
    }
  }

  /** Waits until it ends by itself; gives its messages. */
  async messages(): Promise<string[]> {
    for (let next; !(next = await this.#lines.read()).done;) this.#text += next.value;
    await this.#process.status;
    return this.#text.split("\n").filter((line) => /\|q\d\|r\d$/.test(line));
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }
}

for (const selector of SELECTORS) {
  Deno.test({
    name: `mqtt_broker.ts brings what mosquitto_pub says to mosquitto_sub (${selector})`,
    ignore,
    async fn() {
      await using broker = await start(selector);
      const { port } = broker;
      const all = await Subscriber.start(port, "-t", "#", "-q", "1", "-C", "4");
      const some = await Subscriber.start(port, "-t", "a/+/c", "-t", "x/#", "-q", "0", "-C", "3");
      assertEquals(await publish(port, "-t", "a/b/c", "-m", "one"), 0);
      assertEquals(await publish(port, "-t", "a/b", "-m", "two", "-q", "1"), 0);
      assertEquals(await publish(port, "-t", "x", "-m", "three", "-q", "1"), 0);
      assertEquals(await publish(port, "-t", "x/y/z", "-n"), 0);
      assertEquals(await all.messages(), [
        "a/b/c|one|q0|r0",
        "a/b|two|q1|r0",
        "x|three|q1|r0",
        "x/y/z||q0|r0",
      ]);
      assertEquals(await some.messages(), ["a/b/c|one|q0|r0", "x|three|q0|r0", "x/y/z||q0|r0"]);
      assertEquals(await broker.stop(), { code: 0, errors: "" });
    },
  });

  Deno.test({
    name: `mqtt_broker.ts keeps retained messages, and publishes wills (${selector})`,
    ignore,
    async fn() {
      await using broker = await start(selector);
      const { port } = broker;
      for (const value of ["old", "new"]) await publish(port, "-t", "kept/a", "-m", value, "-r");
      await publish(port, "-t", "kept/b", "-m", "gone", "-r");
      await publish(port, "-t", "kept/b", "-n", "-r");
      const will = ["--will-topic", "wills", "--will-payload", "dead", "--will-qos", "1"];
      const dying = await Subscriber.start(port, "-t", "none", ...will);
      const heir = await Subscriber.start(
        port,
        "-t",
        "kept/#",
        "-t",
        "wills",
        "-q",
        "1",
        "-C",
        "2",
      );
      await heir.until("kept/a|new|q0|r1");
      dying.kill();
      assertEquals(await heir.messages(), ["kept/a|new|q0|r1", "wills|dead|q1|r0"]);
      assertEquals(await broker.stop(), { code: 0, errors: "" });
    },
  });

  Deno.test({
    name: `mqtt_broker.ts takes big messages, many at once, and binary ones (${selector})`,
    ignore,
    async fn() {
      await using broker = await start(selector);
      const { port } = broker;
      const count = 500;
      const subscriber = await Subscriber.start(port, "-t", "n", "-q", "1", "-C", `${count}`);
      const lines = bytes(Array.from({ length: count }, (_, i) => `${i}\n`).join(""));
      const args = ["-h", "127.0.0.1", "-p", `${port}`, "-t", "n", "-q", "1", "-l"];
      assertEquals((await output("mosquitto_pub", args, lines)).code, 0);
      const expected = Array.from({ length: count }, (_, i) => `n|${i}|q1|r0`);
      assertEquals(await subscriber.messages(), expected);

      const big = Uint8Array.from({ length: 200_000 }, (_, i) => i * 7);
      const to = ["-h", "127.0.0.1", "-p", `${port}`, "-t", "big"];
      assertEquals((await output("mosquitto_pub", [...to, "-r", "-s"], big)).code, 0);
      const { stdout } = await output("mosquitto_sub", [...to, "-C", "1", "-N"]);
      assertEquals(stdout, big);
      assertEquals(await broker.stop(), { code: 0, errors: "" });
    },
  });
}

const connect = (id: string, { keepAlive = 0, flags = 2, will = new Uint8Array() } = {}) =>
  encodePacket(1, 0, lengthAndText("MQTT"), 4, flags, two(keepAlive), lengthAndText(id), will);
const subscribe = (filter: string, qos = 0) =>
  encodePacket(8, 2, two(1), lengthAndText(filter), qos);
const hex = (context: MemoryContext) => context.bytes.toHex();
const CONNECTED = "20020000";

/** A broker in memory, whose clients the test plays. */
function inMemory() {
  const errors: unknown[] = [];
  const clock = new TestClock();
  const reactor = new Reactor({ clock, onError: (error) => errors.push(error) });
  const broker = new Broker();
  const client = (...packets: Uint8Array[]) => {
    const peer = memory();
    gio(reactor, peer, serveClient(peer, broker));
    for (const packet of packets) peer.write(packet);
    reactor.step();
    return peer;
  };
  const turn = (ms = 0) => {
    clock.advance(ms);
    for (let i = 0; i < 200; i++) reactor.step(); // a piece of input in each
  };
  return { errors, broker, client, turn, [Symbol.dispose]: () => reactor[Symbol.dispose]() };
}

Deno.test("mqtt_broker.ts ends the connection of a client that falls silent, and publishes its will", () => {
  using play = inMemory();
  const { client, turn } = play;
  const heir = client(connect("heir"), subscribe("w"));
  const will = Uint8Array.from([...lengthAndText("w"), ...lengthAndText("gone")]);
  const one = client(connect("one", { keepAlive: 10, flags: 6, will }));
  turn(14_000);
  one.write(encodePacket(12, 0)); // PINGREQ
  turn();
  turn(14_000);
  assertEquals([hex(one), one.state], [`${CONNECTED}d000`, "open"]);
  turn(1000);
  assert(one.state !== "open");
  assertEquals(hex(heir), `${CONNECTED}9003000100${"3007000177676f6e65"}`);

  const leaving = client(connect("leaving", { flags: 6, will }), encodePacket(14, 0));
  turn();
  assert(leaving.state !== "open");
  const silent = client();
  turn(10_000);
  assert(silent.state !== "open");
  assertEquals([play.broker.sessions.size, play.errors], [1, []]);
  assertEquals(hex(heir).length, 36);
});

Deno.test("mqtt_broker.ts lets one client of a name live, and sends no more than a few messages ahead", () => {
  using play = inMemory();
  const { client, turn, broker } = play;
  const first = client(connect("same"));
  const second = client(connect("same"), subscribe("t", 1));
  turn();
  assertEquals([first.state === "open", second.state, broker.sessions.size], [false, "open", 1]);
  for (let i = 0; i < 30; i++) {
    broker.publish({ topic: "t", payload: new Uint8Array(), qos: 1, retain: false });
  }
  turn();
  const sent = () =>
    (hex(second).length - `${CONNECTED}9003000101`.length) / "320500017400XX".length;
  assertEquals(sent(), 20);
  for (const id of [7, 99, 99]) second.write(encodePacket(4, 0, two(id))); // one that counts
  turn();
  assertEquals(sent(), 21);
  assertEquals(play.errors, []);
});

Deno.test("mqtt_broker.ts refuses what breaks the protocol", () => {
  const cases: [name: string, answer: string, ...packets: Uint8Array[]][] = [
    ["no CONNECT", "", encodePacket(12, 0)],
    ["another version", "20020001", encodePacket(1, 0, lengthAndText("MQIsdp"), 3, 2, two(0))],
    ["no name", "20020002", connect("", { flags: 0 })],
    ["a reserved flag", "", connect("a", { flags: 3 })],
    ["a text too long", "", encodePacket(1, 0, two(99), 1)],
    ["no UTF-8", "", encodePacket(1, 0, two(1), 0xff)],
    ["a length of five bytes", "", Uint8Array.of(0x10, 0x80, 0x80, 0x80, 0x80, 1)],
    ["too long a packet", "", Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0x7f)],
    ["CONNECT twice", CONNECTED, connect("a"), connect("a")],
    ["QoS 2", CONNECTED, connect("a"), encodePacket(3, 4, lengthAndText("t"), two(1))],
    ["a wildcard", CONNECTED, connect("a"), encodePacket(3, 0, lengthAndText("+"))],
    ["an empty topic", CONNECTED, connect("a"), encodePacket(3, 0, lengthAndText(""))],
    ["nothing to subscribe to", CONNECTED, connect("a"), encodePacket(8, 2, two(1))],
  ];
  for (const [name, answer, ...packets] of cases) {
    using play = inMemory();
    const client = play.client(...packets);
    play.turn();
    assertEquals([hex(client), client.state, play.errors], [answer, "half-closed", []], name);
  }
  using play = inMemory();
  const client = play.client(connect("a"), subscribe("a#"), subscribe("b/#", 2));
  for (let i = 0; i < 120; i++) client.write(subscribe(`${i}`));
  play.turn();
  const granted = hex(client).slice(8).match(/.{10}/g)!.map((answer) => answer.slice(-2));
  assertEquals(granted, ["80", "01", ...Array(99).fill("00"), ...Array(21).fill("80")]);
});

Deno.test("matches() and isFilter() are as in MQTT 3.1.1 4.7", () => {
  const cases: [filter: string, topic: string, fits: boolean][] = [
    ["a/b", "a/b", true],
    ["a/b", "a/b/c", false],
    ["a/+", "a/b", true],
    ["a/+", "a", false],
    ["a/+", "a/", true],
    ["a/#", "a", true],
    ["a/#", "a/b/c", true],
    ["#", "a", true],
    ["#", "$SYS/a", false],
    ["+/a", "$SYS/a", false],
    ["$SYS/#", "$SYS/a", true],
    ["+/+", "/a", true],
    ["+", "/a", false],
  ];
  for (const [filter, topic, fits] of cases) assertEquals(matches(filter, topic), fits, filter);
  const possible = ["a", "#", "+", "a/+/b", "/", "a//b", "+/#"];
  const impossible = ["", "a#", "a+", "#/a", "a/#/b", "a/b+"];
  assertEquals([...possible, ...impossible].filter(isFilter), possible);
});
