/**
 * Downloads files, some of them at once, with a progress bar for each. What has come of a file is in one named `.part`. If it
 * was cut, the next run goes on there, provided that the server can do that and its file is the same as before.
 *
 *     deno run --allow-net --allow-read=DIR --allow-write=DIR [--allow-ffi] examples/download.ts [--dir DIR] [--at-once 4] URL…
 */
import type { Coroutine } from "@weightless/io/compose";
import { all, asProcess } from "@weightless/io/gio";
import { HttpClient, type HttpResponse } from "@weightless/io/http";
import { splice } from "@weightless/io/reactor";
import { Bars } from "./_bars.ts";
import { fail, number, urlsAndOptions } from "./_cli.ts";

const given = urlsAndOptions("download.ts [--dir DIR] [--at-once 4] URL…", {
  dir: ".",
  "at-once": "4",
});
const atOnce = number("at-once", given["at-once"], 1, 1000);
const files = new Map(
  given.urls.map((url) => [url.pathname.split("/").at(-1) || "index.html", url]),
);
if (files.size < given.urls.length) fail("Cannot download: some files would have the same name");
const bars = new Bars([...files.keys()]);
using client = new HttpClient();

/** Gives how many bytes the file has, and how many of them were there before. */
function* download(url: URL, name: string): Coroutine<{ size: number; had: number }> {
  const path = `${given.dir}/${name}`, part = `${path}.part`, tag = `${part}.etag`;
  let had = ifThere(() => Deno.statSync(part).size) ?? 0;
  const etag = had > 0 ? ifThere(() => Deno.readTextFileSync(tag)) : undefined;
  const response = yield* client.get(url, {
    headers: etag === undefined ? {} : { range: `bytes=${had}-`, "if-range": etag },
    decompression: false, // A range counts the bytes as they are sent.
  });
  const size = sizeOf(response, had);
  // It is another file now, or the server cannot begin within it.
  if (response.status === 200) had = 0;
  {
    using file = Deno.openSync(part, { write: true, create: true, truncate: had === 0 });
    file.seekSync(had, Deno.SeekMode.Start);
    const isStrong = response.headers.get("etag")?.startsWith('"');
    // RFC 9110 13.1.5: only a strong validator tells that the bytes are the same.
    if (isStrong) Deno.writeTextFileSync(tag, response.headers.get("etag")!);
    else if (had === 0) ifThere(() => Deno.removeSync(tag));
    const onProgress = ({ bytes }: { bytes: number }) => bars.show(name, had + bytes, size);
    if (response.status !== 416) yield* splice(response, file, { onProgress });
  }
  ifThere(() => Deno.removeSync(tag));
  Deno.renameSync(part, path);
  return { size: Deno.statSync(path).size, had };
}

/** How long the file is, if the server tells. */
function sizeOf({ status, reason, headers }: HttpResponse, had: number): number | undefined {
  const length = headers.get("content-length");
  if (status === 200) return length === undefined ? undefined : Number(length);
  const [, first, size] =
    /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(headers.get("content-range") ?? "") ??
      [];
  // RFC 9110 15.5.17: nothing is there after what we have, so that is all of it.
  const isAll = status === 416 && Number(size) === had;
  if (isAll || (status === 206 && Number(first) === had)) return Number(size);
  throw new Error(`the server answered ${status} ${reason}`);
}

function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Each worker takes the next file until there are none left: the number of workers is the limit. */
function* worker(queue: Iterator<[name: string, url: URL]>): Coroutine<void> {
  for (let next; !(next = queue.next()).done;) {
    const [name, url] = next.value;
    try {
      const { size, had } = yield* download(url, name);
      results.push(`${name}: ${size} bytes${had > 0 ? `, ${had} of which were there` : ""}`);
    } catch (error) {
      results.push(`${name}: ${(error as Error).message}`);
      Deno.exitCode = 1;
    }
  }
}

const results: string[] = [];
const queue = files.entries();
await asProcess(function* () {
  yield* all(...Array.from({ length: Math.min(atOnce, files.size) }, () => worker(queue)));
}());
bars.draw();
for (const result of results) console.log(result);
