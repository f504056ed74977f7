/**
 * What an exchange needs of the wire. HTTP/1.1 has one of each for a connection; HTTP/2 will have
 * one for each stream.
 */
import type { Codings } from "./_codings.ts";
import type { ErrorHandler } from "./error_handler.ts";
import type { Head } from "./_head.ts";
import type { Trailers } from "./_trailers.ts";
import type { Framed, Host } from "./_host.ts";
import type { HttpHeaders } from "./http_headers.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { HttpRequest } from "./http_request.ts";
import type { HttpTimeouts } from "./http_timeouts.ts";

/** Where the body of a message comes from. */
export interface BodySource {
  /** Whether all of it has been read. */
  readonly done: boolean;
  /** Whether the client has sent a part of what it cannot stop within, and no data. */
  readonly isWithinLine: boolean;
  /** The trailers that came after the body. */
  readonly trailers: HttpHeaders | undefined;
  /**
   * The next piece, or undefined at the end or if more must arrive first. Throws a
   * RemoteProtocolError if the body is faulty.
   */
  read(): Uint8Array | undefined;
  /** How many bytes come next on the connection that are the body as it is. */
  readonly direct: number;
  /** So many of these were read by the kernel. */
  moved(length: number): void;
  /** From now on everything that arrives is read as it is, without framing. */
  takeOver(): void;
}

/** Where an answer goes. It throws a LocalProtocolError for what cannot be sent. */
export interface AnswerSink {
  /** Whether the connection ends after this exchange. */
  close: boolean;
  /** Whether the head has been given, sent or not. */
  readonly headed: boolean;
  /** The status of the final answer; 0 as long as there is none. */
  readonly status: number;
  /** How many bytes of its body were given. */
  readonly bytes: number;
  /**
   * Whether data would be dropped, because this is the answer to HEAD and its head has been sent.
   */
  readonly complete: boolean;
  /** Whether only the handler knows where the body ends. */
  readonly isOpen: boolean;
  /** Whether so much has gathered that it must be sent before the handler goes on. */
  readonly full: boolean;
  /** How many bytes can be sent yet. */
  readonly room: number;
  /** Whether the body is sent as it is. */
  readonly isDirect: boolean;
  /** Whether it is a stream of server-sent events. */
  readonly isEventStream: boolean;
  /** So much of the body was sent by a transfer. */
  moved(length: number): void;
  /** Throws if no body can be sent. */
  expectBody(): void;
  head(head: Head): void;
  /** Sends the 100 that the client waits for before it sends the body. */
  proceed(): void;
  data(data: string | Uint8Array): void;
  /** Sends what was held back, because the handler has to wait. */
  flush(): void;
  end(): void;
  /** What follows is sent as it is: the answer has no head. */
  raw(): void;
  /** Sends fields after the body. */
  trailers(trailers: Trailers): void;
  /** Sends the head after which there is no framing. */
  takeOver(head: Head): void;
  /**
   * Takes the answer back, so that another one can be given. Returns false if part of it has been
   * sent.
   */
  revert(): boolean;
}

/** What an exchange needs of the connection, or the stream, that it is on. */
export interface Wire {
  readonly body: BodySource;
  readonly answer: AnswerSink;
  /** The driver, unless the coroutine is fed by hand. */
  readonly host: Host | undefined;
  /**
   * Whether the handler is in a context that it has entered. What it yields there is not for the
   * client.
   */
  readonly isElsewhere: boolean;
  readonly info: ConnectionInfo;
  /** Which bodies are encoded and decoded; undefined if none are. */
  readonly codings: Codings | undefined;
  /** Makes the answers to errors, if the user wants others. */
  readonly errorHandler: ErrorHandler | undefined;
  readonly timeouts: HttpTimeouts;
  /** The timeouts of an exchange have been changed; they count for what is waited for now. */
  retime(exchange: unknown, before: HttpTimeouts): void;
  /** The handler wants to be told if the client goes while it waits for something else. */
  watch(): void;
  /** The body, for a transfer beside the handler. */
  lend(exchange: unknown): Framed;
  /** The error of a transfer that the handler has made and not yielded. */
  forgotten(): TypeError | undefined;
  /** Reports an error that the client is not told. */
  report(error: unknown, request: HttpRequest | undefined): void;
}
