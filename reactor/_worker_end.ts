/*
 * Deno closes only what it has opened itself, so a worker that ends would leave the descriptors of
 * its reactors open. Therefore these reactors are shut down when the worker calls close(), or when
 * nobody catches an error. Deno dispatches no event for the end of a worker. After
 * `worker.terminate()` no code runs in it any more.
 */

interface Ending {
  shutdown(): void;
}

const reactors = new Set<Ending>();
let watches = false;
let ending: "by close()" | "by an error" | undefined;

/** Shuts `reactor` down when this worker ends. Does nothing outside a worker. */
export function shutDownWithWorker(reactor: Ending): void {
  if (!("DedicatedWorkerGlobalScope" in globalThis)) return;
  reactors.add(reactor);
  if (watches) return;
  watches = true;
  const { close } = globalThis;
  globalThis.close = () => {
    end("by close()");
    close.call(globalThis);
  };
  globalThis.addEventListener("error", onUncaught);
  globalThis.addEventListener("unhandledrejection", onUncaught);
}

/** Forgets a reactor that has been shut down. */
export function forget(reactor: Ending): void {
  reactors.delete(reactor);
}

/** Whether this worker is ending. Then no promise is settled any more. */
export function workerEnds(): boolean {
  return ending !== undefined;
}

/** Whether this worker is ending because nobody has caught an error. */
export function workerFails(): boolean {
  return ending === "by an error";
}

function end(how: "by close()" | "by an error"): void {
  ending = how;
  for (const reactor of reactors) {
    try {
      reactor.shutdown();
    } catch {
      // There is nobody left to tell.
    }
  }
}

/**
 * Another listener may still catch the error. After all listeners, when the event has no phase any
 * more, Deno reads whether one did.
 */
function onUncaught(event: Event): void {
  Object.defineProperty(event, "defaultPrevented", {
    get() {
      const isCaught = Reflect.get(Event.prototype, "defaultPrevented", event) as boolean;
      if (!isCaught && event.eventPhase === Event.NONE) end("by an error");
      return isCaught;
    },
  });
}
