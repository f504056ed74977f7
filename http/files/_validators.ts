import type { Opened } from "./_root.ts";

/** What tells one version of a file from another, and how it is sent. */
export interface FileValidators {
  readonly etag: string | undefined;
  readonly lastModified: number | undefined;
}

/** So long after it was modified, a file cannot be modified again at the same time of its clock. */
const SETTLED_MS = 2000;

/**
 * Makes the validators of a file of its size and the time when it was modified.
 *
 * The tag is weak for the first two seconds, since the file may be modified again without a change
 * of these. Then it is the same, but strong (RFC 9110 8.8.1), as ranges need it.
 *
 * @param coding The coding of a sibling: each one has its own tag (RFC 9110 8.8.3.3).
 */
export function validatorsOf(
  { size, modified }: Opened,
  coding: string | undefined,
  now: number,
): FileValidators {
  if (modified === undefined) return { etag: undefined, lastModified: undefined };
  const ending = coding === undefined ? "" : `-${coding}`;
  const tag = `"${size.toString(16)}-${modified.toString(16)}${ending}"`;
  const etag = now - modified > SETTLED_MS ? tag : `W/${tag}`;
  // RFC 9110 8.8.2.1: a server MUST NOT send one that is later than Date.
  return { etag, lastModified: Math.min(modified, now) };
}
