/**
 * Splits a log into files: components connected by DNA, of which the last is replaced while the others go on.
 *
 *     deno run --allow-write=DIR examples/log_pipeline.ts --to DIR [--every 1000] [--only WORD] < app.log
 */
import { compose } from "@weightless/io/compose";
import {
  be,
  fromIterable,
  lines,
  Observable,
  printTree,
  type Strand,
  Transparent,
} from "@weightless/io/pipeline";
import { fail, options } from "./_cli.ts";

interface Messages {
  line(text: string): void;
  close(): void;
}

class Input extends Observable<Messages> {
  async read(source: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const line of fromIterable<string>(source, lines())) this.do.line(line);
    for (const _ of compose(this.once.close()));
  }
}

/** Passes on the lines that contain a word. */
class Only extends Transparent<Messages> {
  constructor(readonly word: string) {
    super();
  }

  line(text: string): void {
    if (text.includes(this.word)) this.do.line(text);
  }
}

/** Replaces the file that observes it by a new one after every so many lines. */
class Rotation extends Observable<Messages> {
  #lines = 0;
  #file: LogFile;

  constructor(readonly folder: string, readonly every: number) {
    super();
    this.#file = new LogFile(`${folder}/1.log`);
    this.addObserver(this.#file);
  }

  line(text: string): void {
    if (this.#lines > 0 && this.#lines % this.every === 0) {
      const next = new LogFile(`${this.folder}/${this.#lines / this.every + 1}.log`);
      this.replaceObserver(this.#file, next);
      this.#file.close();
      this.#file = next;
    }
    this.#lines++;
    this.do.line(text);
  }
}

class LogFile {
  readonly #file: Deno.FsFile;
  #text = "";

  constructor(path: string) {
    this.#file = Deno.openSync(path, { write: true, create: true, truncate: true });
  }

  line(text: string): void {
    this.#text += `${text}\n`;
    if (this.#text.length > 65536) this.#write();
  }

  close(): void {
    this.#write();
    this.#file.close();
  }

  #write(): void {
    const bytes = new TextEncoder().encode(this.#text);
    for (let n = 0; n < bytes.length;) n += this.#file.writeSync(bytes.subarray(n));
    this.#text = "";
  }
}

const { to, every, only } = options("log_pipeline.ts --to DIR [--every 1000] [--only WORD]", {
  to: "",
  every: "1000",
  only: "",
});
if (to === "") fail("Cannot write anywhere: say where with --to DIR");
if (!/^[1-9]\d*$/.test(every)) fail(`Cannot split every ${every} lines: it must be a number`);

try {
  const rotation: Strand = [new Rotation(to, Number(every))];
  const input = be([new Input(), only === "" ? rotation : [new Only(only), rotation]]);
  printTree(input);
  await input.read(Deno.stdin.readable);
} catch (error) {
  fail(`Cannot write the log: ${(error as Error).message}`);
}
