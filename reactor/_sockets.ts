import type { Clock } from "./clock.ts";
import { describe } from "./_describe.ts";
import type { ListeningOptions } from "./reactor_options.ts";
import type { Reports } from "./_reports.ts";
import type { Draining, Socket } from "./socket.ts";
import type { SocketOwner } from "./_socket_owner.ts";
import { startAlarm } from "./_timers.ts";

/** The sockets of a reactor, as long as they hold a connection. */
export class Sockets {
  readonly open: Set<Socket> = new Set();
  readonly owner: SocketOwner;
  #draining = new Set<Draining>();
  #reports: Reports;
  #onDrained: (() => void) | undefined;

  constructor(
    reports: Reports,
    of: Pick<SocketOwner, "reactor" | "lingerMs">,
  ) {
    this.#reports = reports;
    const { events } = reports;
    this.owner = {
      ...of,
      noDelay: true,
      events,
      opened: (socket) => this.open.add(socket),
      released: (socket) => {
        this.open.delete(socket);
        events.closed?.(socket);
        this.#checkDrained();
      },
      draining: this.#draining,
      drained: () => this.#checkDrained(),
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
    if (this.open.size + this.#draining.size === 0) return;
    let cancel: () => void;
    const drained = new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      cancel = startAlarm(clock, this.owner.lingerMs, resolve);
    });
    clock.onWait?.({ until: drained, look: () => false });
    await drained;
    cancel!();
  }

  /** Ends those that nobody has closed; without a reset if all that was accepted has been handed on: it goes out. */
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
    for (const left of [...this.open, ...this.#draining]) {
      this.#reports.attempt(describe(left), () => left.abort());
    }
  }

  #checkDrained(): void {
    if (this.open.size + this.#draining.size === 0) this.#onDrained?.();
  }
}
