import { ignore } from "../reactor/_ignore.ts";
import type { ByteStream } from "../reactor/mod.ts";

/** Whether opening it waits until somebody opens the other end, as far as that may be known. */
export function isFifo(path: string | URL): boolean {
  if (!isGranted("read", path)) return false;
  try {
    return Deno.statSync(path).isFifo === true;
  } catch {
    return false; // It is not there: opening it will tell.
  }
}

/**
 * A FIFO that is opened by another thread, at once, and read and written when it is open.
 *
 * @throws {Deno.errors.NotCapable} If it could not be closed before it is open: see openBoth().
 */
export function openFifo(path: string | URL, options?: Deno.OpenOptions): ByteStream {
  for (const name of ["read", "write"] as const) {
    if (isGranted(name, path)) continue;
    throw new Deno.errors.NotCapable(
      `Cannot open FIFO ${path}: that needs --allow-${name} as well, since both of its ends are opened when it is closed early`,
    );
  }
  const opening = Deno.open(path, options);
  let isOpen = false;
  opening.then(() => isOpen = true, ignore);
  return {
    name: `FIFO ${path}`,
    read: async (bytes) => await (await opening).read(bytes),
    write: async (bytes) => await (await opening).write(bytes),
    close() {
      const both = isOpen ? undefined : openBoth(path);
      opening.then((file) => file.close()).catch(ignore).finally(() => both?.close());
    },
  };
}

/** Asks nobody. */
function isGranted(name: "read" | "write", path: string | URL): boolean {
  return Deno.permissions.querySync({ name, path }).state === "granted";
}

/**
 * Opens both ends, which never waits on Linux. Otherwise the thread would wait for ever for an end
 * that does not come, and Deno for the thread.
 */
function openBoth(path: string | URL): Deno.FsFile | undefined {
  try {
    return Deno.openSync(path, { read: true, write: true });
  } catch {
    return undefined; // It is not there any more.
  }
}
