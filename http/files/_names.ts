import { SEPARATOR } from "./_separator.ts";

/** What the names of Windows may not have: streams of a file, and ends that it leaves out. */
const OF_WINDOWS = /[:*?"<>|]|[. ]$/;
/** Names that do not mean a file of the folder: itself, others, and those of another system. */
const NO_NAME = /^\.{0,2}$|[/\\\0]/;

/** RFC 8615: what is known to be there is not hidden. */
const WELL_KNOWN = ".well-known";

/**
 * Splits the path of a request into the decoded names of files. The last one is empty if the path
 * ends with a slash.
 *
 * 1. Each name is decoded once, after the path was split. So an encoded slash does not separate.
 * 2. A name that could mean anything but a file in the folder before it has no names: `..`, `.`,
 *    an empty name, one with a slash, a backslash or NUL, and one that is not UTF-8.
 *
 * @returns The names, at least one; undefined if the path cannot be one of a file.
 */
export function namesOf(path: string): string[] | undefined {
  if (path.charCodeAt(0) !== 0x2f) return undefined;
  const names = path.slice(1).split("/");
  const last = names.length - 1;
  for (let i = 0; i <= last; i++) {
    let name = names[i]!;
    if (name === "" && i === last) break;
    if (name.includes("%")) {
      try {
        name = names[i] = decodeURIComponent(name);
      } catch {
        return undefined;
      }
    }
    if (!isName(name)) return undefined;
  }
  return names;
}

/** Whether it is the name of a file in a folder, and nothing else. */
export function isName(name: string): boolean {
  return !NO_NAME.test(name) && !(SEPARATOR === "\\" && OF_WINDOWS.test(name));
}

/** Whether one of the names is hidden: it begins with a dot. */
export function isHidden(names: readonly string[]): boolean {
  return names.some((name, i) => name.charCodeAt(0) === 0x2e && !(i === 0 && name === WELL_KNOWN));
}
