/**
 * Uploads: a page with a form, whose files go to a directory piece by piece while they arrive, with progress on stdout.
 *
 *     deno run --allow-net --allow-read=DIR --allow-write=DIR examples/upload.ts --dir DIR [--port 8003] [--max-mib 1024]
 *     curl -F file=@some.file http://127.0.0.1:8003/
 */
import { call, type Coroutine } from "@weightless/io/compose";
import { enter, open, type Opened } from "@weightless/io/gio";
import { type HttpRequest, HttpServer, ok, type Part, response } from "@weightless/io/http";
import { fail, number, options, port, selector, serve } from "./_cli.ts";
import { json } from "./_reported.ts";

const MIB = 1024 * 1024;
const html = ok({ "content-type": "text/html; charset=utf-8" });
const text = ok({ "content-type": "text/plain; charset=utf-8" });

const page = `<!doctype html>
<meta charset="utf-8">
<title>Upload</title>
<form method="post" enctype="multipart/form-data">
  <input type="file" name="file" multiple required>
  <button>Upload</button>
</form>
`;

function* upload(request: HttpRequest, directory: string): Coroutine {
  switch (request.method) {
    case "GET":
    case "HEAD":
      yield html;
      yield page;
      break;
    case "POST": {
      const form = request.form({ maxParts: 100 });
      const progress = new Progress(Number(request.headers.get("content-length") ?? 0));
      const saved: string[] = [];
      for (let part; (part = yield* call(form.next())) !== undefined;) {
        // What is no file is skipped; so is a file that the user has not chosen.
        if (part.filename) saved.push(yield* call(save(part, part.filename, directory, progress)));
      }
      yield text;
      yield saved.length > 0 ? saved.join("") : "There was no file\n";
      break;
    }
    default:
      yield response(405, { allow: "GET, HEAD, POST" });
  }
}

/** Writes a file, of which nothing is kept if it does not come to its end. */
function* save(
  part: Part,
  filename: string,
  directory: string,
  progress: Progress,
): Coroutine<string> {
  const { name, path, file } = create(directory, filename.slice(-60));
  let size = 0;
  let isWhole = false;
  try {
    using _ = file;
    for (let piece; (piece = yield* call(part.read())) !== undefined;) {
      size += piece.length;
      progress.add(name, piece.length);
      using _ = enter(file);
      yield piece;
    }
    isWhole = true;
  } finally {
    if (!isWhole) Deno.removeSync(path);
    console.log(`${json(name)}: ${isWhole ? `${size} bytes` : "not complete, and removed"}`);
  }
  return `${name}: ${size} bytes\n`;
}

/** Opens a new file, with a number before its name if there is one of that name. */
function create(directory: string, filename: string): { name: string; path: string; file: Opened } {
  for (let n = 1;; n++) {
    const name = n === 1 ? filename : `${n}-${filename}`;
    const path = `${directory}/${name}`;
    try {
      return { name, path, file: open(path, { write: true, createNew: true }) };
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

/** Prints a line for each tenth of a form, or each 16 MiB if its size is not known. */
class Progress {
  readonly #all: number;
  readonly #step: number;
  #done = 0;
  #next: number;

  constructor(all: number) {
    this.#all = all;
    this.#step = this.#next = all > 0 ? all / 10 : 16 * MIB;
  }

  add(name: string, bytes: number): void {
    this.#done += bytes;
    if (this.#done < this.#next) return;
    this.#next = this.#done - this.#done % this.#step + this.#step;
    const share = this.#all > 0 ? ` (${Math.floor(100 * this.#done / this.#all)} %)` : "";
    console.log(`${json(name)}: ${(this.#done / MIB).toFixed(1)} MiB${share}`);
  }
}

const given = options(
  "upload.ts --dir DIR [--port 8003] [--hostname 127.0.0.1] [--max-mib 1024] [--selector auto|deno|epoll]",
  { dir: "", port: "8003", hostname: "127.0.0.1", "max-mib": "1024", selector: "auto" },
);
const maxBodyBytes = MIB * number("max-mib", given["max-mib"], 1, 1_000_000);
const at = { hostname: given.hostname, port: port(given.port) };
let directory: string;
try {
  directory = Deno.realPathSync(given.dir);
} catch (error) {
  fail(`Cannot write to --dir "${given.dir}": ${(error as Error).message}`);
}
await serve(
  { selector: selector(given.selector) },
  (reactor) =>
    new HttpServer(reactor, {
      ...at,
      limits: { maxBodyBytes },
      handler: (request) => upload(request, directory),
    }),
);
