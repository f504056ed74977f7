import { Output } from "../_answer.ts";
import { Input } from "../_body.ts";
import { bad } from "../_faults.ts";
import { HttpHeaders } from "../http_headers.ts";
import { shown } from "../../reactor/_describe.ts";

const encoder = new TextEncoder();

/** The bytes of a connection that come in, and those that go out. */
export class Bytes {
  readonly input: Input = new Input();
  readonly output: Output = new Output();
  /** Whether the other side sends no more. */
  hasEnded = false;

  receive(bytes: Uint8Array | null): void {
    if (bytes !== null && !(bytes instanceof Uint8Array)) {
      throw new TypeError(`Cannot receive ${shown(bytes)}: give a Uint8Array, or null at the end`);
    }
    if (bytes === null) this.hasEnded = true;
    else if (this.input.empty) this.input.receive(bytes);
    else this.input.append(bytes);
  }

  take(): Uint8Array | undefined {
    const data = this.output.take();
    return typeof data === "string" ? encoder.encode(data) : data;
  }
}

/** Refuses what is neither text nor bytes. Returns the data. */
export function checkData(data: string | Uint8Array): string | Uint8Array {
  if (typeof data === "string" || data instanceof Uint8Array) return data;
  throw new TypeError(`Cannot send ${shown(data)}: give text or a Uint8Array`);
}

/** The headers in what was received, in bytes of their own: they are read when somebody asks for one. */
export function headersIn(bytes: Uint8Array, from: number, to: number): HttpHeaders {
  return new HttpHeaders(bytes.slice(from, to), 0, to - from);
}

/** What came was cut. */
export function cut(what: "head" | "body"): Error {
  return bad(`an end before its ${what} is complete (RFC 9112 8)`);
}
