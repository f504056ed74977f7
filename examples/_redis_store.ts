/** What redis_server.ts keeps: values that may expire, within a limit, and patterns of keys. */
import type { Reactor, Timer } from "@weightless/io/reactor";

/** What an entry costs besides its bytes, roughly. */
const OVERHEAD = 200;

interface Entry {
  value: Uint8Array;
  expiry?: { timer: Timer; at: number };
}

/** There is no room for a value. */
export class Full extends Error {}

export class Store {
  readonly #entries = new Map<string, Entry>();
  readonly #reactor: Reactor;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(reactor: Reactor, maxBytes: number) {
    this.#reactor = reactor;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries.get(key)?.value;
  }

  /** Keeps a value, for ever or for so many milliseconds. */
  set(key: string, value: Uint8Array, ms?: number): void {
    const before = this.#entries.get(key);
    const more = cost(key, value) - (before === undefined ? 0 : cost(key, before.value));
    if (this.#bytes + more > this.#maxBytes) throw new Full();
    this.delete(key);
    this.#bytes += cost(key, value);
    this.#entries.set(key, { value });
    if (ms !== undefined) this.expire(key, ms);
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    if (entry.expiry !== undefined) this.#reactor.removeTimer(entry.expiry.timer);
    this.#bytes -= cost(key, entry.value);
    return this.#entries.delete(key);
  }

  /** Deletes a value in so many milliseconds. The reactor can have a timer for each. */
  expire(key: string, ms: number): void {
    const entry = this.#entries.get(key)!;
    if (entry.expiry !== undefined) this.#reactor.removeTimer(entry.expiry.timer);
    const timer = this.#reactor.addTimer(ms, () => void this.delete(key));
    entry.expiry = { timer, at: this.#reactor.clock.now() + ms };
  }

  /** How long a value is still kept, in milliseconds, if not for ever. */
  ttl(key: string): number | undefined {
    const at = this.#entries.get(key)?.expiry?.at;
    return at === undefined ? undefined : Math.max(0, at - this.#reactor.clock.now());
  }

  keys(pattern: string): string[] {
    return [...this.#entries.keys()].filter(glob(pattern));
  }
}

function cost(key: string, value: Uint8Array): number {
  return OVERHEAD + key.length + value.length;
}

/** Whether a character fits. `undefined` stands for `*`. */
type Part = ((character: string) => boolean) | undefined;

/**
 * Makes a test of a pattern: `*`, `?`, `[abc]`, `[^a-z]`, and `\` before what means itself. A regular expression could be
 * made to try for ever. This takes at most the product of both lengths in time.
 */
export function glob(pattern: string): (text: string) => boolean {
  const tokens = pattern.matchAll(/\*+|\?|\[(\^?)((?:\\[^]|[^\\\]])*)\]?|\\?([^])/g);
  const parts = [...tokens].map(part);
  return (text) => {
    let at = 0, star = -1, from = 0;
    for (let i = 0; i < text.length;) {
      if (at < parts.length && parts[at] === undefined) {
        star = at++;
        from = i;
      } else if (at < parts.length && parts[at]!(text[i]!)) {
        at++;
        i++;
      } else if (star >= 0) { // The last star takes one more. Earlier ones need not be tried again.
        at = star + 1;
        i = ++from;
      } else return false;
    }
    return parts.slice(at).every((part) => part === undefined);
  };
}

function part([whole, not, set, character]: RegExpExecArray): Part {
  if (whole.startsWith("*")) return undefined;
  if (whole === "?") return () => true;
  if (character !== undefined) return (c) => c === character;
  const ranges = [...set!.matchAll(/\\?([^])(?:-\\?([^]))?/g)].map(([, a, b = a]) => [a!, b!]);
  return (c) => ranges.some(([a, b]) => c >= a! && c <= b!) === (not === "");
}
