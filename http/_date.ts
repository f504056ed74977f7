/** RFC 9110 6.6.1: the Date header, made once a second. */

/** A clock that gives milliseconds since 1970. */
export interface WallClock {
  now(): number;
}

const lines = new WeakMap<WallClock, DateLine>();

/** The date line for a clock. Connections share it. */
export function dateLineOf(clock: WallClock): DateLine {
  let line = lines.get(clock);
  if (line === undefined) lines.set(clock, line = new DateLine(clock));
  return line;
}

export class DateLine {
  readonly #clock: WallClock;
  /** The second for which the line was made. */
  #from = NaN;
  #line = "";
  #value = "";
  /** Whether time may have passed since the clock was asked. */
  stale = true;

  constructor(clock: WallClock) {
    this.#clock = clock;
  }

  get line(): string {
    if (this.stale) this.#refresh();
    return this.#line;
  }

  /** The line without its name. */
  get value(): string {
    if (this.stale) this.#refresh();
    return this.#value;
  }

  #refresh(): void {
    this.stale = false;
    const now = this.#clock.now();
    if (now >= this.#from && now < this.#from + 1000) return;
    this.#from = now - now % 1000;
    this.#value = new Date(this.#from).toUTCString();
    this.#line = `date: ${this.#value}\r\n`;
  }
}
