import { refuseUnknown } from "../../reactor/_known.ts";
import type { Coroutine } from "../../compose/mod.ts";
import { unexpected } from "../../compose/_chunks.ts";
import { machinery } from "../../compose/_machinery.ts";
import { shown } from "../../reactor/_describe.ts";
import { whole } from "../../reactor/_whole.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";

/**
 * A server-sent event, as {@linkcode events} reads it. At least one property must be there.
 *
 * @category Events
 */
export interface EventToSend {
  /** The data. Line breaks of any kind arrive as LF. */
  data?: string;
  /** The name of the event; it is `message` if there is none. */
  event?: string;
  /** What the client tells as Last-Event-ID when it connects again; an empty one takes it back. */
  id?: string;
  /** How long the client waits before it connects again, in milliseconds. */
  retry?: number;
  /** A comment, which the client ignores. An empty one keeps a connection alive. */
  comment?: string;
}

/**
 * Options of {@linkcode events}.
 *
 * @category Events
 */
export interface EventsOptions {
  /**
   * How long the client waits before it connects again, in milliseconds; told at the beginning.
   *
   * @default {the client decides}
   */
  retry?: number;
}

/**
 * A stage that reads server-sent events (HTML Standard 9.2), or text that is the data of one, and
 * yields the text to send.
 *
 * Nothing in an event can be taken for another field or event: a line break in data or a comment
 * begins another line of the same, and in a name or an id it is an error.
 *
 * @param options How long clients wait before they connect again.
 * @returns The stage.
 * @throws {RangeError} If `retry` is no whole number of milliseconds; also from the stage.
 * @throws {TypeError} If it reads something else than events or text, from the stage.
 * @throws {LocalProtocolError} If an event cannot be sent, from the stage.
 *
 * @example A handler that counts down
 * ```ts
 * import { call, type Coroutine } from "@weightless/io/compose";
 * import { events, eventStream, serveHttp } from "@weightless/io/http";
 * import { pipe } from "@weightless/io/pipeline";
 * import { assertStringIncludes } from "@std/assert";
 *
 * function* countdown(): Coroutine {
 *   for (const n of [2, 1]) yield { data: `${n}\nto go`, id: `${n}` };
 *   yield "Ignition";
 * }
 *
 * const protocol = serveHttp(function* (): Coroutine {
 *   yield eventStream();
 *   yield* call(pipe(countdown(), events({ retry: 1000 })));
 * });
 * protocol.next();
 * const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
 * const answer = String(protocol.next(request).value);
 * assertStringIncludes(answer, "retry: 1000\n\n");
 * assertStringIncludes(answer, "id: 2\ndata: 2\ndata: to go\n\n");
 * assertStringIncludes(answer, "data: Ignition\n\n");
 * ```
 *
 * @category Events
 */
export function events(options: EventsOptions = {}): Coroutine<void> {
  refuseUnknown("send events", options, ["retry"]);
  const { retry } = options;
  if (retry !== undefined) wholeRetry(retry);
  return sending(retry);
}

function* sending(retry: number | undefined): Coroutine<void> {
  if (retry !== undefined) yield `retry: ${retry}\n\n`;
  for (;;) yield textOf(yield);
}

function textOf(given: string | EventToSend): string {
  if (typeof given === "string") return `${lines("data", given)}\n`;
  if (typeof given !== "object" || given === null) {
    throw unexpected("send events()", "an event or its data", given);
  }
  const { data, event, id, retry, comment } = given;
  let text = "";
  if (comment !== undefined) text += lines("", comment);
  if (retry !== undefined) text += `retry: ${wholeRetry(retry)}\n`;
  if (id !== undefined) text += line("id", id);
  if (event !== undefined) text += line("event", event);
  if (data !== undefined) text += lines("data", data);
  if (text === "") {
    throw new LocalProtocolError(
      `Cannot send the event ${shown(given)}: give data, event, id, retry or comment`,
    );
  }
  return `${text}\n`;
}

function wholeRetry(retry: number): number {
  return whole(retry, "send events: the milliseconds of retry", 0, Number.MAX_SAFE_INTEGER);
}

/** HTML 9.2.5: a line ends with CR LF, LF or CR. */
function lines(name: string, text: string): string {
  checkText(name || "comment", text);
  // The usual case, for which a RegExp would be slow.
  if (!text.includes("\n") && !text.includes("\r")) return `${name}: ${text}\n`;
  return text.split(/\r\n|\n|\r/).map((line) => `${name}: ${line}\n`).join("");
}

function line(name: string, text: string): string {
  checkText(name, text);
  // HTML 9.2.6: an id with a NUL is ignored.
  if (/[\r\n\0]/.test(text)) {
    throw new LocalProtocolError(
      `Cannot send an event whose ${name} has a line break or NUL: it would be another field`,
    );
  }
  return `${name}: ${text}\n`;
}

function checkText(name: string, text: string): void {
  if (typeof text !== "string") throw unexpected(`send the ${name} of an event`, "text", text);
}

machinery(import.meta.url, sending);
