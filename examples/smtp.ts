/**
 * Receives mail (SMTP, RFC 5321), and writes each one to a file while it comes: pipelining, a limit of size, and STARTTLS (RFC 3207)
 * if there is a certificate. It takes mail for everybody, so it is for tests of programs that send some.
 *
 *     deno run --allow-net --allow-read --allow-write=DIR examples/smtp.ts --dir DIR [--port 2525] [--max-mib 25]
 *         [--cert FILE --key FILE [--tls-port 2465]]
 *     curl smtp://127.0.0.1:2525 --mail-from me@here.example --mail-rcpt you@there.example -T mail.txt [--ssl-reqd]
 *
 * Connections to the TLS port begin with TLS (smtps). Prints a line of JSON for each mail.
 */
import { call, type Coroutine, EndOfStream, readLine, readUntil } from "@weightless/io/compose";
import { enter, gio, open, sleep, type Timeout, timeout, TimeoutError } from "@weightless/io/gio";
import { Acceptor, acceptTls, type Reactor, type Socket } from "@weightless/io/reactor";
import { fail, number, options, port, selector, serve } from "./_cli.ts";
import { json } from "./_reported.ts";

const MIB = 1024 * 1024;
const MAX_CONNECTIONS = 100, MAX_RECIPIENTS = 100, MAX_MISTAKES = 20;
const MAX_COMMAND = 1000, MAX_LINE = MIB, BATCH = 64 * 1024;
/** RFC 5321 4.5.3.2.7: a client that says nothing for so long is gone. */
const SILENCE_MS = 300_000;
const CRLF = new Uint8Array([13, 10]), DOT = 46;

interface Settings {
  directory: string;
  maxBytes: number;
  /** The certificate and its key, if TLS is possible. */
  certificate: { cert: string; key: string } | undefined;
}

/** A mail before its content comes. */
interface Envelope {
  from: string;
  to: string[];
}

/** How a conversation is begun: without TLS, with TLS, or with TLS after a conversation without. */
type How = "open" | "secured" | "just secured";

/** A client that begins in the open, and is secured if it wants that. */
async function receive(reactor: Reactor, client: Socket, settings: Settings): Promise<void> {
  try {
    const inTheOpen = gio(reactor, client, converse(settings, "open"), { keepOpen: true });
    if (!await inTheOpen.result) return client.close();
    // RFC 3207 4.2: nothing counts that was said before. What was sent along with STARTTLS has come in the open, so the new
    // conversation, which is on another socket, does not read it.
    gio(
      reactor,
      acceptTls(reactor, client, settings.certificate!),
      converse(settings, "just secured"),
    );
  } catch (error) {
    client.abort();
    if (!reactor.isShutDown) reactor.onError(error, "receive()");
  }
}

/** Does what a client wants, to the end. Returns whether it wants TLS now. */
function* converse(settings: Settings, how: How): Coroutine<boolean> {
  try {
    using silence = timeout(SILENCE_MS);
    return yield* call(commands(settings, how, silence));
  } catch (error) {
    if (error instanceof RangeError) yield "500 The line is too long\r\n";
    else if (error instanceof TimeoutError) yield "421 Nothing has come for long\r\n";
    else if (!(error instanceof EndOfStream)) throw error;
    return false;
  }
}

function* commands(settings: Settings, how: How, silence: Timeout): Coroutine<boolean> {
  const canSecure = settings.certificate !== undefined && how === "open";
  if (how !== "just secured") yield "220 Ready for mail\r\n"; // RFC 3207 has no second greeting.
  let isGreeted = false;
  let mail: Envelope | undefined;
  for (let mistakes = 0; mistakes < MAX_MISTAKES;) {
    const line = yield* call(readLine(MAX_COMMAND));
    silence.renew();
    const [, verb = "", text = ""] = /^(\w+) ?(.*)$/.exec(line) ?? [];
    const answer = command(verb.toUpperCase(), text);
    if (answer === "DATA") {
      yield* call(readMail(settings, mail!, silence));
      mail = undefined;
      continue;
    }
    yield answer;
    if (answer.startsWith("220")) return true; // TLS
    if (answer.startsWith("221")) return false;
    if (answer.startsWith("5")) mistakes++;
  }
  yield "421 Too many mistakes\r\n";
  return false;

  /** What a command is answered, or DATA if a mail comes. */
  function command(verb: string, text: string): string {
    switch (verb) {
      case "HELO":
      case "EHLO":
        if (text === "") return "501 Say who you are\r\n";
        isGreeted = true;
        mail = undefined;
        return verb === "HELO" ? "250 Hello\r\n" : [
          "250-Hello",
          "250-PIPELINING",
          "250-8BITMIME",
          ...canSecure ? ["250-STARTTLS"] : [],
          `250 SIZE ${settings.maxBytes}\r\n`,
        ].join("\r\n");
      case "STARTTLS":
        if (!canSecure) break;
        return text === "" ? "220 Go ahead\r\n" : "501 STARTTLS takes nothing\r\n";
      case "MAIL": {
        if (!isGreeted || mail !== undefined) return "503 Say EHLO first, and MAIL once\r\n";
        const [, from, parameters] = /^FROM: ?<([^\s<>]*)>(.*)$/i.exec(text) ?? [];
        if (from === undefined) return "501 Write MAIL FROM:<address>\r\n";
        const size = Number(/ SIZE=(\d+)/i.exec(parameters!)?.[1] ?? 0);
        if (size > settings.maxBytes) return "552 The mail is too large\r\n";
        mail = { from, to: [] };
        return "250 OK\r\n";
      }
      case "RCPT": {
        if (mail === undefined) return "503 Say MAIL first\r\n";
        const [, to] = /^TO: ?<([^\s<>]+)>/i.exec(text) ?? [];
        if (to === undefined) return "501 Write RCPT TO:<address>\r\n";
        if (mail.to.length === MAX_RECIPIENTS) return "452 Too many recipients\r\n";
        mail.to.push(to);
        return "250 OK\r\n";
      }
      case "DATA":
        return (mail?.to.length ?? 0) > 0 ? "DATA" : "503 Say MAIL and RCPT first\r\n";
      case "RSET":
        mail = undefined;
        return "250 OK\r\n";
      case "NOOP":
        return "250 OK\r\n";
      case "VRFY":
        return "252 Send some mail, and see\r\n";
      case "QUIT":
        return "221 Bye\r\n";
    }
    return "502 No such command here\r\n";
  }
}

let count = 0;

/** Reads the content to the dot, and writes it to a file. Nothing is kept of what does not come to its end. */
function* readMail(
  { directory, maxBytes }: Settings,
  mail: Envelope,
  silence: Timeout,
): Coroutine {
  const path = `${directory}/${Date.now()}-${++count}.eml`, part = `${path}.part`;
  let size = 0, isWhole = false;
  using file = open(part, { write: true, createNew: true });
  try {
    yield "354 End with a dot on a line\r\n";
    for (let isMore = true; isMore;) {
      const batch: Uint8Array[] = [];
      for (let length = 0; length < BATCH;) {
        // Only CR LF ends a line: a dot after another end of line is a part of the mail.
        let line = yield* call(readUntil(CRLF, MAX_LINE));
        isMore = line.length !== 1 || line[0] !== DOT;
        if (!isMore) break;
        if (line[0] === DOT) line = line.subarray(1); // RFC 5321 4.5.2
        batch.push(line, CRLF);
        length += line.length + CRLF.length;
        size += line.length + CRLF.length;
      }
      silence.renew();
      if (size > 2 * maxBytes) throw new EndOfStream("A client sends without end");
      if (size > maxBytes) continue;
      using _ = enter(file);
      yield* batch;
    }
    yield* sleep(0); // As every request it begins when the file has all of it, which can fail.
    isWhole = size <= maxBytes;
  } finally {
    if (isWhole) Deno.renameSync(part, path);
    else Deno.removeSync(part);
  }
  if (isWhole) console.log(json({ ...mail, size, file: path }));
  yield isWhole ? "250 The mail has come\r\n" : "552 The mail is too large\r\n";
}

const given = options(
  "smtp.ts --dir DIR [--port 2525] [--hostname 127.0.0.1] [--max-mib 25] [--cert FILE --key FILE [--tls-port 2465]] [--selector auto|deno|epoll]",
  {
    dir: "",
    port: "2525",
    hostname: "127.0.0.1",
    "max-mib": "25",
    cert: "",
    key: "",
    "tls-port": "",
    selector: "auto",
  },
);
const { hostname } = given;
const maxConnections = MAX_CONNECTIONS;
const settings: Settings = {
  directory: given.dir,
  maxBytes: MIB * number("max-mib", given["max-mib"], 1, 10_000),
  certificate: undefined,
};
const ports = [port(given.port), given["tls-port"] === "" ? undefined : port(given["tls-port"])];
try {
  if (!Deno.statSync(given.dir).isDirectory) throw new Error("it is no directory");
  if (given.cert !== "" || given.key !== "") {
    const [cert, key] = [given.cert, given.key].map((path) => Deno.readTextFileSync(path));
    settings.certificate = { cert: cert!, key: key! };
  }
} catch (error) {
  fail(
    `Cannot use --dir "${given.dir}", --cert "${given.cert}" and --key "${given.key}": ${
      (error as Error).message
    }`,
  );
}
if (ports[1] !== undefined && settings.certificate === undefined) {
  fail("Cannot use --tls-port without --cert and --key");
}
await serve({ selector: selector(given.selector) }, (reactor) => {
  const [plain, secured] = ports;
  const acceptor = new Acceptor(
    reactor,
    { hostname, port: plain!, maxConnections },
    (client) => void receive(reactor, client, settings),
  );
  const listening = [`smtp://${hostname}:${acceptor.port}`];
  if (secured !== undefined) {
    const at = { hostname, port: secured, maxConnections, ...settings.certificate! };
    const tls = new Acceptor(reactor, at, (client) => {
      gio(reactor, client, converse(settings, "secured"));
    });
    listening.push(`smtps://${hostname}:${tls.port}`);
  }
  return listening.join(" and ");
});
