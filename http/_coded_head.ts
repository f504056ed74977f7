import {
  type Compression,
  compressionFor,
  type CompressionOptions,
} from "./content/compression_for.ts";
import type { ContentCoding } from "./content/content_coding.ts";
import { Head } from "./_head.ts";

/** What is known of a head that a handler has yielded. */
interface Known {
  readonly lines: readonly (readonly [name: string, value: string])[];
  readonly fields: ReadonlyMap<string, string>;
  /** The heads that were made of it, for each coding; undefined is for the body as it is. */
  readonly made: Map<ContentCoding | undefined, Head>;
}

const known = new WeakMap<Head, Known>();

/** How a body is sent, and the head that says so. */
export interface CodedHead {
  readonly coding: ContentCoding | undefined;
  readonly head: Head;
}

/**
 * Decides how the body of an answer is sent.
 *
 * @param contentLength How many bytes the body has, if that is known.
 */
export function codedHead(
  head: Head,
  contentLength: number | undefined,
  acceptEncoding: string | undefined,
  options: CompressionOptions,
): CodedHead {
  const about = knownOf(head);
  const { fields } = about;
  const contentType = fields.get("content-type");
  if (contentType === undefined) return { coding: undefined, head };
  const compression = compressionFor(
    {
      status: head.status,
      contentLength,
      contentType,
      contentEncoding: fields.get("content-encoding"),
      contentRange: fields.get("content-range"),
      cacheControl: fields.get("cache-control"),
      etag: fields.get("etag"),
      vary: fields.get("vary"),
    },
    acceptEncoding,
    options,
  );
  if (compression === undefined) return { coding: undefined, head };
  const { coding } = compression;
  let made = about.made.get(coding);
  if (made === undefined) about.made.set(coding, made = changed(head, about, compression));
  return { coding, head: made };
}

const varied = new WeakMap<CompressionOptions, WeakMap<Head, Head>>();

/**
 * The head for a client that accepts no coding: caches are told that others may get another body. It
 * is remembered, because a handler may yield the same head each time.
 */
export function variedHead(head: Head, options: CompressionOptions): Head {
  let heads = varied.get(options);
  if (heads === undefined) varied.set(options, heads = new WeakMap());
  let made = heads.get(head);
  if (made === undefined) {
    heads.set(head, made = codedHead(head, head.contentLength, undefined, options).head);
  }
  return made;
}

function knownOf(head: Head): Known {
  let about = known.get(head);
  if (about !== undefined) return about;
  const lines: [string, string][] = [];
  const fields = new Map<string, string>();
  for (const line of head.text.split("\r\n").slice(1, -1)) {
    const colon = line.indexOf(": ");
    const name = line.slice(0, colon), value = line.slice(colon + 2);
    lines.push([name, value]);
    const key = name.toLowerCase();
    const before = fields.get(key);
    fields.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  known.set(head, about = { lines, fields, made: new Map() });
  return about;
}

function changed(head: Head, { lines }: Known, { headers }: Compression): Head {
  const all: (readonly [string, string | number])[] = lines.filter(([name]) =>
    !Object.hasOwn(headers, name.toLowerCase())
  );
  // These are not among the lines.
  if (head.close) all.push(["connection", "close"]);
  if (head.contentLength !== undefined && !Object.hasOwn(headers, "content-length")) {
    all.push(["content-length", head.contentLength]);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) all.push([name, value]);
  }
  return new Head(head.status, all);
}
