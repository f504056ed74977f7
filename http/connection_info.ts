/** What is known of a connection. */
export interface ConnectionInfo {
  /** The far address. It is undefined if the protocol is fed by hand. */
  readonly remoteAddr: Deno.Addr | undefined;
  /** The near address. */
  readonly localAddr: Deno.Addr | undefined;
  /** Whether it is secured by TLS. */
  readonly tls: boolean;
}
