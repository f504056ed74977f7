import { refuseUnknown } from "../../reactor/_known.ts";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { checkSize, DEFAULT_MAX, unexpected } from "../../compose/_chunks.ts";
import { machinery } from "../../compose/_machinery.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";

const CR = "\r", LF = "\n";

/**
 * A server-sent event, as {@linkcode parseEvents} yields it.
 *
 * @category Events
 */
export interface ReceivedEvent {
  /** The data, whose line breaks are LF. */
  data: string;
  /** The name of the event; `message` unless one was given. */
  event: string;
  /** The id that was given last, with this event or before; what to send as Last-Event-ID. */
  id: string;
  /** How long to wait before connecting again, in milliseconds, if that was told since the last event. */
  retry?: number;
}

/**
 * Options of {@linkcode parseEvents}.
 *
 * @category Events
 */
export interface ParseEventsOptions {
  /**
   * How long an event may be, in characters (UTF-16 code units). `Infinity` turns the limit off.
   *
   * @default {65_536}
   */
  maxLength?: number;
}

/**
 * A stage that reads a stream of server-sent events, as text or bytes, and yields the events (HTML
 * Standard 9.2.6).
 *
 * Lines and characters may begin in one chunk and end in another. What has no empty line after it
 * when the stream ends is no event.
 *
 * @param options How long an event may be.
 * @returns The stage.
 * @throws {RangeError} If `maxLength` is not a size.
 * @throws {TypeError} If it reads something else than text or bytes, from the stage.
 * @throws {RemoteProtocolError} If an event is longer, from the stage.
 *
 * @example Two events
 * ```ts
 * import { parseEvents } from "@weightless/io/http";
 * import { fromIterable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = ["retry: 100\nid: 7\ndata: one\nda", "ta: two\n\nevent: tick\r\ndata:3\r\n\r\n"];
 * assertEquals([...fromIterable(stream, parseEvents())], [
 *   { data: "one\ntwo", event: "message", id: "7", retry: 100 },
 *   { data: "3", event: "tick", id: "7" },
 * ]);
 * ```
 *
 * @category Events
 */
export function parseEvents(options: ParseEventsOptions = {}): Coroutine<void> {
  refuseUnknown("parse events", options, ["maxLength"]);
  const { maxLength = DEFAULT_MAX } = options;
  checkSize("maxLength", maxLength);
  return parsing(maxLength);
}

function* parsing(maxLength: number): Coroutine<void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const block = new Block();
  /** The beginning of a line whose end has not come yet. */
  let begun = "";
  let isFirst = true;
  /** Whether the last chunk ended with a CR. A LF after it belongs to the same line end. */
  let afterCr = false;
  try {
    for (;;) {
      const chunk: string | Uint8Array = yield;
      if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) {
        throw unexpected("read in parseEvents()", "text or bytes", chunk);
      }
      const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
      if (text === "") continue;
      let start = 0;
      if (isFirst && text[0] === "\ufeff") start = 1;
      isFirst = false;
      if (afterCr && text[start] === LF) start++;
      afterCr = text.endsWith(CR);
      // Both are sought only when they are behind, so that each character is looked at once.
      let lf = text.indexOf(LF, start), cr = text.indexOf(CR, start);
      while (lf >= 0 || cr >= 0) {
        const end = cr < 0 || (lf >= 0 && lf < cr) ? lf : cr;
        const line = begun + text.slice(start, end);
        begun = "";
        start = end === cr && lf === cr + 1 ? end + 2 : end + 1;
        if (lf >= 0 && lf < start) lf = text.indexOf(LF, start);
        if (cr >= 0 && cr < start) cr = text.indexOf(CR, start);
        if (block.length + line.length > maxLength) throw tooLong(maxLength);
        const event = block.add(line);
        if (event !== undefined) yield event;
      }
      begun += text.slice(start);
      if (block.length + begun.length > maxLength) throw tooLong(maxLength);
    }
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
  }
}

function tooLong(maxLength: number): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot read an event: it is longer than ${maxLength} characters, the maxLength of parseEvents()`,
    { status: 413 },
  );
}

/** The lines up to an empty one. */
class Block {
  #data: string | undefined;
  #event = "";
  #id = "";
  #retry: number | undefined;
  /** How many characters are kept of it. */
  length = 0;

  /** Takes a line. If it is empty, that gives the event, if there is one. */
  add(line: string): ReceivedEvent | undefined {
    if (line === "") return this.#take();
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    switch (name) {
      case "data":
        this.length += value.length + 1;
        this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
        break;
      case "event":
        this.#event = value;
        break;
      case "id":
        if (!value.includes("\0")) this.#id = value;
        break;
      case "retry":
        if (/^\d+$/.test(value)) this.#retry = Number(value);
        break;
    }
    return undefined;
  }

  #take(): ReceivedEvent | undefined {
    const data = this.#data;
    const event = this.#event === "" ? "message" : this.#event;
    this.#data = undefined;
    this.#event = "";
    this.length = 0;
    if (data === undefined) return undefined;
    const retry = this.#retry;
    this.#retry = undefined;
    const received = { data, event, id: this.#id };
    return retry === undefined ? received : { ...received, retry };
  }
}

machinery(import.meta.url, parsing);
