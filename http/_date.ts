/** RFC 9110 6.6.1: the Date header, made once a second. */

/** Where the time comes from, in milliseconds since 1970. */
export interface WallClock {
  now(): number;
}

const lines = new WeakMap<WallClock, DateLine>();

/** The one for a clock: connections share it. */
export function dateLineOf(clock: WallClock): DateLine {
  let line = lines.get(clock);
  if (line === undefined) lines.set(clock, line = new DateLine(clock));
  return line;
}

export class DateLine {
  readonly #clock: WallClock;
  /** The second that the line is for. */
  #from = NaN;
  #line = "";
  /** Set when time may have passed: the clock is asked only then. */
  stale = true;

  constructor(clock: WallClock) {
    this.#clock = clock;
  }

  get line(): string {
    if (this.stale) {
      this.stale = false;
      const now = this.#clock.now();
      if (!(now >= this.#from && now < this.#from + 1000)) {
        this.#from = now - now % 1000;
        this.#line = `date: ${new Date(this.#from).toUTCString()}\r\n`;
      }
    }
    return this.#line;
  }
}
