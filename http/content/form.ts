import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { allFormLimits } from "./_form_limits.ts";
import { MultipartSource } from "./_form_multipart.ts";
import { FormReader } from "./_form_source.ts";
import { UrlencodedSource } from "./_form_urlencoded.ts";
import { parametersOf } from "./_parameters.ts";
import type { FormLimits } from "./form_limits.ts";
import type { HeaderParameters } from "./header_parameters.ts";
import { FormParts, type Parts } from "./parts.ts";

/** RFC 2046 5.1.1: boundary := 0*69<bchars> bcharsnospace */
const BOUNDARY = /^[\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?]$/;

/**
 * Reads a form part by part, while it arrives: multipart/form-data (RFC 7578) as well as
 * application/x-www-form-urlencoded. Nothing of it is kept, so it may be of any size.
 *
 * In a handler, {@linkcode HttpRequest.form} is the same with the type of the request.
 *
 * @param contentType The Content-Type of the body; undefined if there is none.
 * @param limits How much the form may have. Those that are missing are the defaults.
 * @returns The parts.
 * @throws {RemoteProtocolError} With status 415 if that is no type of a form, with 400 if it is
 * malformed.
 * @throws {RangeError} If a limit is no whole number, or Infinity.
 * @throws {TypeError} If there is no such limit.
 *
 * @example A field and a file
 * ```ts
 * import { call, type Coroutine, retval } from "@weightless/io/compose";
 * import { form } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * function* sizes(): Coroutine {
 *   const parts = form(`multipart/form-data; boundary="x"`);
 *   const seen: unknown[] = [];
 *   for (let part; (part = yield* call(parts.next())) !== undefined;) {
 *     if (part.filename === undefined) seen.push(yield* call(part.text()));
 *     else {
 *       let size = 0;
 *       for (let piece; (piece = yield* call(part.read())) !== undefined;) size += piece.length;
 *       seen.push([part.filename, size]);
 *     }
 *   }
 *   return seen;
 * }
 *
 * const body = `--x\r\nContent-Disposition: form-data; name="who"\r\n\r\nAda\r\n` +
 *   `--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n1234\r\n--x--\r\n`;
 * assertEquals(retval(sizes(), [...body]), ["Ada", ["a.bin", 4]]);
 * ```
 *
 * @category Forms
 */
export function form(contentType: string | undefined, limits: Partial<FormLimits> = {}): Parts {
  const all = allFormLimits(limits);
  const { value, parameters } = typeOf(contentType);
  switch (value) {
    case "multipart/form-data":
      return partsOf(parameters, true, all);
    case "application/x-www-form-urlencoded":
      return new FormParts(new FormReader(new UrlencodedSource(all.maxFieldBytes), all));
    default:
      throw new RemoteProtocolError(
        "Cannot read the form: its type is neither multipart/form-data nor application/x-www-form-urlencoded",
        { status: 415 },
      );
  }
}

/**
 * Reads any multipart body part by part, while it arrives, such as one of multipart/byteranges or
 * multipart/mixed. Its parts need no names.
 *
 * @param contentType The Content-Type of the body; undefined if there is none.
 * @param limits How much the body may have. Those that are missing are the defaults.
 * @returns The parts.
 * @throws {RemoteProtocolError} With status 415 if that is no multipart type, with 400 if it is
 * malformed.
 * @throws {RangeError} If a limit is no whole number, or Infinity.
 * @throws {TypeError} If there is no such limit.
 *
 * @example Ranges of a file
 * ```ts
 * import { call, type Coroutine, retval } from "@weightless/io/compose";
 * import { multipart } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * function* ranges(): Coroutine {
 *   const parts = multipart("multipart/byteranges; boundary=x");
 *   const seen: unknown[] = [];
 *   for (let part; (part = yield* call(parts.next())) !== undefined;) {
 *     seen.push(part.headers.get("content-range"), yield* call(part.text()));
 *   }
 *   return seen;
 * }
 *
 * const body = "--x\r\nContent-Range: bytes 0-1/9\r\n\r\nAB\r\n" +
 *   "--x\r\nContent-Range: bytes 7-8/9\r\n\r\nHI\r\n--x--";
 * assertEquals(retval(ranges(), [body]), ["bytes 0-1/9", "AB", "bytes 7-8/9", "HI"]);
 * ```
 *
 * @category Forms
 */
export function multipart(
  contentType: string | undefined,
  limits: Partial<FormLimits> = {},
): Parts {
  const all = allFormLimits(limits);
  const { value, parameters } = typeOf(contentType);
  if (!value.startsWith("multipart/")) {
    throw new RemoteProtocolError("Cannot read the parts of a body that is not multipart", {
      status: 415,
    });
  }
  return partsOf(parameters, value === "multipart/form-data", all);
}

function typeOf(contentType = ""): HeaderParameters {
  return contentType === ""
    ? { value: "", parameters: new Map() }
    : parametersOf("Content-Type", contentType);
}

function partsOf(
  parameters: ReadonlyMap<string, string>,
  isForm: boolean,
  limits: FormLimits,
): Parts {
  const boundary = parameters.get("boundary");
  if (boundary === undefined || !BOUNDARY.test(boundary)) {
    throw new RemoteProtocolError(
      "Cannot read the form: its type has no proper boundary (RFC 2046 5.1.1)",
    );
  }
  return new FormParts(
    new FormReader(new MultipartSource(boundary, isForm, limits.maxPartHeadBytes), limits),
  );
}
