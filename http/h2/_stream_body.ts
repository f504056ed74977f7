import type { BodySource } from "../_wire.ts";
import { tooLargeBody } from "../_faults.ts";
import type { HttpHeaders } from "../http_headers.ts";
import type { HttpLimits } from "../http_limits.ts";
import type { H2Stream } from "./_stream.ts";

/** The body that arrives on a stream. {@linkcode BodySource} tells what its members do. */
export class StreamBody implements BodySource {
  readonly #stream: H2Stream;
  readonly #limits: HttpLimits;
  #length = 0;
  /** A request to CONNECT has no body. What comes is for the tunnel, and its end is none of a body. */
  #kind: "body" | "none" | "tunnel" = "body";
  trailers: HttpHeaders | undefined = undefined;

  constructor(stream: H2Stream, limits: HttpLimits) {
    this.#stream = stream;
    this.#limits = limits;
  }

  /** Begins with another one. */
  start(isConnect: boolean): void {
    this.#length = 0;
    this.#kind = isConnect ? "none" : "body";
  }

  /** Drops the last one. */
  forget(): void {
    this.trailers = undefined;
  }

  get done(): boolean {
    return this.#kind === "none" || this.#kind === "body" && this.#stream.isAtEnd;
  }

  get isWithinLine(): boolean {
    return false;
  }

  /** The kernel moves nothing: all is in frames. */
  get direct(): number {
    return 0;
  }

  moved(): void {}

  takeOver(): void {
    this.#kind = "tunnel";
  }

  read(): Uint8Array | undefined {
    if (this.#kind === "none") return undefined;
    const piece = this.#stream.read();
    if (piece === undefined || this.#kind === "tunnel") return piece;
    this.#length += piece.length;
    if (this.#length > this.#limits.maxBodyBytes) throw tooLargeBody(this.#limits);
    return piece;
  }
}
