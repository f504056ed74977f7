import type { ByteStream } from "../reactor/mod.ts";

/** Whether it is a FIFO. To open one waits until somebody opens its other end. */
export function isFifo(path: string | URL): boolean {
  try {
    return Deno.statSync(path).isFifo === true;
  } catch {
    return false; // It is not there, or not permitted: opening it will tell.
  }
}

/** Lets another thread open a FIFO. Reads and writes wait until it is open. */
export function openFifo(path: string | URL, options?: Deno.OpenOptions): ByteStream {
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

/**
 * Opens both ends at once, which never waits on Linux. It ends the wait of a thread for another end
 * that may never come.
 */
function openBoth(path: string | URL): Deno.FsFile | undefined {
  try {
    return Deno.openSync(path, { read: true, write: true });
  } catch {
    return undefined; // It is not permitted, or not there any more.
  }
}

function ignore(): void {}
