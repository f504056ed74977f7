/** What a server must not send over HTTP/2, and what the client makes of it. */
import {
  block,
  DATA,
  ENABLE_PUSH,
  END_HEADERS,
  END_STREAM,
  frame,
  HEADERS,
  join,
  PUSH_PROMISE,
  request,
  settings,
  uint32,
} from "./_h2_raw.ts";

interface Fault {
  readonly what: string;
  /** The frames, for the first stream. */
  readonly bytes: () => Uint8Array;
  /** A part of the message of the RemoteProtocolError. */
  readonly says: string;
  /**
   * What the server is told: the stream is reset with PROTOCOL_ERROR, the connection is closed, or nothing,
   * because both sides have ended the stream.
   */
  readonly ends: "stream" | "connection" | "nothing";
}

/** A head that ends the stream, and one that does not. */
const only = (...fields: string[]) => frame(HEADERS, END_HEADERS | END_STREAM, 1, block(...fields));
const head = (...fields: string[]) => frame(HEADERS, END_HEADERS, 1, block(...fields));
const LAST = frame(DATA, END_STREAM, 1, "abc");

const fault = (
  what: string,
  says: string,
  bytes: () => Uint8Array,
  ends: Fault["ends"] = "stream",
): Fault => ({ what, bytes, says, ends });

export const FAULTS: readonly Fault[] = [
  fault("no :status", "without :status", () => only("a: b")),
  ...[":status: 200", ":path: /", ":made-up: x"].map((field) =>
    fault(
      `${field} after its :status`,
      "other than one :status",
      () => only(":status: 200", field),
    )
  ),
  fault(
    "a pseudo-field after others",
    "other than one :status",
    () => only(":status: 200", "a: b", ":status: 200"),
  ),
  ...["20", "2000", "abc", "099", "2x0"].map((status) =>
    fault(`a :status of ${status}`, "invalid :status", () => only(`:status: ${status}`))
  ),
  fault("a :status of 101", "status 101", () => head(":status: 101")),
  fault(
    "an interim response that ends the stream",
    "has ended the stream",
    () => only(":status: 103"),
    "nothing",
  ),
  fault(
    "33 interim responses",
    "more than 32 interim responses",
    () => join(...Array(33).fill(head(":status: 103"))),
  ),
  fault("a capital in a name", "capital", () => only(":status: 200", "A: b")),
  ...["connection: close", "transfer-encoding: chunked", "keep-alive: 1"].map((field) =>
    fault(field, `a field ${field.split(":")[0]}`, () => only(":status: 200", field))
  ),
  fault(
    "two lengths",
    "two Content-Lengths",
    () => head(":status: 200", "content-length: 1", "content-length: 2"),
  ),
  fault("DATA before a head", "DATA before a head", () => LAST),
  ...[["short", "5"], ["long", "2"]].map(([size, length]) =>
    fault(
      `a body that is too ${size}`,
      "not as long as its Content-Length",
      () => join(head(":status: 200", `content-length: ${length}`), LAST),
    )
  ),
  ...["204", "304"].map((status) =>
    fault(
      `a body with status ${status}`,
      "not as long as its Content-Length",
      () => join(head(`:status: ${status}`), LAST),
    )
  ),
  fault(
    "a pseudo-field in trailers",
    "a field name with",
    () => join(head(":status: 200"), only(":status: 200")),
  ),
  fault(
    "trailers that do not end the stream",
    "trailers that do not end",
    () => join(head(":status: 200"), head("a: b")),
  ),
  fault("201 fields", "too large", () => only(":status: 200", ...Array(201).fill("a: b"))),
  fault(
    "a push",
    "PUSH_PROMISE",
    () => frame(PUSH_PROMISE, END_HEADERS, 1, join(uint32(2), request("GET", "/"))),
    "connection",
  ),
  fault(
    "a stream that it opens",
    "must not open",
    () => frame(HEADERS, END_HEADERS | END_STREAM, 2, block(":status: 200")),
    "connection",
  ),
  fault(
    "DATA on a stream that is idle",
    "is idle",
    () => frame(DATA, END_STREAM, 9, "abc"),
    "connection",
  ),
  fault(
    "an answer of HTTP/1.1",
    "HTTP/1.1 instead",
    () => join("HTTP/1.1 400 Bad Request\r\n\r\n"),
    "connection",
  ),
  fault("ENABLE_PUSH of 1", "ENABLE_PUSH", () => settings([ENABLE_PUSH, 1]), "connection"),
];
