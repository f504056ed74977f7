/** What a connection reads, noted down. */
import { call, type Coroutine } from "../../compose/mod.ts";
import { type HttpRequest, ok, serveHttp } from "../../http/mod.ts";
import type { Seen } from "./_corpus.ts";
import { Driver, text } from "./_drive.ts";

/** A connection that notes what its handler sees of each request, when it has read all of the body. */
export function reading(): { driver: Driver; seen: Seen[] } {
  const seen: Seen[] = [];
  function* handler(request: HttpRequest): Coroutine {
    const body = yield* call(request.bytes());
    const { method, target, version, headers, trailers } = request;
    seen.push({
      method,
      target,
      version,
      headers: [...headers],
      body: text(body),
      trailers: [...trailers ?? []],
    });
    yield ok();
    yield "seen";
  }
  const options = { clock: { now: () => 0 }, onError: (error: unknown) => console.error(error) };
  return { driver: new Driver(serveHttp(handler, options)), seen };
}
