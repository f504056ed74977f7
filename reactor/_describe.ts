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
 * Adds to an error of the system what was being done, and at which address. Its class and code stay
 * the same.
 */
export function aboutAddress(
  error: unknown,
  doing: string,
  hostname: string,
  { port = 0, path }: { port?: number; path?: string },
): unknown {
  // A NotCapable error tells already what it is about.
  if (!(error instanceof Error) || error instanceof Deno.errors.NotCapable) return error;
  const kind = error.constructor as ErrorConstructor;
  if (kind !== Error && !Object.values(Deno.errors).includes(kind as never)) return error;
  const addr: Deno.Addr = path === undefined
    ? { transport: "tcp", hostname, port }
    : { transport: "unix", path };
  const mend = error instanceof Deno.errors.AddrInUse ? `; ${otherAddress(path)}` : "";
  const told = new kind(`Cannot ${doing} ${describeAddr(addr)}: ${error.message}${mend}`);
  const { code } = error as { code?: string };
  return code === undefined ? told : Object.defineProperty(told, "code", { value: code });
}

function otherAddress(path: string | undefined): string {
  return path === undefined
    ? "end the program that listens there, or give another port, or 0 for any that is free"
    : "end the program that listens there, or remove the file if there is none";
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

/** Shows an unexpected value in a message: on one short line, even if code of the value throws. */
export function shown(value: unknown): string {
  return text(() => Deno.inspect(value, { depth: 0 }).replace(/\s+/g, " ").slice(0, 100)) ||
    typeof value;
}

/** Names a selectable, a process or any other value in a message. */
export function describe(handle: unknown): string {
  if (typeof handle === "function") return text(() => handle.name) || "anonymous function";
  if (typeof handle !== "object" || handle === null) return String(handle);
  if (text(() => "next" in handle) === "true") return "coroutine";
  return text(() => (handle as Partial<Selectable>).describe?.()) ||
    text(() => handle.constructor.name) || "object";
}
