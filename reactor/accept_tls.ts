import { createPrivateKey, X509Certificate } from "node:crypto";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers";
import tls from "node:tls";
import { checkPair } from "./_options.ts";
import { ignore } from "./_ignore.ts";
import { names, refuseUnknown } from "./_known.ts";
import type { ByteStream } from "./byte_stream.ts";
import type { Reactor } from "./reactor.ts";
import type { Socket } from "./socket.ts";

/**
 * Options of {@linkcode acceptTls}.
 *
 * @category Sockets
 */
export interface AcceptTlsOptions {
  /** Certificate chain in PEM format. */
  cert: string;
  /** Private key in PEM format. */
  key: string;
  /** The protocols to offer by ALPN. */
  alpnProtocols?: string[];
}

const OPTIONS = names<AcceptTlsOptions>({ cert: 1, key: 1, alpnProtocols: 1 });

/**
 * Secures an open connection as server (STARTTLS): call it when the go-ahead has been sent, and
 * nobody reads from the connection any more. In a coroutine, that is after the block that has
 * entered it.
 *
 * The handshake is made when the first bytes are received, so limit the time of that. If it fails,
 * receiving throws. What came unsecured after the request for TLS, and was received, is not part of
 * the new socket: never take it for something that came secured. For clients there is
 * {@linkcode startTls}. A server whose connections all begin with TLS gives a `cert` to
 * {@linkcode Acceptor}.
 *
 * It works with all kinds of connections, because `node:tls` does it, not Deno's own TLS. So it
 * takes an end of the connection without a farewell of TLS for the end of the stream: a protocol
 * must tell its own end, as HTTP and SMTP do.
 *
 * @param reactor The reactor that the new socket belongs to.
 * @param socket The connection. It is closed with the new socket; do not use it meanwhile.
 * @param options The certificate of the server.
 * @returns The socket of the secured connection.
 * @throws {TypeError} If the certificate or its key is missing or is none, or they do not belong
 * together.
 *
 * @example A certificate that is none
 * ```ts
 * import { acceptTls, Acceptor, Reactor } from "@weightless/io/reactor";
 * import { assertThrows } from "@std/assert";
 *
 * using reactor = new Reactor();
 * using acceptor = new Acceptor(reactor, { hostname: "127.0.0.1", port: 0 }, (socket) => {
 *   const cert = "no certificate", key = "no key";
 *   assertThrows(() => acceptTls(reactor, socket, { cert, key }), TypeError, "PEM");
 *   reactor.requestShutdown();
 * });
 * using client = await Deno.connect({ hostname: "127.0.0.1", port: acceptor.port });
 * await reactor.run();
 * ```
 *
 * @category Sockets
 */
export function acceptTls(reactor: Reactor, socket: Socket, options: AcceptTlsOptions): Socket {
  refuseUnknown("accept TLS", options, OPTIONS);
  const { cert, key, alpnProtocols } = options;
  if (cert === undefined && key === undefined) {
    throw new TypeError("Cannot accept TLS: give the cert and the key of the server");
  }
  checkPair("accept TLS", cert, key);
  if (last?.cert !== cert || last.key !== key) last = { cert, key, context: context(cert, key) };
  return reactor.adopt(new Secured(new Plain(reactor, socket), last.context, alpnProtocols));
}

/** A server has the same certificate for all of its connections. */
let last: { cert: string; key: string; context: tls.SecureContext } | undefined;

/** Checks what Deno would tell only to each client. */
function context(cert: string, key: string): tls.SecureContext {
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw new TypeError("Cannot accept TLS: cert and key must be in PEM format", { cause: error });
  }
  if (!fits) throw new TypeError("Cannot accept TLS: the key is not that of the cert");
  return tls.createSecureContext({ cert, key });
}

/** The connection below TLS as a stream of Node, which reads and writes when the reactor says so. */
class Plain extends Duplex {
  readonly #reactor: Reactor;
  readonly socket: Socket;
  /** Whether the handshake is over. */
  isSecured = false;
  #left: Uint8Array = new Uint8Array(0);

  constructor(reactor: Reactor, socket: Socket) {
    super();
    this.#reactor = reactor;
    this.socket = socket;
  }

  override _read(): void {
    this.#try(() => this.#reactor.addReader(this.socket, this.#receive));
  }

  override _write(bytes: Uint8Array, _: string, done: () => void): void {
    this.#left = new Uint8Array(bytes); // A socket may still be sending what it has accepted.
    const send = () => {
      this.#left = this.#left.subarray(this.socket.send(this.#left));
      return this.#left.length === 0;
    };
    this.#try(() => {
      if (send()) return done();
      this.#reactor.addWriter(this.socket, () =>
        this.#try(() => {
          if (!send()) return;
          this.#reactor.removeWriter(this.socket);
          done();
        }));
    });
  }

  override _final(done: () => void): void {
    this.socket.shutdown();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#reactor.removeReader(this.socket);
    this.#reactor.removeWriter(this.socket);
    if (error || this.#left.length > 0) this.socket.abort();
    else this.socket.close();
    done(error);
  }

  #receive = (): void =>
    this.#try(() => {
      const bytes = this.socket.recv();
      if (bytes === undefined) return;
      this.#reactor.removeReader(this.socket);
      if (bytes === null && !this.isSecured) throw gone();
      this.push(bytes);
    });

  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.destroy(error as Error);
    }
  }
}

function gone(): Error {
  return new Deno.errors.UnexpectedEof("Cannot accept TLS: the peer went before the handshake");
}

/** The secured connection, for the reactor. */
class Secured implements ByteStream {
  readonly localAddr?: Deno.Addr;
  readonly remoteAddr?: Deno.Addr;
  readonly #plain: Plain;
  readonly #tls: tls.TLSSocket;
  /** Tells who waits for more that there may be some, or an end. */
  #wake: () => void = () => {};
  #error: Error | undefined;
  readonly #handshake = Promise.withResolvers<Deno.TlsHandshakeInfo>();

  constructor(plain: Plain, secureContext: tls.SecureContext, ALPNProtocols?: string[]) {
    const { localAddr, remoteAddr } = plain.socket;
    if (localAddr !== undefined) this.localAddr = localAddr;
    if (remoteAddr !== undefined) this.remoteAddr = remoteAddr;
    const { resolve, reject, promise } = this.#handshake;
    promise.catch(ignore); // It is told to whoever receives.
    const options = {
      isServer: true,
      allowHalfOpen: true, // A peer that has said all may still wait for the answer.
      secureContext,
      ...(ALPNProtocols && { ALPNProtocols }),
    };
    const secured = new tls.TLSSocket(plain as never, options);
    secured.on("secure", () => {
      plain.isSecured = true;
      resolve({ alpnProtocol: secured.alpnProtocol || null });
    });
    const wake = () => this.#wake();
    secured.on("error", (error) => {
      this.#error = error;
      reject(error);
      wake();
    });
    secured.on("close", () => {
      plain.destroy();
      wake();
    });
    secured.on("readable", wake);
    secured.on("end", wake);
    plain.on("end", wake);
    plain.on("error", (error) => secured.destroy(error));
    this.#plain = plain;
    this.#tls = secured;
  }

  handshake(): Promise<Deno.TlsHandshakeInfo> {
    return this.#handshake.promise;
  }

  async pull(): Promise<Uint8Array | null> {
    const secured = this.#tls;
    // Deno's TLS forgets an end, of TLS or of the connection, if nobody reads when it comes. What was
    // received before is here a turn after all of it was given to TLS.
    for (let isLast = false;; isLast = this.#plain.readableEnded) {
      const bytes: Uint8Array | null = secured.read();
      if (bytes !== null) return new Uint8Array(bytes);
      if (this.#error !== undefined) throw this.#error;
      if (isLast || secured.readableEnded || secured.destroyed) return null;
      if (this.#plain.readableEnded) await new Promise<void>((resolve) => setImmediate(resolve));
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#tls.write(bytes, (error) => error ? reject(error) : resolve(bytes.length))
    );
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#tls.end(resolve));
  }

  close(): void {
    this.#tls.destroySoon();
  }

  abort(): void {
    this.#plain.destroy(new Error("Not everything was sent"));
  }
}
