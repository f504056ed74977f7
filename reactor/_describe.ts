import { inspect } from "node:util";
import type { Selectable } from "./selectable.ts";

function one(addr: Deno.Addr): string {
  if (addr.transport === "tcp" || addr.transport === "udp") {
    const host = addr.hostname.includes(":") ? `[${addr.hostname}]` : addr.hostname;
    return `${host}:${addr.port}`;
  }
  return "path" in addr ? String(addr.path || "(unnamed)") : "?";
}

/** Describes addresses, for example `tcp 127.0.0.1:8000 <- 127.0.0.1:51234`. */
export function describeAddr(local: Deno.Addr, remote?: Deno.Addr): string {
  return `${local.transport} ${one(local)}${remote ? ` <- ${one(remote)}` : ""}`;
}

/**
 * Returns what `tell` returns, or `""` if it throws. A message must come out whatever it tells of.
 */
export function text(tell: () => unknown): string {
  try {
    return String(tell() ?? "");
  } catch {
    return "";
  }
}

const DEPTH_0 = { depth: 0 };

/** Shows an unexpected value in a message: on one short line, even if code of the value throws. */
export function shown(value: unknown): string {
  const tell = () => typeof value === "string" ? JSON.stringify(value) : inspect(value, DEPTH_0);
  return text(() => tell().replace(/\s+/g, " ").slice(0, 100)) || typeof value;
}

/** Names a selectable, a process or any other value in a message. */
export function describe(handle: unknown): string {
  if (typeof handle === "function") return text(() => handle.name) || "anonymous function";
  if (typeof handle !== "object" || handle === null) return String(handle);
  if (text(() => "next" in handle) === "true") return "coroutine";
  return text(() => (handle as Partial<Selectable>).describe?.()) ||
    text(() => handle.constructor.name) || "object";
}
