/**
 * A chat server over TCP: every line goes to everybody else.
 *
 *     deno run --allow-net examples/chat.ts [--port 7002]      # and, more than once: nc 127.0.0.1 7002
 */
import { type Coroutine, EndOfStream } from "@weightless/io/compose";
import { type Context, enter, gio, Queue, spawn } from "@weightless/io/gio";
import { lines, pipe } from "@weightless/io/pipeline";
import { Acceptor } from "@weightless/io/reactor";
import { options, port, serve } from "./_cli.ts";

/** Who has not read so many lines is too slow, and misses what follows. Nobody waits for them. */
const MAILBOX = 1000;

type Mailbox = Queue<string>;

class Room {
  #members = new Map<Mailbox, string>();

  join(name: string, mailbox: Mailbox): Disposable {
    this.#members.set(mailbox, name);
    this.say(`* ${name} joins ${this.#members.size - 1} others\n`);
    return {
      [Symbol.dispose]: () => {
        this.#members.delete(mailbox);
        this.say(`* ${name} leaves\n`);
      },
    };
  }

  say(line: string, from?: Mailbox): void {
    for (const mailbox of this.#members.keys()) if (mailbox !== from) mailbox.tryPut(line);
  }
}

/** Writes while its parent reads: two coroutines on one connection. */
function* deliver(connection: Context, mailbox: Mailbox): Coroutine {
  using _ = enter(connection);
  for (;;) yield yield* mailbox.get();
}

function* member(connection: Context, room: Room): Coroutine {
  yield "Your name? ";
  const name: string = yield;
  const mailbox: Mailbox = new Queue({ capacity: MAILBOX });
  using _ = room.join(name, mailbox);
  yield* spawn(deliver(connection, mailbox));
  try {
    for (;;) room.say(`${name}: ${yield}\n`, mailbox);
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
  }
}

const given = options("chat.ts [--port 7002]", { port: "7002" });
await serve({}, (reactor) => {
  const room = new Room();
  const acceptor = new Acceptor(
    reactor,
    { port: port(given.port), hostname: "127.0.0.1" },
    (socket) => gio(reactor, socket, pipe(lines({ maxLength: 1000 }), member(socket, room))),
  );
  return `127.0.0.1:${acceptor.port}`;
});
