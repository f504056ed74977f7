import { refuseUnknown } from "../../reactor/_known.ts";
import { whole } from "../../reactor/_whole.ts";
import { listOf } from "../h1/_field_values.ts";
import { AVAILABLE, codecOf } from "./_codecs.ts";
import { isWeak } from "./_etags.ts";
import type { ContentCoding } from "./content_coding.ts";
import { preferredEncoding } from "./preferred.ts";

/**
 * What {@linkcode compressionFor} has to know of a response: its status, and the headers it has.
 *
 * @category Compression
 */
export interface CompressibleResponse {
  /** The status. */
  status: number;
  /** How many bytes the body has, if that is known. */
  contentLength?: number | undefined;
  /** Content-Type. Without it, nothing is known of the body, and it is sent as it is. */
  contentType?: string | undefined;
  /** Content-Encoding: what has one is compressed already. */
  contentEncoding?: string | undefined;
  /** Content-Range: a part cannot be compressed, since the whole was not. */
  contentRange?: string | undefined;
  /** Cache-Control: with `no-transform` nothing is changed. */
  cacheControl?: string | undefined;
  /** ETag. */
  etag?: string | undefined;
  /** Vary. */
  vary?: string | undefined;
}

/**
 * Options of {@linkcode compressionFor}.
 *
 * @category Compression
 */
export interface CompressionOptions {
  /**
   * Bodies of less bytes are sent as they are.
   *
   * @default {1024}
   */
  minBytes?: number;
  /**
   * The codings to use, the best first; those for which the client has the same weight are chosen
   * in this order.
   *
   * @default {["zstd", "gzip", "br", "deflate"], as far as they are available}
   */
  codings?: readonly ContentCoding[];
  /**
   * Which media types are worth it; they are in lower case and without parameters. The default is
   * text, but not `text/event-stream`, whose streams are many and would each need memory for a long
   * time; JSON, XML, scripts, fonts that are not compressed, and the like.
   *
   * @default {text and what is like it}
   */
  isCompressible?: (type: string) => boolean;
}

/**
 * What to do with a response.
 *
 * @category Compression
 */
export interface Compression {
  /** How to encode the body; undefined if it is sent as it is. */
  readonly coding: ContentCoding | undefined;
  /** The headers to set, or to remove where the value is undefined. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

const MIN_BYTES = 1024;
/** Of how many different values of Accept-Encoding, and so on, the outcome is remembered. */
const MAX_REMEMBERED = 256;

/**
 * Decides whether a response is compressed, and how (RFC 9110 8.4, 12.5.3).
 *
 * It is not if its status has no body or stands for a part, if it is encoded already, says
 * `no-transform`, is small, or is of a type that would not become smaller. Otherwise the client
 * chooses. Then caches are told by Vary, also if this client gets the body as it is. If the body is
 * encoded, Content-Length and Accept-Ranges go, and a strong ETag becomes weak, for it means bytes.
 * A HEAD gets what a GET would.
 *
 * @param response What is known of the response.
 * @param acceptEncoding Accept-Encoding of the request.
 * @param options What to compress, and how.
 * @returns What to do; undefined if nothing is to be done.
 * @throws {TypeError} If a coding is unknown.
 * @throws {RangeError} If `minBytes` is no number of bytes.
 *
 * @example A page
 * ```ts
 * import { compressionFor } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const page = { status: 200, contentType: "text/html", contentLength: 5000, etag: '"1"' };
 * assertEquals(compressionFor(page, "gzip, br"), {
 *   coding: "gzip",
 *   headers: {
 *     "content-encoding": "gzip",
 *     "content-length": undefined,
 *     "accept-ranges": undefined,
 *     etag: 'W/"1"',
 *     vary: "accept-encoding",
 *   },
 * });
 * assertEquals(compressionFor(page, undefined), {
 *   coding: undefined,
 *   headers: { vary: "accept-encoding" },
 * });
 * assertEquals(compressionFor({ ...page, contentType: "image/png" }, "gzip"), undefined);
 * ```
 *
 * @category Compression
 */
export function compressionFor(
  response: CompressibleResponse,
  acceptEncoding: string | null | undefined,
  options: CompressionOptions = DEFAULTS,
): Compression | undefined {
  const { status, contentType, contentLength, contentEncoding, contentRange, cacheControl } =
    response;
  const policy = policyOf(options);
  if (contentType === undefined || contentEncoding !== undefined) return undefined;
  if (contentLength !== undefined && contentLength < policy.minBytes) return undefined;
  if (!hasWholeBody(status) || contentRange !== undefined) return undefined;
  if (!policy.isCompressible(contentType)) return undefined;
  // RFC 9111 5.2.2.6: no-transform.
  if (cacheControl !== undefined && listOf(cacheControl).includes("no-transform")) return undefined;

  const coding = policy.codingFor(acceptEncoding ?? undefined);
  const { etag } = response;
  const vary = varyWith(response.vary);
  if (coding === undefined) {
    return vary === undefined ? undefined : { coding, headers: { vary } };
  }
  return {
    coding,
    headers: {
      "content-encoding": coding,
      "content-length": undefined,
      "accept-ranges": undefined,
      // RFC 9110 8.8.1: a strong one would have to differ from that of the other encodings.
      ...etag !== undefined && !isWeak(etag) ? { etag: `W/${etag}` } : undefined,
      ...vary !== undefined ? { vary } : undefined,
    },
  };
}

/** Whether there is a coding that the client accepts. If not, no body is encoded for it. */
export function isAnyAccepted(
  acceptEncoding: string | null | undefined,
  options: CompressionOptions,
): boolean {
  return policyOf(options).codingFor(acceptEncoding ?? undefined) !== undefined;
}

/** 204, 205 and 304 have no body, 206 a part of it; after 1xx another response follows. */
function hasWholeBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 205 && status !== 206 && status !== 304;
}

/** RFC 9110 12.5.5: the value that Vary gets; undefined if it says it already. */
function varyWith(vary: string | undefined): string | undefined {
  if (vary === undefined || vary === "") return "accept-encoding";
  const names = listOf(vary);
  return names.includes("*") || names.includes("accept-encoding")
    ? undefined
    : `${vary}, accept-encoding`;
}

const DEFAULTS: CompressionOptions = {};
const policies = new WeakMap<CompressionOptions, Policy>();

function policyOf(options: CompressionOptions): Policy {
  let policy = policies.get(options);
  if (policy !== undefined) return policy;
  refuseUnknown("compress", options, ["minBytes", "codings", "isCompressible"]);
  policies.set(options, policy = new Policy(options));
  return policy;
}

/** Options that were checked, and what followed from them. */
class Policy {
  readonly minBytes: number;
  readonly #isCompressible: (type: string) => boolean;
  readonly #offers: readonly (ContentCoding | "identity")[];
  readonly #types = new Map<string, boolean>();
  readonly #codings = new Map<string | undefined, ContentCoding | undefined>();

  constructor(
    { minBytes = MIN_BYTES, codings = AVAILABLE, isCompressible = isText }: CompressionOptions,
  ) {
    this.minBytes = whole(minBytes, "compress responses: minBytes");
    for (const coding of codings) codecOf(coding);
    this.#offers = [...codings, "identity"];
    this.#isCompressible = isCompressible;
  }

  isCompressible(contentType: string): boolean {
    return remembered(this.#types, contentType, () => {
      const type = contentType.split(";", 1)[0]!;
      return this.#isCompressible(type.trim().toLowerCase());
    });
  }

  /** A client that refuses whatever there is gets the body as it is. */
  codingFor(acceptEncoding: string | undefined): ContentCoding | undefined {
    return remembered(this.#codings, acceptEncoding, () => {
      const preferred = preferredEncoding(acceptEncoding, this.#offers);
      return preferred === "identity" ? undefined : preferred;
    });
  }
}

/** Peers choose the keys, so there must not be too many. */
function remembered<K, V>(known: Map<K, V>, key: K, find: () => V): V {
  let value = known.get(key);
  if (value === undefined && !known.has(key)) {
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(key, value = find());
  }
  return value as V;
}

const TYPES = new Set([
  "application/dash+xml",
  "application/graphql",
  "application/javascript",
  "application/json",
  "application/manifest+json",
  "application/ndjson",
  "application/rtf",
  "application/sql",
  "application/toml",
  "application/vnd.apple.mpegurl",
  "application/vnd.ms-fontobject",
  "application/wasm",
  "application/x-javascript",
  "application/x-ndjson",
  "application/x-sh",
  "application/x-tar",
  "application/x-www-form-urlencoded",
  "application/xml",
  "application/yaml",
  "font/otf",
  "font/ttf",
  "image/bmp",
  "image/svg+xml",
  "image/vnd.microsoft.icon",
  "image/x-icon",
]);

function isText(type: string): boolean {
  if (type.startsWith("text/")) return type !== "text/event-stream";
  return TYPES.has(type) || type.endsWith("+json") || type.endsWith("+xml") ||
    type.endsWith("+text") || type.endsWith("+yaml");
}
