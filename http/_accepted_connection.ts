import type { Gio } from "../gio/mod.ts";
import type { Socket } from "../reactor/mod.ts";
import type { ConnectionInfo, TlsInfo } from "./connection_info.ts";

/** What is spoken on a connection, for a server that shuts down. */
export interface Speaker {
  /** Whether it waits for its client to ask for something, so that nothing is lost if it ends. */
  readonly isIdle: boolean;
  /** Comes to the end, as soon as that is possible without a loss. */
  finish(): void;
}

/** A connection that a server has accepted. */
export class AcceptedConnection implements ConnectionInfo {
  readonly #socket: Socket;
  /** It is made when it is asked for, because 10,000 connections may be idle. */
  #remoteAddr: Deno.Addr | undefined = undefined;
  readonly localAddr: Deno.Addr | undefined;
  readonly tls: TlsInfo | undefined;
  readonly closing: AbortSignal;
  /** The protocol is known when it begins. Others than HTTP tell nothing. */
  speaker: Speaker | undefined = undefined;
  /** What runs on it. */
  task: Gio | undefined = undefined;

  constructor(socket: Socket, isSecured: boolean, closing: AbortSignal) {
    this.#socket = socket;
    this.localAddr = socket.localAddr;
    this.tls = isSecured ? new Tls(socket) : undefined;
    this.closing = closing;
  }

  get remoteAddr(): Deno.Addr | undefined {
    return this.#remoteAddr ??= this.#socket.remoteAddr;
  }
}

/** The handshake ends when the connection is read. */
class Tls implements TlsInfo {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get alpnProtocol(): string | undefined {
    return this.#socket.alpnProtocol;
  }
}
