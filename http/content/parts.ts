import { call, type Coroutine } from "../../compose/mod.ts";
import { machinery } from "../../compose/_machinery.ts";
import type { FormReader } from "./_form_source.ts";
import { FormPart, type Part } from "./part.ts";

/**
 * The parts of a form, or of another multipart body, one after the other, as {@linkcode form},
 * {@linkcode multipart} and {@linkcode HttpRequest.form} give them.
 *
 * It reads by bare `yield`s what it needs. So nothing else may read the body meanwhile.
 *
 * @example The names of all fields
 * ```ts
 * import { call, type Coroutine, retval } from "@weightless/io/compose";
 * import { form, type Parts } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * function* names(parts: Parts): Coroutine<string[]> {
 *   const all: string[] = [];
 *   for (let part; (part = yield* call(parts.next())) !== undefined;) all.push(part.name);
 *   return all;
 * }
 *
 * const fields = form("application/x-www-form-urlencoded");
 * assertEquals(retval(names(fields), ["a=1&b", "=2&c=3"]), ["a", "b", "c"]);
 * ```
 *
 * @category Forms
 */
export interface Parts {
  /**
   * Reads on to the next part: `const part = yield* call(form.next())`. What was not read of the
   * last one is skipped.
   *
   * @returns A coroutine that gives the part, or undefined when the body has been read to its end.
   * @throws {RemoteProtocolError} If the form is malformed, too large or ends too early.
   */
  next(): Coroutine<Part | undefined>;
}

/** What {@linkcode Parts} is for those who make it. */
export class FormParts implements Parts {
  readonly #reader: FormReader;
  #current: FormPart | undefined;
  #ended = false;

  constructor(reader: FormReader) {
    this.#reader = reader;
  }

  *next(): Coroutine<Part | undefined> {
    if (this.#ended) return undefined;
    this.#current?.skip();
    const head = yield* call(this.#reader.part());
    this.#ended = head === null;
    return this.#current = head === null ? undefined : new FormPart(this.#reader, head);
  }
}

machinery(import.meta.url, FormParts.prototype.next);
