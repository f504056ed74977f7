/* What the end of a coroutine means for others. */
import { EndOfStream } from "../compose/mod.ts";
import { CannotWait } from "./_cannot_wait.ts";
import { Channel } from "./_channel.ts";
import type { Outcome } from "./_result.ts";
import type { Cancellation } from "./_runner.ts";

/**
 * What a coroutine has ended by. The end of another context says nothing about its connection, whose
 * peer could take a part for the whole.
 */
export function endOfOther<R>(
  outcome: { error: unknown },
  connection: Channel | undefined,
): Outcome<R> {
  if (connection === undefined) return outcome;
  const other = Channel.endedBy(outcome.error);
  if (other === undefined || other === connection) return outcome;
  const error = new Error(
    "Cannot end the connection: the coroutine has ended at the end of another stream, and its peer would take the " +
      "part for the whole; catch EndOfStream where it means that all was said",
    { cause: outcome.error },
  );
  return { error };
}

/** Whether the peer could take a part for the whole, so that the connection must be aborted. */
export function isCut(
  outcome: Outcome<unknown>,
  connection: Channel | undefined,
  cancellation: Cancellation | undefined,
): boolean {
  if (!("error" in outcome)) return false;
  const { error } = outcome;
  if (cancellation?.hasBegun && error === cancellation.reason) return !cancellation.isClean;
  return !isQuiet(error, connection, cancellation);
}

/** Whether it is an error of the program, which somebody must be told. */
export function isFault(
  error: unknown,
  connection: Channel | undefined,
  cancellation: Cancellation | undefined,
): boolean {
  if (isQuiet(error, connection, cancellation)) return false;
  // A shutdown keeps a cleanup from waiting: nobody can help that.
  return cancellation === undefined || !(error instanceof CannotWait);
}

/** Whether the peer has ended the conversation, or somebody has cancelled the coroutine. */
function isQuiet(
  error: unknown,
  connection: Channel | undefined,
  cancellation: Cancellation | undefined,
): boolean {
  return error instanceof EndOfStream ||
    (error !== undefined && (error === connection?.ended || error === connection?.failed)) ||
    (cancellation !== undefined && error === cancellation.reason);
}
