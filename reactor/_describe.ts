import type { Selectable } from "./selectable.ts";

function one(addr: Deno.Addr): string {
  if (addr.transport === "tcp" || addr.transport === "udp") {
    const host = addr.hostname.includes(":") ? `[${addr.hostname}]` : addr.hostname;
    return `${host}:${addr.port}`;
  }
  return "path" in addr ? String(addr.path || "(unnamed)") : "?";
}

/** For example `tcp 127.0.0.1:8000 <- 127.0.0.1:51234`. */
export function describeAddr(local: Deno.Addr | undefined, remote?: Deno.Addr): string {
  if (local === undefined) return "stream";
  return `${local.transport} ${one(local)}${remote ? ` <- ${one(remote)}` : ""}`;
}

export function describe(selectable: Selectable): string {
  return selectable.describe?.() ?? selectable.constructor?.name ?? "selectable";
}
