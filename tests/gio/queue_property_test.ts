/** A queue against a model: order, fairness, nothing lost, nothing doubled, whatever is done and cancelled. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Gio, gio, Queue } from "../../gio/mod.ts";
import { Reactor, TestClock } from "../../reactor/mod.ts";

const SEED = 20_26;

type Act = { do: "put" | "get" | "tryPut" | "tryGet" | "close" | "fail" } | {
  do: "cancel";
  which: number;
};

const acts = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Act["do"]>("put", "get") },
    { weight: 3, arbitrary: fc.constantFrom<Act["do"]>("tryPut", "tryGet") },
    { weight: 1, arbitrary: fc.constantFrom<Act["do"]>("close", "fail") },
  ).map((name) => ({ do: name }) as Act),
  { maxLength: 40 },
).chain((some) =>
  fc.tuple(...some.map((act) =>
    fc.oneof(
      { weight: 4, arbitrary: fc.constant<Act[]>([act]) },
      {
        weight: 1,
        arbitrary: fc.nat(20).map((which): Act[] => [act, { do: "cancel", which }]),
      },
    )
  )).map((lists) => lists.flat())
);

/** What a queue is, in the simplest words. */
class Model {
  readonly log: string[] = [];
  items: number[] = [];
  getters: string[] = [];
  putters: [name: string, item: number][] = [];
  closed: "no" | "EndOfStream" | "RangeError" = "no";

  constructor(readonly capacity: number) {}

  put(name: string, item: number, waits: boolean): void {
    if (this.closed !== "no") this.log.push(`${name} BadResource`);
    else if (this.getters.length > 0) {
      this.log.push(`${this.getters.shift()} got ${item}`, `${name} true`);
    } else if (this.items.length < this.capacity) {
      this.items.push(item);
      this.log.push(`${name} true`);
    } else if (waits) this.putters.push([name, item]);
    else this.log.push(`${name} false`);
  }

  get(name: string, waits: boolean): void {
    let item = this.items.shift();
    if (item === undefined && this.putters.length > 0) {
      const putter = this.putters.shift()!;
      this.log.push(`${putter[0]} true`);
      item = putter[1];
    } else if (item !== undefined && this.putters.length > 0) {
      const putter = this.putters.shift()!;
      this.log.push(`${putter[0]} true`);
      this.items.push(putter[1]);
    }
    if (item !== undefined) this.log.push(`${name} got ${item}`);
    else if (this.closed !== "no") this.log.push(`${name} ${this.closed}`);
    else if (waits) this.getters.push(name);
    else this.log.push(`${name} got undefined`);
  }

  close(how: "EndOfStream" | "RangeError"): void {
    if (this.closed !== "no") return;
    this.closed = how;
    for (const [name] of this.putters.splice(0)) this.log.push(`${name} BadResource`);
    for (const name of this.getters.splice(0)) this.log.push(`${name} ${how}`);
  }

  cancel(name: string): void {
    this.getters = this.getters.filter((one) => one !== name);
    this.putters = this.putters.filter(([one]) => one !== name);
  }
}

Deno.test("a queue does what its model does, act by act", () => {
  fc.assert(
    fc.property(fc.nat(3), acts, (capacity, acts) => {
      using reactor = new Reactor({ selector: "deno", clock: new TestClock() });
      const queue = new Queue<number>({ capacity });
      const model = new Model(capacity);
      const log: string[] = [];
      const tasks: [name: string, task: Gio][] = [];
      const say = (name: string, act: () => unknown) => {
        try {
          log.push(`${name} ${act()}`);
        } catch (error) {
          log.push(`${name} ${(error as Error).name}`);
        }
      };
      const run = (name: string, coroutine: Generator) => {
        const task = gio(reactor, undefined, coroutine);
        task.result.catch(() => {});
        tasks.push([name, task]);
      };
      for (const [i, act] of acts.entries()) {
        const name = `${act.do}${i}`;
        if (act.do === "put") {
          run(
            name,
            function* () {
              let error: unknown;
              try {
                yield* queue.put(i);
              } catch (caught) {
                error = caught;
              }
              log.push(`${name} ${error === undefined ? true : (error as Error).name}`);
            }(),
          );
          model.put(name, i, true);
        } else if (act.do === "get") {
          run(
            name,
            function* () {
              try {
                log.push(`${name} got ${yield* queue.get()}`);
              } catch (error) {
                log.push(`${name} ${(error as Error).name}`);
              }
            }(),
          );
          model.get(name, true);
        } else if (act.do === "tryPut") {
          say(name, () => queue.tryPut(i));
          model.put(name, i, false);
        } else if (act.do === "tryGet") {
          say(name, () => `got ${queue.tryGet()}`);
          model.get(name, false);
        } else if (act.do === "cancel") {
          const chosen = tasks[act.which % (tasks.length || 1)];
          if (chosen === undefined) continue;
          chosen[1].cancel();
          model.cancel(chosen[0]);
        } else {
          queue.close(act.do === "fail" ? new RangeError() : undefined);
          model.close(act.do === "fail" ? "RangeError" : "EndOfStream");
        }
        assertEquals(log, model.log);
        assertEquals(queue.size, model.items.length);
      }
    }),
    { seed: SEED, numRuns: 1000 },
  );
});

Deno.test("nothing is lost or doubled, wherever turns end and whoever is cancelled", () => {
  const { now } = performance;
  let ms = 0, turnMs = 0;
  performance.now = () => ms += turnMs;
  try {
    const cancels = fc.array(fc.tuple(fc.nat(7), fc.nat(3)), { maxLength: 30 });
    const property = fc.property(
      fc.nat(4),
      fc.nat(4),
      cancels,
      fc.boolean(),
      (capacity, tenths, cancels, isDeep) => {
        turnMs = tenths / 10;
        using reactor = new Reactor({ selector: "deno", clock: new TestClock() });
        const queue = new Queue<[producer: number, number: number]>({ capacity });
        const got: [number, number][] = [];
        const returned: number[] = [];
        const tasks: Gio[] = [];
        const add = (coroutine: Generator) => {
          const task = gio(reactor, undefined, coroutine);
          task.result.catch(() => {});
          tasks.push(task);
        };
        const addProducer = () => {
          const producer = returned.push(0) - 1;
          add(function* () {
            for (;; returned[producer]!++) yield* queue.put([producer, returned[producer]!]);
          }());
        };
        const addConsumer = () =>
          add(function* () {
            for (;;) got.push(yield* queue.get());
          }());
        addProducer();
        for (const [which, then] of cancels) {
          const act = () => {
            const live = tasks.filter((task) => !task.done);
            if (live.length > 0) live[which % live.length]!.cancel();
            if (then & 1) addConsumer();
            else addProducer();
            queue.tryPut([-1, 0]);
          };
          if (isDeep) within(reactor, 98 + which % 4, act);
          else act();
          if (then & 2) reactor.step();
        }
        for (const task of tasks) task.cancel();
        for (let item; (item = queue.tryGet()) !== undefined;) got.push(item);
        for (const [producer, count] of returned.entries()) {
          const numbers = got.filter(([from]) => from === producer).map(([, number]) => number);
          numbers.sort((a, b) => a - b);
          assertEquals(numbers, Array.from(numbers, (_, i) => i)); // each once
          // The last one may have been accepted, when its producer was cancelled before its turn.
          assert(numbers.length === count || numbers.length === count + 1);
        }
      },
    );
    fc.assert(property, { seed: SEED, numRuns: 150 });
  } finally {
    performance.now = now;
  }
});

/** Acts within so many coroutines that what is resumed may have to wait for its turn. */
function within(reactor: Reactor, depth: number, act: () => void): void {
  gio(
    reactor,
    undefined,
    function* () {
      if (depth > 1) within(reactor, depth - 1, act);
      else act();
    }(),
  );
}
