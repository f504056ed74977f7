/** A server of HTTP/2 for tests, that does with each request what a test wants. */
import type { SessionLimits } from "../../http/h2/_session.ts";
import type { H2Stream } from "../../http/h2/_stream.ts";
import { hostname, listening } from "../_sockets.ts";
import { Peer } from "./_h2_peer.ts";

/** What it does with a request: the connection, the stream, and the path. */
export type Script = (peer: Peer, stream: H2Stream, path: string) => void;

export class Puppet implements AsyncDisposable {
  /** The connections, in their order. */
  readonly peers: Peer[] = [];
  /** The paths that were asked for, in their order. */
  readonly paths: string[] = [];
  readonly #listener = Deno.listen(listening);
  readonly #script: Script;
  readonly #limits: Partial<SessionLimits> | undefined;
  readonly #accepting: Promise<void>;
  /** Whether a connection begins with its settings. */
  readonly #isSilent: boolean;

  constructor(script: Script, limits?: Partial<SessionLimits>, isSilent = false) {
    this.#script = script;
    this.#limits = limits;
    this.#isSilent = isSilent;
    this.#accepting = this.#accept();
  }

  get url(): string {
    return `http://${hostname}:${this.#listener.addr.port}`;
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      conn.setNoDelay();
      const peer = Peer.accept(conn, this.#limits);
      this.peers.push(peer);
      peer.onOpened = (stream) => {
        const path = /:path: ([^|]*)/.exec(
          peer.log.findLast((line) => / opened /.test(line))!,
        )?.[1] ?? "";
        this.paths.push(path);
        this.#script(peer, stream, path);
      };
      peer.start(this.#isSilent);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const peer of this.peers) await peer[Symbol.asyncDispose]();
  }
}

/** Answers with this text. */
export function answer(stream: H2Stream, text: string, ...fields: string[]): void {
  stream.session.head(stream, [":status", "200", ...fields], false);
  stream.session.body(stream, text, text.length);
}
