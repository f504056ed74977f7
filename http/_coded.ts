/**
 * Content codings between a handler and its exchange. The handler yields its answer as it is, and
 * reads the body as it was before it was encoded.
 *
 *  1. What the handler yields goes to the exchange, and what the exchange answers goes to the
 *     handler. It knows nothing of this.
 *  2. An answer that is to be compressed is gathered, with its head. If the handler ends before it
 *     has waited, and the body is not too large, the body is encoded at once, and its length is
 *     known. If the handler fails, nothing was sent.
 *  3. If it waits, or yields more, the body is encoded as a stream. Before the handler waits for
 *     anything, the client gets all that the handler has yielded, and can decode it.
 *  4. node:zlib works in the background. To wait for it, a request is yielded to the driver, before
 *     what the handler has yielded. An error of the driver is thrown into the handler.
 *  5. The body of the request is decoded when it is read. What is wrong with it is an error at the
 *     `yield` that reads, and at all later ones.
 *  6. While the handler is elsewhere, or has taken the connection over, all goes through.
 */
import { Thrown } from "../compose/_thrown.ts";
import { concat } from "../compose/_bytes.ts";
import { type Chunk, toBytes } from "../compose/_chunks.ts";
import { throwInto } from "../compose/compose.ts";
import { runs } from "../compose/_traceback.ts";
import {
  compose,
  Composed,
  type Coroutine,
  EndOfStream,
  isRequest,
  type Request,
} from "../compose/mod.ts";
import { close } from "../pipeline/_plumbing.ts";
import { missing, tooMany, twoHeads } from "./_answer.ts";
import { utf8Length } from "./_characters.ts";
import { type CodedHead, codedHead } from "./_coded_head.ts";
import { END_OF_BODY, isGoodEnd, SHUT_DOWN, SHUT_DOWN_READING } from "./_good_end.ts";
import { Head } from "./_head.ts";
import { isForDriver, isTransfer } from "./_host.ts";
import { Switching } from "./_switching.ts";
import { Trailers } from "./_trailers.ts";
import type { Wire } from "./_wire.ts";
import { codecOf, levelOf } from "./content/_codecs.ts";
import { codecsOf } from "./content/_decoding.ts";
import { ZlibStream } from "./content/_zlib_stream.ts";
import type { CompressionOptions } from "./content/compression_for.ts";
import type { ContentCoding } from "./content/content_coding.ts";
import { decompress, type DecompressOptions } from "./content/decompress.ts";
import { encodeWhole } from "./content/encode_whole.ts";
import type { HttpRequest } from "./http_request.ts";
import { LocalProtocolError } from "./local_protocol_error.ts";
import { raw } from "./raw.ts";
import { RemoteProtocolError } from "./remote_protocol_error.ts";

/**
 * The answer is made now, for one client. At level 1 `gzip` and `deflate` take half the time of
 * level 2, and JSON has a third more bytes.
 */
function levelFor(coding: ContentCoding): number {
  return levelOf(codecOf(coding), coding === "gzip" || coding === "deflate" ? 1 : undefined);
}

/** The largest body that is encoded at once. Nothing else is done meanwhile. */
const MAX_WHOLE = 262_144;
/** How much of a stream is encoded together, in bytes, if the handler does not wait. */
const TOGETHER = 65_536;
/** Text of less characters stays text: mostly it is sent as it is. */
const SHORT = 1024;

/** What the handler has yielded of the body and was not encoded. */
class Gathered {
  #pieces: Chunk[] = [];
  length = 0;

  add(piece: Chunk, length: number): void {
    this.#pieces.push(piece);
    this.length += length;
  }

  drop(): void {
    this.#pieces = [];
    this.length = 0;
  }

  take(): Chunk {
    const pieces = this.#pieces;
    const { length } = this;
    this.drop();
    return pieces.length === 1 ? pieces[0]! : concat(pieces.map(toBytes), length);
  }
}

type Out =
  /** The head has not come. */
  | { state: "before" }
  /** All goes through. */
  | { state: "plain" }
  /** Nothing of the answer has been given to the exchange. `coded` is the head of a stream. */
  | { state: "gathering"; head: Head; coded: CodedHead; gathered: Gathered; left: number }
  | { state: "streaming"; stream: ZlibStream; gathered: Gathered; left: number };

type In =
  | { state: "plain" }
  /** Nothing has been read. */
  | { state: "encoded"; codings: string; options: DecompressOptions }
  /** The stage has to be resumed, or stands at the `yield` that reads, or waits for zlib. */
  | {
    state: "decoding";
    stage: Composed<void>;
    waitsFor: "nothing" | "the body" | Request<unknown>;
  }
  /** Each read throws this. */
  | { state: "over"; error: unknown };

const PLAIN = { state: "plain" } as const;

/** What it needs of the exchange. */
export interface Outside {
  /** Reads what has come of the body, or gives the error that ends it; undefined if more must come. */
  read(): Uint8Array | EndOfStream | undefined;
  /** Whether the client has gone. */
  isLost(): boolean;
  /** Tells what is wrong with what was encoded. */
  blame(error: unknown): void;
}

/** The handler's coroutine with codings, if there are any for this request. */
export function coded(
  handler: Composed<unknown>,
  request: HttpRequest,
  wire: Wire,
  compression: CompressionOptions | undefined,
  decompression: DecompressOptions | undefined,
  outside: Outside,
): Composed<unknown> {
  const codings = decompression !== undefined && request.hasBody
    ? request.headers.get("content-encoding")
    : undefined;
  if (compression === undefined && codings === undefined) return handler;
  const body: In = codings === undefined
    ? PLAIN
    : { state: "encoded", codings, options: decompression! };
  return new Coded(handler, new Coding(handler, request, wire, compression, body, outside));
}

class Coded extends Composed<unknown> {
  readonly #handler: Composed<unknown>;

  constructor(handler: Composed<unknown>, coding: Coding) {
    super(runs(coding.run(), () => [handler]));
    this.#handler = handler;
  }

  /** What the handler has pushed back. */
  override get rest(): unknown[] {
    return this.#handler.rest;
  }

  override set rest(values: unknown[]) {
    this.#handler.rest = values;
  }
}

export class Coding {
  readonly #handler: Composed<unknown>;
  readonly #request: HttpRequest;
  readonly #wire: Wire;
  readonly #outside: Outside;
  readonly #compression: CompressionOptions | undefined;
  #out: Out;
  #in: In;

  constructor(
    handler: Composed<unknown>,
    request: HttpRequest,
    wire: Wire,
    compression: CompressionOptions | undefined,
    body: In,
    outside: Outside,
  ) {
    this.#handler = handler;
    this.#request = request;
    this.#wire = wire;
    this.#compression = compression;
    this.#out = compression === undefined ? PLAIN : { state: "before" };
    this.#in = body;
    this.#outside = outside;
  }

  *run(): Coroutine<void> {
    try {
      yield* this.#runHandler();
      yield* this.#finish();
    } finally {
      if (this.#out.state === "streaming") this.#out.stream.close();
      if (this.#in.state === "decoding") this.#in.stage.return();
      yield* close(this.#handler, true, true);
    }
  }

  *#runHandler(): Coroutine<void> {
    let error: Thrown | undefined;
    for (let message: unknown;;) {
      const result = error === undefined
        ? next(this.#handler, message)
        : throwInto(this.#handler, error.error);
      if (result instanceof Thrown) {
        // The end of the body ends a handler quietly, if it has answered.
        if (this.#isCoding && isGoodEnd(result.error)) return;
        throw result.error;
      }
      if (result.done === true) return;
      message = error = undefined;
      try {
        message = this.#wire.isElsewhere ? yield result.value : yield* this.#handle(result.value);
      } catch (thrown) {
        error = new Thrown(thrown);
        // What is left would fail again, in the `finally`s of the handler.
        if (this.#outside.isLost()) this.#drop();
      }
    }
  }

  #drop(): void {
    const out = this.#out;
    if (out.state === "gathering" || out.state === "streaming") out.gathered.drop();
  }

  /** Whether there is an answer that the exchange does not have whole. */
  get #isCoding(): boolean {
    return this.#out.state === "gathering" || this.#out.state === "streaming";
  }

  /** Does what the handler has yielded, and gives the answer. */
  *#handle(value: unknown): Coroutine<unknown> {
    if (typeof value === "string" || value instanceof Uint8Array) return yield* this.#send(value);
    if (value === undefined) return yield* this.#read();
    if (value instanceof Head) return yield* this.#begin(value);
    if (value instanceof Switching) return yield* this.#takeOver(value, value.head);
    if (isTransfer(value)) yield* this.#leaveAsItIs();
    else if (value === raw && this.#out.state === "before") this.#out = PLAIN;
    else if (value instanceof Trailers || isForDriver(value)) yield* this.#flush();
    return yield value;
  }

  // The answer

  *#begin(head: Head): Coroutine<void> {
    const { status } = head;
    if (status === 101 || (this.#request.method === "CONNECT" && status >= 200 && status < 300)) {
      return yield* this.#takeOver(head, head);
    }
    if (this.#isCoding) throw twoHeads(status);
    if (this.#out.state === "plain" || status < 200) yield head;
    else {
      const coded = this.#decide(head, head.contentLength);
      if (coded.coding === undefined) {
        yield coded.head;
        this.#out = PLAIN;
      } else {
        const left = head.contentLength ?? Infinity;
        this.#out = { state: "gathering", head, coded, gathered: new Gathered(), left };
      }
    }
  }

  *#takeOver(value: Head | Switching, { status }: Head): Coroutine<void> {
    if (this.#isCoding) throw twoHeads(status);
    yield value;
    this.#out = this.#in = PLAIN;
  }

  #decide(head: Head, length: number | undefined): CodedHead {
    return codedHead(
      head,
      length,
      this.#request.headers.get("accept-encoding"),
      this.#compression!,
    );
  }

  *#send(data: Chunk): Coroutine<void> {
    let out = this.#out;
    if (out.state === "before" || out.state === "plain") {
      yield data;
      return;
    }
    if (data.length === 0) return;
    const piece = data.length >= SHORT ? toBytes(data) : data;
    const length = typeof piece === "string" ? utf8Length(piece) : piece.length;
    if (length > out.left) throw tooMany(length, out.left);
    if (out.state === "gathering" && out.gathered.length + length > MAX_WHOLE) {
      yield* this.#flush();
      out = this.#out;
      if (out.state !== "streaming") return yield* this.#send(data);
    }
    out.left -= length;
    out.gathered.add(piece, length);
    if (out.state === "streaming" && out.gathered.length >= TOGETHER) yield* this.#flush();
  }

  /** Sends all that has gathered, and the head, because the handler waits, or it is too much. */
  *#flush(): Coroutine<void> {
    if (this.#out.state === "gathering") {
      const { coded: { head, coding }, gathered, left } = this.#out;
      if (this.#request.method === "HEAD") {
        this.#out = PLAIN;
        yield head;
        this.#wire.answer.flush();
        return;
      }
      const stream = new ZlibStream(codecOf(coding!).encoder(levelFor(coding!)));
      this.#out = { state: "streaming", stream, gathered, left };
      yield head;
    }
    if (this.#out.state !== "streaming") return;
    const { stream, gathered } = this.#out;
    if (gathered.length > 0) yield* stream.write(toBytes(gathered.take()));
  }

  /** The body of the answer is transferred by the kernel. */
  *#leaveAsItIs(): Coroutine<void> {
    const out = this.#out;
    if (out.state === "streaming") {
      throw new LocalProtocolError(
        "Cannot transfer: a part of the body has been compressed. Give the head a Content-Encoding of its own, or " +
          "`cache-control: no-transform`, or begin with the transfer",
      );
    }
    if (out.state !== "gathering") return;
    this.#out = PLAIN;
    yield out.head;
    if (out.gathered.length > 0) yield out.gathered.take();
  }

  /** The handler has ended. */
  *#finish(): Coroutine<void> {
    const out = this.#out;
    if (this.#wire.isElsewhere || out.state === "before" || out.state === "plain") return;
    const { gathered, left } = out;
    const { length } = gathered;
    const headOnly = this.#request.method === "HEAD" && length === 0;
    if (!headOnly && left > 0 && left < Infinity) throw missing(left);
    if (out.state === "streaming") {
      yield* this.#flush();
      yield* out.stream.end();
      return;
    }
    this.#out = PLAIN;
    if (headOnly && out.head.contentLength !== undefined) {
      yield out.coded.head;
      this.#wire.answer.flush();
      return;
    }
    const { coding, head } = length === 0
      ? { coding: undefined, head: out.head }
      : this.#decide(out.head, length);
    yield head;
    if (length === 0) return;
    const body = gathered.take();
    yield coding === undefined ? body : encodeWhole(coding, body, { level: levelFor(coding) });
  }

  // The body of the request

  *#read(): Coroutine<unknown> {
    if (this.#in.state === "encoded") {
      const { codings, options } = this.#in;
      try {
        this.#in = codecsOf(codings).length === 0 ? PLAIN : {
          state: "decoding",
          stage: compose(decompress(codings, options)),
          waitsFor: "nothing",
        };
      } catch (error) {
        this.#in = { state: "over", error };
      }
    }
    const from = this.#in;
    if (from.state === "over") throw from.error;
    if (from.state !== "decoding") return yield* this.#receive();
    try {
      return yield* this.#decode(from);
    } catch (error) {
      // What is wrong with the reading is told again by the exchange.
      if (from.waitsFor !== "nothing" && error !== END_OF_BODY) {
        throw error === SHUT_DOWN ? SHUT_DOWN_READING : error;
      }
      from.stage.return();
      if (error !== END_OF_BODY) this.#outside.blame(error);
      this.#in = { state: "over", error };
      throw error;
    }
  }

  *#decode(from: In & { state: "decoding" }): Coroutine<unknown> {
    const { stage } = from;
    let end: EndOfStream | undefined;
    let error: Thrown | undefined;
    for (let message: unknown;;) {
      const { waitsFor } = from;
      if (waitsFor === "the body") {
        try {
          message = yield* this.#receive();
        } catch (thrown) {
          if (thrown !== END_OF_BODY) throw thrown;
          end = END_OF_BODY;
          error = new Thrown(thrown);
        }
      } else if (waitsFor !== "nothing") {
        // Zlib tells its failures otherwise. So what is thrown here is for the handler alone, and the
        // stage goes on waiting.
        message = yield waitsFor;
      }
      from.waitsFor = "nothing";
      const result = error === undefined ? next(stage, message) : throwInto(stage, error.error);
      message = error = undefined;
      if (result instanceof Thrown) throw cut(result.error);
      const { value } = result;
      if (result.done === true) throw end!;
      if (value === undefined) from.waitsFor = "the body";
      else if (!isRequest(value)) return value;
      else from.waitsFor = value;
    }
  }

  /** Reads what has come, as it is. */
  *#receive(): Coroutine<unknown> {
    const piece = this.#outside.read();
    if (piece instanceof EndOfStream) throw piece;
    if (piece !== undefined) return piece;
    // The client may wait for the answer before it sends more.
    if (!this.#wire.body.isWithinLine) yield* this.#flush();
    return yield;
  }
}

function next(handler: Composed<unknown>, message: unknown): IteratorResult<unknown> | Thrown {
  try {
    return handler.next(message);
  } catch (error) {
    return new Thrown(error);
  }
}

/** An end while data are decoded must not be taken for the end of the body. */
function cut(error: unknown): unknown {
  if (!(error instanceof EndOfStream)) return error;
  return new RemoteProtocolError("Cannot decode the body: it was cut", { cause: error });
}
