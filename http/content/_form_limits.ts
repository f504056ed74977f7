import { refuseUnknown } from "../../reactor/_known.ts";
import { whole } from "../../reactor/_whole.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import type { FormLimits } from "./form_limits.ts";

const DEFAULTS: FormLimits = {
  maxParts: 1000,
  maxPartHeadBytes: 8192,
  maxFieldBytes: 1024 * 1024,
  maxBytes: Infinity,
};

/**
 * Adds the defaults to the limits that were given.
 *
 * @throws {RangeError} If one is no whole number, or Infinity.
 * @throws {TypeError} If there is no such limit.
 */
export function allFormLimits(given: Partial<FormLimits>): FormLimits {
  const limits = { ...DEFAULTS };
  refuseUnknown("limit a form", given, Object.keys(DEFAULTS));
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    limits[name as keyof FormLimits] = whole(value, `limit a form: ${name}`);
  }
  return limits;
}

/** `what` is too large: the end of a sentence. */
export function tooMuch(what: string): RemoteProtocolError {
  return new RemoteProtocolError(`Cannot read the form: ${what}`, { status: 413 });
}

/** `what` is wrong with a form: the end of a sentence. */
export function badForm(what: string): RemoteProtocolError {
  return new RemoteProtocolError(`Cannot read the form: ${what}`);
}
