import { describe, text } from "./_describe.ts";
import type { Handler } from "./_handler.ts";
import type { Inspected } from "./reactor_options.ts";
import type { Socket } from "./socket.ts";
import type { HeapTimer } from "./_timer_heap.ts";

export function inspectHandler(handler: Handler, now: number): Inspected {
  const where = text(() => handler.where);
  return {
    kind: handler.kind,
    what: describe(handler.handle),
    priority: handler.priority,
    suspended: !handler.active,
    ageMs: now - handler.since,
    ...(where && { where }),
  };
}

export function inspectTimer({ at, callback }: HeapTimer, now: number): Inspected {
  return { kind: "timer", what: text(() => callback!.name) || "anonymous", dueMs: at - now };
}

export function inspectSocket(socket: Socket): Inspected {
  return { kind: "connection", what: describe(socket) };
}

export function formatInspected({ kind, what, suspended, where }: Inspected): string {
  return `${suspended ? "suspended " : ""}${kind} ${what}${where ? ` (${where})` : ""}`;
}

/** The line of the program that registers something, and then what `where` says. */
export function traced(where: { toString(): string } | undefined): { toString(): string } {
  const { stack = "" } = new Error();
  return {
    toString() {
      const [, own = "", ...frames] = stack.split("\n");
      // Not import.meta.url, of which Deno may decode what is percent-encoded, such as spaces.
      const folder = own.replace(/^.*\(|[^/]*$/g, "");
      const line = frames.find((frame) => !frame.includes(folder));
      return [line?.trim(), text(() => where)].filter(Boolean).join(", ");
    },
  };
}
