/** Progress bars on a terminal, one below the other. Elsewhere there are none. */
const WIDTH = 30;

export class Bars {
  readonly #rows = new Map<string, string>();
  readonly #names: number;
  readonly #isShown: boolean = Deno.stderr.isTerminal();
  #drawnAt = -Infinity;
  #drawn = 0;

  constructor(names: string[]) {
    this.#names = Math.max(...names.map((name) => name.length));
  }

  /** Shows how much there is of a file, whose size may be unknown. */
  show(name: string, bytes: number, size: number | undefined): void {
    const share = size === undefined ? 0 : size === 0 ? 1 : bytes / size;
    const bar = "#".repeat(Math.round(WIDTH * share)).padEnd(WIDTH, ".");
    const percent = size === undefined ? "" : `${Math.floor(100 * share)} %`;
    const mib = `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
    this.#rows.set(
      name,
      `${name.padEnd(this.#names)} [${bar}] ${percent.padStart(5)} ${mib.padStart(12)}`,
    );
    const now = performance.now();
    if (now - this.#drawnAt < 100) return;
    this.#drawnAt = now;
    this.draw();
  }

  /** Draws all of them, in the place of those that were drawn before. */
  draw(): void {
    if (!this.#isShown) return;
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "";
    const rows = [...this.#rows.values()].map((row) => `\r\x1b[K${row}\n`);
    this.#drawn = rows.length;
    Deno.stderr.writeSync(new TextEncoder().encode(up + rows.join("")));
  }
}
