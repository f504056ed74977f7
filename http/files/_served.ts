import type { Coroutine } from "../../compose/mod.ts";
import { wait } from "../../gio/mod.ts";
import { DeclineMessage } from "../../pipeline/mod.ts";
import { here } from "../../reactor/mod.ts";
import { FileSource } from "../../reactor/transfer/_file_source.ts";
import { pumped } from "../../reactor/transfer/_pump.ts";
import { reasonOf } from "../_status.ts";
import { conditional } from "../content/conditional.ts";
import { preferredEncoding } from "../content/preferred.ts";
import { ranged } from "../content/ranged.ts";
import type { HeaderValue } from "../headers_to_send.ts";
import type { HttpRequest } from "../http_request.ts";
import { methodNotAllowed } from "../method_not_allowed.ts";
import { response } from "../response.ts";
import { contentTypeOf } from "./_content_type.ts";
import { listing } from "./_listing.ts";
import { namesOf } from "./_names.ts";
import { piece, SMALL } from "./_piece.ts";
import type { Opened, Refusal } from "./_root.ts";
import { ENDINGS, type Site } from "./_site.ts";
import { validatorsOf } from "./_validators.ts";

/*
 * The answer to one request for a file of a site:
 *
 * 1. What the path means is opened, or refused: 403, 404, 503. A directory is 301 without its slash,
 *    and otherwise its index, its listing, or 404.
 * 2. Of a file, the sibling with the best coding that the client accepts is taken instead.
 * 3. The file that is open is described by what it was when it was opened: length, validators.
 * 4. Conditions come first, then ranges (RFC 9110 13.2.2).
 * 5. So many bytes as were announced are sent, or the connection is cut: the transfer throws if the
 *    file has become shorter.
 */

type Headers = Record<string, HeaderValue | undefined>;

const TEXT = "text/plain; charset=utf-8";
const HTML = "text/html; charset=utf-8";

/**
 * Answers a request with a file.
 *
 * @param declines Whether to throw `DeclineMessage` if there is no such file.
 */
export function* served(site: Site, request: HttpRequest, declines: boolean): Coroutine {
  const { method } = request;
  const isReading = method === "GET" || method === "HEAD";
  if (!isReading && !declines) return yield methodNotAllowed(method, ["GET", "HEAD"]);
  const names = namesOf(request.path);
  const isFolder = names?.at(-1) === "";
  if (isFolder) names!.pop();
  let found = names === undefined ? 404 : site.root.open(names);
  let path: string | undefined;
  if (typeof found === "string") {
    if (!isFolder) return yield* redirected(names!, request);
    path = found;
    found = 404;
    if (site.index !== undefined) {
      names!.push(site.index);
      found = site.root.open(names!);
      if (typeof found === "string") found = 404;
      if (found === 404) names!.pop();
    }
  } else if (isFolder && typeof found === "object") {
    found.file.close();
    found = 404;
  }
  if (found === 404 && path !== undefined && site.listing) {
    if (!isReading) return yield methodNotAllowed(method, ["GET", "HEAD"]);
    return yield* listed(site, path, names!);
  }
  if (found === 404 && declines) throw new DeclineMessage();
  if (typeof found === "number") return yield* refused(found);
  yield* sent(site, request, names!, found);
}

function* refused(status: Refusal | 412 | 416, headers: Headers = {}): Coroutine {
  yield response(status, { "content-type": TEXT, ...headers });
  yield reasonOf(status);
}

function* redirected(names: readonly string[], request: HttpRequest): Coroutine {
  // Relative, so that it is right wherever the site is mounted. "./" keeps a name with a colon from
  // being a scheme, and a slash before it from being a host.
  const location = `./${encodeURIComponent(names.at(-1)!)}/${request.search}`;
  yield response(301, { "content-type": TEXT, location });
  yield reasonOf(301);
}

function* listed(site: Site, path: string, names: string[]): Coroutine {
  const page = yield* wait(listing(site.root, path, names));
  // Whoever may make files in the directory may not make the page do anything.
  yield response(200, { "content-type": HTML, "content-security-policy": "default-src 'none'" });
  yield page;
}

/** A file in the coding that the client gets. */
interface Representation extends Opened {
  readonly coding: string | undefined;
}

function* sent(site: Site, request: HttpRequest, names: string[], opened: Opened): Coroutine {
  const { method } = request;
  const representation = encoded(site, request, names, opened);
  const { file, size, coding } = representation;
  using _ = file;
  if (method !== "GET" && method !== "HEAD") return yield methodNotAllowed(method, ["GET", "HEAD"]);
  const { etag, lastModified } = validatorsOf(representation, coding, Date.now());
  const contentType = contentTypeOf(names.at(-1)!);
  // RFC 9110 15.4.5: a 304 has those that a 200 would have had.
  const common: Headers = {
    etag,
    "last-modified": lastModified === undefined ? undefined : new Date(lastModified).toUTCString(),
    "cache-control": site.cacheControl(names),
    vary: site.codings.length > 1 ? "accept-encoding" : undefined,
  };
  const verdict = conditional(request, { etag, lastModified });
  if (verdict === 304) return yield response(304, common);
  if (verdict === 412) return yield* refused(412);
  const headers: Headers = {
    "content-type": contentType,
    "content-length": size,
    "content-encoding": coding,
    "accept-ranges": "bytes",
    ...common,
  };
  const part = ranged(request, { size, etag, lastModified, contentType });
  if (part?.status === 416) return yield* refused(416, part.headers);
  yield response(
    part?.status ?? 200,
    part === undefined ? headers : { ...headers, ...part.headers },
  );
  if (method === "HEAD") return;
  if (part === undefined) return yield* bytes(representation, 0, size);
  for (const one of part.pieces) {
    if (typeof one === "string") yield one;
    else yield* bytes(representation, one.from, one.to - one.from);
  }
}

/** Takes a sibling instead of the file, if there is one that the client prefers. */
function encoded(
  { root, codings }: Site,
  { headers }: HttpRequest,
  names: readonly string[],
  opened: Opened,
): Representation {
  const accepted = headers.get("accept-encoding");
  for (let left = codings; left.length > 1;) {
    const coding = preferredEncoding(accepted, left);
    if (coding === undefined || coding === "identity") break;
    const other = [...names.slice(0, -1), names.at(-1)! + ENDINGS[coding]];
    const sibling = root.has(other) ? root.open(other) : 404;
    if (typeof sibling === "object") {
      opened.file.close();
      return { ...sibling, coding };
    }
    left = left.filter((one) => one !== coding);
  }
  return { ...opened, coding: undefined };
}

function* bytes(opened: Opened, offset: number, length: number): Coroutine {
  if (length === 0) return;
  if (length <= SMALL) yield piece(opened, offset, length);
  else yield* pumped({ from: new FileSource(opened.file, offset, length), to: here });
}
