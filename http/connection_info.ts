/**
 * What is known of a connection that is secured by TLS.
 *
 * @category Server
 */
export interface TlsInfo {
  /**
   * The protocol that was chosen by ALPN, of those in {@linkcode AcceptorOptions.alpnProtocols}. It is
   * undefined if the client or the server has offered none.
   */
  readonly alpnProtocol: string | undefined;
}

/**
 * What is known of a connection.
 *
 * @category Server
 */
export interface ConnectionInfo {
  /** The far address. It is undefined if the protocol is fed by hand. */
  readonly remoteAddr: Deno.Addr | undefined;
  /** The near address. */
  readonly localAddr: Deno.Addr | undefined;
  /**
   * What is known of TLS; undefined if the connection is not secured. The name of the server that the
   * client has asked for, and a certificate of the client, are not told by Deno.
   */
  readonly tls: TlsInfo | undefined;
  /**
   * Aborts when the server begins to shut down. A handler that would take long may end early then; it
   * may still answer, until the deadline. Event streams are ended without its help.
   *
   * @example A long poll
   * ```ts
   * import type { Coroutine } from "@weightless/io/compose";
   * import { wait } from "@weightless/io/gio";
   * import { type HttpRequest, ok, response } from "@weightless/io/http";
   *
   * function* poll({ connection: { closing } }: HttpRequest, news: Promise<string>): Coroutine {
   *   const closed = new Promise<undefined>((resolve) => {
   *     closing?.addEventListener("abort", () => resolve(undefined), { once: true });
   *   });
   *   const text = closing?.aborted ? undefined : yield* wait(Promise.race([news, closed]));
   *   if (text === undefined) return yield response(503, { "retry-after": "1" });
   *   yield ok();
   *   yield text;
   * }
   * void poll;
   * ```
   */
  readonly closing?: AbortSignal;
}
