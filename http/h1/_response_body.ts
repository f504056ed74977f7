/** Reads the body of a response: also one that ends with the connection. */
import { Body, type BodyLimits, type Input } from "../_body.ts";
import { ofResponse, tooLargeBody } from "../_faults.ts";
import { TUNNEL, UNTIL_CLOSE } from "./_field_values.ts";

export class ResponseBody extends Body {
  readonly #limits: BodyLimits;
  #isUntilClose = false;
  #maxBytes = Infinity;
  /** How many bytes of the body have been read. */
  received = 0;
  /** How many bytes the body has, if its head said that. */
  expected: number | undefined = undefined;

  constructor(input: Input, limits: BodyLimits) {
    super(input, limits, true);
    this.#limits = limits;
  }

  /** Begins the body of the next response, which is delimited like this. */
  override start(framing: number): void {
    const isUntilClose = framing === UNTIL_CLOSE || framing === TUNNEL;
    super.start(isUntilClose ? 0 : framing);
    this.received = 0;
    this.expected = framing >= 0 ? framing : undefined;
    this.#isUntilClose = false;
    this.#maxBytes = Infinity;
    if (isUntilClose) this.takeOver();
    // The other bodies are refused before they are read.
    if (framing === UNTIL_CLOSE) this.#maxBytes = this.#limits.maxBodyBytes;
  }

  override takeOver(): void {
    super.takeOver();
    this.expected = undefined;
    this.#isUntilClose = true;
    this.#maxBytes = Infinity;
  }

  override moved(length: number): void {
    this.received += length;
    if (this.received > this.#maxBytes) throw ofResponse(tooLargeBody(this.#limits));
    super.moved(length);
  }

  override read(): Uint8Array | undefined {
    try {
      return super.read();
    } catch (error) {
      throw ofResponse(error);
    }
  }

  /**
   * The connection has ended, and what came has been read. Returns whether the body is complete; if
   * not, it was cut.
   */
  end(): boolean {
    if (this.#isUntilClose) this.done = true;
    return this.done;
  }
}
