/** What a connection reads, noted down. */
import { call, type Coroutine } from "../../compose/mod.ts";
import { type HttpLimits, type HttpRequest, ok, serveHttp } from "../../http/mod.ts";
import type { Seen } from "./_corpus.ts";
import { Driver, text } from "./_drive.ts";

/**
 * A connection that notes what its handler sees of each request, when it has read all of the body; and of each head,
 * when that has come.
 */
export function reading(
  limits: Partial<HttpLimits> = {},
): { driver: Driver; seen: Seen[]; heads: Seen[] } {
  const seen: Seen[] = [];
  const heads: Seen[] = [];
  function* handler(request: HttpRequest): Coroutine {
    const { method, target, version, headers } = request;
    const head = { method, target, version, headers: [...headers], body: "", trailers: [] };
    heads.push(head);
    const body = yield* call(request.bytes());
    seen.push({ ...head, body: text(body), trailers: [...request.trailers ?? []] });
    yield ok();
    yield "seen";
  }
  const options = {
    limits,
    clock: { now: () => 0 },
    onError: (error: unknown) => console.error(error),
  };
  return { driver: new Driver(serveHttp(handler, options)), seen, heads };
}
