/** RFC 9110 6.6.1: the Date header, made once a second. */

/** Where the time comes from, in milliseconds since 1970. */
export interface WallClock {
  now(): number;
}

export class DateLine {
  readonly #clock: WallClock;
  #second = -1;
  #line = "";
  /** Set when time may have passed: the clock is asked only then. */
  stale = true;

  constructor(clock: WallClock) {
    this.#clock = clock;
  }

  get line(): string {
    if (this.stale) {
      this.stale = false;
      const second = Math.floor(this.#clock.now() / 1000);
      if (second !== this.#second) {
        this.#second = second;
        this.#line = `date: ${new Date(second * 1000).toUTCString()}\r\n`;
      }
    }
    return this.#line;
  }
}
