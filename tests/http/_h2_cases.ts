/** The form of the cases of HTTP/2: what a client sends, and how the server reacts. */
import { assertEquals } from "@std/assert";
import type { HttpServerOptions } from "../../http/mod.ts";
import {
  ACK,
  DATA,
  END_HEADERS,
  END_STREAM,
  type ErrorName,
  frame,
  GOAWAY,
  HEADERS,
  join,
  PREFACE,
  type RawPeer,
  request,
  RST_STREAM,
  SETTINGS,
  settings,
} from "./_h2_raw.ts";

/** One row of docs/http2_server.md. */
export interface Case {
  /** The RFC and its section. */
  section: string;
  /** What the client sends, in words. */
  sent: string;
  /** What it sends, after the opening. */
  steps: Step[];
  reaction: Reaction;
  /** What it sends first, if that is not the preface and SETTINGS as usual. */
  opening?: Uint8Array;
  /** More options of the server. */
  options?: Partial<HttpServerOptions>;
}

/** Bytes to send, or something to wait for. */
export type Step = Uint8Array | ((peer: RawPeer) => Promise<unknown>);

/** What the server does, in words, and how to find out. */
export interface Reaction {
  text: string;
  check(peer: RawPeer): Promise<void>;
}

export const SETTINGS_ACK: Uint8Array = frame(SETTINGS, ACK, 0);
export const OPENING: Uint8Array = join(PREFACE, settings(), SETTINGS_ACK);

/** The stream on which a client asks whether all is well. */
const LAST = 99;

/** A frame of HEADERS that opens a stream and ends it, if nothing else is said. */
export function headers(
  id: number,
  fields: Uint8Array,
  flags: number = END_STREAM | END_HEADERS,
): Uint8Array {
  return frame(HEADERS, flags, id, fields);
}

export function get(id: number, path = "/", ...fields: string[]): Uint8Array {
  return headers(id, request("GET", path, ...fields));
}

/** The head of a request whose body is to come. */
export function post(id: number, path = "/", ...fields: string[]): Uint8Array {
  return headers(id, request("POST", path, ...fields), END_HEADERS);
}

export function data(
  id: number,
  payload: string | Uint8Array,
  flags: number = END_STREAM,
): Uint8Array {
  return frame(DATA, flags, id, payload);
}

/** RFC 9113 5.4.1: GOAWAY, and the end of the connection. */
export function connectionError(error: ErrorName): Reaction {
  return {
    text: `connection error \`${error}\``,
    async check(peer) {
      assertEquals(await peer.goneAway(), error);
      await peer.closed();
    },
  };
}

/** RFC 9113 5.4.2: RST_STREAM, and the connection goes on. */
export function streamError(error: ErrorName, id = 1): Reaction {
  return {
    text: `stream error \`${error}\``,
    async check(peer) {
      assertEquals(await peer.wasReset(id), error);
      await goesOn(peer);
    },
  };
}

/** The handler of the tests says what it was asked for. */
export function answered(text: string, id = 1): Reaction {
  return {
    text: `\`${text}\``,
    async check(peer) {
      const { status, body } = await peer.answer(id);
      assertEquals(`${status} ${body}`.trimEnd(), text);
      await goesOn(peer);
    },
  };
}

/** The server takes it for HTTP/1.1, and closes the connection. */
export function http1(status: string): Reaction {
  return {
    text: `\`${status}\` of HTTP/1.1, and the connection closes`,
    async check(peer) {
      await peer.closed();
      assertEquals(peer.rest.slice(0, 13), `HTTP/1.1 ${status} `);
    },
  };
}

/** Nothing comes back, and the connection goes on. */
export const ignored: Reaction = { text: "ignored", check: goesOn };

/** Anything else, and the connection goes on. */
export function does(text: string, check: (peer: RawPeer) => Promise<void>): Reaction {
  return {
    text,
    async check(peer) {
      await check(peer);
      await goesOn(peer);
    },
  };
}

/** Another request is answered. Nothing else has come that tells of an error. */
async function goesOn(peer: RawPeer): Promise<void> {
  await peer.send(get(LAST));
  // Its body may have to wait for a window.
  assertEquals((await peer.takeOf(HEADERS, LAST)).fields[0], [":status", "200"]);
  peer.checkNone(RST_STREAM, GOAWAY);
}

/** Plays a case. */
export async function play(
  peer: RawPeer,
  { opening = OPENING, steps, reaction }: Case,
): Promise<void> {
  let sent = [opening];
  for (const step of steps) {
    if (step instanceof Uint8Array) sent.push(step);
    else {
      await peer.send(join(...sent));
      sent = [];
      await step(peer);
    }
  }
  await peer.send(join(...sent));
  await reaction.check(peer);
}
