import { catchRejection } from "../reactor/_ignore.ts";
import type { Answered } from "./answered.ts";
import type { HttpRequest } from "./http_request.ts";

/** What is to be told when a request has been answered. */
export interface Watcher {
  readonly tell: (answered: Answered) => void;
  /** It is undefined if its head was malformed. */
  readonly request: HttpRequest | undefined;
  /** Since when it waits. */
  readonly at: number;
}

/** Tells those who wait for it of an answer. */
export function tellAll(
  watchers: readonly Watcher[],
  { status, bytes }: Pick<Answered, "status" | "bytes">,
  report: (error: unknown, request: HttpRequest | undefined) => void,
): void {
  const end = performance.now();
  for (const { tell, request, at } of watchers) {
    const failed = (error: unknown) => report(error, request);
    try {
      catchRejection(
        tell({ status, bytes, time: performance.timeOrigin + at, ms: end - at }),
        failed,
      );
    } catch (error) {
      failed(error);
    }
  }
}
