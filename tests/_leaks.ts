import { setImmediate } from "node:timers";

/** The open descriptors of this process: what each number points at. Needs --allow-all, and Linux. */
export function openDescriptors(): Map<string, string> {
  const found = new Map<string, string>();
  if (Deno.build.os !== "linux") return found;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      found.set(name, Deno.readLinkSync(`/proc/self/fd/${name}`));
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return found;
}

/** Lets the event loop of Deno turn `count` times. */
export async function turns(count = 1): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** How many descriptors are open, which costs much less to find out than what they point at. */
function countDescriptors(): number {
  return Deno.build.os === "linux" ? [...Deno.readDirSync("/proc/self/fd")].length : 0;
}

/** How long a test waits for what any working program does at once, also on a machine that has much else to do. */
export const PATIENCE_MS = 60_000;

/** Lets the event loop of Deno turn until `done()`; fails when that takes longer than any working program needs. */
export async function turnsUntil(done: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!done()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${done}`);
    await turns();
  }
}

/**
 * Registers a test that fails when it leaves a descriptor open. Not for `deno test --parallel`, which runs other tests
 * in the same process.
 */
export function leakTest(name: string, fn: () => void | Promise<void>): void {
  Deno.test(name, async () => {
    const before = countDescriptors();
    await fn();
    // What is closed may take a moment to be gone: a TLS connection says goodbye first.
    const deadline = performance.now() + PATIENCE_MS;
    for (let more; (more = countDescriptors() - before) > 0;) {
      if (performance.now() > deadline) {
        const open = [...openDescriptors()].map((entry) => entry.join(" -> ")).join(", ");
        throw new Error(`Descriptors left open: ${more} of ${open}`);
      }
      await turns(10);
    }
  });
}
