import { shown } from "../../reactor/_describe.ts";
import type { HttpClientOptions, RequestOptions } from "./client_options.ts";
import { HttpClient } from "./http_client.ts";
import type { WholeResponse } from "./whole_response.ts";

/**
 * Options of {@linkcode getRequest} and {@linkcode postRequest}.
 *
 * @category Client
 */
export interface OneRequestOptions extends RequestOptions {
  /**
   * The host.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /**
   * Asks by https, with these certificates.
   *
   * @default {by http}
   */
  tls?: NonNullable<HttpClientOptions["tls"]>;
}

/** Asks once, over a connection of its own, and reads the response. */
export async function ask(
  method: string,
  port: number,
  path: string,
  { hostname = "127.0.0.1", tls, ...options }: OneRequestOptions,
): Promise<WholeResponse> {
  if (typeof path !== "string" || path[0] !== "/") {
    throw new TypeError(`Cannot ask for ${shown(path)}: a path begins with a slash`);
  }
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const url = `${tls === undefined ? "http" : "https"}://${host}:${port}${path}`;
  using client = new HttpClient({ redirect: "manual", ...tls && { tls } });
  const response = await client.request(method, url, options);
  return { status: response.status, headers: response.headers, body: await response.text() };
}
