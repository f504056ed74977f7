/** What the examples share: options, one clear line for what goes wrong, and a clean end on Ctrl-C. */
import { parseArgs } from "node:util";
import type { HttpServer } from "@weightless/io/http";
import { inspectedText, Reactor, type ReactorOptions, stdio } from "@weightless/io/reactor";
import { Meter, monitor } from "./_monitor.ts";

/** Ends the program with one line that says why. */
export function fail(message: string): never {
  console.error(message);
  Deno.exit(1);
}

/** The port of the monitor, if one is wanted. */
let monitorPort: number | undefined;

/** The options of an example, each with its default: text, or false for one that takes no value. */
export function options<T extends Record<string, string | boolean>>(usage: string, defaults: T): T {
  return parse(usage, defaults, false).values;
}

/** The URLs that an example is given, of which there must be one at least, and its options. */
export function urlsAndOptions<T extends Record<string, string | boolean>>(
  usage: string,
  defaults: T,
): T & { urls: URL[] } {
  const { values, positionals } = parse(usage, defaults, true);
  if (positionals.length === 0) fail(`Give a URL. Usage: ${usage}`);
  const urls = positionals.map((text) => {
    const url = URL.parse(text);
    if (url !== null && /^https?:$/.test(url.protocol)) return url;
    fail(`Cannot use ${text}: it must be a URL of http or https`);
  });
  return { ...values, urls };
}

function parse<T>(usage: string, defaults: T & object, allowPositionals: boolean) {
  const known = Object.entries({ monitor: "", ...defaults }).map(([name, value]) =>
    [name, { type: typeof value as "string" | "boolean", default: value }] as const
  );
  try {
    const options = Object.fromEntries(known);
    const { values, positionals } = parseArgs({ options, args: Deno.args, allowPositionals });
    if (values.monitor) monitorPort = port(String(values.monitor));
    return { values: values as T, positionals };
  } catch (error) {
    fail(`${(error as Error).message.split(/\.\s|\n/)[0]}. Usage: ${usage}`);
  }
}

/** A whole number of an option. */
export function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    fail(`Cannot use ${name} ${text}: it must be a number from ${least} to ${most}`);
  }
  return value;
}

/** A port number: 0 lets the system choose one. */
export function port(text: string): number {
  return number("port", text, 0, 65535);
}

/** HOST:PORT, or [IPv6]:PORT. */
export function address(name: string, text: string): { hostname: string; port: number } {
  const [, ipv6, host, digits] = /^(?:\[([\d.:a-f]+)\]|([^\s:[\]]+)):(\d+)$/i.exec(text) ?? [];
  const hostname = ipv6 ?? host;
  if (hostname === undefined) {
    fail(`Cannot use ${name} "${text}": it must be HOST:PORT, such as localhost:8000`);
  }
  return { hostname, port: number(`the port of ${name}`, digits!, 1, 65535) };
}

/** One of the reactor's back ends. */
export function selector(text: string): "auto" | "deno" | "epoll" {
  if (text === "auto" || text === "deno" || text === "epoll") return text;
  fail(`Cannot use selector ${text}: it must be auto, deno or epoll`);
}

/** Ends the program when its input ends: when who has started it is gone. */
export function endWithInput(reactor: Reactor): void {
  const input = reactor.adopt(stdio());
  reactor.addReader(input, () => {
    if (input.recv() === null) reactor.requestShutdown();
  });
}

/** What runs: where it listens, or a server, which ends in good order. */
type Running = string | Pick<HttpServer, "url" | "shutdown">;

/**
 * Runs until Ctrl-C (SIGINT) or SIGTERM: a server lets its clients have their answers, for two seconds at most, or until the
 * second Ctrl-C. It tells on SIGUSR2 what the reactor is waiting for; on SIGUSR1 as well, but there
 * Deno opens its debugger, whoever else listens. With `--monitor PORT`, which each example has, a page shows it (monitor.ts).
 * What `setup` cannot do (a port in use, say) ends the program.
 */
export async function serve(
  options: ReactorOptions,
  setup: (reactor: Reactor) => Running | Promise<Running>,
): Promise<void> {
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const questions: Deno.Signal[] = Deno.build.os === "windows" ? [] : ["SIGUSR1", "SIGUSR2"];
  try {
    const meter = monitorPort === undefined ? undefined : new Meter();
    using reactor = new Reactor({ ...options, ...(meter && { events: meter }) });
    const server = await setup(reactor);
    const where = typeof server === "string" ? server : server.url;
    let isStopping = false;
    const stop = async () => {
      if (typeof server !== "string" && !isStopping) {
        isStopping = true;
        await server.shutdown({ deadlineMs: 2000 });
      }
      reactor.requestShutdown();
    };
    for (const signal of signals) Deno.addSignalListener(signal, stop);
    const inspect = () => console.error(inspectedText(reactor.inspect()));
    for (const signal of questions) Deno.addSignalListener(signal, inspect);
    const at = { hostname: "127.0.0.1", port: monitorPort ?? 0 };
    const shown = meter && monitor(reactor, meter, at, server);
    console.log(`Listening on ${where}`);
    if (shown) console.log(`Its monitor is on ${shown.url}`);
    await reactor.run();
    for (const signal of signals) Deno.removeSignalListener(signal, stop);
    for (const signal of questions) Deno.removeSignalListener(signal, inspect);
  } catch (error) {
    if (error instanceof Error) fail(`Cannot start: ${error.message}`);
    throw error;
  }
}

/** Makes something of the directory that `--dir` names, or ends the program. */
export function ofDirectory<T>(dir: string, make: (dir: string) => T): T {
  try {
    return make(dir);
  } catch (error) {
    fail(`Cannot serve --dir "${dir}": ${(error as Error).message}`);
  }
}
