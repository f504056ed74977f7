import { label, observersOf } from "./_dispatch.ts";

/**
 * A piece of DNA: a component, and the strands of its observers. Where a strand is wanted, a function
 * that gives one may stand. It is called when the strand is connected.
 *
 * @typeParam T The component at its beginning.
 *
 * @category Components
 */
export type Strand<T extends object = object> = readonly [
  component: T,
  ...observers: (Strand | (() => Strand))[],
];

/** What a component must have to get observers from `be`. */
interface CanBeObserved {
  addObserver(observer: object): void;
}

/**
 * Connects components as DNA describes: in `[a, [b, [c]], [d]]` b and d observe a, and c observes
 * b.
 *
 * A strand may be used in several places, also of several calls. Its components are then shared,
 * and connected once. A strand may also be a function that gives a strand; each `be` calls it once,
 * however often it is used. Components may be connected in a circle, but not in a circle of
 * {@linkcode Transparent}s alone.
 *
 * @param strand The DNA.
 * @returns The component at its beginning.
 * @throws {TypeError} If the DNA is not made of strands, or a component that is to have observers
 * cannot have any.
 *
 * @example A shared strand
 * ```ts
 * import { be, Observable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * const logging = [{ write: (line: string) => void log.push(line) }] as const;
 *
 * class Source extends Observable {}
 * class Filter extends Observable {
 *   write(line: string): void {
 *     if (line !== "") this.do.write(line.toUpperCase());
 *   }
 * }
 *
 * const source = be([new Source(), logging, [new Filter(), logging]]);
 * source.do.write("hello");
 * assertEquals(log, ["hello", "HELLO"]);
 * ```
 *
 * @category Components
 */
export function be<T extends object>(strand: Strand<T> | (() => Strand<T>)): T {
  return connect(strand, new Map(), new Map()) as T;
}

/**
 * Connects one strand.
 *
 * @param wired The observers of each component.
 * @param known The component of each strand.
 */
function connect(
  strand: Strand | (() => Strand),
  wired: Map<object, Set<object>>,
  known: Map<object, object>,
): object {
  const used: (Strand | (() => Strand))[] = [];
  for (let made = strand;; made = made()) {
    const before = known.get(made);
    if (before !== undefined) return before;
    if (used.includes(made)) {
      throw new TypeError("Cannot connect a function that gives itself: it must give a strand");
    }
    used.push(made);
    if (typeof made !== "function") break;
  }
  const [component, ...strands] = checked(used.at(-1));
  // It is known before its observers are connected, because these may lead back to it.
  for (const each of used) known.set(each, component);
  let observers = wired.get(component);
  // It may have observers already, if the strand was used elsewhere.
  if (observers === undefined) wired.set(component, observers = new Set(observersOf(component)));
  for (const each of strands) {
    const observer = connect(each, wired, known);
    if (observers.has(observer)) continue;
    observers.add(observer);
    observable(component).addObserver(observer);
  }
  return component;
}

function checked(strand: unknown): Strand {
  if (!Array.isArray(strand)) {
    const what = strand !== null && typeof strand === "object" ? label(strand) : String(strand);
    throw new TypeError(`Cannot connect ${what}: a strand is [component, ...strands]`);
  }
  if (strand[0] === null || typeof strand[0] !== "object" || Array.isArray(strand[0])) {
    throw new TypeError(
      "Cannot connect a strand that does not begin with a component: write [component, ...strands]",
    );
  }
  return strand as unknown as Strand;
}

function observable(component: object): CanBeObserved {
  if (typeof (component as Partial<CanBeObserved>).addObserver === "function") {
    return component as CanBeObserved;
  }
  throw new TypeError(
    `Cannot connect observers to ${label(component)}: it must extend Observable to have any`,
  );
}
