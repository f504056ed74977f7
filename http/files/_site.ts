import { shown } from "../../reactor/_describe.ts";
import { refuseUnknown } from "../_limits.ts";
import { response } from "../response.ts";
import { isName } from "./_names.ts";
import { Root } from "./_root.ts";
import type { FilesOptions, SiblingCoding } from "./files_options.ts";

const OPTIONS = ["index", "listing", "precompressed", "cacheControl", "dotfiles", "followLinks"];

/** The ends of the names of siblings. */
export const ENDINGS: Record<SiblingCoding, string> = { br: ".br", zstd: ".zst", gzip: ".gz" };

/** A folder and the options with which it is served, all of them checked. */
export interface Site {
  readonly root: Root;
  readonly index: string | undefined;
  readonly listing: boolean;
  /** The codings of siblings, and "identity" as the last one. */
  readonly codings: readonly (SiblingCoding | "identity")[];
  cacheControl(names: readonly string[]): string | undefined;
}

/**
 * @throws {TypeError} If an option makes no sense, or the root is no directory.
 * @throws {LocalProtocolError} If the value for Cache-Control cannot be sent.
 */
export function siteOf(root: string | URL, options: FilesOptions): Site {
  refuseUnknown("serve files", options, OPTIONS);
  const { index = "index.html", listing = false, precompressed = [], cacheControl } = options;
  const { dotfiles = "ignore", followLinks = false } = options;
  if (index !== false && !(typeof index === "string" && isName(index))) {
    throw refused("index", index, "the name of a file, or false");
  }
  if (typeof listing !== "boolean") throw refused("listing", listing, "true or false");
  if (typeof followLinks !== "boolean") throw refused("followLinks", followLinks, "true or false");
  if (dotfiles !== "ignore" && dotfiles !== "allow") {
    throw refused("dotfiles", dotfiles, '"ignore" or "allow"');
  }
  if (!Array.isArray(precompressed) || !precompressed.every((one) => Object.hasOwn(ENDINGS, one))) {
    throw refused("precompressed", precompressed, 'a list of "br", "zstd" and "gzip"');
  }
  const isFunction = typeof cacheControl === "function";
  if (cacheControl !== undefined && !isFunction && typeof cacheControl !== "string") {
    throw refused("cacheControl", cacheControl, "text or a function");
  }
  if (!isFunction) response(200, { "cache-control": cacheControl });
  return {
    root: new Root(root, { dotfiles, followLinks }),
    index: index === false ? undefined : index,
    listing,
    codings: [...precompressed, "identity"],
    cacheControl: isFunction ? (names) => cacheControl(names.join("/")) : () => cacheControl,
  };
}

function refused(name: string, value: unknown, what: string): TypeError {
  return new TypeError(`Cannot serve files with ${name} ${shown(value)}: give ${what}`);
}
