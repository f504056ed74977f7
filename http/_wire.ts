/** What an exchange needs of the wire: HTTP/1.1 has one of each for a connection, HTTP/2 will have one for each stream. */
import type { Head } from "./_head.ts";
import type { Host } from "./_host.ts";
import type { HttpHeaders } from "./http_headers.ts";
import type { HttpRequest } from "./http_request.ts";

/** Where the body of a message comes from. */
export interface BodySource {
  /** Whether all of it has been read. */
  readonly done: boolean;
  /** The trailers that came after it. */
  readonly trailers: HttpHeaders | undefined;
  /** The next piece; undefined at the end, or if more must arrive first. Throws a RemoteProtocolError if it is faulty. */
  read(): Uint8Array | undefined;
  /** From now on all that arrives is to be read, without any framing. */
  takeOver(): void;
}

/** Where an answer goes. What cannot be sent is a LocalProtocolError. */
export interface AnswerSink {
  /** Whether nothing can follow this exchange. */
  close: boolean;
  /** Whether there is a head, sent or not. */
  readonly headed: boolean;
  /** Whether data is for nobody, because this is the answer to HEAD and its head has been sent. */
  readonly complete: boolean;
  /** Whether there is enough to be sent before the handler goes on. */
  readonly full: boolean;
  head(head: Head): void;
  /** Tells a client that waits for it to send the body. */
  proceed(): void;
  data(data: string | Uint8Array): void;
  /** Sends what was held back: there is something to wait for. */
  flush(): void;
  end(): void;
  /** The head after which there is no framing any more. */
  takeOver(head: Head): void;
  /** Takes the answer back, so that there can be another one; returns whether it could. */
  revert(): boolean;
}

/** What an exchange needs of the connection, or the stream, that it is on. */
export interface Wire {
  readonly body: BodySource;
  readonly answer: AnswerSink;
  /** Who runs it, unless it is fed by hand. */
  readonly host: Host | undefined;
  /** Whether the handler has entered a context of its own: what it yields is not for the client then. */
  readonly isElsewhere: boolean;
  /** Tells somebody of an error that the client is not told of. */
  report(error: unknown, request: HttpRequest): void;
}
