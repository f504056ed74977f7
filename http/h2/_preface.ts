import { concat } from "../../compose/_bytes.ts";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { Overdue } from "../_phase_timer.ts";
import { isPreface, PREFACE } from "./_codes.ts";

/** RFC 9113 3.3: whether these are the first bytes of a client that knows that HTTP/2 is spoken. */
export function isWholePreface(bytes: Uint8Array): boolean {
  return bytes.length >= PREFACE.length && isPreface(bytes);
}

/** Reads on as long as these bytes may become the preface of HTTP/2. Gives all that has come. */
export function* readPreface(bytes: Uint8Array): Coroutine<Uint8Array> {
  try {
    while (bytes.length < PREFACE.length && isPreface(bytes)) bytes = concat([bytes, yield]);
  } catch (error) {
    if (!(error instanceof EndOfStream || error instanceof Overdue)) throw error;
  }
  return bytes;
}
