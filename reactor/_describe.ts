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

/** An error of the system that does not say what it is about, with what was being done; its class and code are the same. */
export function about(error: unknown, doing: string): unknown {
  // Not capable of something: that says of what.
  if (!(error instanceof Error) || error instanceof Deno.errors.NotCapable) return error;
  const kind = error.constructor as ErrorConstructor;
  if (kind !== Error && !Object.values(Deno.errors).includes(kind as never)) return error;
  const { code } = error as { code?: string };
  const told = new kind(`Cannot ${doing}: ${error.message}`);
  return code === undefined ? told : Object.defineProperty(told, "code", { value: code });
}

/** What `tell` gives, or `""`: a message must come whatever is told of, and whatever that throws. */
export function text(tell: () => unknown): string {
  try {
    return String(tell() ?? "");
  } catch {
    return "";
  }
}

/** How a value that was not expected is shown in a message: on one line, not at length, whatever its own code does. */
export function shown(value: unknown): string {
  return text(() => Deno.inspect(value, { depth: 0 }).replace(/\s+/g, " ").slice(0, 100)) ||
    typeof value;
}

/** What to call a selectable, a process, or whatever else it is, in a message. */
export function describe(handle: unknown): string {
  if (typeof handle === "function") return text(() => handle.name) || "anonymous function";
  if (typeof handle !== "object" || handle === null) return String(handle);
  if (text(() => "next" in handle) === "true") return "coroutine";
  return text(() => (handle as Partial<Selectable>).describe?.()) ||
    text(() => handle.constructor.name) || "object";
}
