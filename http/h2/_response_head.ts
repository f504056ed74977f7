/**
 * Makes a response of the fields of its head (RFC 9113 8.3.2).
 *
 * In: the fields. Out: the status, and the header lines as HTTP/1.1 has them, in bytes of their own. What
 * is malformed is a StreamError.
 */
import { isDigit } from "../_characters.ts";
import type { ResponseHead } from "../client/_carrier.ts";
import type { FieldList } from "./_field_list.ts";
import { checkField, isNamed, lengthOf, malformed, NONE } from "./_field_rules.ts";

const COLON = 0x3a;

/** The head of a response. Responses with the same head share it. */
export class H2ResponseHead implements ResponseHead {
  readonly version = "2";
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly headersFrom = 0;
  readonly headersTo: number;
  readonly reasonFrom = 0;
  readonly reasonTo = 0;
  readonly bodyLength: number;

  constructor(list: FieldList, maxHeaders: number) {
    const { at, bytes } = list;
    const end = 3 * list.count;
    if (list.isTooLarge || list.count - 1 > maxHeaders) throw malformed("a head that is too large");
    this.status = statusOf(list);
    let length = NONE;
    for (let field = 3; field < end; field += 3) {
      if (bytes[at[field]!] === COLON) {
        throw malformed("a pseudo-field other than one :status (RFC 9113 8.3.2)");
      }
      checkField(list, field);
      if (isNamed(list, field, "content-length")) length = lengthOf(list, field, length);
    }
    this.bodyLength = length === NONE ? Infinity : length;
    this.bytes = bytes.slice(end > 3 ? at[3]! : list.length, list.length);
    this.headersTo = this.bytes.length;
  }
}

/** RFC 9113 8.3.2: :status comes first, and is the only pseudo-field. RFC 9110 15: three digits. */
function statusOf(list: FieldList): number {
  const { at, bytes } = list;
  const from = at[1]!;
  if (list.count === 0 || !isNamed(list, 0, ":status")) {
    throw malformed("a response without :status (RFC 9113 8.3.2)");
  }
  let status = 0;
  for (let i = from; i < at[2]!; i++) {
    status = isDigit(bytes[i]!) ? 10 * status + bytes[i]! - 0x30 : NaN;
  }
  if (!(at[2]! - from === 3 && status >= 100)) throw malformed("an invalid :status");
  // RFC 9113 8.6: there is no 101.
  if (status === 101) throw malformed("status 101 (RFC 9113 8.6)");
  return status;
}
