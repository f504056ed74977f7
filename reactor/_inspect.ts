import { describe, text } from "./_describe.ts";
import type { Handler } from "./_handler.ts";
import type { Inspected, ShutdownHook } from "./reactor_options.ts";
import type { Socket } from "./socket.ts";
import type { HeapTimer } from "./_timer_heap.ts";

/**
 * Makes the lines of {@linkcode Reactor.inspect}. A socket that is not registered has its own line.
 */
export function inspect(
  { handlers, timers, sockets, hooks }: {
    handlers: Handler[];
    timers: HeapTimer[];
    sockets: ReadonlySet<Socket>;
    hooks: ReadonlySet<ShutdownHook>;
  },
  now: number,
): Inspected[] {
  const seen = new Set(handlers.map((handler) => handler.handle));
  return [
    ...handlers.map(({ kind, handle, priority, active, since, where: told }): Inspected => {
      const where = text(() => told);
      const ageMs = now - since;
      const what = describe(handle);
      return { kind, what, priority, suspended: !active, ageMs, ...(where && { where }) };
    }),
    ...timers.map(({ at, callback }): Inspected => ({
      kind: "timer",
      what: text(() => callback!.name).replace(/^bound |#/g, "") || "anonymous",
      dueMs: at - now,
    })),
    ...[...sockets].filter((socket) => !seen.has(socket)).map((socket): Inspected => ({
      kind: "connection",
      what: describe(socket),
    })),
    ...[...hooks].flatMap((hook) => {
      try {
        const told = typeof hook === "function" ? undefined : hook.inspected?.();
        return told === undefined ? [] : [told];
      } catch { // What is told of the others must come out.
        return [];
      }
    }),
  ];
}

export function formatInspected({ kind, what, suspended, where }: Inspected): string {
  return `${suspended ? "suspended " : ""}${kind} ${what}${where ? ` (${where})` : ""}`;
}

/** Tells the line of the program that registers something, followed by `where`. */
export function traced(where: { toString(): string } | undefined): { toString(): string } {
  const { stack = "" } = new Error();
  return {
    toString() {
      const [, own = "", ...frames] = stack.split("\n");
      // Not import.meta.url: Deno may decode characters in it that are percent-encoded, such as
      // spaces.
      const folder = own.replace(/^.*\(|[^/]*$/g, "");
      const line = frames.find((frame) => !frame.includes(folder));
      return [line?.trim(), text(() => where)].filter(Boolean).join(", ");
    },
  };
}
