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
    const before = openDescriptors();
    await fn();
    // What is closed may take a moment to be gone: a TLS connection says goodbye first.
    const deadline = performance.now() + PATIENCE_MS;
    while (openDescriptors().size > before.size && performance.now() < deadline) await turns(10);
    const left = [...openDescriptors()].filter(([fd, what]) => before.get(fd) !== what);
    if (openDescriptors().size > before.size) {
      throw new Error(
        `Descriptors left open: ${left.map((entry) => entry.join(" -> ")).join(", ")}`,
      );
    }
  });
}
