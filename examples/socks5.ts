/**
 * A SOCKS5 proxy (RFC 1928): CONNECT to IPv4, IPv6 and names. It does not ask who somebody is, so it is for this machine only.
 *
 *     deno run --allow-net --allow-ffi examples/socks5.ts [--port 1080]
 *     curl --socks5-hostname 127.0.0.1:1080 https://deno.com/
 *
 * With `--no-prompt --allow-net=127.0.0.1,HOST`, it connects to that host alone. Prints what relay.ts prints.
 */
import { call, type Coroutine, readExactly } from "@weightless/io/compose";
import { connectTo, gio, timeout, TimeoutError } from "@weightless/io/gio";
import { Acceptor, here, splice } from "@weightless/io/reactor";
import { options, port, selector, serve } from "./_cli.ts";
import { name, type Report, reported, sayIfCopied } from "./_reported.ts";

type Address = { hostname: string; port: number };

/** Why a client is not served, which it has been told. */
export class Refused extends Error {}

/** The protocol, up to the reply; `connect` gives the address of the connection on this side. */
export function* socks5(connect: (to: Address) => Coroutine<Address>): Coroutine<void> {
  // RFC 1928 3: VER, NMETHODS, METHODS
  const [version, count] = yield* call(readExactly(2));
  if (version !== 5) throw new Refused(`Cannot speak version ${version} of SOCKS`);
  const methods = yield* call(readExactly(count!));
  const open = methods.includes(0); // no authentication required
  yield new Uint8Array([5, open ? 0 : 0xff]);
  if (!open) throw new Refused("Cannot authenticate: the client wants to");

  // RFC 1928 4: VER, CMD, RSV, ATYP, DST.ADDR, DST.PORT
  const [again, command, , type] = yield* call(readExactly(4));
  if (again !== 5) throw new Refused(`Cannot speak version ${again} of SOCKS`);
  const hostname = yield* call(readHost(type!));
  if (hostname === undefined) {
    yield reply(8); // address type not supported
    throw new Refused(`Cannot connect to an address of type ${type}`);
  }
  const [high, low] = yield* call(readExactly(2));
  if (command !== 1) {
    yield reply(7); // command not supported
    throw new Refused(`Cannot do command ${command}: only CONNECT`);
  }
  let local: Address;
  try {
    local = yield* call(connect({ hostname, port: high! << 8 | low! }));
  } catch (error) {
    yield reply(reason(error));
    throw new Refused((error as Error).message, { cause: error });
  }
  yield reply(0, local);
}

/** RFC 1928 5. */
function* readHost(type: number): Coroutine<string | undefined> {
  if (type === 1) return (yield* call(readExactly(4))).join(".");
  if (type === 3) {
    const [length] = yield* call(readExactly(1));
    return String.fromCharCode(...yield* call(readExactly(length!)));
  }
  if (type !== 4) return undefined;
  const bytes = yield* call(readExactly(16));
  const groups = Array.from({ length: 8 }, (_, i) => bytes[2 * i]! << 8 | bytes[2 * i + 1]!);
  return groups.map((group) => group.toString(16)).join(":");
}

/** RFC 1928 6: VER, REP, RSV, ATYP, BND.ADDR, BND.PORT. */
function reply(code: number, local: Address = { hostname: "0.0.0.0", port: 0 }): Uint8Array {
  const address = bytesOf(local.hostname);
  const type = address.length === 4 ? 1 : 4;
  return new Uint8Array([5, code, 0, type, ...address, local.port >> 8, local.port & 0xff]);
}

function bytesOf(address: string): number[] {
  if (address.includes(".")) return address.replace(/^.*:/, "").split(".").map(Number);
  const [head, tail] = address.split("::").map((half) => half.split(":").filter(Boolean));
  const zeros = tail && new Array(8 - head!.length - tail.length).fill("0");
  return [...head!, ...zeros ?? [], ...tail ?? []]
    .map((group) => parseInt(group, 16)).flatMap((group) => [group >> 8, group & 0xff]);
}

/** The code for what went wrong. */
function reason(error: unknown): number {
  const { code, message } = error as Error & { code?: string };
  if (error instanceof Deno.errors.NotCapable) return 2; // not allowed by ruleset
  if (code === "ENETUNREACH") return 3; // network unreachable
  if (code === "EHOSTUNREACH" || code === "ETIMEDOUT") return 4; // host unreachable
  if (error instanceof TimeoutError || /lookup/.test(message)) return 4;
  return error instanceof Deno.errors.ConnectionRefused ? 5 : 1; // or general failure
}

/** So long neither side may say anything. */
const IDLE_MS = 600_000;

/** What becomes of a client: the protocol, and then whatever both sides say. */
function* proxy(report: Report): Coroutine {
  try {
    using _ = timeout(10_000);
    yield* call(socks5(function* (to) {
      report.to = name(to);
      const { context } = report.far = yield* connectTo(to);
      return context.localAddr as Deno.NetAddr;
    }));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    report.error = error.message;
    return;
  }
  const transfer = splice.both(here, report.far!, { idleMs: IDLE_MS });
  report.transferred = transfer.transferred;
  yield* transfer;
}

if (import.meta.main) {
  const given = options(
    "socks5.ts [--port 1080] [--hostname 127.0.0.1] [--selector auto|deno|epoll]",
    { port: "1080", hostname: "127.0.0.1", selector: "auto" },
  );
  const at = { hostname: given.hostname, port: port(given.port) };
  await serve({ selector: selector(given.selector) }, (reactor) => {
    const acceptor = new Acceptor(reactor, at, (client) => {
      gio(reactor, client, reported(client, proxy));
    });
    sayIfCopied();
    return name({ hostname: at.hostname, port: acceptor.port });
  });
}
