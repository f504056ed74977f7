/*
 * How a pipe runs its stages:
 *
 *  1. One stage runs at a time; the last one runs first. When a stage wants data, it waits, and the
 *     stage before it runs. When a stage has data, it stops, and the stage after it, which waits,
 *     gets them. So nothing is buffered between stages.
 *  2. The outside is before the first stage and after the last. It is asked for what the first
 *     stage wants, and gets what the last stage has. A Request or Yield of any stage goes to the
 *     outside, too, and the answer goes to that stage.
 *  3. When a stage has ended, or has let EndOfStream out, the stage after it gets EndOfStream at
 *     each of its reads. The stages before it are closed at once, because nobody reads them any
 *     more. When the last stage ends, the pipe ends.
 *  4. An error closes all other stages. Stages are closed from the last to the first, each to its
 *     end. If a stage yields in a `finally`, a Request goes to the outside, and a read gets
 *     EndOfStream (but the first stage may read from outside). Data of the last stage go to the
 *     outside, and other data are dropped. The first error is the one that leaves the pipe. If a
 *     pipe that waits in a `finally` is closed again, this `finally` is cut off, and no other.
 *  5. Input that a stage pushed back and did not read goes to the stage that replaces it. What the
 *     first stage pushed back is pushed back by the pipe when it ends.
 *  6. A stage that is replaced or removed is retired: it finishes what it is doing, gets
 *     EndOfStream at its next read, and when it has ended, its successor takes over. Items that
 *     reach its place meanwhile wait for the successor.
 */
import {
  compose,
  type Composed,
  type Coroutine,
  EndOfStream,
  isCoroutine,
  isRequest,
  Yield,
} from "../compose/mod.ts";
import { machinery } from "../compose/_machinery.ts";
import { notACoroutine } from "../compose/_not_a_coroutine.ts";
import { PushBack } from "../compose/push_back.ts";
import { cleaned } from "../compose/_traceback.ts";

/**
 * A stage of a pipe: a coroutine, or a function that makes one.
 *
 * @category Pipelines
 */
export type Stage<R = unknown> = Coroutine<R> | (() => Coroutine<R>);

// What a stage is doing. In the first two states it can simply be run; in the third it needs data
// or an error.
const FRESH = 0;
const READY = 1;
const WAITING = 2;
const ENDED = 3;

/** The place of a stage; or the outside, which is before the first stage and after the last. */
class Slot {
  readonly stage: Composed<unknown> | undefined;
  before!: Slot;
  after!: Slot;
  state: typeof FRESH | typeof READY | typeof WAITING | typeof ENDED = FRESH;
  /** What it reads before anything else. */
  input: unknown[] = [];
  /** What takes over when this stage, which is retired, has ended. */
  successor: Slot | "nobody" | undefined;
  /** What came for the successor meanwhile. */
  kept: unknown[] = [];
  /** Whether it cannot simply be given what comes, because it has input or a successor. */
  special = false;
  /** What it returned. */
  result: unknown;

  /** @param given The stage; nothing for the outside. */
  constructor(...given: [stage?: Stage]) {
    if (given.length === 0) return;
    const [stage] = given;
    const coroutine = typeof stage === "function" ? stage() : stage;
    if (!isCoroutine(coroutine)) {
      throw notACoroutine(
        "make a stage of",
        coroutine,
        "give a coroutine, or a function that makes one",
      );
    }
    this.stage = compose(coroutine);
  }

  /** Gives it items to read later. */
  offer(items: unknown[]): void {
    if (items.length === 0) return;
    const offered = this.successor === undefined ? this.input : this.kept;
    for (const item of items) offered.push(item);
    this.special = true;
  }

  /** The next of its input. */
  take(): unknown {
    const item = this.input.shift();
    this.special = this.input.length > 0 || this.successor !== undefined;
    return item;
  }

  /** Its coroutine has ended; what it pushed back is input again. */
  end(result: unknown): void {
    this.state = ENDED;
    this.result = result;
    this.input = [...this.stage!.rest, ...this.input];
  }
}

/** Whether a stage yielded something for the driver of the pipe, rather than data. */
export function isForDriver(value: unknown): boolean {
  return value === Yield || isRequest(value);
}

const OVER: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Closes a stage, to its end. What it yields meanwhile goes to the outside, if the outside is next
 * to it.
 */
export function* close(
  stage: Coroutine,
  readsOutside: boolean,
  writesOutside: boolean,
): Coroutine<void> {
  let closed = false;
  try {
    let result = stage.return(undefined);
    while (!result.done) {
      const { value } = result;
      if (value === undefined && !readsOutside) {
        result = stage.throw(new EndOfStream("The stage is being closed"));
      } else if (value === undefined || writesOutside || isForDriver(value)) {
        let answer: unknown;
        try {
          answer = yield value;
        } catch (error) {
          result = stage.throw(error);
          continue;
        }
        result = stage.next(answer);
      } else result = stage.next();
    }
    closed = true;
  } catch (error) {
    closed = true;
    if (!(error instanceof EndOfStream)) throw error;
  } finally {
    if (!closed) yield* close(stage, readsOutside, writesOutside);
  }
}

/** The stages of a pipe, and how they are run. */
export class Plumbing<R> {
  readonly #source = new Slot();
  readonly #sink = new Slot();
  #finished = false;
  // Whose turn it is, and what it gets:
  #slot: Slot = this.#sink;
  #message: unknown;
  #failing = false;
  /** An error that the outside threw in, for the stage that reads from the outside. */
  #failure: { error: unknown } | undefined;
  /** The first error of a stage. */
  #trouble: { error: unknown } | undefined;

  constructor(stages: Stage[]) {
    if (stages.length === 0) throw new TypeError("Cannot make a pipe without stages");
    this.#source.state = READY;
    this.#sink.state = WAITING;
    this.#source.after = this.#sink;
    this.#sink.before = this.#source;
    for (const stage of stages) this.#link(new Slot(stage), this.#sink);
  }

  /** The stages that have not ended, in the order in which data flow. */
  *stages(): Generator<Composed<unknown>, void> {
    for (let slot = this.#source.after; slot !== this.#sink; slot = slot.after) {
      if (slot.state !== ENDED) yield slot.stage!;
    }
  }

  /** The pipe as a coroutine. */
  *run(): Coroutine<R> {
    const source = this.#source, sink = this.#sink;
    this.#ask(sink);
    try {
      for (;;) {
        if (this.#slot === source) {
          try {
            this.#give(source, yield);
          } catch (error) {
            this.#failure = { error };
            this.#ask(sink);
          }
          continue;
        }
        if (this.#slot === sink) {
          if (this.#failing) return this.#result(); // the end of the stream
          try {
            yield this.#message;
            this.#ask(sink);
          } catch (error) {
            if (sink.before.state !== ENDED) this.#throw(sink.before, error);
            else if (error instanceof EndOfStream) return this.#result();
            else throw error; // what is given out is left of a stage that is not there any more
          }
          continue;
        }

        const { done, value } = this.#flow();
        const slot = this.#slot;
        if (done) {
          slot.end(value);
          if (this.#trouble === undefined) {
            if (slot.successor !== undefined) this.#succeed(slot);
            // deno-lint-ignore weightless/call-coroutine -- the finally below ends what goes on
            else yield* this.#close(slot.before);
          }
          if (this.#trouble !== undefined) return undefined as R; // see below
          this.#ask(sink);
        } else if (value === undefined) this.#ask(slot);
        else if (isForDriver(value)) {
          try {
            this.#message = yield value;
            this.#failing = false;
          } catch (error) {
            this.#throw(slot, error);
          }
        } else this.#give(slot, value);
      }
    } finally {
      this.#finished = true;
      try {
        yield* this.#close(sink.before);
      } finally {
        this.#fail();
      }
    }
  }

  /**
   * Runs stages as long as data go from one to the next. Returns what the stage in `#slot` did
   * last: it has ended, has a Request, or needs the outside or a change of the pipe.
   */
  #flow(): IteratorResult<unknown, unknown> {
    let slot = this.#slot;
    let message = this.#message;
    let failing = this.#failing;
    try {
      for (;;) {
        slot.state = READY;
        const result = failing ? slot.stage!.throw(message) : slot.stage!.next(message);
        if (result.done) return result;
        failing = false;
        message = result.value;
        if (message === undefined) {
          slot.state = WAITING;
          if (slot.special || slot.before.state > READY || slot.before === this.#source) {
            return result;
          }
          slot = slot.before;
        } else {
          const { after } = slot;
          if (after.state !== WAITING || after.special || isForDriver(message)) return result;
          if (after === this.#sink) return result;
          slot = after;
        }
      }
    } catch (error) {
      if (!(error instanceof EndOfStream)) this.#trouble = { error };
      return OVER;
    } finally {
      this.#slot = slot;
    }
  }

  /** Gives data of a stage to the stage after it: at once if that waits for them. */
  #give(slot: Slot, value: unknown): void {
    const { after } = slot;
    if (after.state === WAITING && !after.special) {
      this.#slot = after;
      this.#message = value;
      this.#failing = false;
    } else {
      after.offer([value]);
      this.#ask(this.#sink);
    }
  }

  #throw(slot: Slot, error: unknown): void {
    this.#slot = slot;
    this.#message = error;
    this.#failing = true;
  }

  /**
   * Finds out which stage goes on, and with what, when a stage waits. If there is nothing for it,
   * the stage before it goes on.
   */
  #ask(slot: Slot): void {
    for (;; slot = slot.before) {
      const { before } = slot;
      if (slot.input.length > 0) {
        this.#slot = slot;
        this.#message = slot.take();
        this.#failing = false;
        return;
      }
      if (slot.successor !== undefined) {
        return this.#throw(slot, new EndOfStream("The stage was replaced or removed"));
      }
      if (before === this.#source && this.#failure !== undefined) {
        const { error } = this.#failure;
        this.#failure = undefined;
        return this.#throw(slot, error);
      }
      if (before.state === ENDED) {
        return this.#throw(slot, new EndOfStream("The stage before this one has ended"));
      }
      if (before.state <= READY) {
        this.#slot = before;
        this.#message = undefined;
        this.#failing = false;
        return;
      }
    }
  }

  /** Closes this stage and those before it. The first error is kept in `#trouble`. */
  *#close(last: Slot): Coroutine<void> {
    let closed = false;
    try {
      for (let slot = last; slot !== this.#source; slot = slot.before) {
        if (slot.state === ENDED) continue;
        try {
          // deno-lint-ignore weightless/call-coroutine -- the stages after it are to be closed as well
          yield* close(slot.stage!, slot.before === this.#source, slot.after === this.#sink);
        } catch (error) {
          this.#trouble ??= { error };
        } finally {
          slot.end(undefined);
          // It was replaced or removed while it was being closed.
          if (slot.successor !== undefined) this.#succeed(slot);
        }
      }
      closed = true;
    } finally {
      if (!closed) yield* this.#close(last);
    }
  }

  #fail(): void {
    if (this.#trouble !== undefined) throw cleaned(this.#trouble.error);
  }

  #result(): R {
    const { input } = this.#source.after;
    const result = this.#sink.before.result as R;
    return input.length === 0 ? result : new PushBack(result, input) as R;
  }

  /** How many stages there are, without those that are removed and only finish. */
  get length(): number {
    return this.#stages().length;
  }

  insert(index: number, stage: Stage): void {
    const after = this.#at([...this.#stages(), this.#sink], index, "insert a stage at");
    this.#link(new Slot(stage), after);
  }

  replace(index: number, stage: Stage): void {
    this.#retire(this.#at(this.#stages(), index, "replace stage"), new Slot(stage));
  }

  remove(index: number): void {
    const slot = this.#at(this.#stages(), index, "remove stage");
    if (this.length === 1) throw new RangeError("Cannot remove the only stage of a pipe");
    this.#retire(slot, "nobody");
  }

  #stages(): Slot[] {
    const slots: Slot[] = [];
    for (let slot = this.#source.after; slot !== this.#sink; slot = slot.after) {
      if (slot.successor !== "nobody") slots.push(slot);
    }
    return slots;
  }

  #at(slots: Slot[], index: number, doing: string): Slot {
    if (this.#finished) throw new Error(`Cannot ${doing} ${index}: the pipe has ended`);
    const slot = slots[index];
    if (slot === undefined) {
      throw new RangeError(`Cannot ${doing} ${index} of a pipe of ${this.length} stages`);
    }
    return slot;
  }

  #link(slot: Slot, after: Slot): void {
    slot.before = after.before;
    slot.after = after;
    slot.before.after = slot;
    after.before = slot;
  }

  #retire(slot: Slot, successor: Slot | "nobody"): void {
    slot.successor = successor;
    slot.special = true;
    if (slot.state === FRESH || slot.state === ENDED) return this.#succeed(slot);
    // It reads no more, not even what it has pushed back: the end of the stream would cut off what
    // it makes of it.
    const stage = slot.stage!;
    slot.kept = [...stage.rest, ...slot.input, ...slot.kept];
    slot.input = [];
    stage.rest = [];
  }

  /**
   * The stage has ended. Its successor, or else the stage after it, gets the input that it has
   * left.
   */
  #succeed(slot: Slot): void {
    const { before, after, input, kept, successor } = slot;
    before.after = after;
    after.before = before;
    let next = after;
    if (successor instanceof Slot) this.#link(next = successor, after);
    next.offer([...input, ...kept]);
  }
}

machinery(import.meta.url, Plumbing.prototype.run);
