import type { AcceptorOptions } from "./acceptor_options.ts";
import { names } from "./_known.ts";
import type { ReactorOptions } from "./reactor_options.ts";

/** The options of an Acceptor. */
export const ACCEPTOR: readonly string[] = names<AcceptorOptions>({
  port: 1,
  hostname: 1,
  path: 1,
  listener: 1,
  descriptor: 1,
  cert: 1,
  key: 1,
  alpnProtocols: 1,
  reusePort: 1,
  tcpBacklog: 1,
  maxConnections: 1,
  noDelay: 1,
  priority: 1,
  onReleased: 1,
});

/** The options of a Reactor. */
export const REACTOR: readonly string[] = names<ReactorOptions>({
  selector: 1,
  clock: 1,
  onError: 1,
  onShutdown: 1,
  events: 1,
  trace: 1,
  lingerMs: 1,
});
