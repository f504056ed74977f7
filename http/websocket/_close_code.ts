/** Status codes of Close (RFC 6455 7.4). */
export const NORMAL = 1000;
export const GOING_AWAY = 1001;
export const PROTOCOL_ERROR = 1002;
/** Only told of a Close without a code, never sent. */
export const NO_STATUS = 1005;
/** Only told of a connection that has ended without a Close, never sent. */
export const ABNORMAL = 1006;
export const INVALID_PAYLOAD = 1007;
export const POLICY_VIOLATION = 1008;
export const TOO_BIG = 1009;
export const INTERNAL_ERROR = 1011;

/**
 * Whether a Close may have this code. RFC 6455 7.4.1: 1005, 1006 and 1015 are never sent; 1004 and the
 * rest below 3000 have no meaning yet. IANA has given 1012 to 1014 meanings since. 7.4.2: libraries
 * and applications have 3000 to 4999.
 */
export function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006);
}
