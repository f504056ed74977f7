import type { ByteStream } from "../reactor/mod.ts";

/** Whether opening it waits until somebody opens the other end. */
export function isFifo(path: string | URL): boolean {
  try {
    return Deno.statSync(path).isFifo === true;
  } catch {
    return false; // Not there, or not permitted: opening it will tell.
  }
}

/** A FIFO that is opened by another thread, at once, and read and written when it is open. */
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

/** Both ends at once, which never waits on Linux: so the thread need not wait for ever for an end that does not come. */
function openBoth(path: string | URL): Deno.FsFile | undefined {
  try {
    return Deno.openSync(path, { read: true, write: true });
  } catch {
    return undefined; // Not permitted, or not there any more.
  }
}

function ignore(): void {}
