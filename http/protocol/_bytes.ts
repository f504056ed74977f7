import { Output } from "../_answer.ts";
import { Input } from "../_body.ts";
import { bad } from "../_faults.ts";

const encoder = new TextEncoder();

/** The bytes of a connection that come in, and those that go out. */
export class Bytes {
  readonly input: Input = new Input();
  readonly output: Output = new Output();
  /** Whether the other side sends no more. */
  hasEnded = false;

  receive(bytes: Uint8Array | null): void {
    if (bytes === null) this.hasEnded = true;
    else if (this.input.empty) this.input.receive(bytes);
    else this.input.append(bytes);
  }

  take(): Uint8Array | undefined {
    const data = this.output.take();
    return typeof data === "string" ? encoder.encode(data) : data;
  }
}

/** What came was cut. */
export function cut(what: "head" | "body"): Error {
  return bad(`an end before its ${what} is complete (RFC 9112 8)`);
}
