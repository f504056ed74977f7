import mime from "mime";

/** Gives the media type of a file by the extension of its name. Text has the charset UTF-8. */
export function contentTypeOf(name: string): string {
  // The package takes a name without a dot for an extension, unless it comes after a slash.
  const type = mime.getType(`/${name}`) ?? "application/octet-stream";
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type;
}
