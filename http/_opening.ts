import { type Coroutine, EndOfStream } from "../compose/mod.ts";
import { tailCall } from "../compose/_tail_call.ts";
import { AcceptedConnection, type Speaker } from "./_accepted_connection.ts";
import { Connection, KEPT_LONGER_MS } from "./_connection.ts";
import { type ConnectionHost, hostOf } from "./_host.ts";
import { Overdue } from "./_phase_timer.ts";
import type { Settings } from "./_settings.ts";
import { isPreface } from "./h2/_codes.ts";
import { isWholePreface, readPreface } from "./h2/_preface.ts";
import { ServerConnection } from "./h2/_server_connection.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { HttpHandler } from "./http_handler.ts";

/**
 * A connection of a server on which nothing has come yet. The first bytes tell the version of HTTP. From
 * then on there is only what speaks that.
 */
export class Opening implements Speaker {
  readonly #handler: HttpHandler;
  readonly #settings: Settings;
  readonly #info: ConnectionInfo;
  #host: ConnectionHost | undefined = undefined;
  #isFinishing = false;
  isIdle = true;

  constructor(handler: HttpHandler, settings: Settings, info: ConnectionInfo) {
    this.#handler = handler;
    this.#settings = settings;
    this.#info = info;
    if (info instanceof AcceptedConnection) info.speaker = this;
  }

  finish(): void {
    this.#isFinishing = true;
    this.#host?.hangUp(this);
  }

  /** Waits for the first bytes. It must be run by gio(). */
  *run(): Coroutine<void> {
    const settings = this.#settings;
    const host = this.#host = hostOf(settings)!;
    let bytes: Uint8Array;
    try {
      host.begin(settings.timeouts.idleMs + KEPT_LONGER_MS);
      do bytes = yield; while (bytes.length === 0);
      this.isIdle = false;
      if (settings.http2 && isPreface(bytes)) {
        host.begin(settings.timeouts.headMs);
        bytes = yield* readPreface(bytes);
      }
    } catch (error) {
      if (error instanceof EndOfStream || error instanceof Overdue) return;
      throw error;
    } finally {
      host.stop();
    }
    settings.date.stale = true;
    if (settings.http2 && isWholePreface(bytes)) {
      const connection = new ServerConnection(this.#handler, settings, this.#info, host);
      return this.#goOn(connection, connection.run(bytes));
    }
    const connection = new Connection(this.#handler, settings, this.#info, bytes);
    return this.#goOn(connection, connection.run(true));
  }

  #goOn(speaker: Speaker, speaking: Coroutine<void>): void {
    if (this.#isFinishing) speaker.finish();
    return tailCall(speaking);
  }
}
