/** What is read from a peer of a WebSocket that vanishes, and what it has to be. */
import { assertInstanceOf } from "@std/assert";
import { concat } from "../../compose/_bytes.ts";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { RemoteProtocolError } from "../../http/mod.ts";
import { type WebSocketConnection, WebSocketEnd } from "../../http/websocket/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import type { World } from "./_web_sockets.ts";
import { CLOSE } from "./_websocket.ts";

/** A frame, and the message that is whole with it. */
export interface Part {
  bytes: Uint8Array;
  message?: string;
  code?: number;
  /** Whether a message goes on after it. */
  isWithin?: true;
}

/** How the messages are read: what is logged. */
export type Reading = (socket: WebSocketConnection, log: string[]) => Coroutine<void>;

export const READINGS: Record<string, Reading> = {
  *whole(socket, log) {
    using _ = socket.enter();
    for (;;) log.push(textOf([yield]));
  },
  *"by pieces"(socket, log) {
    for (;;) {
      using message = yield* socket.receive();
      using _ = message.enter();
      const pieces: (string | Uint8Array)[] = [];
      try {
        for (;;) pieces.push(yield);
      } catch (error) {
        if (error instanceof WebSocketEnd || !(error instanceof EndOfStream)) throw error;
      }
      log.push(textOf(pieces));
    }
  },
};

function textOf(pieces: (string | Uint8Array)[]): string {
  if (pieces.every((piece) => typeof piece === "string")) return pieces.join("");
  return new TextDecoder().decode(concat(pieces as Uint8Array[]));
}

/** Reads until it ends. The log says how. */
export function* logged(
  reading: Reading,
  socket: WebSocketConnection,
  log: string[],
): Coroutine<void> {
  try {
    yield* reading(socket, log);
  } catch (error) {
    log.push(outcomeOf(error));
    throw error;
  } finally {
    log.push("closed");
  }
}

export function outcomeOf(error: unknown): string {
  if (error instanceof WebSocketEnd) return `end ${error.code}`;
  assertInstanceOf(error, RemoteProtocolError);
  assertInstanceOf(error.cause, WebSocketEnd);
  return `cut, end ${error.cause.code}`;
}

/** What is logged when the peer has sent so many bytes. */
export function expected(parts: readonly Part[], length: number, isByPieces: boolean): string[] {
  const log: string[] = [];
  let isWithin = false;
  for (const part of parts) {
    // By pieces, a message has begun when its head has come.
    const { bytes, message, code } = part;
    if (length < bytes.length) {
      const size = (bytes[1]! & 0x7f) < 126 ? 2 : 4;
      const isHead = length >= size + (bytes[1]! >= 0x80 ? 4 : 0) && (bytes[0]! & 0xf) < CLOSE;
      log.push(isByPieces && (isWithin || isHead) ? "cut, end 1006" : "end 1006");
      return [...log, "closed"];
    }
    length -= bytes.length;
    if (code !== undefined) {
      return [...log, isByPieces && isWithin ? `cut, end ${code}` : `end ${code}`, "closed"];
    }
    if (message !== undefined) log.push(message);
    isWithin = part.isWithin ?? false;
  }
  return [...log, isByPieces && isWithin ? "cut, end 1006" : "end 1006", "closed"];
}

/** Waits until so much has come. */
export function received(world: World, bytes: number): Promise<void> {
  return turnsUntil(() => world.counts.received >= bytes);
}
