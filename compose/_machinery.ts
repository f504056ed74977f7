/*
 * Tracebacks and trace() show the coroutines of users, and hide the functions that run them. Each
 * module tells which of its functions are to be hidden: machinery(import.meta.url, …).
 */
import type { Coroutine } from "./coroutine.ts";

/** A frame of a stack. */
export const FRAME: RegExp = /^\s+at /;

/** In a bundle all files are one, together with those of the user, so nothing is hidden there. */
const bundled = !/\/compose\/_machinery\.\w+$/.test(import.meta.url);
const folders: string[] = [];
const prototypes = new WeakSet<object>();

/**
 * The names that a URL has in stacks: the URL itself, the decoded one (Deno), or its path (Bun).
 */
export function inStacks(url: string): string[] {
  try {
    const decoded = decodeURIComponent(url);
    return [url, decoded, ...url.startsWith("file:") ? [decoded.slice("file://".length)] : []];
  } catch {
    return [url];
  }
}

/**
 * Hides the frames of a file and of all files in the same folder.
 *
 * @param url Of the file.
 * @param functions Generator functions whose coroutines are hidden when only their names are known,
 * because they stand at a plain `yield`.
 */
export function machinery(
  url: string,
  ...functions: ((...args: never[]) => Coroutine)[]
): void {
  if (bundled) return;
  for (const folder of inStacks(new URL(".", url).href)) {
    if (!folders.includes(folder)) folders.push(folder);
  }
  for (const { prototype } of functions) prototypes.add(prototype);
}

/**
 * Whether a line of a stack is a frame of machinery. Examples in docstrings run as `file.ts#1-9.ts`
 * or `file.ts$1-9.ts`.
 */
export function isMachineryLine(line: string): boolean {
  return FRAME.test(line) && folders.some((folder) => {
    const at = line.indexOf(folder);
    return at >= 0 && !/[#$]/.test(line.slice(at + folder.length));
  });
}

/** Whether a coroutine is machinery; it has the prototype of the function that made it. */
export function isMachinery(coroutine: Coroutine): boolean {
  return prototypes.has(Object.getPrototypeOf(coroutine));
}

machinery(import.meta.url);
