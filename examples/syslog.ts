/**
 * Collects messages of syslog, over UDP and over TCP (RFC 6587), as RFC 5424 and RFC 3164 write them. It prints each as a line of JSON,
 * or appends it to a file for each host, and tells at the end how many have come.
 *
 *     deno run --allow-net --allow-env [--allow-write=DIR] examples/syslog.ts [--port 5140] [--dir DIR] [--severity 7]
 *     logger -n 127.0.0.1 -P 5140 -d "hello"          # over TCP: -T instead of -d
 */
import {
  call,
  type Coroutine,
  pushBack,
  readExactly,
  readRe,
  readUntil,
} from "@weightless/io/compose";
import { gio } from "@weightless/io/gio";
import { Acceptor, DatagramAcceptor } from "@weightless/io/reactor";
import { fail, number, options, port, selector, serve } from "./_cli.ts";
import { json } from "./_reported.ts";

const MAX_MESSAGE = 8192, MAX_CONNECTIONS = 100, MAX_HOSTS = 1000;
const FACILITIES =
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock local0 local1 local2 local3 local4 local5 local6 local7"
    .split(" ");
const SEVERITIES = "emerg alert crit err warning notice info debug".split(" ");

export interface Message {
  facility: string;
  severity: string;
  time: string;
  host: string;
  app: string;
  pid?: string;
  id?: string;
  /** The structured data of RFC 5424. */
  data?: Record<string, Record<string, string>>;
  text: string;
}

/** `<PRI>VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID`, and then structured data and text. */
const RFC_5424 =
  /^<(\d{1,3})>1 (\S{1,40}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) (-|(?:\[(?:[^\]\\"]|"(?:[^"\\]|\\[^])*")*\])+)(?: ([^]*))?$/;
/** `<PRI>Mmm dd hh:mm:ss HOSTNAME TAG[PID]: `, and then text. */
const RFC_3164 =
  /^<(\d{1,3})>([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (\S{1,255}) ([^\s:[]{1,48})(?:\[([^\]\s]{1,128})\])?:? ?([^]*)$/;

/** Takes a message apart. What is in no known form is text, from whoever has sent it. */
export function parse(bytes: Uint8Array, from: string): Message {
  let end = Math.min(bytes.length, MAX_MESSAGE);
  while (end > 0 && [0, 10, 13].includes(bytes[end - 1]!)) end--;
  const line = new TextDecoder().decode(bytes.subarray(0, end));
  const modern = RFC_5424.exec(line);
  if (modern !== null) {
    const [, pri, time, host, app, pid, id, data, text] = modern.map((f) =>
      f === "-" ? undefined : f
    );
    return {
      ...priority(pri!),
      time: time ?? "",
      host: host ?? from,
      app: app ?? "",
      ...pid !== undefined && { pid },
      ...id !== undefined && { id },
      ...data !== undefined && { data: structured(data) },
      text: text?.replace(/^\ufeff/, "") ?? "",
    };
  }
  const [, pri, time, host, app, pid, text] = RFC_3164.exec(line) ?? [];
  if (pri !== undefined) {
    return {
      ...priority(pri),
      time: time!,
      host: host!,
      app: app!,
      ...pid && { pid },
      text: text!,
    };
  }
  const [, only, rest] = /^<(\d{1,3})>([^]*)$/.exec(line) ?? [];
  return { ...priority(only ?? "13"), time: "", host: from, app: "", text: rest ?? line };
}

/** RFC 5424 6.2.1: eight severities for each facility. */
function priority(digits: string): Pick<Message, "facility" | "severity"> {
  const n = Number(digits);
  return { facility: FACILITIES[n >> 3] ?? `${n >> 3}`, severity: SEVERITIES[n & 7]! };
}

function structured(text: string): NonNullable<Message["data"]> {
  const data: NonNullable<Message["data"]> = Object.create(null);
  for (
    const [, id, parameters] of text.matchAll(
      /\[([^\s\]="]+)((?:[^\]\\"]|"(?:[^"\\]|\\[^])*")*)\]/g,
    )
  ) {
    const element: Record<string, string> = data[id!] = Object.create(null);
    for (const [, name, value] of parameters!.matchAll(/ ([^\s="\]]+)="((?:[^"\\]|\\[^])*)"/g)) {
      element[name!] = value!.replace(/\\(["\\\]])/g, "$1");
    }
  }
  return data;
}

/** Reads messages from a stream (RFC 6587): each after its length, or up to the end of a line. */
export function* messages(take: (message: Uint8Array) => void): Coroutine {
  for (;;) {
    const [first] = yield* call(peek());
    if (first! >= 49 && first! <= 57) { // 3.4.1: octet counting begins with a digit, 1 to 9
      const [, length] = yield* call(readRe(/(\d{1,5}) /, 6));
      take(yield* call(readExactly(Number(length), MAX_MESSAGE)));
    } else take(yield* call(readUntil(NEWLINE, MAX_MESSAGE)));
  }
}
const NEWLINE = new Uint8Array([10]);

/** Looks at the next byte, and leaves it there. */
function* peek(): Coroutine<Uint8Array> {
  const byte = yield* call(readExactly(1));
  return pushBack(byte, byte);
}

/** Where messages go: to files, one for each host, or to standard output; and how many there were. */
class Collected {
  readonly counts = new Map<string, number>();

  constructor(readonly directory: string, readonly leastSevere: number) {}

  take(bytes: Uint8Array, from: string): void {
    const message = parse(bytes, from);
    if (SEVERITIES.indexOf(message.severity) > this.leastSevere) return;
    const { host } = message;
    // Anybody can make up names of hosts: there is an end to how many are told apart.
    const known = this.counts.has(host) || this.counts.size < MAX_HOSTS ? host : "others";
    this.counts.set(known, (this.counts.get(known) ?? 0) + 1);
    if (this.directory === "") return console.log(json(message));
    const file = known.replace(/[^\w.-]/g, "_").replace(/^\.+/, "_").slice(0, 100);
    Deno.writeTextFileSync(`${this.directory}/${file}.log`, `${json(message)}\n`, { append: true });
  }

  toString(): string {
    const counts = [...this.counts].map(([host, count]) => `${JSON.stringify(host)}: ${count}`);
    return counts.length === 0 ? "No messages have come" : `Messages of ${counts.join(", ")}`;
  }
}

if (import.meta.main) {
  const given = options(
    "syslog.ts [--port 5140] [--hostname 127.0.0.1] [--dir DIR] [--severity 7] [--selector auto|deno|epoll]",
    { port: "5140", hostname: "127.0.0.1", dir: "", severity: "7", selector: "auto" },
  );
  const { hostname } = given;
  const at = port(given.port);
  const collected = new Collected(given.dir, number("severity", given.severity, 0, 7));
  await serve({ selector: selector(given.selector) }, async (reactor) => {
    const take = (bytes: Uint8Array, from: string) => {
      try {
        collected.take(bytes, from);
      } catch (error) {
        fail(`Cannot write to --dir "${given.dir}": ${(error as Error).message}`);
      }
    };
    const acceptor = new Acceptor(
      reactor,
      { hostname, port: at, maxConnections: MAX_CONNECTIONS },
      (client) => {
        const from = (client.remoteAddr as Deno.NetAddr).hostname;
        gio(reactor, client, messages((bytes) => take(bytes, from)));
      },
    );
    await DatagramAcceptor.bind(
      reactor,
      { hostname, port: acceptor.port }, // The same number for both.
      ({ data, from }) => take(data, from.hostname),
    );
    reactor.addShutdownHook(() => console.error(String(collected)));
    return `${hostname}:${acceptor.port}, udp and tcp`;
  });
}
