/** What carries the requests of a client, whatever the version of HTTP. */
import type { Context } from "../../gio/mod.ts";
import type { Receiver, Socket } from "../../reactor/mod.ts";
import type { ConnectionInfo } from "../connection_info.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import type { BodyContext } from "./_body_context.ts";
import type { ClientTimeouts } from "./client_timeouts.ts";
import type { Content } from "./_content.ts";
import type { RequestHead } from "./_request_head.ts";

/** How long it may take to read a body that nobody wants. */
export const DRAIN_MS = 1000;

/** Whether, and for how long, somebody runs the reactor of a client. */
export interface Attention {
  /** Whether there is somebody who runs the reactor. */
  canDrain(): boolean;
  /** Has the reactor run, if nobody else does. Returns what ends that. */
  hold(): () => void;
}

/** The head of a response: where the parts are in its bytes. */
export interface ResponseHead {
  readonly version: "1.0" | "1.1" | "2";
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly headersFrom: number;
  readonly headersTo: number;
  readonly reasonFrom: number;
  readonly reasonTo: number;
}

/**
 * Whether a request that got no response may be sent again: never, if its method is idempotent, always,
 * or always but not over HTTP/2.
 */
export type Repeatable = "never" | "if idempotent" | "always" | "by HTTP/1.1";

/** One request and its response, for what carries it. */
export interface Exchange {
  readonly method: string;
  /** The method and the URL, for messages. */
  readonly what: string;
  readonly head: RequestHead;
  readonly content: Content | undefined;
  /** So many milliseconds the client waits for a 100 before it sends the body; 0 if not at all. */
  readonly continueMs: number;
  readonly timeouts: ClientTimeouts;
  /** An interim response has come. */
  interim(head: ResponseHead): void;
  /**
   * The final head has come, and after it the body; or what follows is another protocol, of which some
   * bytes may have come already.
   */
  answered(head: ResponseHead, body: BodyContext | Uint8Array, carrier: Carrier): void;
  /** What has come of the body is there. It may be complete, and the carrier be free. */
  deliver(): void;
  /** There is no response. */
  lost(error: unknown, isRepeatable: Repeatable): void;
  /** The body of the response is complete, or has failed, or is not wanted. */
  over(carrier: Carrier): void;
}

/** What carries one request and its response: a connection of HTTP/1.1, or a stream of HTTP/2. */
export interface Carrier {
  readonly info: ConnectionInfo;
  /** Whether its connection was used for another request before. */
  readonly isReused: boolean;
  /** What the other protocol is read from and written to, when the response has begun one. */
  readonly tunnel: Context & Receiver;
  /** Whether the exchange has nothing to do with it any more. */
  readonly isClosed: boolean;
  /** Sends a request, and tells `exchange` what comes, also if it cannot be sent. */
  ask(exchange: Exchange): void;
  /** Ends the exchange with an error. */
  fail(error: unknown): void;
  /** Nothing is asked. */
  close(): void;
}

/** What is known of a connection. */
export function infoOf(socket: Socket, isSecure: boolean): ConnectionInfo {
  const { localAddr, remoteAddr } = socket;
  return {
    localAddr,
    remoteAddr,
    tls: isSecure ? { alpnProtocol: socket.alpnProtocol } : undefined,
  };
}

/** What is wrong with a response, with the URL. */
export function told(fault: unknown, exchange: Exchange | undefined): unknown {
  if (!(fault instanceof RemoteProtocolError) || exchange === undefined) return fault;
  const { message, status, cause } = fault;
  const what = /^Cannot read the response(?=:)/.exec(message)?.[0];
  if (what === undefined) return fault;
  return new RemoteProtocolError(`${what} to ${exchange.what}${message.slice(what.length)}`, {
    status,
    ...(cause !== undefined && { cause }),
  });
}
