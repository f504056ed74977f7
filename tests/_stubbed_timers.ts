/** Lets the test decide when the time of `setTimeout` has come; gives what still waits. */
export function stubbedTimers(): Disposable & {
  waiting: Map<number, () => void>;
  unrefed: number[];
  goOff(): void;
} {
  const { setTimeout, clearTimeout } = globalThis;
  const { unrefTimer } = Deno;
  const waiting = new Map<number, () => void>();
  const unrefed: number[] = [];
  let last = 0;
  Object.assign(globalThis, {
    setTimeout: (callback: () => void) => (waiting.set(++last, callback), last),
    clearTimeout: (id: number) => waiting.delete(id),
  });
  Deno.unrefTimer = (id) => unrefed.push(id as number);
  return {
    waiting,
    unrefed,
    goOff() {
      for (const callback of waiting.values()) callback();
      waiting.clear();
    },
    [Symbol.dispose]() {
      Object.assign(globalThis, { setTimeout, clearTimeout });
      Deno.unrefTimer = unrefTimer;
    },
  };
}
