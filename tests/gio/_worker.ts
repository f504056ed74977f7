/** A worker for tests: its name tells what it does. */
import { type Coroutine, gio, messages, sleep } from "../../gio/mod.ts";
import { Reactor } from "../../reactor/mod.ts";

const acts: Record<string, () => Coroutine> = {
  *square() {
    for (;;) {
      const n: number = yield;
      yield n * n;
    }
  },
  *count() {
    for (let n = 1;; n++) yield n;
  },
  *three() {
    for (let n = 1; n <= 3; n++) yield n;
  },
  *fail() {
    yield "before";
    throw new RangeError("broken in the worker");
  },
  *crash_reading() {
    yield "before";
    setTimeout(() => {
      throw new RangeError("broken in the worker");
    });
    yield; // What cancels it now cuts nothing off.
  },
  *crash() {
    yield "before";
    setTimeout(() => {
      throw new RangeError("broken in the worker");
    });
    yield* sleep(1e9);
  },
};

const [act, selector] = self.name.split(" ");
if (act === "plain") {
  const plain = self as unknown as Worker;
  plain.addEventListener("message", ({ data }) => plain.postMessage({ plain: data }));
} else {
  // What it does may begin long before or after the other end does.
  const reactor = new Reactor({ selector: selector as "deno", onError() {} });
  gio(reactor, messages(self, { capacity: 2 }), acts[act!]!());
  reactor.run();
}
