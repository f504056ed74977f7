import type { Handle } from "./reactor_options.ts";
import type { Selectable } from "./selectable.ts";

function one(addr: Deno.Addr): string {
  if (addr.transport === "tcp" || addr.transport === "udp") {
    const host = addr.hostname.includes(":") ? `[${addr.hostname}]` : addr.hostname;
    return `${host}:${addr.port}`;
  }
  return "path" in addr ? String(addr.path || "(unnamed)") : "?";
}

/** For example `tcp 127.0.0.1:8000 <- 127.0.0.1:51234`. */
export function describeAddr(local: Deno.Addr, remote?: Deno.Addr): string {
  return `${local.transport} ${one(local)}${remote ? ` <- ${one(remote)}` : ""}`;
}

/** What to call a selectable or a process in a message. */
export function describe(handle: Handle): string {
  if (typeof handle === "function") return handle.name || "anonymous function";
  if ("next" in handle) return "coroutine";
  return (handle as Partial<Selectable>).describe?.() ?? handle.constructor?.name ?? "object";
}
