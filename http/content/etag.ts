import { createHash } from "node:crypto";
import { toBytes } from "../../compose/_chunks.ts";
import { whole } from "../../reactor/_whole.ts";
import { shown } from "../../reactor/_describe.ts";

/**
 * Makes a strong entity tag of a body (RFC 9110 8.8.3): equal ones mean equal bytes.
 *
 * @param body Bytes, or text, which is made UTF-8.
 * @returns The value for the header ETag.
 *
 * @example A tag
 * ```ts
 * import { etagOf } from "@weightless/io/http";
 * import { assertEquals, assertNotEquals } from "@std/assert";
 *
 * assertEquals(etagOf("Hello"), '"5-GF-NsyJx_iX1Yab8k4suJkMG7DB"');
 * assertNotEquals(etagOf("Hello"), etagOf("hello"));
 * ```
 *
 * @category Content
 */
export function etagOf(body: Uint8Array | string): string {
  const bytes = toBytes(body);
  const digest = createHash("sha256").update(bytes).digest("base64url");
  return `"${bytes.length.toString(16)}-${digest.slice(0, 27)}"`;
}

/**
 * Makes a weak entity tag of the size of a file and the time at which it was modified (RFC 9110
 * 8.8.1): it may have been modified twice within the resolution of the clock.
 *
 * @param file Its size in bytes, and the time, as `Deno.stat()` gives them.
 * @returns The value for the header ETag.
 * @throws {RangeError} If the size is no number of bytes, or the time is invalid.
 *
 * @example The tag of a file
 * ```ts
 * import { weakEtag } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const file = { size: 4096, mtime: new Date("2026-01-02T03:04:05.678Z") };
 * assertEquals(weakEtag(file), 'W/"1000-19b7ca98f2e"');
 * ```
 *
 * @category Content
 */
export function weakEtag(file: { size: number; mtime: Date | number | null }): string {
  const { size, mtime } = file;
  whole(size, "make an entity tag: the size");
  const time = Number(mtime);
  if (!Number.isFinite(time)) {
    throw new RangeError(`Cannot make an entity tag of the time ${shown(mtime)}`);
  }
  return `W/"${size.toString(16)}-${Math.floor(time).toString(16)}"`;
}
