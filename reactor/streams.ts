import { names, refuseUnknown } from "./_known.ts";
import { ignore } from "./_ignore.ts";
import type { ByteStream } from "./byte_stream.ts";

/**
 * The two halves that {@linkcode fromStreams} joins. Either may be missing.
 *
 * @category Programs and streams
 */
export interface StreamPair {
  /** What is received from. */
  readable?: ReadableStream<Uint8Array>;
  /** What is sent to. */
  writable?: WritableStream<Uint8Array>;
  /**
   * Its name in messages.
   *
   * @default {"stream"}
   */
  name?: string;
}

const STREAMS = names<StreamPair>({ readable: 1, writable: 1, name: 1 });

/**
 * Makes a stream for `reactor.adopt()` of Web streams.
 *
 * @param streams The Web streams. They are locked from now on.
 * @returns The stream.
 * @throws {TypeError} If one of them is locked already, or an option is not known.
 *
 * @example Receiving from a ReadableStream
 * ```ts
 * import { fromStreams, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * using socket = reactor.adopt(fromStreams({ readable: new Blob(["hello"]).stream() }));
 * let received = "";
 * reactor.addReader(socket, () => {
 *   const bytes = socket.recv();
 *   if (bytes) received += new TextDecoder().decode(bytes);
 *   else reactor.requestShutdown();
 * });
 * await reactor.run();
 * assertEquals(received, "hello");
 * ```
 *
 * @category Programs and streams
 */
export function fromStreams(streams: StreamPair): ByteStream {
  refuseUnknown("use these streams", streams, STREAMS);
  const { readable, writable, name = "stream" } = streams;
  const reader = readable?.getReader();
  const writer = writable?.getWriter();
  let ended = false;
  return {
    name,
    ...(reader && {
      async pull() {
        const { value, done } = await reader.read();
        return done ? null : value;
      },
    }),
    ...(writer && {
      async write(p: Uint8Array) {
        await writer.write(p);
        return p.length;
      },
      async closeWrite() {
        ended = true;
        await writer.close();
      },
    }),
    close() {
      reader?.cancel().catch(ignore);
      if (!ended) writer?.close().catch(ignore);
    },
    abort() {
      reader?.cancel().catch(ignore);
      writer?.abort(new Error("Not everything was sent")).catch(ignore);
    },
  };
}

/**
 * Makes a stream for `reactor.adopt()` of standard input and output. Closing it closes standard
 * input only.
 *
 * @returns The stream.
 *
 * @example Writing to standard output
 * ```ts
 * import { Reactor, stdio } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const console = reactor.adopt(stdio());
 * assertEquals(console.send(new TextEncoder().encode("hello\n")), 6);
 * ```
 *
 * @category Programs and streams
 */
export function stdio(): ByteStream {
  return {
    name: "stdio",
    read: (p) => Deno.stdin.read(p),
    write: (p) => Deno.stdout.write(p),
    close: () => Deno.stdin.close(),
  };
}
