import mime from "mime";

/** To look an extension up takes longer than all the rest. There are only as many as files have. */
const known = new Map<string, string>();

/** Gives the media type of a file by the extension of its name. Text has the charset UTF-8. */
export function contentTypeOf(name: string): string {
  const extension = name.slice(name.lastIndexOf(".") + 1 || name.length);
  let type = known.get(extension);
  if (type === undefined) {
    type = (extension === "" ? null : mime.getType(extension)) ?? "application/octet-stream";
    if (type.startsWith("text/")) type += "; charset=utf-8";
    known.set(extension, type);
  }
  return type;
}
