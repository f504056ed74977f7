import mime from "mime";

/** What was looked up before, which takes a while. Only those that the package knows are kept. */
const known = new Map<string, string>();

/** Gives the media type of a file by the extension of its name. Text has the charset UTF-8. */
export function contentTypeOf(name: string): string {
  const extension = name.slice(name.lastIndexOf(".") + 1 || name.length).toLowerCase();
  let type = known.get(extension);
  if (type !== undefined) return type;
  const found = extension === "" ? null : mime.getType(extension);
  if (found === null) return "application/octet-stream";
  type = found.startsWith("text/") ? `${found}; charset=utf-8` : found;
  known.set(extension, type);
  return type;
}
