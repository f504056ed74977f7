/*
 * Tracebacks without the frames of this module's machinery, which only get in the way of who reads them. Nothing is
 * done until an error passes.
 */

/** The files whose frames are left out. */
const MACHINERY: string[] = ["_dispatch.ts", "transparent.ts", "_plumbing.ts", "pipe.ts", "tee.ts"]
  .flatMap((file) => inStacks(new URL(file, import.meta.url).href)).map((url) => url + ":");

/** Of a URL Deno shows what is percent-encoded, such as spaces, decoded. */
function inStacks(url: string): string[] {
  try {
    return [url, decodeURIComponent(url)];
  } catch {
    return [url];
  }
}

function isFrame(line: string): boolean {
  return /^\s+at /.test(line);
}

function isMachinery(line: string): boolean {
  return isFrame(line) && MACHINERY.some((url) => line.includes(url));
}

/** Removes our own frames from `error.stack`; what is not an Error, or frozen, is left alone. Returns the error. */
export function cleaned(error: unknown): unknown {
  if (error instanceof Error) {
    const stack = error.stack;
    if (typeof stack === "string") {
      const lines = stack.split("\n");
      const kept = lines.filter((line) => !isMachinery(line));
      if (kept.length < lines.length) setStack(error, kept.join("\n"));
    }
  }
  return error;
}

/** Adds a line after the frames that `error.stack` has; what is not an Error, or frozen, is left alone. */
export function addFrame(error: unknown, line: string): void {
  if (!(error instanceof Error) || typeof error.stack !== "string") return;
  setStack(error, `${error.stack}\n    at ${line}`);
}

function setStack(error: Error, stack: string): void {
  try {
    error.stack = stack;
  } catch {
    // frozen: it passes untouched
  }
}
