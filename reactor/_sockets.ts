import type { Clock } from "./clock.ts";
import { describe } from "./_describe.ts";
import type { ListeningOptions } from "./reactor_options.ts";
import type { Reports } from "./_reports.ts";
import type { Draining, Socket } from "./socket.ts";
import type { SocketOwner } from "./_socket_owner.ts";
import { startAlarm } from "./_timers.ts";

/** The sockets of a reactor that hold a connection. */
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

  /** Makes the owner of the connections of one listener. */
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

  /**
   * Waits until all closed sockets have sent what they accepted, but not longer than the linger
   * time.
   */
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

  /**
   * Ends the sockets that are not closed. A socket that has written everything is not reset, so its
   * data still arrives.
   */
  end(): void {
    for (const socket of this.open) {
      if (socket.closed) continue;
      this.#reports.attempt(describe(socket), () => {
        socket.close();
        socket.abort();
      });
    }
  }

  /** Ends all sockets, even those that are closing already. */
  abort(): void {
    for (const left of [...this.open, ...this.#draining]) {
      this.#reports.attempt(describe(left), () => left.abort());
    }
  }

  #checkDrained(): void {
    if (this.open.size + this.#draining.size === 0) this.#onDrained?.();
  }
}
