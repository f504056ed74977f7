/** The field lines of a response's head: reads those that decide about framing and connection. */
import { equalsIgnoreCase, latin1 } from "../_characters.ts";
import { FieldLines } from "./_field_lines.ts";
import {
  append,
  badCoding,
  lengthOf,
  listOf,
  NONE,
  valueEnd,
  valueStart,
} from "./_field_values.ts";

export class ResponseFields extends FieldLines {
  /** The Content-Length, or NONE. */
  contentLength: number = NONE;
  /** How many transfer codings are given, or NONE if there is no Transfer-Encoding. */
  codings: number = NONE;
  /** Whether the last of them is chunked. */
  isChunked = false;
  /** The options of Connection, as a list. */
  connection: string | undefined = undefined;
  /** The parameters of Keep-Alive, as a list. */
  keepAlive: string | undefined = undefined;
  /** What is wrong with the framing. It does not matter if there is no body. */
  fault: unknown = undefined;

  constructor(maxLines: number) {
    super(maxLines, true);
  }

  /** Begins with those of another response. */
  start(from: number, limit: number): void {
    this.begin(from, limit);
    this.contentLength = this.codings = NONE;
    this.isChunked = false;
    this.connection = this.keepAlive = this.fault = undefined;
  }

  /** Recognises a name by its length, and then compares it. */
  protected override note(
    bytes: Uint8Array,
    nameFrom: number,
    nameTo: number,
    from: number,
    to: number,
  ): void {
    switch (nameTo - nameFrom) {
      case 10:
        if (equalsIgnoreCase(bytes, nameFrom, "connection")) {
          this.connection = append(this.connection, bytes, from, to);
        } else if (equalsIgnoreCase(bytes, nameFrom, "keep-alive")) {
          this.keepAlive = append(this.keepAlive, bytes, from, to);
        }
        break;
      case 14:
        if (equalsIgnoreCase(bytes, nameFrom, "content-length")) this.#noteLength(bytes, from, to);
        break;
      case 17:
        if (equalsIgnoreCase(bytes, nameFrom, "transfer-encoding")) {
          this.#noteCodings(bytes, from, to);
        }
        break;
    }
  }

  #noteLength(bytes: Uint8Array, from: number, to: number): void {
    from = valueStart(bytes, from, to);
    try {
      this.contentLength = lengthOf(bytes, from, valueEnd(bytes, from, to), this.contentLength);
    } catch (error) {
      this.fault ??= error;
    }
  }

  #noteCodings(bytes: Uint8Array, from: number, to: number): void {
    if (this.codings === NONE) this.codings = 0;
    for (const coding of listOf(latin1(bytes, from, to))) {
      // RFC 9112 6.1: chunked MUST NOT be applied twice, and nothing comes after it: RFC 9112 7.1.
      if (this.isChunked) this.fault ??= badCoding();
      this.isChunked = coding === "chunked";
      this.codings++;
    }
  }
}
