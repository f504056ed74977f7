/** The options of both sides, checked and complete, and the endpoint that they make. */
import type { Context } from "../../gio/mod.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { allTimeouts, limitsOf } from "../_limits.ts";
import { Endpoint } from "./_endpoint.ts";
import { type Agreed, codecsOf, compressionOf, type CompressionSettings } from "./_extension.ts";
import { checkProtocols } from "./_handshake.ts";
import { WebSocketWire } from "./_wire.ts";
import { defaultWebSocketLimits, type WebSocketLimits } from "./web_socket_limits.ts";
import type { WebSocketOptions } from "./web_socket_options.ts";
import { defaultWebSocketTimeouts, type WebSocketTimeouts } from "./web_socket_timeouts.ts";

export interface WebSocketSettings {
  readonly protocols: readonly string[];
  readonly compression: CompressionSettings | undefined;
  readonly limits: WebSocketLimits;
  readonly timeouts: WebSocketTimeouts;
}

export function settingsOf(options: WebSocketOptions): WebSocketSettings {
  const { protocols = [], compression = false, limits = defaultWebSocketLimits } = options;
  checkProtocols(protocols);
  return {
    protocols,
    compression: compressionOf(compression),
    limits: limitsOf(limits, defaultWebSocketLimits),
    timeouts: options.timeouts === undefined
      ? defaultWebSocketTimeouts
      : allTimeouts(options.timeouts, defaultWebSocketTimeouts),
  };
}

/** One end of a WebSocket that was opened on a connection. */
export function endpointOf(
  role: "client" | "server",
  raw: Context,
  reactor: Reactor,
  settings: WebSocketSettings,
  agreed: Agreed | undefined,
): Endpoint {
  const deflate = agreed && codecsOf(agreed, settings.compression!);
  const wire = new WebSocketWire(role, { limits: settings.limits, deflate });
  return new Endpoint(raw, reactor, wire, settings.timeouts);
}
