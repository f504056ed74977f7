import { describeAddr } from "./_describe.ts";

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
