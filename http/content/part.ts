import { call, type Coroutine } from "../../compose/mod.ts";
import { machinery } from "../../compose/_machinery.ts";
import type { HttpHeaders } from "../http_headers.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";
import type { FormReader, PartHead } from "./_form_source.ts";
import { Gathered } from "./_gathered.ts";

/**
 * A part of a form: a field or a file, as {@linkcode Parts.next} gives it.
 *
 * Its data are read once, by `text()`, `bytes()`, `read()` or `chunks()`, before the next part is
 * asked for. What is not read is skipped then.
 *
 * @example The hash of a file, while it arrives
 * ```ts
 * import { createHash } from "node:crypto";
 * import { call, type Coroutine, EndOfStream, retval } from "@weightless/io/compose";
 * import { form, type Part } from "@weightless/io/http";
 * import { pipe } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * function* sha1(): Coroutine<string> {
 *   const hash = createHash("sha1");
 *   try {
 *     for (;;) hash.update(yield);
 *   } catch (error) {
 *     if (!(error instanceof EndOfStream)) throw error;
 *   }
 *   return hash.digest("hex");
 * }
 * function* upload(): Coroutine {
 *   const part: Part = (yield* call(form("multipart/form-data; boundary=x").next()))!;
 *   const digest = yield* call(pipe(part.chunks(), sha1()));
 *   return [part.name, part.filename, part.type, digest];
 * }
 *
 * const body = `--x\r\nContent-Disposition: form-data; name="f"; filename="C:\\a\\b.txt"\r\n\r\n` +
 *   "abc\r\n--x--\r\n";
 * assertEquals(retval(upload(), [body]), [
 *   "f",
 *   "b.txt",
 *   "text/plain",
 *   "a9993e364706816aba3e25717850c26c9cd0d89d",
 * ]);
 * ```
 *
 * @category Forms
 */
export interface Part {
  /** The name of the field. It is empty if there is none, in a body that is no form. */
  readonly name: string;
  /** The header lines of the part. */
  readonly headers: HttpHeaders;
  /**
   * The parameters of the Content-Disposition as the client chose them. The file name in it may be a
   * path, or anything else: see {@linkcode Part.filename}.
   */
  readonly disposition: ReadonlyMap<string, string>;
  /**
   * The name of the file: the last component of what the client sent, without separators, control
   * characters and what changes the direction of text. It is undefined if the part is no file. It is
   * empty if nothing is left, and if the user has chosen no file.
   *
   * Two files may have the same name, and it may be that of a file that is there already.
   */
  readonly filename: string | undefined;
  /**
   * The media type of the data, in lower case and without parameters. It is `text/plain` if the
   * client gave none (RFC 7578 4.4).
   */
  readonly type: string;
  /**
   * Reads more of the data: `const piece = yield* call(part.read())`.
   *
   * @returns A coroutine that gives the next piece, or undefined at the end. Pieces are views of what
   * was received, of any size but not empty.
   * @throws {RemoteProtocolError} If the form is malformed, too large or ends too early.
   * @throws {LocalProtocolError} If the next part was asked for before.
   */
  read(): Coroutine<Uint8Array | undefined>;
  /**
   * The data as the first stage of a pipeline: `yield* call(pipe(part.chunks(), ...stages))`.
   *
   * @returns A coroutine that yields the pieces, and ends with the part.
   * @throws {RemoteProtocolError} If the form is malformed, too large or ends too early.
   * @throws {LocalProtocolError} If the next part was asked for before.
   */
  chunks(): Coroutine<void>;
  /**
   * Reads the rest of the data: `const bytes = yield* call(part.bytes())`.
   *
   * @param max How many bytes it reads at most. More is an error with status 413. It is the
   * `maxFieldBytes` of the form unless given.
   * @returns A coroutine that gives the bytes. You may keep them.
   * @throws {RemoteProtocolError} If there is more, or the form is malformed, too large or ends too
   * early.
   * @throws {LocalProtocolError} If the next part was asked for before.
   */
  bytes(max?: number): Coroutine<Uint8Array<ArrayBuffer>>;
  /**
   * Reads the rest of the data as text in UTF-8: `const text = yield* call(part.text())`.
   *
   * @param max How many bytes it reads at most. More is an error with status 413. It is the
   * `maxFieldBytes` of the form unless given.
   * @returns A coroutine that gives the text. What is not UTF-8 becomes U+FFFD.
   * @throws {RemoteProtocolError} If there is more, or the form is malformed, too large or ends too
   * early.
   * @throws {LocalProtocolError} If the next part was asked for before.
   */
  text(max?: number): Coroutine<string>;
}

/** What {@linkcode Part} is for the form that it is of. */
export class FormPart implements Part {
  readonly #reader: FormReader;
  /** What there is to be read; it belongs to the part that was asked for last. */
  #state: "data" | "ended" | "skipped" = "data";
  readonly name: string;
  readonly headers: HttpHeaders;
  readonly disposition: ReadonlyMap<string, string>;

  constructor(reader: FormReader, { name, headers, disposition }: PartHead) {
    this.#reader = reader;
    this.name = name;
    this.headers = headers;
    this.disposition = disposition;
  }

  get filename(): string | undefined {
    const name = this.disposition.get("filename");
    if (name === undefined) return undefined;
    const last = name
      .slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1)
      .replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, "");
    return last === "." || last === ".." ? "" : last;
  }

  get type(): string {
    const type = this.headers.get("content-type");
    return type === undefined ? "text/plain" : type.split(";", 1)[0]!.trim().toLowerCase();
  }

  *read(): Coroutine<Uint8Array | undefined> {
    if (this.#state === "ended") return undefined;
    this.#check();
    const piece = yield* call(this.#reader.piece());
    if (piece !== null) return piece;
    this.#state = "ended";
    return undefined;
  }

  *chunks(): Coroutine<void> {
    for (let piece; (piece = yield* call(this.read())) !== undefined;) yield piece;
  }

  *bytes(max: number = this.#reader.limits.maxFieldBytes): Coroutine<Uint8Array<ArrayBuffer>> {
    const all = new Gathered();
    if (this.#state !== "ended") {
      this.#check();
      yield* call(this.#reader.pieces(all, max));
      this.#state = "ended";
    }
    return all.take();
  }

  *text(max?: number): Coroutine<string> {
    return new TextDecoder().decode(yield* call(this.bytes(max)));
  }

  /** Called when the next part is asked for. */
  skip(): void {
    if (this.#state === "data") this.#state = "skipped";
  }

  #check(): void {
    if (this.#state === "data") return;
    throw new LocalProtocolError(
      `Cannot read part ${
        JSON.stringify(this.name)
      }: it was skipped when the next one was asked for; read it before`,
    );
  }
}

const { read, chunks, bytes, text } = FormPart.prototype;
machinery(import.meta.url, read, chunks, bytes, text);
