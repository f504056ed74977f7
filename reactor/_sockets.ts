import type { Clock } from "./clock.ts";
import { describe } from "./_describe.ts";
import type { ListeningOptions } from "./reactor_options.ts";
import type { Reports } from "./_reports.ts";
import type { Socket } from "./socket.ts";
import type { SocketOwner } from "./_socket_owner.ts";
import { startAlarm } from "./_timers.ts";

/** The sockets of a reactor, as long as they hold a connection. */
export class Sockets {
  readonly open: Set<Socket> = new Set();
  readonly owner: SocketOwner;
  #reports: Reports;
  #onDrained: (() => void) | undefined;

  constructor(
    reports: Reports,
    timers: Pick<SocketOwner, "lingerMs" | "addTimer" | "removeTimer">,
  ) {
    this.#reports = reports;
    const { events } = reports;
    this.owner = {
      ...timers,
      noDelay: true,
      events,
      opened: (socket) => this.open.add(socket),
      released: (socket) => {
        this.open.delete(socket);
        events.closed?.(socket);
        if (this.open.size === 0) this.#onDrained?.();
      },
    };
  }

  /** As {@linkcode Sockets.owner}, for the connections of one listener. */
  ownerOfAccepted({ noDelay = true, onReleased }: ListeningOptions): SocketOwner {
    const { owner } = this;
    return {
      ...owner,
      noDelay,
      opened(socket) {
        owner.opened(socket);
        owner.events?.accepted?.(socket);
      },
      released(socket) {
        owner.released(socket);
        onReleased?.(socket);
      },
    };
  }

  /** Waits for those that were closed with something still to send, for the linger time at most. */
  async drain(clock: Clock): Promise<void> {
    if (this.open.size === 0) return;
    let cancel: () => void;
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      cancel = startAlarm(clock, this.owner.lingerMs, resolve);
    });
    cancel!();
  }

  /** Ends those that nobody has closed, without a reset: what was sent may still be under way, and is no part of something. */
  end(): void {
    for (const socket of this.open) {
      if (socket.closed) continue;
      this.#reports.attempt(describe(socket), () => {
        socket.close();
        socket.abort();
      });
    }
  }

  /** Ends those that are closing already, too. */
  abort(): void {
    for (const socket of this.open) {
      this.#reports.attempt(describe(socket), () => socket.abort());
    }
  }
}
