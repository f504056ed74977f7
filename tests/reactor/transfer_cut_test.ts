/** What the error of a transfer tells, and what a transfer leaves to others when it is cut. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { stub } from "@std/testing/mock";
import { FakeTime } from "@std/testing/time";
import {
  Reactor,
  type SelectorName,
  type Sender,
  type Socket,
  splice,
  type Transfer,
  TransferError,
  type TransferredBothWays,
  type Writes,
} from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { END_KINDS, pattern, stalled } from "./_transfer_ends.ts";

const SELECTORS: SelectorName[] = Deno.build.os === "linux" ? ["deno", "epoll"] : ["deno"];

type AnyTransfer = Transfer | Transfer<TransferredBothWays>;

const MIB = 1024 * 1024;
const TCP = END_KINDS.find(({ name }) => name === "a TCP connection")!;

const never = () => new Promise<never>(() => {});

/** Gives this many bytes, and then nothing more. */
function reads(length: number) {
  let left = length;
  return (p: Uint8Array): Promise<number> => {
    const given = left;
    left = 0;
    return given > 0 ? Promise.resolve(p.fill(1, 0, given) && given) : never();
  };
}

/** Writes so many bytes, and then fails or waits. */
function writes(length: number, fails: boolean): Writes & { written: number } {
  return {
    written: 0,
    write(p) {
      if (p.length === 0) return Promise.resolve(0);
      const some = Math.min(p.length, length - this.written);
      this.written += some;
      if (some > 0) return Promise.resolve(some);
      return fails ? Promise.reject(new Error("full")) : never();
    },
  };
}

/** Waits until a transfer has done all that it can. */
async function cut(transfer: AnyTransfer, fails: boolean): Promise<TransferError> {
  const outcome = assertRejects(() => transfer, TransferError);
  await turns(3);
  if (!fails) transfer.abort();
  return await outcome;
}

for (const fails of [false, true]) {
  const how = fails ? "an error" : "abort()";
  for (const [to, tap, lost] of [[10, 0, 10], [10, 4, 6], [0, 10, 10], [3, 10, 10]] as const) {
    Deno.test(`splice.tee() cut by ${how} has lost what either has not got, after ${to} and ${tap} of 10`, async () => {
      const [one, other] = [writes(to, fails), writes(tap, fails)];
      const error = await cut(splice.tee({ read: reads(10) }, one, other), fails);
      assertEquals([error.transferred.bytes, error.lost], [to, lost]);
      if (fails) assertEquals(error.side, to < 10 ? "to" : "tap");
    });
  }

  for (const failing of ["forth", "back"]) {
    Deno.test(`splice.both() cut by ${how} has lost what was lost both ways (${failing})`, async () => {
      const one = {
        read: reads(10),
        write: writes(1, fails && failing === "back").write,
        written: 0,
      };
      const other = {
        read: reads(7),
        write: writes(2, fails && failing === "forth").write,
        written: 0,
      };
      const error = await cut(splice.both(one, other), fails);
      assertEquals(error.lost, 10 - 2 + 7 - 1);
    });
  }
}

for (const tap of END_KINDS.filter(({ name }) => /TCP|ocket \(/.test(name))) {
  for (const copy of [false, true]) {
    const how = copy ? ", with copy: true" : "";
    leakTest(`splice.tee() has lost what ${tap.name} as its tap has not got${how}`, async () => {
      let writing: Promise<void>;
      {
        await using source = await TCP.open();
        await using target = await tap.open();
        let got = 0;
        const to = { write: (p: Uint8Array) => Promise.resolve((got += p.length) && p.length) };
        writing = source.write(pattern(64 * MIB)).catch(() => {});
        const transfer = splice.tee(source.near, to, target.near, { copy });
        const outcome = assertRejects(() => transfer, TransferError);
        await stalled(transfer);
        transfer.abort();
        const { transferred, lost } = await outcome;
        assertEquals(transferred.bytes, got);
        assert(lost > 0);
        if (tap.name.includes("epoll")) {
          (target.near as Socket).shutdown();
          const missing = got - (await target.readAll()).length;
          // What has come out of neither pipe is lost as well.
          if (copy) assertEquals(lost, missing);
          else assert(lost >= missing && missing > 0);
        }
      }
      await writing;
    });
  }
}

/** A selectable that the test makes ready and closes. */
class Odd implements Sender {
  readable = false;
  writable = false;
  closed = false;
  chunk: Uint8Array | undefined;
  notify = () => {};
  readonly reactor: Reactor;
  constructor(reactor: Reactor) {
    this.reactor = reactor;
  }
  recv(): Uint8Array | undefined {
    const { chunk } = this;
    this.chunk = undefined;
    return chunk;
  }
  send(bytes: Uint8Array): number {
    return this.writable ? bytes.length : 0;
  }
  watch(_: unknown, notify: () => void): void {
    this.notify = notify;
  }
  unwatch(): void {}
}

for (const selector of SELECTORS) {
  leakTest(
    `a transfer that ends removes no reader that came after its own (${selector})`,
    async () => {
      using reactor = new Reactor({ selector });
      const running = reactor.run();
      const odd = new Odd(reactor);
      const transfer = splice(odd, writes(0, false));
      const outcome = assertRejects(() => transfer, TransferError);
      await turns(3);
      odd.chunk = new Uint8Array(10);
      odd.readable = odd.closed = true;
      odd.notify();
      await turnsUntil(() => odd.chunk === undefined && reactor.inspect().length === 0);
      reactor.addReader(odd, () => {}, { suspended: true });
      transfer.abort();
      assertEquals((await outcome).lost, 10);
      assertEquals(reactor.inspect().length, 1);
      reactor.removeReader(odd);
      reactor.requestShutdown();
      await running;
    },
  );

  for (const side of ["from", "to"] as const) {
    const begin = (odd: Odd) =>
      side === "from" ? splice(odd, writes(0, true)) : splice({ read: reads(10) }, odd);

    leakTest(
      `a transfer tells why the selectable "${side}" cannot be watched (${selector})`,
      async () => {
        using reactor = new Reactor({ selector });
        const running = reactor.run();
        const odd = new Odd(reactor);
        const reason = new Error("it is broken");
        odd.watch = () => {
          throw reason;
        };
        const error = await assertRejects(() => begin(odd), TransferError);
        assertEquals([error.side, error.cause], [side, reason]);
        reactor.requestShutdown();
        await running;
      },
    );

    leakTest(`a transfer tells that the selectable "${side}" is closed (${selector})`, async () => {
      using reactor = new Reactor({ selector });
      const running = reactor.run();
      const odd = new Odd(reactor);
      odd.closed = true;
      const error = await assertRejects(() => begin(odd), TransferError, "is closed");
      assertEquals(error.side, side);
      reactor.requestShutdown();
      await running;
    });
  }

  const BEGIN: Record<string, (odd: Odd, other: Odd) => AnyTransfer> = {
    "from a selectable": (odd) => splice(odd, writes(0, true)),
    "to a selectable": (odd) => splice({ read: reads(10) }, odd),
    "both ways": (odd, other) => splice.both(odd, other),
  };
  for (const [what, begin] of Object.entries(BEGIN)) {
    leakTest(`a transfer ${what} says so when nobody runs the reactor (${selector})`, async () => {
      const errors: [Error, string][] = [];
      const onError = (error: unknown, where: string) => void errors.push([error as Error, where]);
      using reactor = new Reactor({ selector, onError });
      const ways = what === "both ways" ? 2 : 1;
      const transfer = (() => {
        using time = new FakeTime();
        using unref = stub(Deno, "unrefTimer");
        const transfer = begin(new Odd(reactor), new Odd(reactor));
        transfer.begin({ reactor, resume() {}, fail() {} });
        assertEquals([unref.calls.length, errors.length], [ways, 0]);
        time.tick(5000);
        assertEquals(time.next(), false);
        return transfer;
      })();
      // Each way says it.
      assertEquals(errors.length, ways);
      assertStringIncludes(errors[0]![0].message, "Nobody runs the reactor");
      assertStringIncludes(errors[0]![0].message, "nothing is transferred");
      assertStringIncludes(errors[0]![1], "Odd");
      transfer.abort();
      await assertRejects(() => transfer, TransferError);
    });

    leakTest(
      `a transfer ${what} says nothing when it has ended, or its reactor runs (${selector})`,
      async () => {
        for (const runs of [false, true]) {
          using reactor = new Reactor({ selector });
          if (runs) reactor.step();
          const transfer = begin(new Odd(reactor), new Odd(reactor));
          using time = new FakeTime();
          using unref = stub(Deno, "unrefTimer");
          transfer.begin({ reactor, resume() {}, fail() {} });
          assertEquals(unref.calls.length > 0, !runs);
          transfer.abort();
          assertEquals(time.next(), false);
          await transfer.catch(() => {});
        }
      },
    );
  }
}
